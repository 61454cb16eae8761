"""The Prefect flows: parameters, names, states, artifacts, time limits, retries. Stages are in daily.py and weekly.py.

A run works on the session of its scheduled time, however late it starts.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date as day_type
from datetime import datetime, timedelta
from functools import wraps
from pathlib import Path
from time import sleep
from typing import Annotated, Any, ParamSpec, TypeVar, cast
from uuid import UUID

from prefect import Flow, State, flow, get_client
from prefect.artifacts import (
    create_link_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)
from prefect.client.schemas.objects import FlowRun
from prefect.context import FlowRunContext
from prefect.flow_runs import suspend_flow_run
from prefect.input import RunInput
from prefect.runtime import flow_run
from prefect.states import Completed, Failed
from pydantic import Field

from config.sections import Running
from flows.announcing import (
    announce_day,
    announce_execution,
    announce_failure,
    announce_selection,
    announcing_failure,
    home_run,
    is_current,
    posted,
)
from flows.approve import outcome, proposal_of, sign_commands, store_signature
from flows.artifacts import Table, checks_table, orders_table, trades_table
from flows.daily import STAGES, daily_live
from flows.execute import bring_bars, due_runs, execute_approved, execution_run
from flows.monitor import intraday_monitor
from flows.permitted import permitted, stoppable_sleep
from flows.weekly import weekly_champion
from tasks.core.clock import now
from tasks.core.errors import (
    AftercloseError,
    BrokerError,
    DataError,
    ModelError,
    SafetyError,
    TransientError,
)
from tasks.core.homes.opening import find_home, open_run, settings_of
from tasks.core.homes.run import Run
from tasks.core.sessions import exchange_date, exchange_minute, last_closed_session
from tasks.core.stage import after_each_stage, time_limit, timings
from tasks.core.text import counted
from tasks.data.lake.latest import training_day
from tasks.execution.progress import Outcome
from tasks.execution.running.carried import Carried
from tasks.safety.flow_permissions import FlowNotPermittedError

P = ParamSpec("P")
T = TypeVar("T")

log = logging.getLogger(__name__)

NEEDS_A_PERSON = frozenset({Outcome.HALTED, Outcome.BLOCKED, Outcome.STOPPED})
STATES = {SafetyError: "Blocked", DataError: "BadData", ModelError: "NoModel", BrokerError: "BrokerFailed"}

DateParameter = Annotated[
    day_type | None, Field(description="The session, YYYY-MM-DD. Default: that of the scheduled time.")
]
HomeParameter = Annotated[str | None, Field(description="Directory of the home. Set by the deployment.")]
ProfileParameter = Annotated[str | None, Field(description="Profile of settings. Set by the deployment.")]


class DetachedSignature(RunInput):
    """What the form of a waiting approval takes. It holds no key: the signature was made elsewhere."""

    by: str
    signature: str


def _named_states(body: Callable[P, State[Any]]) -> Callable[P, State[Any]]:
    """End a run that a person has to look at in a state with a name of its own, instead of a traceback."""

    @wraps(body)
    def run(*args: P.args, **kwargs: P.kwargs) -> State[Any]:
        try:
            return body(*args, **kwargs)
        except FlowNotPermittedError as error:
            return Completed(name="Skipped", message=str(error))
        except tuple(STATES) as error:
            name = next(name for kind, name in STATES.items() if isinstance(error, kind))
            return Failed(name=name, message=str(error))

    return run


def _run_name() -> str:
    """Return the flow's name and the session, as the list of runs shows them."""
    day = flow_run.parameters.get("date") or exchange_date(_scheduled_at())
    return f"{flow_run.flow_name} {day}"


def _announce_crash(flow: Flow[Any, Any], flow_run: FlowRun, state: State[Any]) -> None:
    """Announce a run whose process ended without a word: out of memory, killed. Called by the runner or worker."""
    home, profile = (flow_run.parameters.get(name) for name in ("home", "profile"))
    with posted(home, profile):
        run = home_run(home, profile)
        error = AftercloseError(
            f"The process of {flow.name} ended before its flow did: {state.message}",
            remedy="Look at live/: if the session is there, it is complete; otherwise run it again.",
        )
        announce_failure(run, flow.name, error)


@flow(name="daily-live", flow_run_name=_run_name, persist_result=False, on_crashed=[_announce_crash])
@_named_states
def daily_live_flow(
    date: DateParameter = None, home: HomeParameter = None, profile: ProfileParameter = None
) -> State[Any]:
    """Run one session. Default date: the scheduled date at the exchange, so that a holiday ends as Skipped."""
    running = settings_of(find_home(home), profile).settings.running
    with (
        posted(home, profile),
        _retry_transient_errors(running),
        time_limit(running.daily_timeout_s),
        open_run(
            home=home, day=_text(date) or "today", profile=profile, doing="daily-live", at=_scheduled_at()
        ) as run,
        permitted(run.home, "daily-live"),
        timings(),
    ):
        with (
            announcing_failure(
                run, "daily-live", is_news=is_current(run), is_tried_again=_is_tried_again(running)
            ),
            after_each_stage(_progress(STAGES if run.session.is_open else 1)),
        ):
            day = daily_live(run)
        announce_day(run, day)
    if day.folder is None or day.report is None:
        return Completed(name="Skipped", message=day.summary)
    _show_table("trades", trades_table(day.folder), day.summary)
    _show_table("checks", checks_table(day.folder), f"Checks of {day.session}")
    _show_link("report", day.report, f"Report of {day.session}")
    return Completed(message=day.summary)


@flow(name="weekly-champion", flow_run_name=_run_name, persist_result=False, on_crashed=[_announce_crash])
@_named_states
def weekly_champion_flow(
    date: DateParameter = None,
    home: HomeParameter = None,
    profile: ProfileParameter = None,
    *,
    quick: Annotated[bool, Field(description="Train fewer candidates.")] = False,
) -> State[Any]:
    """Select the champion as of `date`. Default: the last session closed at the scheduled time."""
    place = find_home(home)
    settings = settings_of(place, profile).settings
    day = _text(date) or training_day(place, settings)
    with (
        posted(home, profile),
        _retry_transient_errors(settings.running),
        time_limit(settings.running.weekly_timeout_s),
        open_run(
            home=home,
            day=day,
            profile=profile,
            doing="weekly-champion",
            step_back=True,
            at=_scheduled_at(),
        ) as run,
        permitted(place, "weekly-champion"),
        timings(),
    ):
        with announcing_failure(run, "weekly-champion", is_tried_again=_is_tried_again(settings.running)):
            promotion = weekly_champion(run, quick=quick)
        announce_selection(run, promotion)
    verb = "Promoted" if promotion.promoted else "Retained"
    message = f"{verb} {promotion.champion.name}: {promotion.reason}"
    _show_link("model-selection", promotion.report, message)
    return Completed(message=message)


@flow(name="execute-approved", flow_run_name=_run_name, persist_result=False, on_crashed=[_announce_crash])
@_named_states
def execute_approved_flow(
    date: DateParameter = None,
    home: HomeParameter = None,
    profile: ProfileParameter = None,
    *,
    dry_run: Annotated[
        bool | None, Field(description="Send nothing. Default: the setting execution.scheduled_dry_run.")
    ] = None,
) -> State[Any]:
    """Execute the approved trades of `date`, by default of every session that is waiting to be executed or continued.

    Without `dry_run`, the setting execution.scheduled_dry_run decides.
    """
    place = find_home(home)
    settings = settings_of(place, profile).settings
    only_rehearses = settings.execution.scheduled_dry_run if dry_run is None else dry_run
    with (
        posted(home, profile),
        _retry_transient_errors(settings.running),
        time_limit(settings.running.daily_timeout_s),
        permitted(place, "execute-approved"),
        timings(),
    ):
        done = [
            (run, _executed(run, profile, dry_run=only_rehearses))
            for run in due_runs(home, _text(date), profile, at=_scheduled_at())
        ]
    if not done:
        return Completed(name="Skipped", message="Nothing is approved and nothing is being executed.")
    for run, carried in done:
        _show_table("orders", orders_table(carried.document), f"Orders of {run.session}")
    message = "; ".join(f"{run.session}: {carried.progress.why}" for run, carried in done)
    if any(carried.progress.outcome in NEEDS_A_PERSON for _, carried in done):
        return Failed(name="Blocked", message=message)
    return Completed(message=message)


@flow(name="intraday-monitor", flow_run_name=_run_name, persist_result=False, on_crashed=[_announce_crash])
@_named_states
def intraday_monitor_flow(home: HomeParameter = None, profile: ProfileParameter = None) -> State[Any]:
    """Look at the account once, and trip the kill switch for every rule that is broken."""
    place = find_home(home)
    running = settings_of(place, profile).settings.running
    with (
        posted(home, profile),
        time_limit(running.daily_timeout_s),
        permitted(place, "intraday-monitor"),
        announcing_failure(home_run(home, profile), "intraday-monitor"),
    ):
        watched = intraday_monitor(home, profile, sleep=sleep)
    if watched.breaches:
        return Failed(name="Halted", message=" ".join(one.why for one in watched.breaches))
    return Completed(message="No rule is broken.")


@flow(name="approve-day", flow_run_name=_run_name, persist_result=False)
@_named_states
def approve_day_flow(
    date: DateParameter = None, home: HomeParameter = None, profile: ProfileParameter = None
) -> State[Any]:
    """Wait for a signature in the form of Prefect's UI, and store it. The form is never the truth: approval.json is.

    Prefect runs this function again from the start when the form is sent.
    """
    day = _text(date) or str(last_closed_session(_scheduled_at()))
    run = execution_run(home, day, profile)
    proposal = proposal_of(run)
    if not proposal.envelope.lines:
        return Completed(name="Skipped", message=f"{run.session} proposes no trades.")
    expires = datetime.fromisoformat(proposal.envelope.expires_at)
    form = DetachedSignature.with_initial_data(
        description=f"Read the report of {run.session}, then paste what `{sign_commands(run)}` prints. "
        f"Valid until {exchange_minute(expires)}."
    )
    given = suspend_flow_run(
        wait_for_input=form, timeout=max(int((expires - now()).total_seconds()), 1), key=f"approval-{day}"
    )
    return Completed(message=outcome(run, store_signature(run, by=given.by, signature=given.signature)))


FLOWS: dict[str, Flow[Any, Any]] = {
    "approve-day": approve_day_flow,
    "daily-live": daily_live_flow,
    "execute-approved": execute_approved_flow,
    "intraday-monitor": intraday_monitor_flow,
    "weekly-champion": weekly_champion_flow,
}


def _executed(run: Run, profile: str | None, *, dry_run: bool) -> Carried:
    """Execute what can be executed now: the schedule asks again, so nothing is waited for."""
    is_tried_again = _is_tried_again(run.settings.running)
    pause = stoppable_sleep(run.home, "execute-approved", sleep)
    with announcing_failure(run, "execute-approved", is_news=not dry_run, is_tried_again=is_tried_again):
        if not dry_run:
            bring_bars(run, profile)
        carried = execute_approved(run, dry_run=dry_run, longest_wait=timedelta(0), sleep=pause)
    announce_execution(run, carried)
    return carried


def _is_tried_again(running: Running) -> bool:
    """Return whether Prefect runs this again after a transient error."""
    return int(flow_run.run_count or 1) <= running.retries


def _text(day: day_type | None) -> str | None:
    return None if day is None else str(day)


def _scheduled_at() -> datetime:
    """Return the scheduled start of the run, which retries and late starts do not change."""
    at: datetime = flow_run.scheduled_start_time
    return at


def _show_table(key: str, table: Table, description: str) -> None:
    _show(lambda: create_table_artifact(table, key=key, description=description))


def _show_link(key: str, path: Path, description: str) -> None:
    _show(lambda: create_link_artifact(path.absolute().as_uri(), path.name, key=key, description=description))


def _progress(stages: int) -> Callable[[str, float], None]:
    """Return what shows how many of the stages are done. If the API fails to answer once, it is not called again."""
    done = 0
    artifact: UUID | None = None

    def tell(name: str, seconds: float) -> None:
        nonlocal done, artifact
        done += 1
        percent = 100 * done / stages
        text = f"{done} of {counted(stages, 'stage')} done; {name} took {seconds:.1f} s"
        if done == 1:
            artifact = _show(
                lambda: cast("UUID", create_progress_artifact(percent, key="progress", description=text))
            )
        elif (known := artifact) is not None:
            artifact = _show(lambda: cast("UUID", update_progress_artifact(known, percent, description=text)))

    return tell


def _show(create: Callable[[], T]) -> T | None:
    """Create an artifact. What is done is done: an API that does not answer now changes nothing about the day."""
    try:
        return create()
    except Exception as error:  # noqa: BLE001 - the edge: any failure of the API, which raises many kinds
        log.warning("Prefect shows no artifact of this run (%s)", type(error).__name__)
        return None


@contextmanager
def _retry_transient_errors(running: Running) -> Iterator[None]:
    """Let Prefect retry the run only when the block raises a transient error.

    A flow's retries have no condition, so they are set when such an error occurs.
    """
    try:
        yield
    except TransientError:
        context = FlowRunContext.get()
        if context is not None and context.flow_run is not None:
            granted = {"retries": running.retries, "retry_delay": running.retry_delay_s}
            policy = context.flow_run.empirical_policy.model_copy(update=granted)
            with get_client(sync_client=True) as client:
                client.update_flow_run(context.flow_run.id, empirical_policy=policy)
        raise

"""The Prefect flows: parameters, states, time limits, retries. The stages are in daily.py and weekly.py.

A run works on the session of its scheduled time, however late it starts.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from time import sleep
from typing import Any

from prefect import Flow, State, flow, get_client
from prefect.context import FlowRunContext
from prefect.runtime import flow_run
from prefect.states import Completed, Failed

from config.sections import Running
from flows.announcing import (
    announce_day,
    announce_execution,
    announce_selection,
    announcing_failure,
    home_run,
    posted,
)
from flows.daily import daily_live
from flows.execute import bring_bars, due_runs, execute_approved
from flows.monitor import intraday_monitor
from flows.weekly import weekly_champion
from tasks.core.errors import TransientError
from tasks.core.homes.opening import find_home, open_run, settings_of
from tasks.core.homes.run import Run
from tasks.core.stage import time_limit, timings
from tasks.data.lake.latest import training_day
from tasks.execution.progress import Outcome
from tasks.execution.task import Carried

NEEDS_A_PERSON = frozenset({Outcome.HALTED, Outcome.BLOCKED, Outcome.STOPPED})


@flow(name="daily-live", persist_result=False)
def daily_live_flow(
    date: str | None = None, home: str | None = None, profile: str | None = None
) -> State[Any]:
    """Run one session. Default date: the scheduled date at the exchange, so that a holiday ends as Skipped."""
    running = settings_of(find_home(home), profile).settings.running
    with (
        posted(home, profile),
        _retry_transient_errors(running),
        time_limit(running.daily_timeout_s),
        open_run(
            home=home, day=date or "today", profile=profile, doing="daily-live", at=_scheduled_at()
        ) as run,
        timings(),
    ):
        with announcing_failure(run, "daily-live", is_tried_again=_is_tried_again(running)):
            day = daily_live(run)
        announce_day(run, day)
    if day.folder is None:
        return Completed(name="Skipped", message=day.summary)
    return Completed(message=day.summary)


@flow(name="weekly-champion", persist_result=False)
def weekly_champion_flow(
    date: str | None = None, home: str | None = None, profile: str | None = None, *, quick: bool = False
) -> State[Any]:
    """Select the champion as of `date`. Default: the last session closed at the scheduled time."""
    place = find_home(home)
    settings = settings_of(place, profile).settings
    day = date or training_day(place, settings)
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
        timings(),
    ):
        with announcing_failure(run, "weekly-champion", is_tried_again=_is_tried_again(settings.running)):
            promotion = weekly_champion(run, quick=quick)
        announce_selection(run, promotion)
    verb = "Promoted" if promotion.promoted else "Retained"
    return Completed(message=f"{verb} {promotion.champion.name}: {promotion.reason}")


@flow(name="execute-approved", persist_result=False)
def execute_approved_flow(
    date: str | None = None,
    home: str | None = None,
    profile: str | None = None,
    *,
    dry_run: bool | None = None,
) -> State[Any]:
    """Execute the approved trades of `date`, by default of every session that waits to be executed or continued.

    Without `dry_run`, the setting execution.scheduled_dry_run decides.
    """
    settings = settings_of(find_home(home), profile).settings
    only_rehearses = settings.execution.scheduled_dry_run if dry_run is None else dry_run
    with (
        posted(home, profile),
        _retry_transient_errors(settings.running),
        time_limit(settings.running.daily_timeout_s),
        timings(),
    ):
        done = [
            (run, _executed(run, profile, dry_run=only_rehearses))
            for run in due_runs(home, date, profile, at=_scheduled_at())
        ]
    if not done:
        return Completed(name="Skipped", message="Nothing is approved and nothing is being executed.")
    message = "; ".join(f"{run.session}: {carried.progress.why}" for run, carried in done)
    if any(carried.progress.outcome in NEEDS_A_PERSON for _, carried in done):
        return Failed(name="Blocked", message=message)
    return Completed(message=message)


@flow(name="intraday-monitor", persist_result=False)
def intraday_monitor_flow(home: str | None = None, profile: str | None = None) -> State[Any]:
    """Look at the account once, and trip the kill switch for every rule that is broken."""
    running = settings_of(find_home(home), profile).settings.running
    with (
        posted(home, profile),
        time_limit(running.daily_timeout_s),
        announcing_failure(home_run(home, profile), "intraday-monitor"),
    ):
        watched = intraday_monitor(home, profile, sleep=sleep)
    if watched.breaches:
        return Failed(name="Halted", message=" ".join(one.why for one in watched.breaches))
    return Completed(message="No rule is broken.")


FLOWS: dict[str, Flow[Any, Any]] = {
    "daily-live": daily_live_flow,
    "execute-approved": execute_approved_flow,
    "intraday-monitor": intraday_monitor_flow,
    "weekly-champion": weekly_champion_flow,
}


def _executed(run: Run, profile: str | None, *, dry_run: bool) -> Carried:
    """Execute what can be executed now: the schedule asks again, so nothing is waited for."""
    is_tried_again = _is_tried_again(run.settings.running)
    with announcing_failure(run, "execute-approved", is_tried_again=is_tried_again):
        if not dry_run:
            bring_bars(run, profile)
        carried = execute_approved(run, dry_run=dry_run, longest_wait=timedelta(0), sleep=sleep)
    announce_execution(run, carried)
    return carried


def _is_tried_again(running: Running) -> bool:
    """Return whether Prefect runs this again after a transient error."""
    return int(flow_run.run_count or 1) <= running.retries


def _scheduled_at() -> datetime:
    """Return the scheduled start of the run, which retries and late starts do not change."""
    at: datetime = flow_run.scheduled_start_time
    return at


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

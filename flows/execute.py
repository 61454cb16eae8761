"""execute-approved: the approved trades of one session, from a verified approval to filled and reconciled orders."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from tasks.approval.task import apply_no_answer, authorize_execution
from tasks.core.clock import now
from tasks.core.errors import ConfigError
from tasks.core.homes.opening import find_home, open_run, session_named, settings_of
from tasks.core.homes.run import Run
from tasks.data.task import refresh_market
from tasks.execution.progress import never
from tasks.execution.running.carried import Carried
from tasks.execution.running.in_progress import (
    due_sessions,
    is_begun,
    missing_bars,
    sessions_with_late_fills,
)
from tasks.execution.task import begin_execution, carry_execution, rehearse_execution
from tasks.reporting.execution.publish import publish_execution


def execute_approved(
    run: Run,
    *,
    dry_run: bool,
    longest_wait: timedelta,
    sleep: Callable[[float], None],
    is_stopped: Callable[[], bool] = never,
) -> Carried:
    """Do what can be done now; the next call continues what waits. A dry run sends and stores nothing.

    Raises KeyboardInterrupt if it `is_stopped` before the execution begins: nothing of it is stored.
    """
    if not is_begun(run):
        approved = authorize_execution(run, now())
        if dry_run:
            return rehearse_execution(run, approved)
        if is_stopped():
            raise KeyboardInterrupt
        if approved.by_policy:
            apply_no_answer(run, approved, now())
        begin_execution(run, approved, now())
    elif dry_run:
        return rehearse_execution(run)
    carried = carry_execution(run, longest_wait=longest_wait, sleep=sleep, is_stopped=is_stopped)
    publish_execution(run, carried)
    return carried


def bring_bars(run: Run, profile: str | None) -> None:
    """Refresh the lake if the broker fills from bars of a closed session that the lake does not have yet."""
    fills = missing_bars(run, now())
    if fills is not None:
        with open_run(home=run.home.root, day=str(fills), profile=profile, doing="refresh") as later:
            refresh_market(later)


def execution_run(
    home: Path | str | None, day: str, profile: str | None, *, broker: str | None = None
) -> Run:
    """Return the run of a session without the home's lock: an execution must not stop a refresh or a halt."""
    place = find_home(home)
    settings = settings_of(place, profile).settings
    if broker is not None:
        named = settings.execution.model_copy(update={"broker": broker})
        settings = settings.model_copy(update={"execution": named})
    session = session_named(day, at=now())
    if session.closes_at is None:
        raise ConfigError(
            f"The exchange was closed on {session}.",
            remedy="Choose a session that was published.",
            date=str(session),
        )
    return Run(place, session, session.closes_at, settings)


def due_runs(home: Path | str | None, day: str | None, profile: str | None, *, at: datetime) -> list[Run]:
    """Return the run of one session; without a day, of all that are being executed or are approved and still valid.

    Those that ended lately with an order not filled in full are asked about again: a fill may arrive after the end.
    """
    if day is not None:
        return [execution_run(home, day, profile)]
    place = find_home(home)
    settings = settings_of(place, profile).settings
    late = sessions_with_late_fills(place, settings, at)
    days = sorted({*late, *due_sessions(place, settings, at)})
    return [execution_run(home, str(one), profile) for one in days]

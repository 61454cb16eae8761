"""Record the plan of a day in a hash-chained log, and compare the published days of a home with what was recorded."""

from collections.abc import Sequence
from datetime import date, datetime

from tasks.approval.plans.recorded import (
    RECORDED,
    DayBytes,
    PlanCheck,
    check_plan,
    recorded_detail,
    recorded_sessions,
)
from tasks.approval.store import read_day
from tasks.core.errors import AftercloseError
from tasks.core.homes.home import Home
from tasks.core.homes.run import Run
from tasks.core.ids import sha256_of_bytes
from tasks.core.sessions import session_on
from tasks.safety.audit import Row, record

PUBLISHER = "afterclose daily"


def record_plan(run: Run, manifest: bytes, at: datetime) -> None:
    """Record what is about to be published, and what is executed of it without an answer."""
    detail = recorded_detail(run.session.day, sha256_of_bytes(manifest), run.settings.execution.no_answer)
    record(run.home, event=RECORDED, by=PUBLISHER, detail=detail, at=at, log="plans")


def check_plans(home: Home, plans: Sequence[Row], decisions: Sequence[Row]) -> list[PlanCheck]:
    """Return one check per day that was published or recorded, oldest first: by the rows of intact logs."""
    days = sorted({*home.days(), *recorded_sessions(plans)})
    return [check_plan(day, _read(home, day), plans, decisions) for day in days]


def _read(home: Home, day: date) -> DayBytes | str:
    if not home.day_folder(day).exists():
        return ""
    try:
        return DayBytes(*read_day(home, session_on(day), revision=0))
    except AftercloseError as error:
        return error.what

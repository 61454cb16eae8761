"""Read from the log of plans were recorded before the open, and compare a day's bytes with them. Pure.

A plan is the manifest of a published day: it lists the digest of every file. Its row is written before the directory is
in place, so that a published day without a row is one that `daily` did not publish.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from tasks.approval.approval_log import APPROVED, APPROVED_DETAIL
from tasks.approval.day import published_day
from tasks.core.errors import AftercloseError
from tasks.core.ids import sha256_of_bytes
from tasks.core.sessions import session_after, session_on
from tasks.safety.audit import Row

RECORDED = "plan_recorded"
DETAIL = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}), manifest ([0-9a-f]{64}), without an answer: ([a-z]+)")

NoAnswer = Literal["nothing", "reductions"]
State = Literal["recorded", "late", "unrecorded", "changed", "absent"]


@dataclass(frozen=True)
class Plan:
    """What was recorded of a day when it was published."""

    at: datetime
    manifest_sha256: str
    no_answer: str  # what is executed if nobody answers


@dataclass(frozen=True)
class PlanCheck:
    """Whether the bytes of a day are those that were recorded, and when: `late` is after the next open."""

    session: date
    state: State
    recorded_at: datetime | None = None
    approved_at: datetime | None = None
    why: str = ""


@dataclass(frozen=True)
class DayBytes:
    """What is in the directory of a day."""

    approval: bytes | None
    manifest: bytes
    files: Mapping[str, bytes]


def recorded_detail(session: date, manifest_sha256: str, no_answer: NoAnswer) -> str:
    """Return the detail of a row that records the plan of a day."""
    return f"{session}, manifest {manifest_sha256}, without an answer: {no_answer}"


def plans_of(session: date, rows: Iterable[Row]) -> tuple[Plan, ...]:
    """Return the plans that were recorded for the session, in order."""
    return tuple(plan for day, plan in _plans(rows) if day == session)


def recorded_sessions(rows: Iterable[Row]) -> frozenset[date]:
    """Return the sessions of which a plan was recorded."""
    return frozenset(day for day, _ in _plans(rows))


def check_plan(
    session: date, day: DayBytes | str, recorded: Sequence[Row], decisions: Sequence[Row]
) -> PlanCheck:
    """Compare a day with what was recorded of it; `day` is why it cannot be read, if it cannot: "" if it is absent."""
    plans = plans_of(session, recorded)
    if isinstance(day, str):
        return PlanCheck(session, "changed" if day else "absent", why=day or "its directory is missing")
    try:
        published_day(session, day.manifest, day.files)
    except AftercloseError as error:
        return PlanCheck(session, "changed", why=error.what)
    approved_at = _approved_at(session, day.approval, decisions)
    if day.approval is not None and approved_at is None:
        return PlanCheck(session, "changed", why="approval.json is not one that was recorded")
    digest = sha256_of_bytes(day.manifest)
    found = next((plan for plan in plans if plan.manifest_sha256 == digest), None)
    if found is None:
        why = "manifest.json is not one that was recorded" if plans else "no plan was recorded"
        return PlanCheck(session, "changed" if plans else "unrecorded", None, approved_at, why)
    opens_at = session_on(session_after(session)).opens_at
    is_late = opens_at is None or found.at >= opens_at
    return PlanCheck(session, "late" if is_late else "recorded", found.at, approved_at)


def _plans(rows: Iterable[Row]) -> Iterable[tuple[date, Plan]]:
    for row in rows:
        parsed = DETAIL.fullmatch(row.detail) if row.event == RECORDED else None
        if parsed is not None:
            yield date.fromisoformat(parsed[1]), Plan(datetime.fromisoformat(row.at), parsed[2], parsed[3])


def _approved_at(session: date, approval: bytes | None, rows: Iterable[Row]) -> datetime | None:
    """Return when these bytes of approval.json were recorded; None if they were not."""
    digest = "" if approval is None else sha256_of_bytes(approval)
    for row in rows:
        parsed = APPROVED_DETAIL.fullmatch(row.detail) if row.event == APPROVED else None
        if parsed is not None and (parsed[1], parsed[2]) == (str(session), digest):
            return datetime.fromisoformat(row.at)
    return None

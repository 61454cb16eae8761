"""The first question of the page: may this day be approved? One headline, and the points that it rests on. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from tasks.approval.approval_log import UNVERIFIED, Rejection
from tasks.approval.day import PublishedDay
from tasks.approval.standing import Standing
from tasks.core.json_text import parse_json
from tasks.core.sessions import EXCHANGE_TIME_ZONE
from tasks.core.text import counted
from tasks.reporting.review.execution_words import execution_detail, execution_headline, has_ended
from tasks.reporting.review.recorded_limits import exceeded_limits, recorded_limits
from tasks.reporting.review.schema import Reading
from tasks.safety.outcome import is_near_limit
from tasks.safety.schema import Check

Tone = Literal["good", "warn", "bad"]
HEADLINES = {
    "open": "You may approve",
    "incomplete": "Another signature is needed",
    "approved": "Approved",
    "rejected": "Rejected",
    "executed": "Executed",
    "empty": "Nothing to approve",
    "refused": "You may not approve",
    "unreadable": "This day cannot be read",
}


@dataclass(frozen=True)
class Point:
    """One thing that was checked: what, how it is, and the detail."""

    name: str
    tone: Tone
    words: str
    detail: tuple[str, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """The answer, and the points that it is based on."""

    headline: str
    tone: Tone
    points: tuple[Point, ...]


def verdict(reading: Reading) -> Verdict:
    """Return the answer for the day as it is now."""
    standing = reading.standing
    points = tuple(_points(reading))
    tone: Tone = (
        "good" if standing.state in {"open", "approved", "executed", "empty", "incomplete"} else "bad"
    )
    if tone == "good" and any(point.tone != "good" for point in points):
        tone = "warn"
    headline = HEADLINES[standing.state]
    if standing.state == "open" and tone == "warn":
        headline = "You may approve, after reading what is marked"
    if standing.state == "executed":
        headline = execution_headline(reading.executed)
    if standing.signed_by and standing.state in {"approved", "incomplete"}:
        headline = f"{headline}: signed by {' and '.join(standing.signed_by)}"
    return Verdict(headline, tone, points)


def monitoring_of(day: PublishedDay) -> Mapping[str, Any]:
    """Return monitoring_log.json of the day."""
    found: Mapping[str, Any] = parse_json(day.files["monitoring_log.json"])
    return found


def checks_of(day: PublishedDay) -> tuple[Check, ...]:
    """Return the day's checks, in their order; () where an earlier release recorded none."""
    return tuple(
        Check(
            one["name"],
            passed=one["outcome"] == "passed",
            value=str(one["value"]),
            limit=str(one["limit"]),
            detail=str(one.get("detail") or ""),
        )
        for one in monitoring_of(day).get("checks", [])
    )


def regime_of(day: PublishedDay) -> str:
    """Return the regime's state."""
    return str(parse_json(day.files["signals.json"])["regime"]["state"])


def exchange_time(at: datetime) -> str:
    """Write an instant as a person at the exchange reads it: Mon 17 June, 09:30."""
    local = at.astimezone(ZoneInfo(EXCHANGE_TIME_ZONE))
    return f"{local:%a} {local.day} {local:%B, %H:%M} New York time"


def time_left(until: datetime, at: datetime) -> str:
    """Write how long is left: 3 d 4 h, 15 h 20 min, 12 min; "expired" after it."""
    left = until - at
    if left <= timedelta(0):
        return "expired"
    minutes = int(left.total_seconds() // 60)
    days, hours, minutes = minutes // 1440, minutes // 60 % 24, minutes % 60
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min"


def _points(reading: Reading) -> Iterator[Point]:
    standing, day = reading.standing, reading.standing.day
    if standing.refusal is not None:
        yield Point("Approval", "bad", standing.refusal.what, (standing.refusal.remedy,))
    if standing.rejection is not None:
        yield _rejection_point(standing.rejection, is_overruled=_is_overruled(standing))
    if standing.state == "executed":
        tone: Tone = "good" if has_ended(reading.executed) else "warn"
        yield Point("Execution", tone, execution_detail(reading.executed))
    switch = reading.switch
    yield Point("Kill switch", "bad" if switch.is_on else "good", switch.description.capitalize())
    if day is None:
        return
    yield Point("Files", "good", "Every file matches the manifest")
    yield _checks_point(checks_of(day))
    yield _parity_point(day)
    yield from _data_points(monitoring_of(day))
    yield from _model_points(monitoring_of(day))
    yield _risk_point(day)


def _is_overruled(standing: Standing) -> bool:
    """Return whether the approval overrules the rejection: it is void without naming it, and nothing is sent then."""
    return standing.state == "approved" or (standing.state == "executed" and bool(standing.signed_by))


def _rejection_point(one: Rejection, *, is_overruled: bool) -> Point:
    words = f"Rejected by {one.by} ({UNVERIFIED}) at {one.at}: {one.reason}"
    if is_overruled:
        return Point("Rejection", "good", "Approved; an earlier rejection was overruled", (words,))
    return Point("Rejection", "bad", words)


def _checks_point(checks: tuple[Check, ...]) -> Point:
    failed, near = [one for one in checks if not one.passed], [one for one in checks if is_near_limit(one)]
    if not checks:
        return Point("Checks", "warn", "Not recorded by this day's release")
    if failed:
        return Point(
            "Checks",
            "bad",
            f"{len(failed)} of {len(checks)} failed",
            tuple(_check_words(one) for one in failed),
        )
    words = f"All {len(checks)} passed"
    if near:
        words += f"; {len(near)} within a tenth of the limit"
    return Point("Checks", "good", words, tuple(_check_words(one) for one in near))


def _check_words(check: Check) -> str:
    return f"{check.name.replace('_', ' ')}: {check.value} (limit {check.limit})"


def _parity_point(day: PublishedDay) -> Point:
    parity = monitoring_of(day).get("parity", {})
    published = ", of the list as published" if day.revision else ""
    sessions = counted(len(parity.get("sessions", [])), "session")
    match parity.get("state"):
        case "equal":
            return Point("Backtest", "good", f"Equal to the share and cent{published}, {sessions}")
        case "different":
            return Point("Backtest", "bad", "Differs from the backtest; read the report before you approve")
        case _:
            return Point("Backtest", "warn", f"Not compared. {parity.get('problem') or ''}".strip())


def _data_points(monitoring: Mapping[str, Any]) -> Iterator[Point]:
    quality = monitoring.get("data_quality")
    if quality is None:
        return
    quarantined, findings = quality["quarantined"], quality["findings"]
    if not quarantined and not findings:
        yield Point("Data", "good", f"No findings, {counted(quality['universe_size'], 'name')}")
        return
    said = [counted(len(findings), "finding")] if findings else []
    if quarantined:
        said.append(f"{counted(len(quarantined), 'name')} in quarantine")
    yield Point("Data", "warn", "; ".join(said).capitalize())


def _model_points(monitoring: Mapping[str, Any]) -> Iterator[Point]:
    model = monitoring.get("model_health")
    if model is not None:
        scored = f"{counted(model['scored'], 'name')} scored"
        yield Point("Model", "good", f"{model['name']}, selected {model['selection_date']}, {scored}")


def _risk_point(day: PublishedDay) -> Point:
    """Return how the limits of these very trades stand; what was not assessed is not within a limit."""
    limits, over = recorded_limits(day), exceeded_limits(day)
    if not limits:
        of = "this revision" if day.revision else "this day"
        return Point("Risk", "warn", f"The risk limits were not assessed for {of}")
    if over:
        return Point("Risk", "warn", f"{counted(len(over), 'risk limit')} exceeded after the trades", over)
    return Point("Risk", "good", f"Within {counted(len(limits), 'limit')} after the trades")

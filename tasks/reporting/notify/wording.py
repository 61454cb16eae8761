"""Wording that all notices share: amounts, deadlines, subjects, and text that is safe on one line. Pure."""

from datetime import datetime
from zoneinfo import ZoneInfo

from tasks.core.sessions import EXCHANGE_TIME_ZONE
from tasks.core.text import replace_unprintable
from tasks.reporting.notify.schema import Notice
from tasks.reporting.page.numerals import WEEKDAYS, usd

LONGEST_SUBJECT = 200
SIMULATED = "simulated market: "


def subject_line(notice: Notice, title: str) -> str:
    """Return the subject on one line: `[Afterclose] 2026-11-27: approve 12 trades …`."""
    mark = SIMULATED if notice.is_simulated else ""
    return shortened(plain(f"[{title}] {mark}{notice.subject}"), LONGEST_SUBJECT)


def plain(text: str) -> str:
    """Return the text on one line, unprintable characters replaced: safe in a header, a table and a terminal."""
    return replace_unprintable(" ".join(text.split()))


def shortened(text: str, longest: int) -> str:
    """Return the text, cut at `longest` characters with an ellipsis."""
    return text if len(text) <= longest else f"{text[: longest - 1].rstrip()}…"


def whole_usd(cents: int) -> str:
    """Write an amount without its cents: $41,200."""
    return usd(cents / 100)


def exact_usd(cents: int) -> str:
    """Write an amount with its cents: $41,200.00."""
    return usd(cents / 100, 2)


def deadline(at: datetime) -> str:
    """Write a deadline of the next days as a person says it: 09:30 ET Monday."""
    there = at.astimezone(ZoneInfo(EXCHANGE_TIME_ZONE))
    return f"{there:%H:%M} ET {WEEKDAYS[there.weekday()]}"


def dated_deadline(at: datetime) -> str:
    """Write a deadline with its date: Monday, 30 November, 09:30 ET."""
    there = at.astimezone(ZoneInfo(EXCHANGE_TIME_ZONE))
    return f"{WEEKDAYS[there.weekday()]}, {there.day} {there:%B}, {there:%H:%M} ET"

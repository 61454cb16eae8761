"""Format counts, percentages, instants and external text: in logs, errors, checks, files and the report."""

import re
import unicodedata
from datetime import UTC, datetime
from math import floor

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
MINUS = "\N{MINUS SIGN}"
# Control, format (bidirectional overrides among them), surrogate, private, unassigned; line and paragraph separators.
UNPRINTABLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
CONTROLS = frozenset({"Cc", "Cf"})
SPECIAL = re.compile(r"[^ -~\n\t]")  # what may be a control: anything but printable ASCII
LONGEST_LABEL = 40
# A spreadsheet evaluates such a cell; some spreadsheets take the full-width forms too.
FORMULA_STARTS = tuple("=+-@\t\r\n＝＋－＠")
ROUNDING_ERROR = 1e-9  # of a thousandth: 0.95 is not below 0.950


def counted(count: int, noun: str, plural: str | None = None) -> str:
    """Write "1 row", "2 rows", "1,234 rows" or "no rows"; `plural` where it is not the noun with an s."""
    word = noun if count == 1 else plural or f"{noun}s"
    return f"{count:,} {word}" if count else f"no {word}"


def percent(fraction: float, places: int | None = None) -> str:
    """Write a fraction as a percentage: 0.15 is "15%", 0.0175 is "1.75%"; with 1 place "15.0%" and "1.8%".

    Without `places`, two decimals at most. Never "-0%"; NaN is "nan%".
    """
    return f"{round(100 * fraction, 2):zg}%" if places is None else f"{100 * fraction:z,.{places}f}%"


def dollars(amount_usd: float, places: int = 2) -> str:
    """Write an amount of money: $1,234.50 or −$1,234.50; what is written as zero has no sign."""
    text = f"{abs(amount_usd):,.{places}f}"
    return f"{MINUS}${text}" if amount_usd < 0 and float(text.replace(",", "")) else f"${text}"


def instant_text(at: datetime) -> str:
    """Write an instant as UTC to the second: 2024-06-14T22:00:00+00:00."""
    return at.astimezone(UTC).isoformat(timespec="seconds")


def no_formula(text: str) -> str:
    """Return the text for a cell of a CSV file, with an apostrophe before it if a spreadsheet would evaluate it."""
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def replace_unprintable(text: str) -> str:
    """Return text for a page or a table: every unprintable character becomes U+FFFD."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(REPLACEMENT if unicodedata.category(c) in UNPRINTABLE else c for c in text)


def escape_controls(text: str) -> str:
    """Return text for a terminal: control and direction characters escaped, newlines and tabs unchanged."""
    return SPECIAL.sub(
        lambda found: (
            found[0].encode("unicode_escape").decode()
            if unicodedata.category(found[0]) in CONTROLS
            else found[0]
        ),
        text,
    )


def one_line(text: str) -> str:
    """Return what a person entered as one line: line breaks become spaces, controls are escaped."""
    return escape_controls(" ".join(text.split()))


def ascii_label(text: str) -> str:
    """Return a rejected symbol or label for a log, an error or a finding: ASCII escapes, at most 40 characters."""
    return ascii(text)[1:-1][:LONGEST_LABEL]


def probability(value: float) -> str:
    """Return a probability to three places, rounded down, so that it never reaches a limit that it misses.

    It is never 0 or 1.
    """
    if value > 0.999:
        return "more than 0.999"
    return "less than 0.001" if value < 0.001 else f"{floor(value * 1000 + ROUNDING_ERROR) / 1000:.3f}"

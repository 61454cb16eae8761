"""Format numbers and dates for people: minus signs, thousands separators, percentages, a dash for unknown values.

Rounds for display only. Not for files that programs read.
"""

import math
from datetime import date

from tasks.core.text import MINUS, dollars, percent

UNKNOWN = "–"
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
ACRONYMS = {
    "hrp": "HRP",
    "max sharpe": "Max Sharpe",
    "monte carlo": "Monte Carlo",
    "cagr": "CAGR",
    "benchmark cagr": "Benchmark CAGR",
}
MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


def usd(value: float, places: int = 0) -> str:
    """Write dollars: $1,234 or −$1,234."""
    return dollars(value, places) if math.isfinite(value) else UNKNOWN


def signed_usd(value: float, places: int = 0) -> str:
    """Write dollars with their sign: +$1,234 or −$1,234; what is written as zero has none."""
    return _with_plus(usd(value, places))


def number(value: float, places: int = 2) -> str:
    """Write a number with thousands separators: 1,234.50."""
    if not math.isfinite(value):
        return UNKNOWN
    text = f"{abs(value):,.{places}f}"
    return f"{MINUS}{text}" if value < 0 and float(text.replace(",", "")) else text


def typeset_percent(fraction: float, places: int = 1) -> str:
    """Write a fraction as a percentage with a true minus sign: 0.123 is 12.3%; unknown is a dash."""
    return percent(fraction, places).replace("-", MINUS) if math.isfinite(fraction) else UNKNOWN


def signed(fraction: float, places: int = 1) -> str:
    """Write a fraction as percent with its sign: +1.2%, −0.4%."""
    return _with_plus(typeset_percent(fraction, places))


def signed_points(fraction: float, places: int = 1) -> str:
    """Write a difference of two percentages, given as fractions, in percentage points: +1.2 pp, −0.4 pp."""
    return _with_plus(f"{number(100 * fraction, places)} pp")


def tone(value: float) -> str:
    """Name the color class of a gain or a loss."""
    return "gain" if value > 0 else "loss" if value < 0 else "flat"


def long_date(day: date) -> str:
    """Write Friday, 14 June 2024, independent of the machine's locale."""
    return f"{WEEKDAYS[day.weekday()]}, {short_date(day)}"


def short_date(day: date) -> str:
    """Write 14 June 2024."""
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"


def ordinal(count: int) -> str:
    """Write 1st, 2nd, 3rd, 4th, 11th, 21st."""
    last = 0 if count // 10 % 10 == 1 else count % 10
    return f"{count:,}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(last, 'th') }"


def words(key: str) -> str:
    """Write one of the program's keys as text: equal_weight is Equal weight, hrp is HRP."""
    text = key.replace("_", " ")
    return ACRONYMS.get(text, f"{text[:1].upper()}{text[1:]}")


def _with_plus(text: str) -> str:
    shows_nothing = not any(digit in text for digit in "123456789")
    return text if text.startswith(MINUS) or shows_nothing else f"+{text}"

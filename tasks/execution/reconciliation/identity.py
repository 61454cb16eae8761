"""Ids of differences, and names of the entries that explain them: equal for equal facts, on any day, in any process."""

from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

from tasks.core.ids import sha256_of_record
from tasks.ledger.entries import Entry

ACTIVITY, CARRIED, APPLIED, EXPLAINED = "activity:", "carried:", "applied:", "explained:"
NEAR = timedelta(days=10)  # a broker may state a split some days before or after its ex-date
ID_CHARACTERS = 12


def difference_id(*about: object) -> str:
    """Return a short hash of what the difference is about."""
    return sha256_of_record([text(item) for item in about])[:ID_CHARACTERS]


def text(item: object) -> str:
    """Return equal text for equal numbers: 1, 1.0 and 1.00 are the same."""
    return format(item.normalize(), "f") if isinstance(item, Decimal) else str(item)


def activity_source(activity_id: str) -> str:
    """Return the source of the entry that books an activity: it can be booked once."""
    return f"{ACTIVITY}{activity_id}"


def cents_of(shares: Decimal | Fraction, usd_per_share: Decimal) -> int:
    """Return shares × USD per share in cents, rounded once, half to even."""
    return round(Fraction(shares) * Fraction(usd_per_share) * 100)


def splits_near(entries: tuple[Entry, ...], symbol: str, day: object) -> tuple[Entry, ...]:
    """Return the booked splits of the symbol within ten days of the day."""
    return tuple(
        entry
        for entry in entries
        if entry.kind == "split" and entry.symbol == symbol and abs(entry.session - day) <= NEAR  # type: ignore[operator]
    )

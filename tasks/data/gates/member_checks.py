"""Refuse a membership that loses most of the index at once, because every name that leaves would be sold."""

from datetime import date, timedelta

import pandas as pd

from tasks.core.errors import DataError
from tasks.data.schema.tables import SPECS

MAX_LEAVING = (
    0.5  # of the members; at most 1.4% of the S&P 500 left on one day between 1996 and 2025 (2002-07-22)
)
MIN_LEAVING = 8  # fewer names may be a small list that a person maintains
LONGEST_GAP = timedelta(days=31)  # after a longer pause many may have left one by one


def refuse_emptied_index(
    delivered: pd.DataFrame, stored: pd.DataFrame, *, after: date | None, through: date, provider: str
) -> None:
    """Raise DataError where most members of the last stored session are outside the index on the new one."""
    if stored.empty or after is None or through - after > LONGEST_GAP:
        return
    key = list(SPECS["members"].key)
    spells = pd.concat([stored, delivered]).drop_duplicates(key, keep="last")
    before = _inside(stored, after)
    left = sorted(before - _inside(spells, through))
    if len(left) >= MIN_LEAVING and len(left) > MAX_LEAVING * len(before):
        raise DataError(
            f"According to the membership of {provider}, {len(left)} of {len(before)} members left the index "
            f"between {after} and {through} ({', '.join(left[:5])} and {len(left) - 5} more); each would be sold.",
            remedy="Correct the membership; nothing was stored. If it is right, run `afterclose data import DIR`.",
            session=str(through),
            left=len(left),
        )


def _inside(spells: pd.DataFrame, day: date) -> frozenset[str]:
    at = pd.Timestamp(day)
    is_inside = (spells["start"] <= at) & ~(spells["end"] <= at)
    return frozenset(spells.loc[is_inside, "symbol"].astype(str))

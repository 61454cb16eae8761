"""Refuse sectors that change for many names at once, because the sector limits would sell what they hold."""

from datetime import date

import pandas as pd

from tasks.core.errors import DataError
from tasks.data.schema.tables import SPECS

MAX_CHANGED = 0.25  # of the names: a revision of the classification moves single industries
MIN_CHANGED = 8  # fewer names may be a small list that a person maintains


def refuse_changed_sectors(
    delivered: pd.DataFrame, stored: pd.DataFrame, *, after: date | None, through: date, provider: str
) -> None:
    """Raise DataError where a large fraction of the names has another sector than on the last stored session."""
    if stored.empty or after is None:
        return
    rows = pd.concat([stored, delivered]).drop_duplicates(list(SPECS["listings"].key), keep="last")
    both = pd.concat({"old": _sectors(stored, after), "new": _sectors(rows, through)}, axis=1).dropna()
    changed = both.index[both["old"] != both["new"]]
    if len(changed) >= MIN_CHANGED and len(changed) > MAX_CHANGED * len(both):
        first = both.loc[changed[:3]]
        examples = [f"{row.Index}: {row.old} → {row.new}" for row in first.itertuples()]
        raise DataError(
            f"According to {provider}, the sectors of {len(changed)} of {len(both)} names changed between "
            f"{after} and {through} ({'; '.join(examples)}; and {len(changed) - 3} more).",
            remedy="Correct the sectors; nothing was stored. If they are right, run `afterclose data import DIR`.",
            session=str(through),
            changed=len(changed),
        )


def _sectors(listings: pd.DataFrame, day: date) -> pd.Series:
    """Return each symbol's sector as last published on or before the day; no row where none was stated."""
    stated = listings[
        (listings["sector"].astype(str) != "") & (listings["available_date"] <= pd.Timestamp(day))
    ]
    ordered = stated.astype({"symbol": "str", "sector": "str"}).sort_values("available_date", kind="stable")
    return ordered.groupby("symbol")["sector"].last()

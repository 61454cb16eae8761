"""Compute the session-to-session growth of benchmark and indices, distributions included.

A level's growth is relative to the previous row in the merged history: the stored rows, overwritten by the delivered
ones. So it does not depend on where a delivery begins, and a corrected or inserted row also changes the growth of the
next row. Pure. Does not validate levels.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tasks.data.schema.records import Mask
from tasks.data.schema.symbols import is_safe_level_name
from tasks.data.schema.tables import SPECS

PRICES = ("open", "high", "low", "close")
REBASED = 1e-4  # rebasing an adj_close rounded to cents changes its ratios by less; a distribution by more


def level_rows(delivered: pd.DataFrame, stored: pd.DataFrame) -> pd.DataFrame:
    """Return the level rows to append: new ones, restated ones, and those whose growth changes with them.

    `stored` is the table as last seen. The growth of the first row of a series is 1.
    """
    is_safe = np.array([is_safe_level_name(str(name)) for name in delivered["name"]], dtype=bool)
    frame = delivered[is_safe & (delivered["close"] > 0).to_numpy()]
    frame = frame.assign(
        name=frame["name"].astype("str"), adj_close=frame["adj_close"].fillna(frame["close"])
    )
    frame = frame.drop_duplicates(["name", "session"], keep="last").sort_values(["name", "session"])
    parts = [_series(one, stored[stored["name"] == name]) for name, one in frame.groupby("name", sort=True)]
    columns = list(SPECS["levels"].columns)
    return pd.concat(parts, ignore_index=True)[columns] if parts else frame.assign(growth=1.0)[columns]


def _series(delivered: pd.DataFrame, stored: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of one series to append. Only the last stored row before the delivery is needed as context."""
    stored = stored.sort_values("session", ignore_index=True)
    first = int(stored["session"].searchsorted(delivered["session"].min()))
    stored = stored.iloc[max(first - 1, 0) :].assign(is_delivered=False)
    both = pd.concat([stored, delivered.assign(is_delivered=True)], ignore_index=True)
    merged = both.drop_duplicates("session", keep="last").sort_values("session", ignore_index=True)
    stored = stored.assign(level=stored["growth"].cumprod(), before=stored["session"].shift())
    old = merged[["session"]].merge(stored, on="session", how="left")
    is_stored = old["growth"].notna().to_numpy()
    is_restated = (merged[list(PRICES)].to_numpy() != old[list(PRICES)].to_numpy()).any(axis=1)
    growth = _growth(merged, old, is_stored, is_restated)
    is_news = ~is_stored | is_restated | (growth != old["growth"].to_numpy())
    news: pd.DataFrame = merged.assign(growth=growth)[is_news]
    return news


def _growth(
    merged: pd.DataFrame, old: pd.DataFrame, is_stored: Mask, is_restated: Mask
) -> NDArray[np.float64]:
    """Return the growth of each merged row; `old` holds the stored row, NaN where there is none.

    Between two consecutive delivered rows, growth is the ratio of adj_close. Where one of the two was not delivered,
    their adj_close may be on different bases and is not compared. Growth is then derived from the row's stored level,
    scaled by the corrections of earlier rows and by any correction of this row's close.
    """
    before = merged.shift()
    same_before = np.where(
        before["session"].isna(), old["before"].isna(), old["before"] == before["session"]
    ) & ((old["close"].shift() == before["close"]) | before["close"].isna())
    measured = (merged["adj_close"] / before["adj_close"]).to_numpy(copy=True)
    is_comparable = (
        same_before
        & (old["growth"] == old["adj_close"] / before["adj_close"])
        & np.isclose(
            merged["adj_close"] / merged["close"], old["adj_close"] / old["close"], rtol=1e-9, atol=0
        )
    )
    is_delivered = merged["is_delivered"]
    is_measured = (is_delivered & (is_delivered.shift(fill_value=False) | ~is_stored)) | is_comparable
    is_same = same_before & ~is_restated
    measured[0] = old["growth"].iloc[0] if is_stored[0] else 1.0
    stored_level = (old["level"] * merged["close"] / old["close"]).to_numpy()
    growth, level, carried = measured, 1.0, np.nan
    for row, (stored_growth, measurable) in enumerate(zip(old["growth"], is_measured, strict=True)):
        if row and not measurable and np.isfinite(carried):
            growth[row] = carried * stored_level[row] / level
        if is_same[row] and abs(growth[row] / stored_growth - 1.0) <= REBASED:
            growth[row] = stored_growth
        level *= growth[row]
        carried = level / stored_level[row] if is_stored[row] else carried
    return growth

"""Select the new rows of a delivery: rows that the lake does not hold, or holds with other values. Pure."""

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd

from tasks.data.gates.context_rows import Known
from tasks.data.schema.symbols import is_safe_symbol
from tasks.data.schema.tables import SPECS, changed_rows, known_from


def split_by_age(good: pd.DataFrame, known: Known) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return bars of new sessions, and bars of stored sessions that differ from what is stored or set aside."""
    if known.after is None:
        return good, good.iloc[:0]
    is_old = good["session"] <= pd.Timestamp(known.after)
    old = good[is_old].astype({"symbol": "str"})
    changed = changed_rows(old, known.bars, ("symbol", "session"))
    set_aside = known.tables["quarantine"]
    amended = changed_rows(changed, set_aside[[*changed.columns]], ("symbol", "session"))
    return good[~is_old], amended.reset_index(drop=True)


def with_amendments(known: Known, amendments: pd.DataFrame) -> Known:
    """Return what is known, with this delivery's restated and late bars applied, for comparison with new bars."""
    if amendments.empty:
        return known
    both = pd.concat([known.bars, amendments[list(SPECS["bars"].columns)]], ignore_index=True)
    return replace(known, bars=both.drop_duplicates(["symbol", "session"], keep="last", ignore_index=True))


def with_safe_symbols(frame: pd.DataFrame) -> pd.DataFrame:
    """Drop rows whose symbols the lake does not accept; findings on them are made elsewhere."""
    columns = [name for name in ("symbol", "old", "new") if name in frame.columns]
    is_safe = np.ones(len(frame), dtype=bool)
    for name in columns:
        is_safe &= np.array([is_safe_symbol(str(symbol)) for symbol in frame[name]], dtype=bool)
    return frame[is_safe].drop_duplicates()


def unseen(frame: pd.DataFrame, known: Known, name: str) -> pd.DataFrame:
    """Return the rows whose key the lake does not hold yet."""
    key = list(SPECS[name].key)
    if frame.empty:
        return frame
    seen = frame[key].merge(known.tables[name][key].drop_duplicates(), on=key, how="left", indicator=True)
    return frame[(seen["_merge"] == "left_only").to_numpy()]


def known_days(frame: pd.DataFrame, name: str, known: Known, through: date) -> pd.Series:
    """Return the session from which each row of the named table counts as known."""
    day = frame[SPECS[name].day]
    if name == "members" and known.after is not None:
        is_new = day > pd.Timestamp(known.after)
        day = day.where(
            is_new | frame["end"].isna(), frame["end"]
        )  # the end of a membership is known on that day
    if name == "findings":
        day = day.where(day <= pd.Timestamp(through), pd.Timestamp(through))
    return known_from(day, after=known.after, through=through)

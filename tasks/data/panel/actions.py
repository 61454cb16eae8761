"""Turn dividends and splits into factors that make a price series continuous across the ex-date.

A holder's wealth does not change when a share splits or pays out, so from the ex-date on prices are multiplied by
split × (1 + dividend / close of that day): the day's return is then the holder's return. A dividend is per share after
the split. Never invents an action and never uses data later than its day.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tasks.data.schema.columns import PRICE_BOUNDS_USD
from tasks.data.schema.finding_rows import make_findings, refused_symbol_findings
from tasks.data.schema.records import Days, Mask
from tasks.data.schema.symbols import is_safe_symbol

SPLIT_BOUNDS = (1e-4, 1e4)  # new shares per old one
REACH_SESSIONS = 25  # maximum age of the previous close that a dividend is measured against
_DAY_BITS = 20

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def clean_actions(actions: pd.DataFrame, trading_days: Days) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the usable actions, unique by symbol and session, and findings on the others.

    An ex-date on a closed day takes effect on the next session; rows without dividend and split are dropped.
    """
    frame = actions[~((actions["dividend"] == 0) & (actions["split"] == 1))].drop_duplicates()
    is_safe = np.array([is_safe_symbol(str(symbol)) for symbol in frame["symbol"]], dtype=bool)
    unsafe = frame[~is_safe].drop_duplicates("symbol")
    frame = frame[is_safe]
    days = frame["session"].to_numpy().astype("datetime64[D]")
    position = np.searchsorted(trading_days, days)
    inside = position < len(trading_days)
    frame = frame[inside].assign(session=trading_days[position[inside]].astype("datetime64[s]"))
    sane = (
        np.isfinite(frame["dividend"])
        & np.isfinite(frame["split"])
        & frame["dividend"].between(0, PRICE_BOUNDS_USD[1])
        & frame["split"].between(*SPLIT_BOUNDS)
    )
    bad, frame = frame[~sane], frame[sane]
    merged, conflicting = _merge_same_day(frame)
    findings = [
        refused_symbol_findings(unsafe, ["the symbol of an action is not allowed"] * len(unsafe)),
        make_findings(bad, "bad_action", "quarantine", describe_actions(bad), "not applied"),
        make_findings(
            conflicting, "conflicting_action", "quarantine", describe_actions(conflicting), "not applied"
        ).drop_duplicates(["symbol", "session"]),
    ]
    return merged, pd.concat(findings, ignore_index=True)


def total_return_factors(actions: pd.DataFrame, *, before: Floats, at: Floats) -> Floats:
    """Return each action's total-return factor; `at` is the close of its day, `before` the previous close.

    Without a bar on the day (NaN) the previous close less the dividend is used; without either, the dividend has no
    effect on the series.
    """
    dividend = actions["dividend"].to_numpy(dtype=np.float64)
    split = actions["split"].to_numpy(dtype=np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        ex_price = np.where(np.isfinite(at), at, before / split - dividend)
        return split * (1.0 + np.where(np.isfinite(ex_price), dividend / ex_price, 0.0))


def pays_out_everything(actions: pd.DataFrame, *, before: Floats) -> Mask:
    """Return which actions pay out at least the whole previous close."""
    return (actions["dividend"] * actions["split"]).to_numpy(dtype=np.float64) >= before


def closes_before(code: Ints, day: Ints, *, row_code: Ints, row_day: Ints, close: Floats) -> Floats:
    """Return the last close before each (code, day); NaN when older than REACH_SESSIONS. Rows sorted by code, day."""
    if len(row_code) == 0:
        return np.full(len(code), np.nan)
    position = np.searchsorted(sort_keys(row_code, row_day), sort_keys(code, day), side="left") - 1
    clipped = np.maximum(position, 0)
    near = (position >= 0) & (row_code[clipped] == code) & (day - row_day[clipped] <= REACH_SESSIONS)
    return np.where(near, close[clipped], np.nan)


def closes_at(code: Ints, day: Ints, *, row_code: Ints, row_day: Ints, close: Floats) -> Floats:
    """Return the close on each (code, day); NaN without a bar."""
    if len(row_code) == 0:
        return np.full(len(code), np.nan)
    wanted, there = sort_keys(code, day), sort_keys(row_code, row_day)
    position = np.minimum(np.searchsorted(there, wanted), len(there) - 1)
    return np.where(there[position] == wanted, close[position], np.nan)


def factors_by_row(
    code: Ints, day: Ints, factor: Floats, *, row_code: Ints, row_day: Ints
) -> tuple[Floats, Ints]:
    """Return the product of the factors effective at each row, and the row of each action (−1: none)."""
    result = np.ones(len(row_code))
    rows = np.searchsorted(sort_keys(row_code, row_day), sort_keys(code, day), side="left")
    clipped = np.minimum(rows, max(len(row_code) - 1, 0))
    hits = (
        (rows < len(row_code)) & (row_code[clipped] == code) if len(row_code) else np.zeros(len(code), bool)
    )
    np.multiply.at(result, rows[hits], factor[hits])
    return result, np.where(hits, rows, -1)


def sort_keys(code: Ints, day: Ints) -> Ints:
    """Return one sortable number for symbol code and day."""
    return (code.astype(np.int64) << _DAY_BITS) | day.astype(np.int64)


def describe_actions(rows: pd.DataFrame) -> list[str]:
    """Return each action as evidence: dividend 0.5 split 2."""
    return [
        f"dividend {dividend:.6g} split {split:.6g}"
        for dividend, split in zip(rows["dividend"], rows["split"], strict=True)
    ]


def _merge_same_day(actions: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Merge a dividend and a split of one day into one row; return the merged rows, and rows that conflict."""
    key = ["symbol", "session"]
    is_shared = actions.duplicated(key, keep=False)
    if not is_shared.any():
        return actions, actions.iloc[:0]
    several = actions[is_shared]
    groups = several.groupby(key, sort=True)
    counts = groups.agg(
        dividends=("dividend", lambda column: (column != 0).sum()),
        splits=("split", lambda column: (column != 1).sum()),
        dividend=("dividend", "max"),
        split=("split", "prod"),
    ).reset_index()
    clear = (counts["dividends"] <= 1) & (counts["splits"] <= 1)
    merged = pd.concat([actions[~is_shared], counts.loc[clear, actions.columns]], ignore_index=True)
    conflicting = counts.loc[~clear, key].merge(several, on=key)
    return merged, conflicting

"""Turn dividends and splits into factors that carry a price series forward without a jump (D5).

A holder's wealth does not change when a share splits or pays out, so from the ex-date on prices are multiplied by
split × (1 + dividend / close of that day): the day's return is then what a holder got. A dividend is of one share as it
is after the split. Never invents an action and never looks past its day.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tasks.data.schema.columns import OUTERMOST_PRICES_USD
from tasks.data.schema.finding_rows import make_findings, refused_symbols
from tasks.data.schema.records import Days, Mask
from tasks.data.schema.symbols import is_safe_symbol

OUTERMOST_SPLITS = (1e-4, 1e4)  # new shares per old one
REACH_SESSIONS = 25  # a dividend is measured against the close before only when that is not older
_DAY_BITS = 20

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def clean_actions(actions: pd.DataFrame, trading_days: Days) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the usable actions, unique by symbol and session, and findings on the others.

    An ex-date on a closed day takes effect on the next session; rows that say nothing are left out.
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
        & frame["dividend"].between(0, OUTERMOST_PRICES_USD[1])
        & frame["split"].between(*OUTERMOST_SPLITS)
    )
    bad, frame = frame[~sane], frame[sane]
    merged, conflicting = _merge_same_day(frame)
    findings = [
        refused_symbols(unsafe, ["the symbol of an action is not allowed"] * len(unsafe)),
        make_findings(bad, "bad_action", "quarantine", describe_actions(bad), "not applied"),
        make_findings(
            conflicting, "conflicting_action", "quarantine", describe_actions(conflicting), "not applied"
        ).drop_duplicates(["symbol", "session"]),
    ]
    return merged, pd.concat(findings, ignore_index=True)


def factors(actions: pd.DataFrame, *, before: Floats, at: Floats) -> Floats:
    """Return each action's total-return factor; `at` is the close of its day, `before` the one before it.

    Without a bar on the day (NaN) the close before, less the dividend, stands in; without either a dividend cannot be
    measured and leaves the series as it is.
    """
    dividend = actions["dividend"].to_numpy(dtype=np.float64)
    split = actions["split"].to_numpy(dtype=np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        left = np.where(np.isfinite(at), at, before / split - dividend)
        return split * (1.0 + np.where(np.isfinite(left), dividend / left, 0.0))


def pays_out_everything(actions: pd.DataFrame, *, before: Floats) -> Mask:
    """Tell which actions pay a holder at least the whole close before."""
    return (actions["dividend"] * actions["split"]).to_numpy(dtype=np.float64) >= before


def closes_before(code: Ints, day: Ints, *, row_code: Ints, row_day: Ints, close: Floats) -> Floats:
    """Return for each (code, day) the last close before it; rows are sorted by code and day. NaN when too old."""
    if len(row_code) == 0:
        return np.full(len(code), np.nan)
    position = np.searchsorted(keys(row_code, row_day), keys(code, day), side="left") - 1
    clipped = np.maximum(position, 0)
    near = (position >= 0) & (row_code[clipped] == code) & (day - row_day[clipped] <= REACH_SESSIONS)
    return np.where(near, close[clipped], np.nan)


def closes_at(code: Ints, day: Ints, *, row_code: Ints, row_day: Ints, close: Floats) -> Floats:
    """Return for each (code, day) the close of that very day; NaN without a bar."""
    if len(row_code) == 0:
        return np.full(len(code), np.nan)
    wanted, there = keys(code, day), keys(row_code, row_day)
    position = np.minimum(np.searchsorted(there, wanted), len(there) - 1)
    return np.where(there[position] == wanted, close[position], np.nan)


def factors_by_row(
    code: Ints, day: Ints, factor: Floats, *, row_code: Ints, row_day: Ints
) -> tuple[Floats, Ints]:
    """Return the product of factors that take effect at each row, and the row of each action (−1: none)."""
    result = np.ones(len(row_code))
    rows = np.searchsorted(keys(row_code, row_day), keys(code, day), side="left")
    clipped = np.minimum(rows, max(len(row_code) - 1, 0))
    hits = (
        (rows < len(row_code)) & (row_code[clipped] == code) if len(row_code) else np.zeros(len(code), bool)
    )
    np.multiply.at(result, rows[hits], factor[hits])
    return result, np.where(hits, rows, -1)


def keys(code: Ints, day: Ints) -> Ints:
    """Return one sortable number for symbol code and day."""
    return (code.astype(np.int64) << _DAY_BITS) | day.astype(np.int64)


def describe_actions(rows: pd.DataFrame) -> list[str]:
    """Write each action as evidence: dividend 0.5 split 2."""
    return [
        f"dividend {dividend:.6g} split {split:.6g}"
        for dividend, split in zip(rows["dividend"], rows["split"], strict=True)
    ]


def _merge_same_day(actions: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Join a dividend and a split of one day into one row; two different dividends or splits contradict each other."""
    key = ["symbol", "session"]
    doubled = actions.duplicated(key, keep=False)
    if not doubled.any():
        return actions, actions.iloc[:0]
    several = actions[doubled]
    groups = several.groupby(key, sort=True)
    counts = groups.agg(
        dividends=("dividend", lambda column: (column != 0).sum()),
        splits=("split", lambda column: (column != 1).sum()),
        dividend=("dividend", "max"),
        split=("split", "prod"),
    ).reset_index()
    clear = (counts["dividends"] <= 1) & (counts["splits"] <= 1)
    merged = pd.concat([actions[~doubled], counts.loc[clear, actions.columns]], ignore_index=True)
    contradictory = counts.loc[~clear, key].merge(several, on=key)
    return merged, contradictory

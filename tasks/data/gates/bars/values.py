"""Check single bars before they are stored: complete, positive, consistent, on a trading day, unique.

A bar that fails is set aside with a finding; nothing is corrected. gates/price_moves compares days;
gates/readiness decides whether a session can be traded on.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import reduce

import numpy as np
import pandas as pd

from tasks.core.text import ascii_label, counted
from tasks.data.gates.context_rows import filter_rows, reorder_rows
from tasks.data.schema.columns import PRICE_BOUNDS_USD
from tasks.data.schema.finding_rows import make_findings, refused_symbol_findings
from tasks.data.schema.records import Days, Mask
from tasks.data.schema.symbols import is_safe_symbol
from tasks.data.schema.tables import OHLCV

PRICES = ("open", "high", "low", "close")
MAX_SHARES = 1e13  # per day; a thousand times the highest volume
ROUNDING = 1e-9  # of a price: error when a vendor adjusts for splits


@dataclass(frozen=True)
class CheckedBars:
    """Good bars, sorted by symbol and session; bars set aside, with their rule; and the findings."""

    good: pd.DataFrame
    set_aside: pd.DataFrame
    findings: pd.DataFrame
    refused: Mapping[str, int]  # bars of each symbol that the lake does not accept, by escaped symbol


def check_bars(bars: pd.DataFrame, trading_days: Days) -> CheckedBars:
    """Separate good bars from those set aside. The symbols of the good ones are categorical."""
    safe, refused, counts = _split_by_symbol(bars.assign(symbol=bars["symbol"].astype("category")))
    order = np.lexsort((safe["session"].to_numpy(), safe["symbol"].cat.codes.to_numpy()))
    ordered = reorder_rows(safe, order).reset_index(drop=True)
    single, repeated = _drop_repetitions(ordered)
    set_aside, findings = [], [refused, repeated]
    undecided = np.ones(len(single), dtype=bool)
    with np.errstate(invalid="ignore"):  # comparisons with NaN are False, without a warning
        for rule, failed in _row_rules(single, trading_days):
            out = single[failed & undecided]
            undecided &= ~failed
            set_aside.append(out.astype({"symbol": "str"}).assign(rule=rule))
            findings.append(_row_findings(out, rule))
    return CheckedBars(
        filter_rows(single, undecided).reset_index(drop=True),
        pd.concat(set_aside, ignore_index=True).astype({"rule": "str"}),
        pd.concat(findings, ignore_index=True).drop_duplicates(["symbol", "session", "rule"]),
        counts,
    )


def describe_bars(rows: pd.DataFrame) -> list[str]:
    """Return each bar as evidence: open 1 high 2 low 1 close 2 volume 100."""
    columns = [rows[name].to_numpy(dtype=np.float64) for name in OHLCV]
    return [
        " ".join(f"{name} {value:.6g}" for name, value in zip(OHLCV, values, strict=True))
        for values in zip(*columns, strict=True)
    ]


def _row_rules(bars: pd.DataFrame, trading_days: Days) -> Iterator[tuple[str, Mask]]:
    """Yield each rule with the rows that fail it, one at a time and by column: an import may be gigabytes."""
    prices = [bars[name].to_numpy(dtype=np.float64) for name in PRICES]
    volume = bars["volume"].to_numpy(dtype=np.float64)
    open_, high, low, close = prices
    least, most = PRICE_BOUNDS_USD
    yield "missing_value", ~_all(np.isfinite(values) for values in (*prices, volume))
    yield "price_not_positive", ~_all(price > 0 for price in prices)
    yield "negative_volume", ~(volume >= 0)
    yield "impossible_price", ~_all((price >= least) & (price <= most) for price in prices)
    yield "impossible_volume", ~(volume <= MAX_SHARES)
    yield (
        "inconsistent_bar",
        ~(_reaches(np.minimum(open_, close), low) & _reaches(high, np.maximum(open_, close))),
    )
    yield "non_trading_day", ~_is_among(bars["session"], trading_days)
    yield "conflicting_duplicate", _shares_key_with_neighbour(bars)


def _all(masks: Iterable[Mask]) -> Mask:
    """Return where all masks are True."""
    return reduce(np.logical_and, masks)


def _is_among(sessions: pd.Series, days: Days) -> Mask:
    """Return which sessions are among the days; compared as integers, because numpy then uses a table, not a sort."""
    result: Mask = np.isin(sessions.to_numpy().astype("datetime64[D]").view(np.int64), days.view(np.int64))
    return result


def _reaches(higher: np.ndarray, lower: np.ndarray) -> Mask:
    """Return where `higher` is not below `lower`, up to rounding."""
    result: Mask = higher >= lower * (1.0 - ROUNDING)
    return result


def _split_by_symbol(bars: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame, Mapping[str, int]]:
    names = bars["symbol"].cat
    is_safe = np.array([is_safe_symbol(str(name)) for name in names.categories], dtype=bool)
    safe = is_safe[names.codes.to_numpy()]
    out = bars.loc[~safe, ["symbol", "session"]]
    counts = out["symbol"].value_counts(sort=False)
    first = out.drop_duplicates("symbol")
    evidence = [
        f"{counted(int(counts[symbol]), 'bar')}; a symbol has at most 16 capital letters, digits, dots, dashes, "
        "^ and =, and is not a reserved word"
        for symbol in first["symbol"]
    ]
    findings = refused_symbol_findings(first, evidence)
    if safe.all():
        return bars, findings, {}
    by_name: dict[str, int] = {}
    for symbol in first["symbol"]:
        name = ascii_label(str(symbol))
        by_name[name] = by_name.get(name, 0) + int(counts[symbol])
    accepted = bars[safe]
    return accepted.assign(symbol=accepted["symbol"].cat.remove_unused_categories()), findings, by_name


def _drop_repetitions(ordered: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Drop exact duplicates; rows with the same key that differ are all retained for the rules."""
    duplicated = ordered[_shares_key_with_neighbour(ordered)]
    extra = duplicated[duplicated.duplicated(keep="first")]
    notes = make_findings(
        extra, "repeated_row", "note", ["the same row was delivered twice"] * len(extra), "stored once"
    )
    single = ordered if extra.empty else ordered.drop(index=extra.index).reset_index(drop=True)
    return single, notes


def _shares_key_with_neighbour(ordered: pd.DataFrame) -> Mask:
    code = ordered["symbol"].cat.codes.to_numpy()
    session = ordered["session"].to_numpy()
    same = np.zeros(len(ordered), dtype=bool)
    equal = (code[1:] == code[:-1]) & (session[1:] == session[:-1])
    same[1:] |= equal
    same[:-1] |= equal
    return same


def _row_findings(rows: pd.DataFrame, rule: str) -> pd.DataFrame:
    return make_findings(rows, rule, "quarantine", describe_bars(rows), "set aside, not stored as a bar")

"""Judge single bars before they are stored: complete, positive, consistent, on a trading day, once (D6).

A bar that fails is set aside with a finding; nothing is repaired, and nothing here compares one day with another
(see moves.py) or decides whether the day can go on (see readiness.py).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import reduce

import numpy as np
import pandas as pd

from tasks.core.text import ascii_label
from tasks.data.gates.context_rows import in_order, kept
from tasks.data.schema.columns import OUTERMOST_PRICES_USD
from tasks.data.schema.finding_rows import make_findings, refused_symbols
from tasks.data.schema.records import Days, Mask
from tasks.data.schema.symbols import is_safe_symbol
from tasks.data.schema.tables import OHLCV

PRICES = ("open", "high", "low", "close")
MOST_SHARES = 1e13  # a day; a thousand times the busiest
LAST_PLACE = 1e-9  # of a price: what is lost when a vendor counts back through splits


@dataclass(frozen=True)
class Judged:
    """Good bars, sorted by symbol and session; bars set aside, with their rule; and what to tell."""

    good: pd.DataFrame
    held: pd.DataFrame
    findings: pd.DataFrame
    refused: Mapping[str, int]  # bars of each symbol that may not enter, by its printable form


def judge_bars(bars: pd.DataFrame, trading_days: Days) -> Judged:
    """Sort bars into good ones and ones set aside. The symbols of the good ones come back as a category."""
    safe, refused, counts = _split_by_symbol(bars.assign(symbol=bars["symbol"].astype("category")))
    order = np.lexsort((safe["session"].to_numpy(), safe["symbol"].cat.codes.to_numpy()))
    ordered = in_order(safe, order).reset_index(drop=True)
    single, repeated = _drop_repetitions(ordered)
    held, findings = [], [refused, repeated]
    undecided = np.ones(len(single), dtype=bool)
    with np.errstate(invalid="ignore"):  # a missing value is larger than none, and no warning
        for rule, failed in _row_rules(single, trading_days):
            out = single[failed & undecided]
            undecided &= ~failed
            held.append(out.astype({"symbol": "str"}).assign(rule=rule))
            findings.append(_row_findings(out, rule))
    return Judged(
        kept(single, undecided).reset_index(drop=True),
        pd.concat(held, ignore_index=True).astype({"rule": "str"}),
        pd.concat(findings, ignore_index=True).drop_duplicates(["symbol", "session", "rule"]),
        counts,
    )


def describe_bars(rows: pd.DataFrame) -> list[str]:
    """Write each bar as evidence: open 1 high 2 low 1 close 2 volume 100."""
    columns = [rows[name].to_numpy(dtype=np.float64) for name in OHLCV]
    return [
        " ".join(f"{name} {value:.6g}" for name, value in zip(OHLCV, values, strict=True))
        for values in zip(*columns, strict=True)
    ]


def _row_rules(bars: pd.DataFrame, trading_days: Days) -> Iterator[tuple[str, Mask]]:
    """Yield each rule with the rows that fail it: one at a time and column by column, for an import is gigabytes."""
    prices = [bars[name].to_numpy(dtype=np.float64) for name in PRICES]
    volume = bars["volume"].to_numpy(dtype=np.float64)
    open_, high, low, close = prices
    least, most = OUTERMOST_PRICES_USD
    yield "missing_value", ~_all(np.isfinite(values) for values in (*prices, volume))
    yield "price_not_positive", ~_all(price > 0 for price in prices)
    yield "negative_volume", ~(volume >= 0)
    yield "impossible_price", ~_all((price >= least) & (price <= most) for price in prices)
    yield "impossible_volume", ~(volume <= MOST_SHARES)
    yield (
        "inconsistent_bar",
        ~(_reaches(np.minimum(open_, close), low) & _reaches(high, np.maximum(open_, close))),
    )
    yield "no_trading_day", ~_is_among(bars["session"], trading_days)
    yield "conflicting_duplicate", _shares_key_with_neighbour(bars)


def _all(masks: Iterable[Mask]) -> Mask:
    """Tell where every mask holds."""
    return reduce(np.logical_and, masks)


def _is_among(sessions: pd.Series, days: Days) -> Mask:
    """Tell which sessions are among the days; as integers, which numpy looks up in a table and does not sort."""
    result: Mask = np.isin(sessions.to_numpy().astype("datetime64[D]").view(np.int64), days.view(np.int64))
    return result


def _reaches(higher: np.ndarray, lower: np.ndarray) -> Mask:
    """Tell where one price is not below the other, but for rounding in the last place."""
    result: Mask = higher >= lower * (1.0 - LAST_PLACE)
    return result


def _split_by_symbol(bars: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame, Mapping[str, int]]:
    names = bars["symbol"].cat
    is_safe = np.array([is_safe_symbol(str(name)) for name in names.categories], dtype=bool)
    safe = is_safe[names.codes.to_numpy()]
    out = bars.loc[~safe, ["symbol", "session"]]
    counts = out["symbol"].value_counts(sort=False)
    first = out.drop_duplicates("symbol")
    told = [
        f"{counts[symbol]:,} bars; not of the letters, digits, dot, dash, ^ and = that a symbol may have, too long, "
        "or a reserved word"
        for symbol in first["symbol"]
    ]
    findings = refused_symbols(first, told)
    if safe.all():
        return bars, findings, {}
    by_name: dict[str, int] = {}
    for symbol in first["symbol"]:
        name = ascii_label(str(symbol))
        by_name[name] = by_name.get(name, 0) + int(counts[symbol])
    entering = bars[safe]
    return entering.assign(symbol=entering["symbol"].cat.remove_unused_categories()), findings, by_name


def _drop_repetitions(ordered: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Keep one of rows that are equal in everything; rows of one key that differ all stay, to be judged."""
    doubled = ordered[_shares_key_with_neighbour(ordered)]
    extra = doubled[doubled.duplicated(keep="first")]
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

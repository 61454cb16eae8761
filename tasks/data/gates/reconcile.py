"""Compare the bars of several sources: report differences, and use the median where no source agrees with ours.

Pure. The first source is the one that is stored. A single other source can confirm a bar or cast doubt on it, but never
replaces it. If there are two or more others and none agrees, the median of each value is stored.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from tasks.data.schema.finding_rows import make_findings, no_findings
from tasks.data.schema.records import Mask
from tasks.data.schema.tables import OHLCV

KEY = ["symbol", "session"]
PRICES = ("open", "high", "low", "close")
TOLERANCE = 0.01  # of a price
MIN_FOR_MEDIAN = 3
MIN_AGREEMENT = 0.5  # of a source's bars; below it the source has another convention, e.g. adjusted prices


@dataclass(frozen=True)
class Reconciled:
    """The bars to store, the findings, and the bars that another source confirms."""

    bars: pd.DataFrame
    findings: pd.DataFrame
    confirmed: pd.MultiIndex
    ignored: tuple[
        str, ...
    ] = ()  # sources with another convention than ours, and in how many bars they differ


def unreconciled(bars: pd.DataFrame) -> Reconciled:
    """Return the bars without a comparison."""
    none = pd.MultiIndex.from_arrays([[], []], names=KEY)
    return Reconciled(bars, no_findings(), none)


def reconcile(bars: pd.DataFrame, others: Mapping[str, pd.DataFrame], *, ours: str) -> Reconciled:
    """Compare our bars with the other sources'. A bar that no other source has is unchanged."""
    columns, agrees, ignored = {}, {}, []
    for name, frame in others.items():
        aligned = _aligned(bars, frame)
        same, shared = _agrees(bars, aligned), int(aligned["close"].notna().sum())
        if same.sum() >= MIN_AGREEMENT * shared:
            columns[name], agrees[name] = aligned, same
        else:
            ignored.append(
                f"{name} uses a different convention from {ours}: {shared - same.sum():,} of {shared:,} bars differ"
            )
    if not columns:
        return replace(unreconciled(bars), ignored=tuple(ignored))
    closes = np.column_stack([frame["close"] for frame in columns.values()])
    is_there = np.isfinite(closes)
    is_confirmed = np.zeros(len(bars), dtype=bool)
    for same in agrees.values():
        is_confirmed |= same
    differs = is_there.any(axis=1) & ~is_confirmed
    takes_median = differs & (is_there.sum(axis=1) + 1 >= MIN_FOR_MEDIAN)
    evidence = _describe(bars[differs], ours, {name: frame[differs] for name, frame in columns.items()})
    median = takes_median[differs]
    findings = [
        make_findings(
            bars[differs][chosen],
            "sources_differ",
            "quarantine",
            [text for text, wanted in zip(evidence, chosen, strict=True) if wanted],
            done,
        )
        for chosen, done in (
            (~median, f"the bar of {ours} is stored; not bought for some sessions"),
            (median, "the median of each value is stored; not bought for some sessions"),
        )
    ]
    values = bars[list(OHLCV)].to_numpy(copy=True)
    stack = np.stack([values, *(frame[list(OHLCV)].to_numpy() for frame in columns.values())])
    values[takes_median] = np.nanmedian(stack[:, takes_median], axis=0)
    return Reconciled(
        bars.assign(**dict(zip(OHLCV, values.T, strict=True))),
        pd.concat(findings, ignore_index=True),
        pd.MultiIndex.from_frame(bars[is_confirmed][KEY]),
        tuple(ignored),
    )


def _aligned(bars: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    """Return the other source's values for our rows; NaN where it has no bar, or two."""
    single = other.drop_duplicates(KEY, keep=False)
    return bars[KEY].merge(single, on=KEY, how="left")[list(OHLCV)]


def _agrees(bars: pd.DataFrame, other: pd.DataFrame) -> Mask:
    """Return where all four prices are within the tolerance."""
    result = np.ones(len(bars), dtype=bool)
    with np.errstate(invalid="ignore", divide="ignore"):
        for name in PRICES:
            result &= np.abs(other[name].to_numpy() / bars[name].to_numpy() - 1.0) <= TOLERANCE
    return result


def _describe(bars: pd.DataFrame, ours: str, others: Mapping[str, pd.DataFrame]) -> list[str]:
    """Return the closes of all sources as evidence; where closes agree, the first other price that differs."""
    sources = {ours: bars, **others}
    texts = []
    for row in range(len(bars)):
        prices = {
            name: frame.iloc[row] for name, frame in sources.items() if np.isfinite(frame["close"].iloc[row])
        }
        price = next((name for name in ("close", *PRICES) if _spread(prices, name) > TOLERANCE), "close")
        texts.append(price + " " + ", ".join(f"{name} {bar[price]:.6g}" for name, bar in prices.items()))
    return texts


def _spread(prices: Mapping[str, pd.Series], price: str) -> float:
    values = [float(bar[price]) for bar in prices.values()]
    return max(values) / min(values) - 1.0 if min(values) > 0 else np.inf

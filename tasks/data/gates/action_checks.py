"""Ask prices whether a corporate action took place: a share that splits or pays out opens that much lower.

A dividend and a split of one day are two claims, for vendors book spin-offs under either, or under both. A claim that
open and close both deny is not applied; one that leaves a gap open is. Looks at the ex-date's bar and earlier ones.
"""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pandas as pd

from tasks.data.gates.price_moves import Bars, Floats, Ints
from tasks.data.schema.finding_rows import make_findings, no_findings
from tasks.data.schema.records import Mask, Severity

LEAST_SIZE = 0.03  # log change of the price; less is lost in the noise of a day
LEAST_OFF, OFF_DEVIATIONS = (
    0.02,
    2.5,
)  # how far off open and close must be: log, and robust deviations of the name
SHOWN = 0.35  # a claim of which prices show less than this share is denied
DOUBLED = 0.5  # one claim explains the day at least twice as well as both
OPEN_GAP, GAP_DEVIATIONS = 0.10, 6.0  # what is still missing when the action is applied
LARGE_ACTION = 0.10  # log change of the price: large enough that a gap beside it is told
LARGE_DIVIDEND = 0.05  # of the price: more than any regular dividend of a quarter
SIMPLE_RATIO, RATIO_TOLERANCE = 5, 1e-4  # a split of whole shares has such a denominator at most


@dataclass(frozen=True)
class Confirmed:
    """The claims that stand (0 and 1 where one was denied), and what there is to tell."""

    actions: pd.DataFrame
    findings: pd.DataFrame


@dataclass(frozen=True)
class _Off:
    """How far open and close are from where an action should have put them, as logs, the market's move taken out."""

    at_open: Floats
    at_close: Floats

    @property
    def least(self) -> Floats:
        """What open and close agree on; 0 where they point to different sides."""
        agree = np.sign(self.at_open) == np.sign(self.at_close)
        return np.where(agree, np.minimum(np.abs(self.at_open), np.abs(self.at_close)), 0.0)

    @property
    def most(self) -> Floats:
        return np.maximum(np.abs(self.at_open), np.abs(self.at_close))


def confirm(bars: Bars, acts: pd.DataFrame, row_of_action: Ints) -> Confirmed:
    """Judge each action by the bar of its ex-date. `bars.factor` has them applied; −1 for an action without a bar."""
    has_bar = row_of_action >= 0
    is_there = has_bar & np.isfinite(bars.before[row_of_action]) if has_bar.any() else has_bar
    seen = acts[is_there]
    if seen.empty:
        return Confirmed(acts, no_findings())
    rows = row_of_action[is_there]
    before = bars.close[rows - 1]
    dividend, split = (seen[name].to_numpy(dtype=np.float64) for name in ("dividend", "split"))

    def off(dividend: Floats, split: Floats) -> _Off:
        market = np.log1p(bars.market_at_open[rows]), np.log1p(bars.market[rows])
        return _Off(
            np.log(split * (bars.open[rows] + dividend) / before) - market[0],
            np.log(split * (bars.close[rows] + dividend) / before) - market[1],
        )

    nothing, one = np.zeros(len(rows)), np.ones(len(rows))
    applied, ignored = off(dividend, split), off(nothing, one)
    only_split, only_dividend = off(nothing, split), off(dividend, one)
    own = np.nan_to_num(bars.usual_deviation(rows))
    size = np.abs(np.log(split * (1.0 + dividend / bars.close[rows])))
    is_double = (dividend > 0) & (split != 1)
    does_not_fit = (size >= LEAST_SIZE) & (applied.least > np.maximum(LEAST_OFF, OFF_DEVIATIONS * own))
    denied = does_not_fit & ~is_double & (ignored.most < SHOWN * size)
    better = np.minimum(only_split.most, only_dividend.most) < DOUBLED * applied.least
    doubled = does_not_fit & is_double & better
    drops_dividend = doubled & (only_split.most <= only_dividend.most)
    keeps_dividend, keeps_split = ~(denied | drops_dividend), ~(denied | (doubled & ~drops_dividend))
    leaves_gap = (
        (size >= LARGE_ACTION)
        & (applied.least > np.maximum(OPEN_GAP, GAP_DEVIATIONS * own))
        & ~(denied | doubled)
    )
    told = _told(dividend, split, before, bars.open[rows], bars.close[rows])
    claim = np.where(
        drops_dividend, "the split alone explains the price", "the dividend alone explains the price"
    )
    findings = [
        _find(seen, denied, "unconfirmed_action", told, "prices do not show it", "action not applied"),
        _find(seen, drops_dividend, "doubled_action", told, claim, "dividend not applied"),
        _find(seen, doubled & ~drops_dividend, "doubled_action", told, claim, "split not applied"),
        _find(
            seen,
            leaves_gap,
            "incomplete_action",
            told,
            [f"{gap:+.0%} is left unexplained at the open" for gap in np.expm1(applied.at_open)],
            "applied as announced; not bought for some sessions",
        ),
        _distributions(seen, told, dividend * split / before, split, keeps_dividend, keeps_split),
    ]
    stand = acts.copy()
    stand.loc[seen.index[~keeps_dividend], "dividend"] = 0.0
    stand.loc[seen.index[~keeps_split], "split"] = 1.0
    says_something = (stand["dividend"] != 0) | (stand["split"] != 1)
    return Confirmed(stand[says_something], pd.concat(findings, ignore_index=True))


def _distributions(
    seen: pd.DataFrame, told: list[str], share: Floats, split: Floats, keeps_dividend: Mask, keeps_split: Mask
) -> pd.DataFrame:
    """Note what is likely a spin-off: a very large dividend, or a split into no whole number of shares."""
    large = keeps_dividend & (share >= LARGE_DIVIDEND)
    odd = keeps_split & ~np.array([_is_simple(ratio) for ratio in split], dtype=bool)
    return pd.concat(
        [
            _find(
                seen,
                large,
                "large_dividend",
                told,
                [f"{part:.0%} of the close before: a spin-off or a special dividend" for part in share],
                "applied as cash",
                severity="note",
            ),
            _find(
                seen,
                odd,
                "odd_split",
                told,
                "no ratio of whole shares: a spin-off or a stock dividend",
                "applied as a split",
                severity="note",
            ),
        ],
        ignore_index=True,
    )


def _is_simple(ratio: float) -> bool:
    size = max(ratio, 1.0 / ratio)
    near = Fraction(size).limit_denominator(SIMPLE_RATIO)
    return abs(float(near) / size - 1.0) < RATIO_TOLERANCE


def _told(dividend: Floats, split: Floats, before: Floats, open_: Floats, close: Floats) -> list[str]:
    return [
        f"dividend {d:.6g} split {s:.6g}: close {b:.6g} → open {o:.6g} close {c:.6g}"
        for d, s, b, o, c in zip(dividend, split, before, open_, close, strict=True)
    ]


def _find(
    seen: pd.DataFrame,
    found: Mask,
    rule: str,
    told: list[str],
    cause: str | list[str] | np.ndarray,
    done: str,
    *,
    severity: Severity = "quarantine",
) -> pd.DataFrame:
    causes = [cause] * len(told) if isinstance(cause, str) else [str(one) for one in cause]
    evidence = [f"{what}; {why}" for what, why, hit in zip(told, causes, found, strict=True) if hit]
    return make_findings(seen[found], rule, severity, evidence, done)

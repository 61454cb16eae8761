"""Check corporate actions against prices: a share that splits or pays a dividend opens lower by that amount.

A dividend and a split on the same day are checked separately, because vendors record spin-offs as one, the other or
both. An action that both open and close contradict is not applied; one that explains only part of the move is applied.
Uses the bar of the ex-date and earlier ones.
"""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pandas as pd

from tasks.data.gates.price_moves import BarHistory, Floats, Ints
from tasks.data.schema.finding_rows import make_findings, no_findings
from tasks.data.schema.records import Mask, Severity

MIN_SIZE = 0.03  # log change of the price; smaller actions are indistinguishable from a day's noise
MIN_ERROR, ERROR_DEVIATIONS = 0.02, 2.5  # error of open and close: log, and robust deviations of the name
MIN_SHOWN = 0.35  # an action of which prices show less than this fraction is not applied
DOUBLED = 0.5  # one of the two explains the day at least twice as well as both
OPEN_GAP, GAP_DEVIATIONS = 0.10, 6.0  # move left unexplained by the applied action
LARGE_ACTION = 0.10  # log change of the price from which an unexplained gap is reported
LARGE_DIVIDEND = 0.05  # of the price: more than any regular quarterly dividend
SIMPLE_RATIO, RATIO_TOLERANCE = 5, 1e-4  # largest denominator of a split into whole shares


@dataclass(frozen=True)
class CheckedActions:
    """The actions to apply (dividend 0 or split 1 where it was contradicted), and the findings."""

    actions: pd.DataFrame
    findings: pd.DataFrame


@dataclass(frozen=True)
class _Errors:
    """Log distance of open and close from the prices that an action implies, net of the market's move."""

    at_open: Floats
    at_close: Floats

    @property
    def least(self) -> Floats:
        """The smaller error; 0 where open and close differ in sign."""
        agree = np.sign(self.at_open) == np.sign(self.at_close)
        return np.where(agree, np.minimum(np.abs(self.at_open), np.abs(self.at_close)), 0.0)

    @property
    def most(self) -> Floats:
        return np.maximum(np.abs(self.at_open), np.abs(self.at_close))


@dataclass(frozen=True)
class _Verdicts:
    """What prices say of each action."""

    denied: Mask  # they do not show it
    drops_dividend: Mask  # the split alone explains them
    drops_split: Mask  # the dividend alone explains them
    leaves_gap: Mask  # it explains only a part of them

    @property
    def keeps_dividend(self) -> Mask:
        return ~(self.denied | self.drops_dividend)

    @property
    def keeps_split(self) -> Mask:
        return ~(self.denied | self.drops_split)


def check_actions(bars: BarHistory, acts: pd.DataFrame, row_of_action: Ints) -> CheckedActions:
    """Check each action against the bar of its ex-date; actions without a bar pass.

    `bars.factor` includes the actions; `row_of_action` is −1 for an action without a bar.
    """
    has_bar = row_of_action >= 0
    is_there = has_bar & np.isfinite(bars.before[row_of_action]) if has_bar.any() else has_bar
    with_bars = acts[is_there]
    if with_bars.empty:
        return CheckedActions(acts, no_findings())
    rows = row_of_action[is_there]
    before = bars.close[rows - 1]
    dividend, split = (with_bars[name].to_numpy(dtype=np.float64) for name in ("dividend", "split"))
    verdicts, gaps = _verdicts(bars, rows, dividend, split)
    evidence = _describe(dividend, split, before, bars.open[rows], bars.close[rows])
    share = dividend * split / before
    findings = [
        *_contradictions(with_bars, verdicts, evidence, gaps),
        _distributions(with_bars, evidence, share, split, verdicts.keeps_dividend, verdicts.keeps_split),
    ]
    return CheckedActions(_applied(acts, with_bars, verdicts), pd.concat(findings, ignore_index=True))


def _verdicts(bars: BarHistory, rows: Ints, dividend: Floats, split: Floats) -> tuple[_Verdicts, Floats]:
    """Compare each action with its bar; return the verdicts, and the move that the action leaves unexplained."""
    before = bars.close[rows - 1]

    def errors(dividend: Floats, split: Floats) -> _Errors:
        market = np.log1p(bars.market_at_open[rows]), np.log1p(bars.market[rows])
        return _Errors(
            np.log(split * (bars.open[rows] + dividend) / before) - market[0],
            np.log(split * (bars.close[rows] + dividend) / before) - market[1],
        )

    nothing, one = np.zeros(len(rows)), np.ones(len(rows))
    applied, ignored = errors(dividend, split), errors(nothing, one)
    only_split, only_dividend = errors(nothing, split), errors(dividend, one)
    own = np.nan_to_num(bars.own_deviation(rows))
    size = np.abs(np.log(split * (1.0 + dividend / bars.close[rows])))
    is_double = (dividend > 0) & (split != 1)
    does_not_fit = (size >= MIN_SIZE) & (applied.least > np.maximum(MIN_ERROR, ERROR_DEVIATIONS * own))
    denied = does_not_fit & ~is_double & (ignored.most < MIN_SHOWN * size)
    denied |= does_not_fit & ~is_double & (split != 1) & _moved_the_other_way(ignored, split)
    better = np.minimum(only_split.most, only_dividend.most) < DOUBLED * applied.least
    doubled = does_not_fit & is_double & better
    drops_dividend = doubled & (only_split.most <= only_dividend.most)
    leaves_gap = (
        (size >= LARGE_ACTION)
        & (applied.least > np.maximum(OPEN_GAP, GAP_DEVIATIONS * own))
        & ~(denied | doubled)
    )
    return _Verdicts(denied, drops_dividend, doubled & ~drops_dividend, leaves_gap), np.expm1(applied.at_open)


def _contradictions(
    with_bars: pd.DataFrame, verdicts: _Verdicts, evidence: list[str], gaps: Floats
) -> tuple[pd.DataFrame, ...]:
    """Return the findings on actions that prices contradict or explain in part."""
    by_split, by_dividend = (f"the {part} alone explains the price" for part in ("split", "dividend"))
    unexplained = [f"{gap:+.0%} remains unexplained at the open" for gap in gaps]
    found: tuple[tuple[Mask, str, str | list[str], str], ...] = (
        (verdicts.denied, "unconfirmed_action", "prices do not show it", "action not applied"),
        (verdicts.drops_dividend, "double_counted_action", by_split, "dividend not applied"),
        (verdicts.drops_split, "double_counted_action", by_dividend, "split not applied"),
        (
            verdicts.leaves_gap,
            "incomplete_action",
            unexplained,
            "applied as announced; not bought for some sessions",
        ),
    )
    return tuple(_find(with_bars, hit, rule, evidence, cause, done) for hit, rule, cause, done in found)


def _applied(acts: pd.DataFrame, with_bars: pd.DataFrame, verdicts: _Verdicts) -> pd.DataFrame:
    """Return the actions without what is not applied."""
    checked = acts.copy()
    checked.loc[with_bars.index[~verdicts.keeps_dividend], "dividend"] = 0.0
    checked.loc[with_bars.index[~verdicts.keeps_split], "split"] = 1.0
    has_effect = (checked["dividend"] != 0) | (checked["split"] != 1)
    return checked[has_effect]


def _moved_the_other_way(ignored: _Errors, split: Floats) -> Mask:
    """Return the splits for which open and close both moved in the opposite of the expected direction.

    The ratio is inverted, or the split belongs to another name: applied, it would double the error of the shares held.
    """
    direction, least = np.sign(np.log(split)), MIN_SHOWN * np.maximum(np.abs(np.log(split)), LARGE_ACTION)
    moved: Mask = np.minimum(direction * ignored.at_open, direction * ignored.at_close) > least
    return moved


def _distributions(
    with_bars: pd.DataFrame,
    evidence: list[str],
    share: Floats,
    split: Floats,
    keeps_dividend: Mask,
    keeps_split: Mask,
) -> pd.DataFrame:
    """Note likely spin-offs: a very large dividend, or a split that is not a ratio of whole shares."""
    large = keeps_dividend & (share >= LARGE_DIVIDEND)
    odd = keeps_split & ~np.array([_is_simple(ratio) for ratio in split], dtype=bool)
    return pd.concat(
        [
            _find(
                with_bars,
                large,
                "large_dividend",
                evidence,
                [f"{part:.0%} of the previous close: a spin-off or a special dividend" for part in share],
                "applied as cash",
                severity="note",
            ),
            _find(
                with_bars,
                odd,
                "odd_split",
                evidence,
                "not a ratio of whole shares: a spin-off or a stock dividend",
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


def _describe(dividend: Floats, split: Floats, before: Floats, open_: Floats, close: Floats) -> list[str]:
    return [
        f"dividend {d:.6g} split {s:.6g}: close {b:.6g} → open {o:.6g} close {c:.6g}"
        for d, s, b, o, c in zip(dividend, split, before, open_, close, strict=True)
    ]


def _find(
    with_bars: pd.DataFrame,
    found: Mask,
    rule: str,
    described: list[str],
    cause: str | list[str],
    done: str,
    *,
    severity: Severity = "quarantine",
) -> pd.DataFrame:
    causes = [cause] * len(described) if isinstance(cause, str) else cause
    evidence = [f"{what}; {why}" for what, why, hit in zip(described, causes, found, strict=True) if hit]
    return make_findings(with_bars[found], rule, severity, evidence, done)

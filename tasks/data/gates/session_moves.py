"""Check a session as a whole: are its moves plausible for a market, or did an error affect many names at once?

gates/price_moves compares a name with the session's own median and spread, so it cannot detect an error that most names
share. The bounds here are absolute: they come from the settings (data.quality.session), not from the session. Moves are
net of the benchmark where it has a usable level (gates/level_checks); otherwise they are absolute, with stricter
bounds. Changes and stores nothing.
"""

from itertools import pairwise

import numpy as np
import pandas as pd

from config.data_section import Quality
from tasks.core.errors import DataError
from tasks.core.text import counted
from tasks.data.gates.baselines import rows_by_session
from tasks.data.gates.price_moves import BarHistory, Floats, Ints
from tasks.data.schema.batch import SessionMoves
from tasks.data.schema.records import Days

MIN_MOVED = 3  # names; fewer may be news of single names
MEDIAN_NAMES = 8  # with fewer names the median may be the news of one of them
MAX_COPIED = 0.9  # of the closes equal the open, high or low: the column was copied
REACH_BARS, SAMPLE = 60, 200  # earlier bars whose closes are compared, and sampled names
EXAMPLES, EXAMPLES_FROM = (
    3,
    0.05,
)  # largest moves as evidence, if more than this fraction of names exceeds the limit


def measure_sessions(
    bars: BarHistory, symbols: pd.Index, trading_days: Days, *, benchmark: Floats, move_frac: float
) -> tuple[SessionMoves, ...]:
    """Measure every session with new bars that has an earlier session with bars.

    `symbols` names the codes of the bars; `benchmark` has one level per trading day, NaN where missing.
    """
    if not bars.is_new.any():
        return ()
    found = []
    for earlier, rows in pairwise(rows_by_session(bars.day)):
        if bars.is_new[rows].any():
            pair = int(bars.day[earlier[0]]), int(bars.day[rows[0]])
            found.append(_measure(bars, rows, pair, symbols, trading_days, benchmark, move_frac))
    return tuple(found)


def refuse_implausible_session(
    sessions: tuple[SessionMoves, ...], limits: Quality, *, provider: str, remedy: str = ""
) -> None:
    """Raise DataError for the last session that breaks a bound; return when there is none."""
    for moves in reversed(sessions):
        reason = broken_bound(moves, limits)
        if reason:
            examples = f" Examples: {'; '.join(moves.examples)}." if moves.examples else ""
            raise DataError(
                f"The prices of {moves.session} are implausible: {reason} "
                f"(names compared with {moves.before}: {moves.names}).{examples} {provider} probably delivered them "
                f"in the wrong unit, under the wrong symbols, or for the wrong day.",
                remedy=remedy
                or "Nothing was stored. Refresh again when the provider has corrected the session, or correct or "
                "remove its rows at the source; add a missing split to corporate_actions. "
                "Bounds: data.quality.session, see docs/data.md.",
                session=str(moves.session),
                names=moves.names,
            )


def broken_bound(moves: SessionMoves, limits: Quality) -> str:
    """Return which bound the session breaks, with the value; "" if none."""
    bounds, stretch = limits.session, float(np.sqrt(moves.trading_days))
    has_benchmark = np.isfinite(moves.benchmark)
    is_full = moves.names >= bounds.full_names
    share = bounds.max_moved_frac if is_full and has_benchmark else bounds.max_moved_frac_strict
    beyond = f"{limits.max_move_frac * stretch:.0%}"
    against = "net of the benchmark" if has_benchmark else "without a usable benchmark"
    for count, what in (
        (moves.moved, f"moved over {beyond} {against}"),
        (moves.wide, f"have a high or low over {beyond} beyond both this close and the previous one"),
    ):
        if count >= MIN_MOVED and count > share * moves.names:
            return (
                f"{count} of {moves.names} names ({count / moves.names:.0%}) {what}; the limit is {share:.0%}"
            )
    gap = moves.median - (moves.benchmark if has_benchmark else 0.0)
    widest = bounds.max_median_gap_frac if has_benchmark else bounds.max_median_move_frac
    widest = (max(widest, limits.max_move_frac) if moves.names < MEDIAN_NAMES else widest) * stretch
    if abs(gap) > widest:
        level = (
            f"the benchmark's {moves.benchmark:+.1%}" if has_benchmark else "zero, without a usable benchmark"
        )
        return f"the median move is {moves.median:+.1%}, over {widest:.0%} away from {level}"
    if is_full and not moves.rank_correlation >= bounds.min_rank_correlation:
        return (
            f"the order of the names by price changed: rank correlation {moves.rank_correlation:.3f}, below "
            f"the limit of {bounds.min_rank_correlation:g}"
        )
    times, most = moves.volume_times, bounds.max_volume_ratio
    if moves.names >= MEDIAN_NAMES and (times > most or times < 1 / most):
        return f"the median name traded {times:.3g} times the shares of the previous session"
    return _repeated_closes(moves, limits) if moves.names >= MEDIAN_NAMES else ""


def _repeated_closes(moves: SessionMoves, limits: Quality) -> str:
    """Return how many closes repeat an earlier session's, or another price of the day, if too many do."""
    share, back = moves.old_closes
    if share > limits.max_repeated_frac:
        return f"{share:.0%} of the closes equal those {counted(back, 'session')} earlier"
    share, column = moves.copied
    return f"{share:.0%} of the closes equal the {column} of the same bar" if share > MAX_COPIED else ""


def _measure(
    bars: BarHistory,
    rows: Ints,
    pair: tuple[int, int],
    symbols: pd.Index,
    trading_days: Days,
    benchmark: Floats,
    move_frac: float,
) -> SessionMoves:
    before_day, day = pair
    rows = rows[rows > 0]
    earlier = rows - 1
    follows = (bars.code[earlier] == bars.code[rows]) & (bars.day[earlier] == before_day)
    rows = rows[follows & ~bars.was_set_aside[earlier] & ~bars.was_set_aside[rows]]
    before, close = bars.close[rows - 1] / bars.factor[rows], bars.close[rows]
    limit = move_frac * np.sqrt(day - before_day)
    level = benchmark[day] / benchmark[before_day] - 1.0
    moves = close / before - 1.0
    net = np.abs(moves - (level if np.isfinite(level) else 0.0))
    high = bars.high[rows] / np.maximum(before, close) - 1.0
    low = np.minimum(before, close) / bars.low[rows] - 1.0
    volume, volume_before = bars.volume[rows], bars.volume[rows - 1]
    traded = (volume > 0) & (volume_before > 0)
    moved = int((net > limit).sum())
    has_examples = moved > EXAMPLES_FROM * len(rows)
    farthest = np.argsort(-net, kind="stable")[:EXAMPLES] if has_examples else np.zeros(0, dtype=np.int64)
    return SessionMoves(
        session=trading_days[day].item(),
        before=trading_days[before_day].item(),
        trading_days=day - before_day,
        names=len(rows),
        benchmark=float(level),
        moved=moved,
        wide=int((np.maximum(high, low) > limit).sum()),
        median=float(np.median(moves)) if len(rows) else 0.0,
        rank_correlation=_rank_correlation(before, close),
        volume_times=float(np.median(volume[traded] / volume_before[traded])) if traded.any() else np.nan,
        old_closes=_old_closes(bars, rows),
        copied=_copied(bars, rows),
        examples=tuple(
            f"{symbols[bars.code[rows[i]]]} {before[i]:.6g} → {close[i]:.6g} ({moves[i]:+.1%})"
            for i in farthest
        ),
    )


def _old_closes(bars: BarHistory, rows: Ints) -> tuple[float, int]:
    """Return the largest share of names whose close equals the close n bars earlier, and n.

    A bar that repeats all prices of the previous one does not count: it has its own finding (repeated_bar).
    """
    if len(rows) == 0:
        return 0.0, 0
    rows = rows[:: -(-len(rows) // SAMPLE)]
    back = np.arange(1, REACH_BARS + 1)
    then = np.maximum(rows[:, None] - back, 0)
    is_old = (bars.close[then] == bars.close[rows][:, None]) & (bars.code[then] == bars.code[rows][:, None])
    prices = (bars.open, bars.high, bars.low, bars.close)
    is_old[np.all([price[rows] == price[rows - 1] for price in prices], axis=0)] = False
    shares = is_old.mean(axis=0)
    return float(shares.max()), int(back[shares.argmax()])


def _copied(bars: BarHistory, rows: Ints) -> tuple[float, str]:
    """Return the largest share of names whose close equals the open, high or low of their bar, and which one.

    Bars with a single price do not count: they have their own findings (flat_bar, no_trade).
    """
    rows = rows[bars.high[rows] > bars.low[rows]]
    if len(rows) < MEDIAN_NAMES:
        return 0.0, ""
    columns = {"open": bars.open, "high": bars.high, "low": bars.low}
    shares = {name: float((bars.close[rows] == prices[rows]).mean()) for name, prices in columns.items()}
    column = max(shares, key=lambda name: shares[name])
    return shares[column], column


def _rank_correlation(one: Floats, other: Floats) -> float:
    """Return Spearman's rank correlation, ties averaged; NaN where one side is constant."""
    if len(one) < 2:
        return float("nan")
    ranks = [_ranks(values) for values in (one, other)]
    spread = ranks[0].std() * ranks[1].std()
    return float(np.mean(ranks[0] * ranks[1]) / spread) if spread else float("nan")


def _ranks(values: Floats) -> Floats:
    """Return ranks centered on zero, ties averaged."""
    order = np.argsort(values)
    ordered = values[order]
    starts = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))  # of each run of equal values
    ends = np.append(starts[1:], len(values))
    ranks = np.empty(len(values))
    ranks[order] = np.repeat(starts + ends, ends - starts)
    centred: Floats = (ranks - ranks.mean()) / 2.0
    return centred

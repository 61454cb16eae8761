"""Judge a session as a whole: did its prices move as one market can, or did an error hit many names at once?

moves.py measures a name against the session's own median and spread, so it is blind to an error that most names share.
The bounds here are absolute: they are figures of the settings (data.quality.session), never of the session. Moves are
taken net of the benchmark where it has a believable level (level_gates.py), and absolutely, with stricter bounds,
where it has none. Looks at sessions only; changes and stores nothing.
"""

from itertools import pairwise

import numpy as np
import pandas as pd

from config.data_section import Quality
from tasks.core.errors import DataError
from tasks.data.gates.baselines import rows_by_session
from tasks.data.gates.price_moves import Bars, Floats, Ints
from tasks.data.schema.batch import SessionMoves
from tasks.data.schema.records import Days

LEAST_MOVED = 3  # names: two or one are news of their own, and judged by name
MEDIAN_NAMES = 8  # of fewer names the median is the news of one of them
REACH_BARS, SAMPLE = 60, 200  # closes are compared with so many bars before, of at most so many names
EXAMPLES, EXAMPLES_FROM = (
    3,
    0.05,
)  # the farthest moves as evidence, where more than this share of names moved far


def measure_sessions(
    bars: Bars, symbols: pd.Index, trading_days: Days, *, benchmark: Floats, move_frac: float
) -> tuple[SessionMoves, ...]:
    """Measure every session with new bars that has one with bars before it.

    `symbols` names the codes of the bars; `benchmark` is a level for each trading day, NaN where there is none.
    """
    if not bars.is_new.any():
        return ()
    found = []
    for earlier, rows in pairwise(rows_by_session(bars.day)):
        if bars.is_new[rows].any():
            pair = int(bars.day[earlier[0]]), int(bars.day[rows[0]])
            found.append(_measure(bars, rows, pair, symbols, trading_days, benchmark, move_frac))
    return tuple(found)


def refuse_out_of_line(
    sessions: tuple[SessionMoves, ...], limits: Quality, *, provider: str, remedy: str = ""
) -> None:
    """Raise DataError for the last session that no market can have made; return when there is none."""
    for moves in reversed(sessions):
        reason = out_of_line(moves, limits)
        if reason:
            examples = f" Among them {'; '.join(moves.examples)}." if moves.examples else ""
            raise DataError(
                f"The prices of {moves.session} cannot be right: {reason} "
                f"(names compared with {moves.before}: {moves.names}).{examples} {provider} likely delivered them "
                f"in another unit, under other symbols, or of another day.",
                remedy=remedy
                or "Nothing was stored. Refresh again when the provider has corrected the session, or correct or "
                "remove its rows at the source; a split that is missing belongs into corporate_actions. "
                "Bounds: data.quality.session, see docs/data.md.",
                session=str(moves.session),
                names=moves.names,
            )


def out_of_line(moves: SessionMoves, limits: Quality) -> str:
    """Say which bound the session breaks, with the figure; "" when it breaks none."""
    bounds, stretch = limits.session, float(np.sqrt(moves.trading_days))
    has_benchmark = np.isfinite(moves.benchmark)
    is_full = moves.names >= bounds.full_names
    share = bounds.max_moved_frac if is_full and has_benchmark else bounds.max_moved_frac_strict
    beyond = f"{limits.max_move_frac * stretch:.0%}"
    against = "net of the benchmark" if has_benchmark else "without a usable benchmark to compare with"
    for count, what in (
        (moves.moved, f"moved over {beyond} {against}"),
        (moves.wide, f"have a high or low over {beyond} beyond both closes"),
    ):
        if count >= LEAST_MOVED and count > share * moves.names:
            return (
                f"{count} of {moves.names} names ({count / moves.names:.0%}) {what}; at most {share:.0%} may"
            )
    gap = moves.median - (moves.benchmark if has_benchmark else 0.0)
    widest = bounds.max_median_gap_frac if has_benchmark else bounds.max_median_move_frac
    widest = (max(widest, limits.max_move_frac) if moves.names < MEDIAN_NAMES else widest) * stretch
    if abs(gap) > widest:
        level = (
            f"the benchmark's {moves.benchmark:+.1%}" if has_benchmark else "zero, for want of a benchmark"
        )
        return f"the median move is {moves.median:+.1%}, over {widest:.0%} away from {level}"
    if is_full and not moves.rank_correlation >= bounds.min_rank_correlation:
        return (
            f"the order of the names by price is another one: rank correlation {moves.rank_correlation:.3f}, at least "
            f"{bounds.min_rank_correlation:g} is asked for"
        )
    times, most = moves.volume_times, bounds.max_volume_times
    if moves.names >= MEDIAN_NAMES and (times > most or times < 1 / most):
        return f"the median name traded {times:.3g} times the shares of the session before"
    share, back = moves.old_closes
    if moves.names >= MEDIAN_NAMES and share > limits.max_repeated_frac:
        return f"{share:.0%} of the closes are those of {back} session{'s' if back > 1 else ''} before"
    return ""


def _measure(
    bars: Bars,
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
    rows = rows[follows & ~bars.was_held[earlier] & ~bars.was_held[rows]]
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
        examples=tuple(
            f"{symbols[bars.code[rows[i]]]} {before[i]:.6g} → {close[i]:.6g} ({moves[i]:+.1%})"
            for i in farthest
        ),
    )


def _old_closes(bars: Bars, rows: Ints) -> tuple[float, int]:
    """Return the largest share of names whose close is that of one and the same bar before, and how far back that is.

    A bar that repeats the one before whole is a finding of its own name (repeated_bar) and does not count.
    """
    if len(rows) == 0:
        return 0.0, 0
    rows = rows[:: -(-len(rows) // SAMPLE)]
    back = np.arange(1, REACH_BARS + 1)
    then = np.maximum(rows[:, None] - back, 0)
    is_old = (bars.close[then] == bars.close[rows][:, None]) & (bars.code[then] == bars.code[rows][:, None])
    figures = (bars.open, bars.high, bars.low, bars.close)
    is_old[np.all([figure[rows] == figure[rows - 1] for figure in figures], axis=0)] = False
    shares = is_old.mean(axis=0)
    return float(shares.max()), int(back[shares.argmax()])


def _rank_correlation(one: Floats, other: Floats) -> float:
    """Return Spearman's correlation, equal values sharing a rank; NaN where one side is constant."""
    if len(one) < 2:
        return float("nan")
    ranks = [_ranks(values) for values in (one, other)]
    spread = ranks[0].std() * ranks[1].std()
    return float(np.mean(ranks[0] * ranks[1]) / spread) if spread else float("nan")


def _ranks(values: Floats) -> Floats:
    """Return ranks around zero."""
    order = np.argsort(values)
    ordered = values[order]
    starts = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))  # of each run of equal values
    ends = np.append(starts[1:], len(values))
    ranks = np.empty(len(values))
    ranks[order] = np.repeat(starts + ends, ends - starts)
    centred: Floats = (ranks - ranks.mean()) / 2.0
    return centred

"""Compare the session's data with its own recent past: size of the universe, volumes, closes, moves. Pure."""

from math import sqrt

import numpy as np

from config.monitoring_section import Monitoring
from tasks.data.schema.records import Matrix, Panel
from tasks.monitoring.schema import Alert, DataFigures

UNIVERSE_SESSIONS, BEFORE_SESSIONS, MOVES_SESSIONS = 20, 63, 10
SESSIONS_PER_YEAR = 252


def data_figures(panel: Panel) -> DataFigures:
    """Return the figures of the panel's last session; ratios of a past that is too short are neutral."""
    is_member = panel.is_member
    sizes = is_member[-1 - UNIVERSE_SESSIONS : -1].sum(axis=1)
    rows = slice(-1 - BEFORE_SESSIONS, -1)
    volume = np.where(is_member[-1], panel.volume, np.nan)
    ratio = _nan_median(volume[-1] / _median_by_name(volume[rows]))
    unchanged = _unchanged(panel)
    before = unchanged[rows]
    moves, moves_before = moves_of(own_moves(panel, slice(-1 - MOVES_SESSIONS - BEFORE_SESSIONS, None)))
    return DataFigures(
        universe=int(is_member[-1].sum()),
        universe_before=float(np.median(sizes)) if len(sizes) else float(is_member[-1].sum()),
        volume_ratio=ratio if np.isfinite(ratio) else 1.0,
        unchanged_frac=float(unchanged[-1]),
        unchanged_before=float(np.median(before)) if len(before) else 0.0,
        moves=moves,
        moves_before=moves_before,
    )


def data_alerts(figures: DataFigures, limits: Monitoring, *, scored: int, left_out: int) -> list[Alert]:
    """Return the alerts; none of them is a reason to train again."""
    alerts = []
    share = scored / (scored + left_out) if scored + left_out else 0.0
    if share < limits.min_scored_frac:
        detail = f"{left_out} of {scored + left_out} names have too few features to be scored."
        alerts.append(Alert("scored_names", share, limits.min_scored_frac, detail))
    change = figures.universe / figures.universe_before - 1 if figures.universe_before else 0.0
    if abs(change) > limits.max_universe_change_frac:
        detail = f"The universe has {figures.universe} names; it had {figures.universe_before:g}."
        alerts.append(Alert("universe_size", change, limits.max_universe_change_frac, detail))
    ratio = figures.volume_ratio
    if not 1 / limits.max_volume_ratio <= ratio <= limits.max_volume_ratio:
        detail = (
            f"A typical name's volume is {ratio:.2f} times that of the {BEFORE_SESSIONS} sessions before."
        )
        alerts.append(Alert("volume", ratio, limits.max_volume_ratio, detail))
    limit = max(limits.max_unchanged_frac, 2 * figures.unchanged_before)
    if figures.unchanged_frac > limit:
        detail = (
            f"{figures.unchanged_frac:.0%} of the closes equal those of the session before: stale prices?"
        )
        alerts.append(Alert("unchanged_prices", figures.unchanged_frac, limit, detail))
    limit = max(limits.max_moves, limits.max_moves_ratio * figures.moves_before)
    if figures.moves > limit:
        detail = (
            f"Net of the median return, a typical name moves {figures.moves:.2f} times the daily move that the"
            f" volatility index implies; it was {figures.moves_before:.2f} times before. Are the prices wrong?"
        )
        alerts.append(Alert("moves", figures.moves, limit, detail))
    return alerts


def _unchanged(panel: Panel) -> Matrix:
    """Return by session the fraction of the members whose raw close is that of the session before."""
    rows = slice(-2 - BEFORE_SESSIONS, None)
    close, is_member = panel.raw_close[rows], panel.is_member[rows]
    same = (close[1:] == close[:-1]) & is_member[1:]
    return np.asarray(same.sum(axis=1) / np.maximum(is_member[1:].sum(axis=1), 1), dtype=np.float64)


def own_moves(panel: Panel, rows: slice) -> Matrix:
    """Return for each of these sessions but the first the typical name's move apart from the others, in implied moves.

    The index grows with the market's moves, so a crash changes little of it. Prices of another scale do.
    """
    close, implied = panel.close[rows], panel.volatility_index[rows][1:] / 100 / sqrt(SESSIONS_PER_YEAR)
    returns = np.where(panel.is_member[rows][1:], close[1:] / close[:-1] - 1, np.nan)
    return np.array([_nan_median(np.abs(row - _nan_median(row))) for row in returns]) / implied


def moves_of(own: Matrix) -> tuple[float, float]:
    """Return the typical own move of the last sessions and of those before; zeros if one of them is not known."""
    own = own[-MOVES_SESSIONS - BEFORE_SESSIONS :]
    last, before = _nan_median(own[-MOVES_SESSIONS:]), _nan_median(own[:-MOVES_SESSIONS])
    return (last, before) if np.isfinite(last) and np.isfinite(before) else (0.0, 0.0)


def _median_by_name(values: Matrix) -> Matrix:
    known = np.isfinite(values).any(axis=0) if len(values) else np.zeros(values.shape[1], dtype=bool)
    medians = np.full(values.shape[1], np.nan)
    medians[known] = np.nanmedian(values[:, known], axis=0)
    return np.where(medians > 0, medians, np.nan)


def _nan_median(values: Matrix) -> float:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if len(known) else float("nan")

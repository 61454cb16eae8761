"""Deflate the evidence for a candidate by the number of all trials."""

from collections.abc import Sequence
from math import isfinite, sqrt

import numpy as np
import pandas as pd

from tasks.models.training.inference import BAND_T
from tasks.selection.schema import Deflation, Evidence
from tasks.selection.statistics.effective import effective_trials
from tasks.selection.statistics.overfitting import probability_of_overfitting
from tasks.selection.statistics.sharpe import (
    Moments,
    deflated_sharpe,
    expected_maximum,
    min_backtest_length,
    min_track_record,
    moments_of,
    probabilistic_sharpe,
    sharpe_error,
)
from tasks.selection.trials.history import History

SESSIONS_PER_YEAR = 252
LEAST_SESSIONS = 60  # of returns, for a trial to count as a chance and for evidence to be stated
LEAST_DEVIATION = 1e-12


def deflate(
    history: History, week: dict[str, pd.Series], candidate: str | None, *, ranked: Sequence[str]
) -> Deflation:
    """Return the deflated evidence for a candidate of the week, given all trials.

    `week`: the returns of the week's candidates; `ranked`: which of them rank names. Without a candidate, or with
    too few sessions of returns, there is no evidence.
    """
    effective = effective_number(history)
    returns = None if candidate is None else week[candidate].to_numpy(dtype=np.float64)
    tested = pd.DataFrame({name: week[name] for name in ranked}).dropna()
    return Deflation(
        trials=history.count,
        unknown=history.unknown,
        effective=effective,
        min_backtest_years=min_backtest_length(effective, sharpe=1),
        overfitting=probability_of_overfitting(tested.to_numpy(dtype=np.float64)),
        evidence=None
        if candidate is None or returns is None or np.isfinite(returns).sum() < LEAST_SESSIONS
        else _evidence(candidate, moments_of(returns), effective),
    )


def effective_number(history: History) -> float:
    """Return the effective number of trials.

    Trials with constant returns (such as equal weight) or fewer than LEAST_SESSIONS sessions cannot succeed by chance
    and are omitted. Trials whose returns were lost count in full.
    """
    returns = history.returns
    usable = (returns.count() >= LEAST_SESSIONS) & (returns.std() > LEAST_DEVIATION)
    return effective_trials(returns.loc[:, usable].to_numpy(dtype=np.float64)) + history.unknown


def bar_of(effective: float, *, years: float) -> float:
    """Return the yearly Sharpe ratio that the best of this many trials is expected to reach by chance."""
    return expected_maximum(effective) / sqrt(years)


def _evidence(candidate: str, moments: Moments, effective: float) -> Evidence:
    error = sharpe_error(moments, at=moments.sharpe, observations=moments.observations)
    # of Sharpe ratios without skill: that of a few clusters would be an estimate from three or four figures
    variance = sharpe_error(moments, at=0, observations=moments.observations) ** 2
    year = sqrt(SESSIONS_PER_YEAR)
    least = min_track_record(moments, benchmark=0)
    return Evidence(
        candidate=candidate,
        sessions=moments.observations,
        sharpe=moments.sharpe * year,
        sharpe_low=(moments.sharpe - BAND_T * error) * year,
        sharpe_high=(moments.sharpe + BAND_T * error) * year,
        bar=sqrt(variance) * expected_maximum(effective) * year,
        deflated=deflated_sharpe(moments, trials=effective, variance=variance, convention="2025"),
        deflated_2014=deflated_sharpe(moments, trials=effective, variance=variance, convention="2012"),
        probabilistic=probabilistic_sharpe(moments, benchmark=0, convention="2025"),
        probabilistic_2012=probabilistic_sharpe(moments, benchmark=0, convention="2012"),
        min_track_record_sessions=round(least) if isfinite(least) else None,
        autocorrelation=moments.autocorrelation,
    )

"""A statistical model as an alternative to the rules: a Markov-switching model of the benchmark's volatility.

Two regimes with their own mean and variance (statsmodels' MarkovRegression), fitted once a calendar year on the
FITTED_SESSIONS returns before it. A session's reading is the volatility expected from its *filtered* probabilities,
compared with the volatility limits of the rules; smoothed probabilities would look ahead. Causal and deterministic: the
fit starts from fixed values, and a session depends on its own return and those before it.
"""

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from config import sections
from tasks.regime.inputs import INDEX_OVER_REALISED, SESSIONS_PER_YEAR
from tasks.regime.rules import BEAR, BULL, CRASH, NEUTRAL, Ranks, confirmed_states

Numbers = NDArray[np.float64]
Days = NDArray[np.datetime64]

FITTED_SESSIONS = 2520
LEAST_SESSIONS = 1260  # with fewer returns there is no model, and the rules set the state
MAX_ITERATIONS = 100
IN_PERCENT = 100.0  # the optimizer converges on returns in percent


@dataclass(frozen=True)
class Switching:
    """A fitted model: per regime, calm first. Returns are logarithms in percent, per session."""

    stay: tuple[float, float]  # probability of the same regime in the next session
    mean: tuple[float, float]
    variance: tuple[float, float]


def statistical_path(days: Days, returns: Numbers, fallback: Ranks, rules: sections.Regime) -> Ranks:
    """Return the confirmed state of each session; `fallback` where there is no model yet.

    `returns`: the benchmark's daily returns, NaN where unknown.
    """
    return states_of(expected_volatility(days, returns), fallback, rules)


def states_of(volatility_pct: Numbers, fallback: Ranks, rules: sections.Regime) -> Ranks:
    """Return the confirmed state of each session by its expected volatility; `fallback` where that is NaN."""
    states = confirmed_states(
        volatility_states(volatility_pct, rules),
        volatility_states(volatility_pct, rules, margin=rules.improve_margin),
        worsen_sessions=rules.worsen_sessions,
        confirm_sessions=rules.confirm_sessions,
        crash_confirm_sessions=rules.crash_confirm_sessions,
    )
    return np.where(np.isfinite(volatility_pct), states, fallback)


def volatility_states(volatility_pct: Numbers, rules: sections.Regime, *, margin: float = 0.0) -> Ranks:
    """Return the state of each session by its expected volatility alone; `margin` as in the rules."""
    scale = 1 - margin
    is_crash = volatility_pct >= rules.crash_volatility
    is_bear = volatility_pct >= rules.bear_volatility * scale
    is_bull = volatility_pct < rules.calm_volatility * scale
    return np.select([is_crash, is_bear, is_bull], [CRASH, BEAR, BULL], NEUTRAL).astype(np.int64)


def expected_volatility(days: Days, returns: Numbers) -> Numbers:
    """Return the volatility expected after each session, in percent of a volatility index; NaN without a model."""
    logs = IN_PERCENT * np.log1p(np.nan_to_num(returns, nan=0.0))
    years = days.astype("datetime64[Y]").astype(np.int64)
    expected = np.full(len(logs), np.nan)
    is_known = np.isfinite(returns)
    earliest = int(np.argmax(is_known))
    for year in np.unique(years):
        inside = np.flatnonzero(years == year)
        first, after = int(inside[0]), int(inside[-1]) + 1
        start = max(first - FITTED_SESSIONS, earliest)
        if is_known[start:first].sum() < LEAST_SESSIONS:
            continue
        model = fit_model(logs[start:first])
        turbulent = filtered_probability(model, logs[start:after])[first - start :]
        calm, wild = model.variance
        daily = np.sqrt(calm + turbulent * (wild - calm))
        expected[first:after] = INDEX_OVER_REALISED * daily * np.sqrt(SESSIONS_PER_YEAR)
    return expected


def fit_model(logs: Numbers) -> Switching:
    """Fit the model to log returns in percent."""
    from statsmodels.tsa.regime_switching.markov_regression import MarkovRegression  # slow to import

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns where the last iterations gain nothing
        model = MarkovRegression(logs, k_regimes=2, trend="c", switching_variance=True)
        found = np.asarray(model.fit(disp=False, maxiter=MAX_ITERATIONS).params, dtype=float)
    into_first = found[:2]  # probability of regime 0 after regime 0, and after regime 1
    calm, wild = np.argsort(found[4:6]).tolist()
    stay = (float(into_first[0]), float(1 - into_first[1]))
    return Switching(
        (stay[calm], stay[wild]),
        (float(found[2 + calm]), float(found[2 + wild])),
        (float(found[4 + calm]), float(found[4 + wild])),
    )


def filtered_probability(model: Switching, logs: Numbers) -> Numbers:
    """Return the probability of the turbulent regime after each return, given the returns up to it.

    Begins with the model's long-run probability.
    """
    (stay_calm, stay_wild), (mean_calm, mean_wild), (calm, wild) = model.stay, model.mean, model.variance
    like_calm = np.exp(-((logs - mean_calm) ** 2) / (2 * calm)) / np.sqrt(calm)
    like_wild = np.exp(-((logs - mean_wild) ** 2) / (2 * wild)) / np.sqrt(wild)
    leave = (1 - stay_calm) + (1 - stay_wild)
    predicted = (1 - stay_calm) / leave
    path = np.empty(len(logs))
    for row, (a, b) in enumerate(zip(like_calm.tolist(), like_wild.tolist(), strict=True)):
        joint = predicted * b
        total = joint + (1 - predicted) * a
        probability = joint / total if total > 0 else 1.0  # a move beyond both densities is turbulent
        path[row] = probability
        predicted = probability * stay_wild + (1 - probability) * (1 - stay_calm)
    return path

import numpy as np
import pandas as pd
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tasks.risk.covariance import centred_returns, covariance_of, estimable, estimate_shrinkage, fill_gaps
from tasks.risk.tail import portfolio_risk

seeds = st.integers(0, 10_000)


def make_returns(seed, *, sessions, names, missing=0.0):
    """Return daily returns of the names of a random market that can be estimated, by symbol."""
    rng = np.random.default_rng(seed)
    returns = rng.normal(0, 0.01, (sessions, 1)) + rng.normal(0, 0.01, (sessions, names))
    returns *= rng.uniform(0.1, 10, names)
    returns[rng.random(returns.shape) < missing] = np.nan
    known = np.flatnonzero(estimable(returns, min_history_frac=0.5))
    return pd.DataFrame(returns[:, known], columns=[f"S{name:03d}" for name in known])


def shrunk(returns):
    """Return the covariance of all names, and how it is shrunk."""
    shrinkage = estimate_shrinkage(centred_returns(returns.to_numpy()))
    return covariance_of(returns, returns.columns, shrinkage), shrinkage


@given(seeds, st.integers(1, 30), st.floats(0, 0.15))
@settings(max_examples=30)
def test_the_covariance_can_always_be_inverted(seed, names, missing):
    matrix = shrunk(make_returns(seed, sessions=60, names=names, missing=missing))[0].to_numpy()

    assert np.isfinite(matrix).all()
    assert np.array_equal(matrix, matrix.T)
    if matrix.size:
        assert np.linalg.eigvalsh(matrix)[0] > 0


@given(seeds, st.integers(20, 80), st.integers(1, 120), st.floats(0, 0.15))
@settings(max_examples=60)
def test_the_covariance_is_the_one_that_scikit_learn_computes_of_all_names(seed, sessions, names, missing):
    from sklearn.covariance import ledoit_wolf

    returns = make_returns(seed, sessions=sessions, names=names, missing=missing)
    assume(returns.shape[1] > 0)
    some = list(returns.columns[:: max(1, returns.shape[1] // 7)])

    expected, intensity = ledoit_wolf(fill_gaps(returns.to_numpy()))
    matrix, shrinkage = shrunk(returns)

    assert np.isclose(shrinkage.intensity, intensity, rtol=1e-9, atol=0)
    assert np.allclose(matrix, expected, rtol=1e-9, atol=1e-12 * np.trace(expected))
    of_some = covariance_of(returns, some, shrinkage)
    assert np.allclose(of_some, matrix.loc[some, some], rtol=1e-12, atol=1e-15 * np.trace(expected))


@given(seeds, st.integers(2, 40))
@settings(max_examples=20)
def test_the_covariance_of_a_year_is_the_one_that_pyportfolioopt_computes(seed, names):
    from pypfopt.risk_models import CovarianceShrinkage

    returns = make_returns(seed, sessions=100, names=names)

    expected = CovarianceShrinkage(returns, returns_data=True, frequency=252).ledoit_wolf()

    assert np.allclose(252 * shrunk(returns)[0], expected, rtol=1e-9, atol=1e-12 * np.trace(expected))


@given(seeds, st.integers(2, 60), st.integers(20, 40))
@settings(max_examples=30)
def test_fault_034_a_singular_covariance_is_repaired_and_reported(seed, names, sessions):
    # every session the same move of all names, up or down: nothing is noise, so nothing is shrunk away
    move = np.random.default_rng(seed).uniform(0.001, 0.02, names)
    up_and_down = np.resize([1.0, -1.0], 2 * sessions)
    returns = pd.DataFrame(np.outer(up_and_down, move), columns=[f"S{name:03d}" for name in range(names)])
    singular = np.outer(move, move)

    repaired, shrinkage = shrunk(returns)

    assert shrinkage.is_repaired
    assert np.linalg.eigvalsh(repaired)[0] > 0
    assert np.abs(repaired - singular).max().max() <= 1e-6 * np.trace(singular)


@given(seeds, st.floats(0.6, 0.99))
@settings(max_examples=30)
def test_shortfall_is_never_smaller_than_value_at_risk(seed, confidence):
    rng = np.random.default_rng(seed)
    returns = pd.DataFrame(rng.standard_t(4, (120, 3)) * 0.01, columns=["A", "B", "C"])

    figures = portfolio_risk(pd.Series({"A": 0.4, "B": 0.3, "C": 0.1, "CASH": 0.2}), returns, confidence)

    assert figures["cvar_1d"] >= figures["var_1d"] >= 0
    assert figures["cvar_21d"] >= figures["var_21d"] >= 0


@given(seeds, st.floats(0.1, 1))
@settings(max_examples=30)
def test_risk_scales_with_exposure_for_one_session(seed, exposure):
    returns = pd.DataFrame(np.random.default_rng(seed).normal(0, 0.01, (120, 2)), columns=["A", "B"])
    whole = portfolio_risk(pd.Series({"A": 0.5, "B": 0.5}), returns, 0.95)

    part = portfolio_risk(pd.Series({"A": 0.5, "B": 0.5}) * exposure, returns, 0.95)

    assert np.isclose(part["volatility"], whole["volatility"] * exposure)
    assert np.isclose(part["var_1d"], whole["var_1d"] * exposure)

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.risk.covariance import estimable, estimate_covariance, repair_singular
from tasks.risk.tail import portfolio_risk

seeds = st.integers(0, 10_000)


@given(seeds, st.integers(1, 30), st.floats(0, 0.15))
@settings(max_examples=30)
def test_the_covariance_can_always_be_inverted(seed, names, missing):
    rng = np.random.default_rng(seed)
    returns = rng.normal(0, 0.01, (60, names)) * rng.uniform(0.1, 10, names)
    returns[rng.random(returns.shape) < missing] = np.nan
    known = estimable(returns, min_history_frac=0.5)

    matrix = estimate_covariance(returns[:, known]).matrix

    assert np.isfinite(matrix).all()
    assert np.array_equal(matrix, matrix.T)
    if known.any():
        assert np.linalg.eigvalsh(matrix)[0] > 0


@given(seeds, st.integers(2, 15), st.integers(1, 5))
@settings(max_examples=30)
def test_fault_034_a_singular_covariance_is_repaired_and_said_so(seed, names, rank):
    factors = np.random.default_rng(seed).normal(0, 0.01, (min(rank, names - 1), names))
    singular = factors.T @ factors

    repaired, was_needed = repair_singular(singular)

    assert was_needed
    assert np.linalg.eigvalsh(repaired)[0] > 0
    assert np.abs(repaired - singular).max() <= 1e-6 * np.trace(singular)


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

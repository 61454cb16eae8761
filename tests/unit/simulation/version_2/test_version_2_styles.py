import numpy as np
import pytest

from tasks.simulation.companies import Companies, Status
from tasks.simulation.fundamentals import Reports
from tasks.simulation.parameters import Parameters
from tasks.simulation.version_2 import styles

COUNT = 50
PARAMETERS = Parameters(3, COUNT, None, 0.0, version=2)


def companies() -> Companies:
    made = Companies(COUNT)
    made.status[:], made.age[:] = Status.TRADED, 300
    made.raw[:], made.base_volatility[:] = 50.0, 0.02
    made.shares[:] = 1e8 * np.arange(1, COUNT + 1)
    return made


def factor_returns(sessions: int, move: float = 0.0) -> np.ndarray:
    state, draws = styles.new_state(companies()), styles.StyleDraws(PARAMETERS)
    return np.array([styles.draw_factors(state, 1.0, move, draws) for _ in range(sessions)])


def test_factors_pay_nothing_and_cluster():
    drawn = factor_returns(20_000)

    t_statistics = drawn.mean(axis=0) / drawn.std(axis=0) * np.sqrt(len(drawn))
    size = np.abs(drawn[:, 0])
    assert np.abs(t_statistics).max() < 3
    assert np.corrcoef(size[1:], size[:-1])[0, 1] > 0.1


def test_momentum_trends_over_weeks():
    momentum = factor_returns(20_000)[:, styles.MOMENTUM]
    month = np.convolve(momentum, np.ones(21), "valid")

    assert np.corrcoef(month[:-21], month[21:])[0, 1] > 0.02


def test_momentum_falls_in_a_rebound_after_a_fall():
    state, draws = styles.new_state(companies()), styles.StyleDraws(PARAMETERS)
    calm, other_draws = styles.new_state(companies()), styles.StyleDraws(PARAMETERS)
    state.market_trend = -0.2

    after_fall = styles.draw_factors(state, 1.0, 0.05, draws)
    usual = styles.draw_factors(calm, 1.0, 0.05, other_draws)

    assert after_fall[styles.MOMENTUM] - usual[styles.MOMENTUM] == pytest.approx(-0.05 * styles.CRASH_BETA)


def test_exposures_are_standardised_ranks_of_public_characteristics():
    made, reports = companies(), Reports(COUNT)
    state = styles.new_state(made)
    levels = np.cumsum(np.random.default_rng(1).normal(0, 0.02, (300, COUNT)), axis=0)

    styles.update(state, made, reports, levels, np.zeros(COUNT), 299)

    assert state.exposures.mean(axis=1) == pytest.approx(np.zeros(len(styles.STYLES)), abs=1e-9)
    assert state.exposures.std(axis=1) == pytest.approx(np.ones(len(styles.STYLES)), rel=0.01)
    size = state.exposures[styles.STYLES.index("size")]
    assert (np.diff(size) > 0).all()
    momentum = levels[299 - 21] - levels[299 - 252]
    assert np.array_equal(np.argsort(state.exposures[styles.MOMENTUM]), np.argsort(momentum))


def test_a_young_company_has_no_exposure_to_momentum():
    made, reports = companies(), Reports(COUNT)
    made.age[7] = 100
    state = styles.new_state(made)

    styles.update(state, made, reports, np.zeros((300, COUNT)), np.zeros(COUNT), 299)

    assert state.exposures[styles.MOMENTUM, 7] == 0
    assert state.exposures[styles.STYLES.index("size"), 7] != 0

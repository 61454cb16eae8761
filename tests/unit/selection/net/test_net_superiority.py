from math import isnan

import numpy as np
from scipy.signal import lfilter

from tasks.selection.net.superiority import superiority
from tests.unit.backtest.metrics.curves import noise


def test_a_clearly_better_portfolio_has_a_small_p_value_and_a_worse_one_a_large():
    benchmark = noise(500, seed=1, mean=0.0)
    better = benchmark + noise(500, seed=2, mean=0.001, deviation=0.004)
    worse = benchmark + noise(500, seed=2, mean=-0.001, deviation=0.004)

    assert superiority(better, benchmark, seed=1) < 0.01
    assert superiority(worse, benchmark, seed=1) > 0.4


def test_leverage_is_not_superiority():
    benchmark = noise(400, seed=1, mean=0.001)
    own = benchmark + noise(400, seed=2, mean=0.0, deviation=0.004)

    assert superiority(3 * own, benchmark, seed=1) == superiority(own, benchmark, seed=1)
    assert isnan(superiority(2 * benchmark, benchmark, seed=1))


def test_a_difference_that_persists_from_session_to_session_is_less_certain_than_the_same_returns_shuffled():
    benchmark = noise(500, seed=1, mean=0.0)
    lead = lfilter([1.0], [1.0, -0.9], noise(500, seed=2, mean=0.0, deviation=0.002))
    own = benchmark + lead - lead.mean() + 0.0006
    shuffled = np.random.default_rng(1).permutation(500)

    assert superiority(own, benchmark, seed=1) > 0.05
    assert superiority(own[shuffled], benchmark[shuffled], seed=1) < 0.01


def test_equal_seeds_give_equal_p_values():
    own, benchmark = noise(300, seed=1), noise(300, seed=2)

    assert superiority(own, benchmark, seed=5) == superiority(own, benchmark, seed=5)


def test_what_cannot_be_tested_is_not_a_number():
    some = noise(100)

    assert isnan(superiority(some[:59], noise(59, seed=2), seed=1))
    assert isnan(superiority(np.zeros(100), some, seed=1))
    assert isnan(superiority(some, np.zeros(100), seed=1))
    assert isnan(superiority(np.where(np.arange(100) < 50, np.nan, some), noise(100, seed=2), seed=1))

import numpy as np
import pytest

from tasks.backtest.metrics import bootstrap
from tasks.backtest.metrics.bootstrap import FIGURES, block_sessions, intervals, paired_differences
from tasks.backtest.metrics.figures import measure
from tasks.core.errors import DataError
from tests.unit.backtest.metrics.curves import make_curve, noise


def with_benchmark(returns, **columns):
    return make_curve(returns, benchmark=np.concatenate([[np.nan], noise(len(returns), seed=9)]), **columns)


def test_intervals_contain_the_figures_and_repeat_with_the_seed():
    curve = with_benchmark(noise(500))

    first = intervals(curve, seed=1, resamples=300)

    figures = measure(curve)
    for name in FIGURES:
        assert first[name].low < first[name].high, name
        assert first[name].sessions == 500
        if name not in ("max_drawdown", "calmar"):  # resampled drawdowns do not estimate the observed one
            assert first[name].low < figures[name].value < first[name].high, name
    assert intervals(curve, seed=1, resamples=300) == first
    assert intervals(curve, seed=2, resamples=300) != first


def test_the_interval_of_independent_returns_is_that_of_theory():
    curve = make_curve(noise(1000, mean=0.0))

    low, high, _ = intervals(curve, seed=3)["sharpe"]

    assert high - low == pytest.approx(2 * 1.96 / (1000 / 252) ** 0.5, rel=0.15)


def test_the_interval_is_that_of_the_return_above_the_risk_free_rate():
    returns = noise(500)

    without, above = (intervals(make_curve(returns, risk_free=rate), seed=3) for rate in (0.0, 0.0005))

    for name in ("sharpe", "sortino"):
        assert above[name].low < without[name].low - 0.5
        assert above[name].high < without[name].high - 0.5


@pytest.mark.parametrize(("level", "deviations"), [(0.95, 1.96), (0.8, 1.2816)])
def test_each_end_of_the_interval_leaves_out_half_of_what_the_level_leaves_out(level, deviations):
    curve = make_curve(noise(1000, mean=0.0))

    low, high, _ = intervals(curve, seed=3, level=level, resamples=3000)["sharpe"]

    middle, error = measure(curve)["sharpe"].value, (1000 / 252) ** -0.5
    assert (middle - low) / error == pytest.approx(deviations, abs=0.15)
    assert (high - middle) / error == pytest.approx(deviations, abs=0.15)


@pytest.mark.parametrize(("length", "mean_block"), [(1.0, 1), (1.2, 2), (2.0, 2), (2.1, 3)])
def test_the_mean_length_of_a_block_is_rounded_up(monkeypatch, length, mean_block):
    """Gains and losses that alternate cancel within a block: the longer the blocks, the narrower the interval.

    The autocorrelation of the drawn returns is −(1 − 1 / mean block) at lag 1, and its powers at longer lags.
    """
    monkeypatch.setattr(bootstrap, "block_sessions", lambda returns: length)
    curve = make_curve(np.tile([0.01, -0.01], 500))

    low, high, _ = intervals(curve, seed=6)["sharpe"]

    lag_1 = 1 - 1 / mean_block
    error = ((1 - lag_1) / (1 + lag_1) / (1000 / 252)) ** 0.5
    assert high - low == pytest.approx(2 * 1.96 * error, rel=0.1)


def test_a_wider_level_gives_a_wider_interval():
    curve = make_curve(noise(300))

    narrow, wide = (intervals(curve, seed=4, level=level, resamples=300)["sharpe"] for level in (0.8, 0.95))

    assert wide.low < narrow.low < narrow.high < wide.high


@pytest.mark.parametrize("returns", [noise(59), np.zeros(300)], ids=["too few sessions", "no movement"])
def test_intervals_are_withheld_where_figures_are(returns):
    drawn = intervals(make_curve(returns), seed=1, resamples=50)

    assert {interval.sessions for interval in drawn.values()} == {len(returns)}
    assert np.isnan([value for interval in drawn.values() for value in interval[:2]]).all()


def test_sixty_sessions_are_enough_for_intervals():
    drawn = intervals(with_benchmark(noise(60)), seed=1, resamples=50)

    assert np.isfinite([value for interval in drawn.values() for value in interval[:2]]).all()


def test_without_a_benchmark_only_its_figures_are_unknown():
    drawn = intervals(make_curve(noise(200)), seed=1, resamples=50)

    assert {name for name in FIGURES if np.isnan(drawn[name].low)} == {"beta", "alpha"}


def test_a_difference_is_known_more_closely_than_both_of_its_sides():
    returns = noise(400)
    better, worse = with_benchmark(returns + 0.0002), with_benchmark(returns)

    gap = paired_differences(better, worse, seed=5, resamples=300)["sharpe"]

    alone = intervals(worse, seed=5, resamples=300)["sharpe"]
    assert 0 < gap.low < gap.high
    assert gap.high - gap.low < 0.2 * (alone.high - alone.low)
    assert gap.sessions == 400
    assert paired_differences(better, worse, seed=5, resamples=300)["sharpe"] == gap
    same = paired_differences(worse, worse, seed=5, resamples=50)
    assert {interval[:2] for interval in same.values()} == {(0.0, 0.0)}


def test_a_curve_that_does_not_move_is_not_compared():
    gap = paired_differences(with_benchmark(noise(100)), with_benchmark(np.zeros(100)), seed=1, resamples=5)

    assert np.isnan([value for interval in gap.values() for value in interval[:2]]).all()


def test_curves_over_different_sessions_are_not_compared():
    with pytest.raises(DataError, match="over the same sessions"):
        paired_differences(make_curve(noise(100)), make_curve(noise(101)), seed=1)


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_returns_of_one_size_have_blocks_though_those_of_their_sizes_are_unknown():
    assert block_sessions(np.tile([0.5, -0.5], 100)) > 1


def test_one_resample_has_one_value_of_each_figure():
    drawn = intervals(with_benchmark(noise(100)), seed=1, resamples=1)

    assert all(interval.low == interval.high for interval in drawn.values())


def test_the_alpha_of_a_curve_that_follows_the_market_above_the_risk_free_rate_is_zero_however_it_is_drawn():
    market = noise(300, seed=9)
    curve = make_curve(
        0.0004 + 0.5 * (market - 0.0004), benchmark=np.concatenate([[np.nan], market]), risk_free=0.0004
    )

    drawn = intervals(curve, seed=1, resamples=50)

    assert drawn["alpha"][:2] == pytest.approx((0, 0), abs=1e-9)
    assert drawn["beta"][:2] == pytest.approx((0.5, 0.5))


def test_blocks_are_longer_where_volatility_clusters():
    rng = np.random.default_rng(0)
    calm_and_wild = np.repeat(rng.choice([0.003, 0.03], 40), 25) * rng.normal(size=1000)

    assert block_sessions(calm_and_wild) > 3 * block_sessions(rng.normal(0, 0.01, 1000))
    assert block_sessions(noise(100, seed=7, mean=0.0)) == 1.0


def test_returns_that_hardly_differ_have_one_growth_and_no_drawdown_however_they_are_drawn():
    curve = make_curve(0.01 + noise(100, mean=0.0, deviation=1e-5))

    drawn = intervals(curve, seed=1, resamples=50)

    assert drawn["cagr"].low == pytest.approx(measure(curve)["cagr"].value, rel=2e-3)
    assert drawn["cagr"].high == pytest.approx(measure(curve)["cagr"].value, rel=2e-3)
    assert drawn["max_drawdown"][:2] == (0, 0)

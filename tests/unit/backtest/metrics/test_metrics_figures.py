from datetime import date

import numpy as np
import pytest

from tasks.backtest.metrics.curve import Curve
from tasks.backtest.metrics.figures import ANNUALISED, measure, win_rate
from tasks.core.errors import DataError
from tasks.risk.ratios import beta_and_alpha
from tests.unit.backtest.metrics.curves import make_curve, noise


def test_figures_of_a_small_account_worked_out_by_hand():
    curve = make_curve(
        [0.10, -0.20, 0.25, 0.0],
        benchmark=[np.nan, 0.02, -0.01, 0.03, 0.0],
        exposure=[0.5, 1.0, 1.0, 0.5, 0.0],
    )

    figures = measure(curve)

    assert figures["total_return"].value == pytest.approx(0.10)
    assert figures["max_drawdown"].value == pytest.approx(-0.20)
    assert figures["win_rate"].value == pytest.approx(2 / 3)
    assert figures["win_rate"].sessions == 3
    assert figures["exposure"].value == pytest.approx(0.75)
    assert figures["benchmark_return"].value == pytest.approx(1.02 * 0.99 * 1.03 - 1)
    assert {figure.sessions for name, figure in figures.items() if name != "win_rate"} == {4}


def test_annualised_figures_use_the_calendar_and_the_risk_free_rate():
    returns = noise(504)
    risk_free, market = np.full(505, 0.0002), noise(504, seed=1)
    curve = make_curve(returns, risk_free=risk_free, benchmark=np.concatenate([[np.nan], market]))

    figures = measure(curve)

    years = (curve.last - curve.first).days / 365.25
    excess = returns - 0.0002
    assert figures["cagr"].value == pytest.approx(np.prod(1 + returns) ** (1 / years) - 1)
    assert figures["volatility"].value == pytest.approx(returns.std(ddof=1) * 252**0.5)
    assert figures["sharpe"].value == pytest.approx(excess.mean() / excess.std(ddof=1) * 252**0.5)
    downside = np.sqrt(np.mean(np.minimum(excess, 0) ** 2))
    assert figures["sortino"].value == pytest.approx(excess.mean() / downside * 252**0.5)
    assert figures["calmar"].value == pytest.approx(figures["cagr"].value / -figures["max_drawdown"].value)
    assert figures["benchmark_cagr"].value == pytest.approx(np.prod(1 + market) ** (1 / years) - 1)
    assert (figures["beta"].value, figures["alpha"].value) == pytest.approx(
        beta_and_alpha(returns, market, 0.0002)
    )
    assert {figure.standing for figure in figures.values()} == {"full"}


@pytest.mark.parametrize(
    ("sessions", "standing"), [(59, "withheld"), (60, "short"), (251, "short"), (252, "full")]
)
def test_annualised_figures_are_withheld_below_sixty_sessions_and_marked_below_a_year(sessions, standing):
    figures = measure(
        make_curve(noise(sessions), benchmark=np.concatenate([[np.nan], noise(sessions, seed=1)]))
    )

    for name in ANNUALISED:
        assert figures[name].standing == standing, name
        assert np.isfinite(figures[name].value) == (standing != "withheld"), name
        assert figures[name].sessions == sessions


def test_what_is_not_annualised_is_shown_early_and_marked_short():
    figures = measure(make_curve(noise(20), benchmark=0.0))

    shown = {name for name, figure in figures.items() if figure.standing == "short"}
    assert shown == {"total_return", "max_drawdown", "win_rate", "exposure", "benchmark_return"}


def test_beta_counts_only_the_sessions_with_a_benchmark():
    benchmark = np.concatenate([[np.nan], noise(300, seed=1)])
    benchmark[::6] = np.nan
    known = int(np.isfinite(benchmark[1:]).sum())

    figures = measure(make_curve(np.nan_to_num(2 * benchmark[1:]), benchmark=benchmark))

    assert figures["beta"].value == pytest.approx(2)
    assert figures["beta"].sessions == figures["benchmark_return"].sessions == known == 250
    assert figures["beta"].standing == "short"
    assert figures["sharpe"].sessions == 300


def test_without_a_benchmark_there_is_nothing_to_compare():
    figures = measure(make_curve(noise(300)))

    for name in ("beta", "alpha", "benchmark_return", "benchmark_cagr"):
        assert figures[name] == (pytest.approx(float("nan"), nan_ok=True), 0, "withheld")


def test_turnover_is_half_of_buys_plus_sells_over_the_equity_before():
    count = 61
    curve = make_curve(
        np.zeros(count - 1), start_usd=1000.0, buys_usd=[500.0] + [10.0] * (count - 1), sells_usd=30.0
    )

    assert curve.turnover == pytest.approx(np.full(60, 0.02))  # the start's fills are none of the curve
    assert measure(curve)["turnover"].value == pytest.approx(0.02 * 252)


def test_turnover_of_a_session_with_a_return_is_over_the_equity_before_it():
    curve = make_curve([1.0, -0.5], buys_usd=2_000.0, sells_usd=2_000.0)

    assert curve.turnover == pytest.approx([0.02, 0.01])


def test_sessions_without_movement_are_neither_won_nor_lost():
    assert win_rate(np.array([0.1, 0.0, 0.0, -0.1])) == 0.5
    assert np.isnan(win_rate(np.zeros(3)))


def test_a_start_alone_has_no_figures():
    figures = measure(make_curve([]))

    assert {figure.standing for figure in figures.values()} == {"withheld"}
    assert np.isnan([figure.value for figure in figures.values()]).all()


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"exposure": [1.0, 1.0]}, "different lengths"),
        ({"start_usd": 0.0}, "not positive"),
        ({"start_usd": float("nan")}, "not positive"),
    ],
)
def test_an_unusable_curve_is_refused(columns, message):
    with pytest.raises(DataError, match=message):
        make_curve([0.01, 0.02], **columns)


def test_an_account_of_cents_is_measured_like_any_other():
    assert measure(make_curve([0.5], start_usd=0.02))["total_return"].value == pytest.approx(0.5)


def test_sessions_out_of_order_are_refused():
    curve = make_curve([0.01, 0.02])
    columns = {name: getattr(curve, name) for name in curve.__dataclass_fields__}

    for order in ([2, 1, 0], [0, 2, 1], [0, 1, 1]):
        with pytest.raises(DataError, match="not in order"):
            Curve(**columns | {"sessions": curve.sessions[order]})
    assert curve.last == date(2024, 6, 28)

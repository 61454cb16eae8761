from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.backtest.metrics.figures import measure
from tasks.backtest.metrics.tables import per_month, per_regime, per_year, rolling, worst_drawdowns
from tasks.risk.ratios import annual_volatility, beta_and_alpha, max_drawdown, sharpe
from tests.unit.backtest.metrics.curves import make_curve, noise

RETURNS = st.lists(st.floats(-0.2, 0.2).map(lambda x: round(x, 4)), min_size=1, max_size=40)


def test_a_year_starts_at_the_last_close_of_the_year_before():
    curve = make_curve(
        [0.10, -0.10, 0.05, -0.02], last=date(2024, 1, 3), benchmark=[np.nan, 0.01, 0.02, 0.03, 0.04]
    )

    years = per_year(curve)

    assert (years.index.name, years.index.tolist()) == ("year", [2023, 2024])
    assert years["sessions"].tolist() == [2, 2]
    assert years["total_return"].tolist() == pytest.approx([1.1 * 0.9 - 1, 1.05 * 0.98 - 1])
    assert years["benchmark_return"].tolist() == pytest.approx([1.01 * 1.02 - 1, 1.03 * 1.04 - 1])
    assert years["max_drawdown"].tolist() == pytest.approx([-0.10, -0.02])
    assert years["sharpe"].isna().all()
    assert set(years["standing"]) == {"withheld"}


@given(RETURNS)
def test_years_and_months_compound_to_the_whole(returns):
    curve = make_curve(returns, last=date(2024, 1, 20))
    whole = measure(curve)["total_return"].value

    assert np.prod(1 + per_year(curve)["total_return"]) - 1 == pytest.approx(whole, abs=1e-9)
    assert np.nanprod(1 + per_month(curve).to_numpy()) - 1 == pytest.approx(whole, abs=1e-9)
    assert np.prod(1 + per_regime(curve)["total_return"]) - 1 == pytest.approx(whole, abs=1e-9)


def test_a_start_alone_has_no_years_and_no_regimes_and_the_same_columns():
    start, curve = make_curve([]), make_curve([0.01])

    for table in (per_year, per_regime):
        assert (len(table(start)), table(start).columns.tolist()) == (0, table(curve).columns.tolist())


def test_a_session_counts_to_the_regime_of_the_close_before():
    curve = make_curve(
        [0.01, -0.05, -0.04, 0.03],
        regime=["BULL", "BULL", "CRASH", "CRASH", "BULL"],
        exposure=[1.0, 0.8, 0.2, 0.0, 1],
    )

    regimes = per_regime(curve)

    assert regimes.index.name == "regime"
    assert regimes["sessions"].to_dict() == {"BULL": 2, "CRASH": 2}
    assert regimes.loc["BULL", "total_return"] == pytest.approx(1.01 * 0.95 - 1)
    assert regimes.loc["CRASH", "total_return"] == pytest.approx(0.96 * 1.03 - 1)
    assert regimes["exposure"].to_dict() == pytest.approx({"BULL": 0.9, "CRASH": 0.1})


def test_a_regime_with_sixty_sessions_has_its_ratios_and_a_rarer_one_has_not():
    returns = noise(100)
    regime = np.where(np.arange(101) < 59, "CRASH", "BULL")
    regimes = per_regime(make_curve(returns, regime=regime))

    assert regimes["sessions"].to_dict() == {"BULL": 41, "CRASH": 59}
    assert regimes["sharpe"].isna().all()

    more = per_regime(make_curve(returns, regime=np.roll(regime, 1)))
    assert more["sessions"].to_dict() == {"BULL": 41, "CRASH": 59}

    enough = per_regime(make_curve(returns, regime=np.where(np.arange(101) < 60, "CRASH", "BULL")))
    assert enough.loc["CRASH", "sharpe"] == pytest.approx(sharpe(returns[:60]))
    assert enough["standing"].to_dict() == {"BULL": "withheld", "CRASH": "short"}

    paid = per_regime(
        make_curve(returns, regime=np.where(np.arange(101) < 60, "CRASH", "BULL"), risk_free=0.0002)
    )
    assert paid.loc["CRASH", "sharpe"] == pytest.approx(sharpe(returns[:60], 0.0002))


def test_months_are_laid_out_by_year_with_gaps_where_nothing_was_measured():
    curve = make_curve([0.01] * 5, last=date(2024, 1, 4))

    months = per_month(curve)

    assert (months.index.name, months.index.tolist()) == ("year", [2023, 2024])
    assert (months.columns.name, months.columns.tolist()) == ("month", list(range(1, 13)))
    assert months.loc[2023, 12] == pytest.approx(1.01**2 - 1)
    assert months.loc[2024, 1] == pytest.approx(1.01**3 - 1)
    assert months.notna().sum().sum() == 2
    nothing = per_month(make_curve([]))
    assert (nothing.index.name, len(nothing)) == ("year", 0)
    assert nothing.columns.equals(months.columns)


def test_rolling_figures_equal_those_of_each_window():
    returns, market = noise(90), np.concatenate([[np.nan], noise(90, seed=1)])
    risk_free = np.linspace(0, 0.01, 91)
    curve = make_curve(returns, benchmark=market, risk_free=risk_free)

    table = rolling(curve, window=63)

    assert table.index.equals(pd.DatetimeIndex(curve.sessions[1:]))
    assert table.index.name == "session"
    assert table["sharpe"].isna().sum() == 62
    for end in (63, 77, 90):
        window, other, rate = (each[end - 63 : end] for each in (returns, market[1:], risk_free[1:]))
        row = table.iloc[end - 1]
        assert row["total_return"] == pytest.approx(np.prod(1 + window) - 1)
        assert row["volatility"] == pytest.approx(annual_volatility(window))
        assert row["sharpe"] == pytest.approx(sharpe(window, rate))
        assert row["beta"] == pytest.approx(beta_and_alpha(window, other, rate)[0])


def test_rolling_figures_are_unknown_without_enough_sessions_or_movement():
    brief = make_curve(noise(20))
    unknown = rolling(brief, window=63)
    assert unknown.index.equals(pd.DatetimeIndex(brief.sessions[1:]))
    assert unknown.isna().all().all()
    still = rolling(make_curve(np.zeros(70), benchmark=0.0, risk_free=2**-7), window=63)
    assert still["volatility"].iloc[-1] == 0
    assert still[["sharpe", "beta"]].isna().all().all()
    assert set(still.dtypes.astype(str)) == {"float64"}
    assert rolling(make_curve(noise(70), benchmark=3 * 2**-7), window=63)["beta"].isna().all()
    rounded = rolling(make_curve(np.full(70, 0.001), benchmark=0.0003, risk_free=0.0001), window=63)
    assert rounded[["sharpe", "beta"]].isna().all().all()


@given(RETURNS)
def test_a_rolling_figure_does_not_change_when_sessions_are_added(returns):
    whole = rolling(make_curve(returns), window=5)["total_return"].to_numpy()
    until = rolling(make_curve(returns[:-1]), window=5)["total_return"].to_numpy()

    assert whole[:-1] == pytest.approx(until, nan_ok=True, abs=1e-12)


def test_drawdowns_are_found_with_their_dates_and_the_open_one_is_not_recovered():
    curve = make_curve([0.0, -0.10, 0.05, 0.20, -0.30, 0.10])
    day = curve.sessions

    table = worst_drawdowns(curve, count=5)

    assert table.index.tolist() == [0, 1]
    assert table["depth"].tolist() == pytest.approx([-0.30, -0.10])
    assert table["peak"].tolist() == [pd.Timestamp(day[4]), pd.Timestamp(day[1])]
    assert table["trough"].tolist() == [pd.Timestamp(day[5]), pd.Timestamp(day[2])]
    assert table["recovery"].isna().tolist() == [True, False]
    assert table["recovery"].iloc[1] == pd.Timestamp(day[4])
    assert table["sessions"].tolist() == [2, 3]


@given(RETURNS)
def test_the_first_drawdown_listed_is_the_deepest(returns):
    curve = make_curve(returns)

    table = worst_drawdowns(curve, count=2)

    deepest = max_drawdown(curve.equity_usd)
    assert len(table) == 0 if deepest == 0 else table["depth"].iloc[0] == deepest
    assert len(table) <= 2
    assert (table["peak"] < table["trough"]).all()

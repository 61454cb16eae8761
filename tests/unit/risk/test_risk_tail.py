import numpy as np
import pandas as pd
import pytest

from tasks.risk.tail import PastReturns, book_returns, month_loss, portfolio_risk, tail_loss


def test_the_quantile_is_a_loss_that_happened_and_the_shortfall_the_mean_beyond_it():
    returns = np.linspace(-0.10, 0.09, 20)

    var, shortfall = tail_loss(returns, 0.90)

    assert var == pytest.approx(0.09)
    assert shortfall == pytest.approx(0.095)


def test_a_portfolio_that_only_gained_has_no_value_at_risk():
    assert tail_loss(np.full(100, 0.01), 0.95) == (0.0, 0.0)


def test_a_month_compounds_its_sessions():
    var, shortfall = month_loss(np.full(100, -0.01), 0.95)

    assert var == shortfall == pytest.approx(1 - 0.99**21)


def test_a_history_of_a_few_weeks_is_scaled_by_the_root_of_time():
    returns = np.array([-0.02, 0.01, 0.01])

    assert month_loss(returns, 0.95)[0] == pytest.approx(0.02 * 21**0.5)


def test_cash_does_not_move():
    returns = pd.DataFrame({"A": [-0.10, 0.10]})

    assert book_returns(pd.Series({"A": 0.5}), returns) == pytest.approx([-0.05, 0.05])
    assert portfolio_risk(pd.Series({"CASH": 1.0}), returns, 0.95) == dict.fromkeys(
        ("volatility", "var_1d", "cvar_1d", "var_21d", "cvar_21d"), 0.0
    )


def test_a_missing_return_is_stood_for_by_the_rest_of_the_portfolio():
    returns = pd.DataFrame({"A": [0.02, 0.02], "B": [0.04, np.nan]})

    moved = book_returns(pd.Series({"A": 0.5, "B": 0.5}), returns)

    assert moved == pytest.approx([0.03, 0.02])


def test_a_session_with_too_little_of_the_portfolio_is_left_out():
    returns = pd.DataFrame({"A": [0.02, np.nan], "B": [0.04, 0.04]})

    assert book_returns(pd.Series({"A": 0.8, "B": 0.2}), returns).size == 1


def test_a_name_without_an_estimate_moves_with_the_average_name():
    returns = pd.DataFrame({"A": [0.02, 0.02], "B": [0.04, -0.02]})

    assert book_returns(pd.Series({"A": 0.5, "NEW": 0.5}), returns) == pytest.approx([0.025, 0.01])


def test_volatility_is_per_year():
    daily = np.random.default_rng(0).normal(0, 0.01, 2000)

    figures = portfolio_risk(pd.Series({"A": 1.0}), pd.DataFrame({"A": daily}), 0.95)

    assert figures["volatility"] == pytest.approx(0.01 * 252**0.5, rel=0.05)
    assert figures["var_1d"] == pytest.approx(0.01645, rel=0.1)


def test_unknown_risk_is_not_zero_risk():
    figures = portfolio_risk(pd.Series({"A": 1.0}), pd.DataFrame({"A": []}, dtype=float), 0.95)

    assert all(np.isnan(value) for value in figures.values())


# issue 10, part 2: volatility, not variance, and of a sample
def test_the_figures_of_a_portfolio_are_those_of_its_past_returns():
    daily = np.random.default_rng(1).normal(0, 0.01, 100)
    weights = pd.Series({"A": 0.5, "CASH": 0.5, "NONE": 0.0})

    figures = portfolio_risk(weights, pd.DataFrame({"A": daily}), 0.9)

    book = 0.5 * daily
    months = [np.prod(1 + book[at : at + 21]) - 1 for at in range(80)]
    assert figures["volatility"] == pytest.approx(book.std(ddof=1) * 252**0.5)
    assert (figures["var_1d"], figures["cvar_1d"]) == tail_loss(book, 0.9)
    assert (figures["var_21d"], figures["cvar_21d"]) == pytest.approx(tail_loss(np.array(months), 0.9))


def test_the_volatility_of_one_session_is_unknown():
    figures = portfolio_risk(pd.Series({"A": 1.0}), pd.DataFrame({"A": [-0.02]}), 0.9)

    assert np.isnan(figures["volatility"])
    assert figures["var_1d"] == pytest.approx(0.02)


def test_two_months_are_compounded_and_one_session_less_is_scaled():
    returns = np.full(42, -0.01)

    assert month_loss(returns, 0.95)[0] == pytest.approx(1 - 0.99**21)
    assert month_loss(returns[1:], 0.95) == pytest.approx((0.01 * 21**0.5,) * 2)


def test_half_of_a_portfolio_says_something_about_it_and_less_does_not():
    returns = pd.DataFrame({"A": [0.02, np.nan], "B": [np.nan, 0.04]})

    assert book_returns(pd.Series({"A": 0.4, "B": 0.4}), returns) == pytest.approx([0.016, 0.032])
    assert book_returns(pd.Series({"A": 0.5, "B": 0.3}), returns) == pytest.approx([0.016])


def test_a_short_line_weighs_as_much_of_the_portfolio_as_a_long_one():
    returns = pd.DataFrame({"A": [0.02, np.nan], "B": [0.01, 0.01]})

    assert book_returns(pd.Series({"A": 0.6, "B": -0.2}), returns) == pytest.approx([0.01])


def test_no_returns_lose_nobody_knows_how_much():
    assert np.isnan(tail_loss(np.array([]), 0.95)).all()


def test_many_portfolios_of_the_same_names_have_the_risk_that_each_has_by_itself():
    rng = np.random.default_rng(3)
    returns = pd.DataFrame(rng.normal(0, 0.01, (60, 4)), columns=list("ABCD"))
    returns.loc[:9, "A"] = np.nan  # listed later
    returns.loc[20, ["A", "B", "C"]] = np.nan  # a session without most of the weight
    names = ["D", "NEW", "A", "B"]
    past = PastReturns(names, returns)

    for weights in ([0.1, 0.2, 0.3, 0.4], [0.0, 0.5, 0.5, 0.0], [0.4, 0.0, 0.3, -0.2], [0.0, 0.0, 0.0, 0.0]):
        alone = portfolio_risk(pd.Series(weights, index=names), returns, 0.9)
        expected = (alone["volatility"], alone["var_1d"])
        assert past.risk(np.array(weights), 0.9) == pytest.approx(expected)


def test_names_without_any_returns_have_an_unknown_risk():
    assert np.isnan(PastReturns(["A"], pd.DataFrame()).risk(np.array([1.0]), 0.95)).all()

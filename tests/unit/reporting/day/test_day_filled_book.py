import pandas as pd
import pytest

from tasks.portfolio.schema import CASH
from tasks.reporting.day.filled_book import figures_of, limits_of
from tests.builders import make_settings

SECTORS = pd.Series({"AAA": "Energy", "BBB": "Utilities"})
RISK = {"volatility": 0.2, "var_1d": 0.02}


def book(**values_usd):
    """Return a portfolio of 10,000 USD at 10 USD a share; what is not invested is cash."""
    cash = 10_000.0 - sum(values_usd.values())
    frame = pd.DataFrame(
        {
            "shares": [*(value / 10 for value in values_usd.values()), cash],
            "price": [10.0] * len(values_usd) + [1.0],
        },
        index=pd.Index([*values_usd, CASH], name="symbol"),
    )
    return frame.assign(weight=frame["shares"] * frame["price"] / 10_000)


def test_the_figures_are_of_the_whole_portfolio_with_its_cash():
    found = figures_of(
        book(AAA=2_000, BBB=3_000), SECTORS, RISK, equity_usd=10_000, turnover_frac=0.1, cost_usd=7.0
    )

    assert (found.cash_usd, found.invested_frac) == (5_000, pytest.approx(0.5))
    assert (found.var_frac, found.var_usd) == (0.02, pytest.approx(200))  # 2% of 10,000, not of 5,000
    assert (found.volatility_frac, found.turnover_frac, found.cost_usd) == (0.2, 0.1, 7.0)


def test_invested_share_and_sectors_are_of_the_equity_before_the_costs_as_the_limits_are():
    """With 2,000 USD of costs paid, 3,000 USD are 30% of what there was, and 37.5% of what is left."""
    after = book(AAA=3_000)
    after.loc[CASH, "shares"] -= 2_000
    after["weight"] = after["shares"] * after["price"] / 8_000

    found = figures_of(after, SECTORS, RISK, equity_usd=10_000, turnover_frac=0.15, cost_usd=2_000.0)

    assert (found.invested_frac, found.sectors) == (pytest.approx(0.3), {"Energy": pytest.approx(0.3)})
    assert found.var_usd == pytest.approx(160)  # the risk is that of the 8,000 that are left


def test_sectors_are_sorted_by_weight_and_a_name_without_one_is_unknown():
    after = book(AAA=2_000, CCC=1_000, BBB=3_000)

    found = figures_of(after, SECTORS, RISK, equity_usd=10_000, turnover_frac=0.0, cost_usd=0.0).sectors

    assert list(found.items()) == [
        ("Utilities", pytest.approx(0.3)),
        ("Energy", pytest.approx(0.2)),
        ("Unknown", pytest.approx(0.1)),
    ]


@pytest.mark.parametrize(
    ("unknown", "limited"),
    [("one_sector", {"Energy": 0.3, "Unknown": 0.3}), ("each_its_own", {"Energy": 0.3})],
)
def test_the_limits_are_those_of_the_settings_for_this_equity(unknown, limited):
    settings = make_settings(
        **{
            "portfolio.unknown_sector": unknown,
            "portfolio.max_sector_frac": 0.3,
            "safety.max_cost_frac": 0.005,
            "risk.max_volatility": 0.25,
            "risk.daily_budget_frac": 0.03,
            "trades.max_trades": 40,
        }
    )

    found = limits_of(settings, exposure_cap=0.7, equity_usd=200_000, sectors={"Unknown", "Energy"})

    assert found.cost_usd == pytest.approx(1_000)  # 0.5% of 200,000
    assert (found.trades, found.invested_frac) == (40, 0.7)
    assert (found.volatility_frac, found.var_frac) == (0.25, 0.03)
    assert list(found.sectors.items()) == list(limited.items())

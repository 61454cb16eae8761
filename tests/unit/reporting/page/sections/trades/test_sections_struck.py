from dataclasses import replace

import numpy as np
import pytest

from tasks.portfolio.schema import CASH
from tasks.reporting.day.ledger import printed_trades
from tasks.reporting.page.sections.trades.struck import Affected, without_each
from tasks.reporting.page.sections.trades.trade_list import trade_lines
from tasks.risk.tail import portfolio_risk
from tests.unit.reporting.example_day import make_inputs


def limited(inputs, **limits):
    """Return the inputs with other limits of the portfolio."""
    settings = inputs.run.settings
    portfolio = settings.portfolio.model_copy(update=limits)
    run = replace(inputs.run, settings=settings.model_copy(update={"portfolio": portfolio}))
    return replace(inputs, run=run)


INPUTS = limited(make_inputs(), max_cap_class_frac={})  # that of large caps binds in the example
LINES = trade_lines(INPUTS, printed_trades(INPUTS.frames.trades))
STRUCK = without_each(INPUTS, LINES)


@pytest.mark.parametrize("side", ["BUY", "SELL"])
def test_a_struck_trade_gives_back_its_notional_and_its_cost(side):
    line = next(line for line in LINES if line.side == side)
    sign = 1 if side == "BUY" else -1
    records, equity = INPUTS.records, INPUTS.records.portfolio.book.equity_usd

    one = STRUCK[line.symbol]

    left = records.trades.cash_after_usd + sign * line.notional + line.cost
    assert one.figures.cash_usd == pytest.approx(left, abs=0.005)
    assert one.figures.turnover_frac == pytest.approx(records.trades.turnover - line.notional / 2 / equity)
    assert one.figures.cost_usd == pytest.approx(records.trades.cost_usd - line.cost)
    assert one.of_all.cash_usd == pytest.approx(records.trades.cash_after_usd)
    assert np.sign(one.sector_change) == -sign


def test_the_risk_is_that_of_the_portfolio_without_the_trade():
    line = next(line for line in LINES if line.action == "OPEN")
    after = INPUTS.frames.after["weight"].drop([CASH, line.symbol])

    one = STRUCK[line.symbol]

    risk = portfolio_risk(after, INPUTS.frames.returns, 0.95)
    assert one.figures.volatility_frac == pytest.approx(risk["volatility"], rel=1e-4)
    assert one.figures.var_frac == pytest.approx(risk["var_1d"], rel=1e-4)


def test_the_only_name_can_be_struck():
    inputs = make_inputs(empty=True)

    assert without_each(inputs, []) == {}


def test_the_limit_is_the_one_whose_use_changes_most():
    line = next(line for line in LINES if line.action == "OPEN")

    one = STRUCK[line.symbol]

    assert one.affected is not None
    assert one.affected.name == one.sector
    assert (one.affected.after, one.affected.limit) == (one.sector_weight, 0.3)
    assert one.affected.before - one.affected.after == pytest.approx(-one.sector_change)


def test_a_limit_that_the_strike_exceeds_comes_before_a_larger_change_within_limits():
    within, over = Affected("Energy", 0.05, 0.25, 0.3), Affected("Volatility", 0.249, 0.2501, 0.25)
    already = Affected("VaR 1 d", 0.05, 0.04, 0.025)

    assert max([within, over, already], key=lambda one: one.rank) is over
    assert max([within, already], key=lambda one: one.rank) is within


def test_a_struck_sale_that_the_purchases_need_is_refused():
    largest = max((line for line in LINES if line.is_sale), key=lambda line: line.notional)
    after = INPUTS.frames.after.copy()
    after.loc[CASH, "shares"] = largest.notional / 2
    short = replace(INPUTS, frames=replace(INPUTS.frames, after=after))

    found = without_each(short, LINES)

    assert found[largest.symbol].refused == "the buys cost more than the cash"
    assert not any(found[line.symbol].refused for line in LINES if not line.is_sale)
    assert without_each(short, [largest])[largest.symbol].refused == ""  # nothing is bought


@pytest.mark.parametrize(
    ("setting", "value", "refused"),
    [
        ("max_sector_frac", 0.1, "Communication Services "),
        ("max_position_frac", 0.05, "VSTA "),
        ("max_cap_class_frac", {"large": 0.5}, "large caps "),
    ],
)
def test_a_struck_sale_is_refused_where_the_rest_exceeds_a_limit_of_the_portfolio(setting, value, refused):
    """The sale of VSTA would be all of a large cap in its sector."""
    found = without_each(limited(INPUTS, **{setting: value}), LINES)["VSTA"].refused

    assert found.startswith(refused)
    assert "limit" in found
    assert without_each(INPUTS, LINES)["VSTA"].refused == ""

from dataclasses import replace

import numpy as np
import pytest

from tasks.portfolio.schema import CASH
from tasks.reporting.day.ledger import printed_trades
from tasks.reporting.page.sections.trades.struck import Affected, without_each
from tasks.reporting.page.sections.trades.trade_list import trade_lines
from tasks.risk.tail import portfolio_risk
from tests.unit.reporting.example_day import make_inputs

INPUTS = make_inputs()
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


def test_a_struck_sale_that_the_purchases_need_lacks_cash():
    largest = max((line for line in LINES if line.is_sale), key=lambda line: line.notional)
    after = INPUTS.frames.after.copy()
    after.loc[CASH, "shares"] = largest.notional / 2
    short = replace(INPUTS, frames=replace(INPUTS.frames, after=after))

    found = without_each(short, LINES)

    assert found[largest.symbol].lacks_cash
    assert not any(found[line.symbol].lacks_cash for line in LINES if not line.is_sale)
    assert not without_each(short, [largest])[largest.symbol].lacks_cash  # nothing is bought

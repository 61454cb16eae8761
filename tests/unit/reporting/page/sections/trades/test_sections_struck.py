import numpy as np
import pytest

from tasks.portfolio.schema import CASH
from tasks.reporting.day.ledger import printed_trades
from tasks.reporting.page.sections.trades.struck import without_each
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

    assert one.cash_usd == pytest.approx(records.trades.cash_after_usd + sign * line.notional + line.cost)
    assert one.turnover == pytest.approx(records.trades.turnover - line.notional / 2 / equity)
    assert np.sign(one.sector_change) == -sign


def test_the_risk_is_that_of_the_portfolio_without_the_trade():
    line = next(line for line in LINES if line.action == "OPEN")
    after = INPUTS.frames.after["weight"].drop([CASH, line.symbol])

    one = STRUCK[line.symbol]

    risk = portfolio_risk(after, INPUTS.frames.returns, 0.95)
    assert one.volatility == pytest.approx(risk["volatility"], rel=1e-4)
    assert one.var_1d == pytest.approx(risk["var_1d"], rel=1e-4)


def test_the_only_name_can_be_struck():
    inputs = make_inputs(empty=True)

    assert without_each(inputs, []) == {}

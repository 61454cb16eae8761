"""Buy and hold of SPY on real bars against its total return (issue 13, done when 3)."""

import numpy as np
import pandas as pd
import pytest

from tasks.backtest.accounting.account import Account
from tasks.backtest.build import TABLES, build_world
from tasks.backtest.walk import WalkRules, walk
from tasks.backtest.world import World
from tasks.data.schema.bar_columns import BarColumns
from tasks.data.schema.records import PanelRules
from tasks.data.schema.tables import OHLCV, empty_table
from tasks.trades.fills import Orders
from tests.real_market import REAL_DATA

pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(not (REAL_DATA / "benchmark.parquet").exists(), reason="no real data"),
]

CASH_CENTS = 10**11  # a billion dollars: a share that does not fit in is less than a basis point
BASIS_POINT = 1e-4
LEAST_DIVIDEND_FRAC = 5e-4


def real_spy() -> pd.DataFrame:
    """Return the bars of SPY with the dividends that its adj_close implies."""
    levels = pd.read_parquet(REAL_DATA / "benchmark.parquet")
    spy = levels[levels["symbol"] == "SPY"].sort_values("date", ignore_index=True)
    adjusted = spy["adj_close"] / spy["close"]
    paid = spy["close"].shift() * (1 - adjusted.shift() / adjusted)
    return spy.assign(dividend=paid.where(paid > LEAST_DIVIDEND_FRAC * spy["close"], 0.0).round(6))


def world_of_spy(spy: pd.DataFrame, *, pay_sessions: int) -> World:
    days = pd.to_datetime(spy["date"]).to_numpy().astype("datetime64[D]")
    session = days.astype("datetime64[s]")
    actions = pd.DataFrame({"symbol": "SPY", "session": session, "dividend": spy["dividend"], "split": 1.0})
    actions = actions.assign(factor=1 + spy["dividend"] / spy["close"], known=session)
    lives = pd.DataFrame({"symbol": ["SPY"], "first": session[:1], "known": session[:1]})
    tables = {name: empty_table(name) for name in TABLES}
    tables |= {"actions": actions[actions["dividend"] > 0], "lives": lives}
    bars = BarColumns(
        np.array(["SPY"]),
        np.zeros(len(spy), dtype=np.int64),
        days,
        {name: spy[name].to_numpy(dtype=float) for name in OHLCV},
    )
    rules = PanelRules("SPY", "^VIX", 0.0, 0.0, 1, 0)
    return build_world(bars, tables, days, rules=rules, dividend_pay_sessions=pay_sessions)


def reinvest(world: World, row: int, account: Account) -> Orders:
    """Buy as much as the cash allows at the next open."""
    buys = np.array([account.cash_cents // int(world.price_cents[row, 0])])
    return Orders(np.zeros(1, dtype=np.int64), buys, np.array([account.cash_cents]))


def free(_world, _row, shares, _price, *, is_sale):
    return np.zeros_like(shares)


def test_buy_and_hold_of_spy_agrees_with_its_total_return_within_a_basis_point_a_year():
    spy = real_spy()
    made = world_of_spy(spy, pay_sessions=0)
    last = len(spy) - 1

    course = walk(
        made,
        Account(np.zeros(1, np.int64), CASH_CENTS),
        reinvest,
        free,
        first=0,
        last=last,
        rules=WalkRules(),
    )

    years = (made.sessions[-1] - made.sessions[1]).astype(int) / 365.25
    bought = course.fill_price[1, 0] / 100
    total = spy["close"].iloc[1] / bought * spy["adj_close"].iloc[-1] / spy["adj_close"].iloc[1]
    yearly = (course.equity[-1] / CASH_CENTS) ** (1 / years) - total ** (1 / years)
    assert abs(yearly) < BASIS_POINT
    assert int((spy["dividend"] > 0).sum()) > 4 * (years - 1)

import numpy as np
import pandas as pd
import pytest

from tasks.backtest.metrics.attribution import PARTS
from tasks.backtest.metrics.worst_days import worst_days
from tests.unit.backtest.metrics.curves import make_curve

SYMBOLS = np.array(["AAA", "BBB", "CCC", "DDD"])


def test_the_worst_sessions_come_first_with_what_they_lost_to_and_by_whom():
    curve = make_curve(
        [-0.01, 0.02, -0.05],
        benchmark=[np.nan, -0.02, 0.01, -0.03],
        regime=["BULL", "BULL", "NEUTRAL", "CRASH"],
        exposure=[0.5, 0.6, 0.7, 0.2],
    )
    equity = curve.equity_usd
    parts = pd.DataFrame(0, index=range(3), columns=list(PARTS))
    parts.loc[2, ["market", "selection"]] = [round(-4 * equity[2]), round(-1 * equity[2])]
    pnl = np.zeros((4, 4))
    pnl[3] = np.array([-0.01, 0.004, -0.03, -0.014]) * equity[2]

    days = worst_days(curve, parts, pnl, SYMBOLS, count=10)

    assert [day.session for day in days] == [curve.sessions[3].item(), curve.sessions[1].item()]
    worst = days[0]
    assert (worst.return_frac, worst.benchmark, worst.exposure) == pytest.approx((-0.05, -0.03, 0.7))
    assert worst.regime == "NEUTRAL"
    assert sum(worst.parts.values()) == pytest.approx(-0.05, abs=1e-6)
    assert [name for name, _ in worst.names] == ["CCC", "DDD", "AAA"]
    assert [lost for _, lost in worst.names] == pytest.approx([-0.03, -0.014, -0.01])
    assert worst.largest_part == "market"


def test_a_session_that_cost_money_without_a_falling_name_says_so():
    curve = make_curve([-0.001])
    parts = pd.DataFrame({name: [-10_000 if name == "cost" else 0] for name in PARTS})

    (day,) = worst_days(curve, parts, np.zeros((2, 4)), SYMBOLS, count=3)

    assert (day.largest_part, day.parts["cost"], day.names) == ("cost", -0.001, ())


def test_a_session_without_a_loss_is_not_listed():
    parts = pd.DataFrame(0, index=range(3), columns=list(PARTS))

    days = worst_days(make_curve([0.0, -0.01, 0.02]), parts, np.zeros((4, 4)), SYMBOLS, count=3)

    assert [day.return_frac for day in days] == pytest.approx([-0.01])


def test_only_the_asked_number_is_listed():
    curve = make_curve([-0.01, -0.02, -0.03])
    parts = pd.DataFrame(0, index=range(3), columns=list(PARTS))

    days = worst_days(curve, parts, np.zeros((4, 4)), SYMBOLS, count=2)

    assert [day.return_frac for day in days] == pytest.approx([-0.03, -0.02])

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tasks.reporting.day.assessed import assess_day, market_returns
from tasks.reporting.day.files import monitoring_json
from tests.unit.reporting.example_day import make_inputs


def test_the_portfolio_after_the_trades_is_assessed_with_the_account_s_drawdown():
    inputs = make_inputs()

    assessment = assess_day(inputs)

    equity = [*inputs.history["equity"].astype(float), inputs.records.portfolio.book.equity_usd]
    assert assessment.figures["drawdown"] == pytest.approx(equity[-1] / max(equity) - 1)
    weights = inputs.frames.after["weight"]
    assert assessment.figures["exposure"] == pytest.approx(1 - weights["CASH"])
    assert 0.5 < assessment.figures["beta"] < 1.1  # 90 % of the market and a ninth in cash
    assert {name for name, _ in assessment.risk_shares} == set(weights.index.drop("CASH"))
    assert weights["CASH"] != pytest.approx(
        inputs.frames.weights["weight"]["CASH"], abs=1e-6
    )  # of the target


def test_the_log_holds_every_limit_scenario_and_test():
    inputs = make_inputs()

    log = json.loads(monitoring_json(inputs, assess_day(inputs), {}, {}))["risk_assessment"]

    assert [limit["name"] for limit in log["limits"]][:2] == ["var_1d", "var_21d"]
    assert {limit["state"] for limit in log["limits"]} <= {"within", "warning", "breached"}
    assert [scenario["name"] for scenario in log["scenarios"]] == list(inputs.run.settings.risk.scenarios)
    for scenario in log["scenarios"]:
        assert sum(scenario["positions"].values()) == pytest.approx(scenario["loss"])
    assert log["var_test"]["sessions"] == log["sessions"] - 126


def test_a_first_day_in_cash_is_assessed_too():
    assessment = assess_day(make_inputs(empty=True))

    assert assessment.figures["exposure"] == assessment.figures["drawdown"] == 0


def test_market_returns_are_found_by_session_and_unknown_elsewhere():
    backdrop = make_inputs().backdrop
    asked = pd.DatetimeIndex([*backdrop.sessions[[3, 1]], np.datetime64("1999-01-04")])

    found = market_returns(replace(backdrop, sectors={}), asked)

    level = backdrop.benchmark
    assert found[:2] == pytest.approx([level[3] / level[2] - 1, level[1] / level[0] - 1])
    assert np.isnan(found[2])

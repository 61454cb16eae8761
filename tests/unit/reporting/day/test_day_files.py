import csv
import io
import json

import pandas as pd
import pytest

from tasks.reporting.day.assessed import assess_day
from tasks.reporting.day.files import monitoring_json, signals_json, trades_csv, weights_csv
from tasks.reporting.day.ledger import printed_trades, printed_weights
from tasks.trades.schema import TRADE_COLUMNS
from tests.unit.reporting.example_day import make_inputs


def read(content: bytes) -> pd.DataFrame:
    return pd.read_csv(io.BytesIO(content), keep_default_na=False, na_values=[""], dtype={"symbol": str})


def test_trades_csv_reads_back_as_the_printed_trades():
    trades = printed_trades(make_inputs().frames.trades)

    back = read(trades_csv(trades))

    assert tuple(back.columns) == TRADE_COLUMNS
    for column in ("shares", "price", "notional", "weight_change", "commission_est", "slippage_est"):
        assert back[column].tolist() == trades[column].tolist()
    assert back["symbol"].tolist() == trades["symbol"].tolist()


def test_weights_csv_reads_back_and_sums_to_one_as_printed():
    frames = make_inputs().frames
    weights = printed_weights(frames.weights, frames.after)

    back = read(weights_csv(weights))

    assert list(back.columns) == ["symbol", "weight", "current_weight", "shares", "price", "sector", "score"]
    assert back["weight"].tolist() == weights["weight"].tolist()
    assert back["weight"].sum() == pytest.approx(1, abs=1e-6)
    assert back["current_weight"].sum() == pytest.approx(1, abs=1e-6)


def test_a_day_without_trades_still_has_its_header():
    content = trades_csv(printed_trades(make_inputs(hold=True).frames.trades))

    assert next(csv.reader(io.StringIO(content.decode()))) == list(TRADE_COLUMNS)
    assert content.count(b"\n") == 1


def test_signals_name_the_model_the_snapshot_and_every_ranked_score():
    inputs = make_inputs()

    signals = json.loads(signals_json(inputs))

    assert signals["date"] == "2024-06-14"
    assert signals["model"] == {
        "name": "lightgbm",
        "hash": inputs.records.scores.champion.model_sha256,
    }
    assert signals["snapshot"] == inputs.records.market.snapshot.id
    assert signals["regime"]["state"] == "BULL"
    assert sorted(score["rank"] for score in signals["scores"].values()) == list(range(1, 481))


def test_the_monitoring_log_tells_checks_with_value_limit_and_outcome():
    log = json.loads(monitoring_json(inputs := make_inputs(blocked=True), assess_day(inputs), {}, {}))

    buys = next(check for check in log["checks"] if check["name"] == "buys")
    assert buys["outcome"] == "failed"
    assert buys["value"] == "47.2%"
    assert buys["limit"] == "40.0%"
    assert log["status"] == "blocked"
    assert log["timings"] == "manifest.json"


def test_the_monitoring_log_holds_nothing_that_depends_on_how_often_a_day_was_run():
    log = monitoring_json(inputs := make_inputs(), assess_day(inputs), {}, {}).decode()

    assert "new_bars" not in log
    assert "restated_bars" not in log
    assert "/nowhere" not in log


def test_what_is_not_a_number_is_null_and_the_file_is_ascii():
    inputs = make_inputs()
    inputs.records.scores.champion.metrics["rank_ic"] = float("nan")

    content = monitoring_json(inputs, assess_day(inputs), {}, {})

    assert json.loads(content)["model_health"]["metrics"]["rank_ic"] is None
    assert content.isascii()


def test_the_monitoring_log_records_what_may_last_with_its_sessions():
    inputs = make_inputs()

    log = json.loads(monitoring_json(inputs, assess_day(inputs), {"limit beta": 5}, {}))

    assert log["unusual"] == {"limit beta": 5}

"""A published day holds what contract.md promises, and its figures agree with each other."""

import csv
import json
from datetime import date
from hashlib import sha256

import pandas as pd
import pytest

from tasks.trades.schema import TRADE_COLUMNS
from tests.builders import make_settings
from tests.homes import LAST_SESSION, afterclose, copy_of, day_bytes, run_day

FILES = {
    "trades.csv",
    "portfolio_weights.csv",
    "signals.json",
    "tickets.json",
    "report.html",
    "monitoring_log.json",
    "manifest.json",
}
WEIGHT_COLUMNS = ["symbol", "weight", "current_weight", "shares", "price", "sector", "score"]
THREE_WEEKS_LATER = date(2024, 7, 5)


@pytest.fixture(scope="module")
def home(published_home_template, tmp_path_factory):
    return copy_of(published_home_template, tmp_path_factory.mktemp("contract") / "home")


@pytest.fixture(scope="module")
def day(home):
    return home / "live" / str(LAST_SESSION)


def read_csv(path):
    return pd.read_csv(path, keep_default_na=False, na_values=[""], dtype={"symbol": str})


def test_the_folder_holds_exactly_the_promised_files(day):
    assert {path.name for path in day.iterdir()} == FILES


def test_the_csv_files_have_exactly_the_promised_columns(day):
    with (day / "trades.csv").open() as file:
        assert tuple(next(csv.reader(file))) == TRADE_COLUMNS
    with (day / "portfolio_weights.csv").open() as file:
        assert next(csv.reader(file)) == WEIGHT_COLUMNS


def test_the_signals_name_date_model_snapshot_regime_and_ranked_scores(day):
    signals = json.loads((day / "signals.json").read_text())

    assert {"date", "model", "snapshot", "regime", "scores"} <= signals.keys()
    assert signals["date"] == str(LAST_SESSION)
    assert {"name", "hash"} <= signals["model"].keys()
    assert {score["rank"] for score in signals["scores"].values()} <= set(
        range(1, len(signals["scores"]) + 1)
    )


def test_the_manifest_hashes_every_other_file(day):
    manifest = json.loads((day / "manifest.json").read_text())
    hashes = {path.name: sha256(path.read_bytes()).hexdigest() for path in day.iterdir()}

    assert {"schema_version", "session", "inputs", "versions", "seeds", "timings"} <= manifest.keys()
    assert manifest["sha256"] == {name: digest for name, digest in hashes.items() if name != "manifest.json"}


def test_weights_and_cash_sum_to_one(day):
    weights = read_csv(day / "portfolio_weights.csv")

    assert weights["symbol"].tolist().count("CASH") == 1
    assert weights["weight"].sum() == pytest.approx(1, abs=1e-6)
    assert weights["current_weight"].sum() == pytest.approx(1, abs=1e-6)
    assert (weights["weight"] >= 0).all()


def test_weights_are_the_target_and_shares_what_is_held_after_the_trades(day):
    """The portfolio of a ready home is empty: shares are those bought, in whole numbers."""
    weights, trades = (
        read_csv(day / name).set_index("symbol") for name in ("portfolio_weights.csv", "trades.csv")
    )
    names = weights.drop("CASH")
    costs = trades["commission_est"].sum() + trades["slippage_est"].sum()
    cash_usd = make_settings().portfolio.initial_cash_usd

    assert (names["current_weight"] == 0).all()
    assert names["shares"].to_dict() == trades["shares"].reindex(names.index).fillna(0).to_dict()
    assert weights["shares"]["CASH"] == pytest.approx(cash_usd - trades["notional"].sum() - costs, abs=0.01)
    off_usd = (names["weight"] * cash_usd - names["shares"] * names["price"])[names["shares"] > 0]
    assert (off_usd.abs() < 0.001 * cash_usd).all()
    assert (off_usd.abs() > 1).any()  # the target is no whole number of shares


def test_every_limit_of_the_profile_holds(day):
    limits = make_settings().portfolio
    weights = read_csv(day / "portfolio_weights.csv")
    invested = weights[weights["symbol"] != "CASH"]
    regime = json.loads((day / "signals.json").read_text())["regime"]

    assert (invested["weight"] <= limits.max_position_frac + 1e-9).all()
    assert (invested.groupby("sector")["weight"].sum() <= limits.max_sector_frac + 1e-9).all()
    assert invested["weight"].sum() <= make_settings().regime.exposure_cap[regime["state"]] + 1e-9


def test_buys_never_exceed_the_cash_after_sells_and_exits_come_first(day):
    trades = read_csv(day / "trades.csv")
    sells, buys = trades[trades["side"] == "SELL"], trades[trades["side"] == "BUY"]
    costs = trades["commission_est"].sum() + trades["slippage_est"].sum()
    cash_usd = make_settings().portfolio.initial_cash_usd  # the portfolio of a ready home is empty

    assert len(trades) > 0
    assert buys["notional"].sum() + costs <= cash_usd + sells["notional"].sum()
    assert trades["side"].tolist() == ["SELL"] * len(sells) + ["BUY"] * len(buys)
    assert (trades["shares"] > 0).all()
    assert (trades["shares"] * trades["price"]).tolist() == pytest.approx(
        trades["notional"].tolist(), abs=0.01
    )


def test_performance_history_has_one_row_a_session(home):
    run_day(home)
    history = read_csv(home / "live" / "performance_history.csv")

    assert history["date"].tolist() == [str(LAST_SESSION)]
    assert list(history.columns[:6]) == ["date", "equity", "daily_return", "regime", "turnover", "cost"]


def test_a_day_is_the_same_whether_or_not_the_lake_knows_what_came_later(home, ready_home, day):
    refreshed = afterclose("refresh", "--date", str(THREE_WEEKS_LATER), home=ready_home)
    run_day(ready_home)

    assert refreshed.returncode == 0, refreshed.stderr
    assert day_bytes(ready_home) == day_bytes(home)


def test_a_day_that_was_approved_is_refused_and_stays_as_it_is(published_home):
    folder = published_home / "live" / str(LAST_SESSION)
    (folder / "approval.json").write_text("{}")
    before = day_bytes(published_home)

    result = afterclose("daily", "--date", str(LAST_SESSION), home=published_home)

    assert result.returncode == 3
    assert "approved" in result.stderr
    assert day_bytes(published_home) == before

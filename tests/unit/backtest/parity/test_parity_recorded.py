"""Days read back from their files: as they were published, or skipped with the reason."""

import json
from datetime import date

import pytest

from tasks.backtest.parity.recorded import FILES, first_recorded, read_recorded
from tasks.core.errors import ConfigError
from tasks.core.homes.home import Home

DAY, TODAY = date(2024, 6, 13), date(2024, 6, 14)
TRADES = "symbol,side,shares,price,commission_est,slippage_est\nAAA,BUY,4,10.00,0.00,0.50\n"
WEIGHTS = "symbol,weight,shares,price\nAAA,0.4,4,10.0000\nCASH,0.6,59.50,1.0000\n"


def signals(**changes):
    decided = {
        "basis": "b",
        "optimizer": "hrp",
        "ranks": True,
        "score_to_return": "0x0.0p+0",
        "volatility_pct": "nan",
        "reductions_only": False,
        "data": "",
    }
    record = {"scores": {"AAA": {"exact": "0x1.0p-1"}}, "regime": {"state": "BULL"}}
    return json.dumps({**record, "decided_from": decided, **changes})


@pytest.fixture
def home(tmp_path):
    found = Home(tmp_path)
    folder = found.day_folder(DAY)
    folder.mkdir(parents=True)
    for name, content in zip(FILES, (signals(), WEIGHTS, TRADES), strict=True):
        (folder / name).write_text(content)
    return found


def recorded(home):
    return read_recorded(home, TODAY, sessions=3, basis="b")


def test_a_day_is_read_back_as_it_was_before_its_trades(home):
    (day,) = recorded(home).days

    assert (day.held, day.cash_cents, day.scores, day.state) == ({}, 10_000, {"AAA": 0.5}, "BULL")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("signals.json", "[]"),
        ("signals.json", "null"),
        ("signals.json", "[" * 100_000),
        ("signals.json", signals(scores=[])),
        ("signals.json", signals(scores={"AAA": {"exact": "inf"}})),
        ("signals.json", signals(scores={"AAA": {"exact": "0x1p99999"}})),
        ("signals.json", signals(regime={"state": "SUNNY"})),
        ("signals.json", signals(decided_from=[])),
        ("signals.json", signals().replace("hrp", "best")),
        ("trades.csv", TRADES.replace("BUY", "HOLD")),
        ("trades.csv", TRADES.replace(",4,", ",1e300,")),
        ("trades.csv", TRADES + '"' + "x" * 200_000),
        ("portfolio_weights.csv", WEIGHTS.replace(",4,", ",nan,")),
        ("portfolio_weights.csv", WEIGHTS.replace("0.4", "inf")),
        ("portfolio_weights.csv", WEIGHTS.replace("59.50", "1e300")),
        ("portfolio_weights.csv", ""),
    ],
)
def test_a_damaged_day_is_skipped_or_names_itself(home, name, content):
    (home.day_folder(DAY) / name).write_text(content)

    found = recorded(home)

    assert not found.days
    assert [day for day, why in found.skipped if "cannot be read" in why] == [DAY]
    with pytest.raises(ConfigError, match="2024-06-13 cannot be read"):
        first_recorded(home, DAY)

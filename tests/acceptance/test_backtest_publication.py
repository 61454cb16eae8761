"""A walk published as files: exact to the cent, whole or an error."""

import json
from datetime import date

import numpy as np
import pandas as pd
import pytest

from tasks.backtest.accounting.account import Account
from tasks.backtest.combination import Combination, rows_of_walk
from tasks.backtest.equal_weight import walk_equal_weight
from tasks.backtest.publication import publish, read_published, tables_of
from tasks.backtest.tear_sheet import tear_sheet_of
from tasks.backtest.walk import WalkRules, walk
from tasks.core.errors import ConfigError, StorageError
from tasks.core.ids import canonical_json
from tasks.trades.fills import Orders
from tests.unit.backtest.stored import flat, world

COMBINATION = Combination("momentum", "hrp", date(2024, 1, 1), date(2024, 1, 30), "next_open", 1)


def free(world, row, shares, price_cents, *, is_sale):
    return np.where(shares > 0, 7, 0)


def buy_once(world, row, account):
    nothing = np.zeros(2, dtype=np.int64)
    wanted = np.array([5, 0]) if row == 3 else nothing
    return Orders(nothing, wanted, wanted * 10**6)


@pytest.fixture
def market():
    return world({"A": {**flat(), 9: 10.37}, "B": flat(20.0)})


@pytest.fixture
def course(market):
    start = Account(np.zeros(2, dtype=np.int64), 100_000)
    return walk(market, start, buy_once, free, first=0, last=29, rules=WalkRules())


def published(place, market, course):
    equal = walk_equal_weight(market, free, cash_cents=100_000, first=0, last=29, fill_at="next_open")
    sheet = tear_sheet_of(course, equal, market, np.full(30, "BULL"), coverage=(), seed=1)
    publish(place, tables_of(sheet), b"page", COMBINATION, {"id": "x"}, sheet)
    return place


def test_the_tables_are_those_of_the_walk_to_the_cent(tmp_path, market, course):
    place = published(tmp_path / "b", market, course)

    equity = pd.read_csv(place / "equity.csv", dtype=str)
    trades = pd.read_csv(place / "trades.csv", dtype=str)
    assert equity["equity_usd"].iloc[[0, 4, 9]].tolist() == ["1000.00", "999.93", "1001.78"]
    assert equity["cash_usd"].iloc[4] == "949.93"
    assert equity["price_pnl_usd"].iloc[[9, 10]].tolist() == ["1.85", "-1.85"]
    assert trades.to_dict("records") == [
        {
            "session": "2024-01-05",
            "company": "20240101~A",
            "side": "BUY",
            "shares": "5",
            "price_usd": "10.00",
            "cost_usd": "0.07",
        }
    ]


def test_the_tables_of_trips_and_attribution_hold_the_whole_profit_to_the_cent(tmp_path, market, course):
    place = published(tmp_path / "b", market, course)

    parts = pd.read_csv(place / "attribution.csv", dtype=str).drop(columns="session")
    trips = pd.read_csv(place / "round_trips.csv")
    equity = pd.read_csv(place / "equity.csv", dtype=str)
    cents = sum(int(cell.replace(".", "")) for cell in parts.to_numpy().ravel())
    assert cents == course.equity[-1] - course.equity[0] == -7
    assert trips[["company", "entry", "sessions", "pnl_usd", "is_open"]].to_dict("records") == [
        {"company": "20240101~A", "entry": "2024-01-05", "sessions": 26, "pnl_usd": -0.07, "is_open": True}
    ]
    # no company is a member before session 10; 50 of A and 25 of B, 7 cents each
    assert equity["equal_weight_equity_usd"].iloc[[0, 21, 22]].tolist() == ["1000.00", "1000.00", "999.86"]


def test_a_published_backtest_is_read_back_and_the_same_bytes_again(tmp_path, market, course):
    one, two = (published(tmp_path / name, market, course) for name in ("one", "two"))

    manifest = read_published(one)
    assert manifest is not None
    assert manifest["combination"]["model"] == "momentum"
    assert manifest["figures"]["sharpe"] == {"value": None, "sessions": 29, "standing": "withheld"}
    for file in one.iterdir():
        assert file.read_bytes() == (two / file.name).read_bytes()


def test_what_was_never_published_is_none(tmp_path):
    assert read_published(tmp_path / "none") is None


@pytest.mark.parametrize("name", ["equity.csv", "report.html", "manifest.json"])
@pytest.mark.parametrize("is_absent", [True, False])
def test_a_changed_backtest_is_an_error(tmp_path, market, course, name, is_absent):
    place = published(tmp_path / "b", market, course)
    if is_absent:
        (place / name).unlink()
    else:
        (place / name).write_text(json.dumps({"schema_version": 1}))

    with pytest.raises(StorageError, match="not a complete backtest"):
        read_published(place)


def test_a_figure_changed_in_the_manifest_is_an_error(tmp_path, market, course):
    place = published(tmp_path / "b", market, course)
    manifest = json.loads((place / "manifest.json").read_bytes())
    manifest["figures"]["max_drawdown"]["value"] = -0.01
    (place / "manifest.json").write_text(canonical_json(manifest))

    with pytest.raises(StorageError, match="not a complete backtest"):
        read_published(place)


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        (None, None, (4, 29)),
        (date(2024, 1, 2), None, (4, 29)),
        (date(2024, 1, 11), date(2024, 1, 21), (10, 20)),
        (None, date(2030, 1, 1), (4, 29)),
    ],
)
def test_a_walk_begins_with_the_first_scores_within_the_dates(market, first, last, expected):
    scores = np.full((30, 2), np.nan)
    scores[4:] = 1.0

    assert rows_of_walk(market, scores, first, last) == expected


def test_dates_without_scores_are_an_error(market):
    scores = np.full((30, 2), np.nan)
    scores[20:] = 1.0

    with pytest.raises(ConfigError, match="first session with scores is 2024-01-21"):
        rows_of_walk(market, scores, None, date(2024, 1, 20))
    with pytest.raises(ConfigError, match="too short"):
        rows_of_walk(market, np.full((30, 2), np.nan), None, None)
    with pytest.raises(ConfigError, match="--from 2024-01-25 is after --to 2024-01-22"):
        rows_of_walk(market, scores, date(2024, 1, 25), date(2024, 1, 22))

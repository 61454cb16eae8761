"""A day is decided again on restated data: what would differ, and which rows were restated when."""

import csv
import json
from datetime import UTC, date, datetime

import pandas as pd
import pytest

from tasks.core.homes.home import Home
from tasks.data.lake.commits import commit
from tasks.data.lake.head import read_head
from tasks.data.lake.store import read_bar_frame
from tasks.data.schema.batch import Batch
from tasks.data.schema.tables import SPECS, empty_table
from tests.homes import LAST_SESSION, SESSION_BEFORE, afterclose


def replayed(home, *options):
    ended = afterclose("replay", str(SESSION_BEFORE), *options, "--json", home=home)
    return ended.returncode, json.loads(ended.stdout)


def restate(home: Home, symbol: str, day: date, factor: float, known: date) -> None:
    """Deliver the symbol's bar of the day again, with other prices, on the session `known`."""
    head = read_head(home.lake)
    assert head is not None
    bars = read_bar_frame(home.lake, head.versions, since=day, through=day)
    bar = bars[bars["symbol"] == symbol].assign(known=pd.Timestamp(known))
    bar[["open", "high", "low", "close"]] *= factor
    rows = {name: empty_table(name) for name in SPECS if name != "sessions"} | {"amendments": bar}
    commit(
        home.lake,
        head,
        Batch(rows),
        provider=head.provider,
        through=head.last_session,
        at=datetime(2024, 6, 14, 21, tzinfo=UTC),
        simulated_version=head.simulated_version,
    )


@pytest.fixture
def traded(begun_home):
    with (begun_home / "live" / str(SESSION_BEFORE) / "trades.csv").open(newline="") as file:
        return {row["symbol"]: int(row["shares"]) for row in csv.DictReader(file)}


def test_a_restated_bar_is_named_with_the_trades_that_it_changes(begun_home, traded):
    symbol, shares = max(traded.items(), key=lambda item: item[1])
    assert replayed(begun_home, "--restated") == (
        0,
        {"session": str(SESSION_BEFORE), "equal": True, "trades": [], "restated": []},
    )
    restate(Home(begun_home), symbol, SESSION_BEFORE, 0.95, LAST_SESSION)

    code, said = replayed(begun_home, "--restated")

    assert (code, said["equal"]) == (3, False)
    (row,) = said["restated"]
    assert (row["table"], row["symbol"], row["day"]) == ("bar", symbol, str(SESSION_BEFORE))
    assert row["known"] == str(LAST_SESSION)
    assert {one["column"] for one in row["changes"]} == {"open", "high", "low", "close"}
    other = next(one for one in said["trades"] if one["symbol"] == symbol)
    assert other["published"] == shares
    assert other["restated"] > shares  # the price was too high
    assert other["has_restated_rows"]
    code, again = replayed(begun_home)
    assert (code, again["equal"]) == (0, True)  # as known then, nothing has changed

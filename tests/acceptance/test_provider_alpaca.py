"""What Alpaca's answers mean: names that changed, companies that ended, days that are stamped in New York."""

from dataclasses import replace
from datetime import date

import pandas as pd
import pytest

from tasks.data.providers import alpaca
from tasks.data.providers.alpaca import AlpacaProvider
from tests.builders import FRIDAY, make_run
from tests.deliveries import make_delivery
from tests.servers.alpaca import KEYS, AlpacaServer
from tests.servers.base import serving

EVERYTHING = make_delivery(sessions=60, symbols=2)
FIRST = EVERYTHING.bars["session"].min().date()
RENAMED = date(2024, 5, 1)


@pytest.fixture
def server(monkeypatch):
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    with serving(AlpacaServer(EVERYTHING)) as running:
        yield running


@pytest.fixture
def ask(server, tmp_path):
    def fetch(symbols="S00\nS01\n", after=None, through=FRIDAY, **settings):
        (tmp_path / "symbols.txt").write_text(symbols)
        given = {"data.symbols_file": tmp_path / "symbols.txt", "data.first_session": FIRST, **settings}
        provider = AlpacaProvider(make_run(tmp_path, **given), data_url=server.url, trading_url=server.url)
        return provider.fetch(after=after, through=through)

    return fetch


def renamed(bars):
    is_old = (bars["symbol"] == "S00") & (bars["session"] < pd.Timestamp(RENAMED))
    return bars.assign(symbol=bars["symbol"].mask(is_old, "OLD"))


def test_a_company_has_its_past_under_its_earlier_symbol_without_a_later_company(server, ask):
    stranger = EVERYTHING.bars[EVERYTHING.bars["session"] > pd.Timestamp(RENAMED)].assign(symbol="OLD")
    stranger = stranger.drop_duplicates("session")
    server.delivery = replace(EVERYTHING, bars=pd.concat([renamed(EVERYTHING.bars), stranger]))
    change = {"old_symbol": "OLD", "new_symbol": "S00", "process_date": str(RENAMED)}
    paid = {"symbol": "OLD", "rate": 0.3, "ex_date": "2024-04-12", "process_date": "2024-04-30"}
    later = paid | {"ex_date": "2024-05-20", "process_date": "2024-06-01"}
    server.events = {"name_changes": [change], "cash_dividends": [paid, later]}

    delivery = ask("S00\n")

    expected = renamed(EVERYTHING.bars[EVERYTHING.bars["symbol"] == "S00"]).sort_values(
        "session", ignore_index=True
    )
    found = delivery.bars.sort_values("session", ignore_index=True)
    pd.testing.assert_frame_equal(found, expected)
    assert delivery.renames.values.tolist() == [["OLD", "S00", pd.Timestamp(RENAMED)]]  # noqa: PD011 - rows
    assert delivery.actions[["symbol", "dividend"]].to_numpy().tolist() == [["OLD", 0.3]]


def test_many_symbols_are_asked_for_in_portions(server, ask, monkeypatch):
    monkeypatch.setattr(alpaca, "SYMBOLS_AT_ONCE", 2)

    bars = ask("NOBODY\nNONE\nS00\nS01\n").bars

    assert len(bars) == len(EVERYTHING.bars)
    assert sum("symbols=NOBODY%2CNONE" in asked for asked in server.asked) == 2  # actions, bars


def test_each_action_is_put_into_our_terms(server, ask):
    day, ex = "2024-05-06", pd.Timestamp("2024-05-06")
    common = {"symbol": "S00", "ex_date": day, "process_date": day}
    server.events = {
        "cash_dividends": [common | {"rate": 0.1}, common | {"rate": 0.4, "special": True}],
        "stock_dividends": [common | {"symbol": "S01", "rate": 0.05}],
        "reverse_splits": [common | {"old_rate": 10, "new_rate": 1}],
    }

    actions = ask().actions

    assert actions.to_numpy().tolist() == [["S00", ex, 0.5, 0.1], ["S01", ex, 0.0, 1.05]]


def test_who_was_bought_or_failed_is_delisted_with_the_session_before(server, ask):
    server.events = {
        "cash_mergers": [
            {
                "acquiree_symbol": "S00",
                "rate": 54.2,
                "effective_date": "2024-06-10",
                "process_date": "2024-06-11",
            }
        ],
        "worthless_removals": [
            {"symbol": "S01", "process_date": "2024-06-12"},
            {"symbol": "S01", "process_date": "2024-07-12"},  # nobody knew on 14 June
        ],
    }

    assert ask().delistings.to_numpy().tolist() == [
        ["S00", pd.Timestamp("2024-06-07"), "merger", 54.2],
        ["S01", pd.Timestamp("2024-06-11"), "bankruptcy", 0.0],
    ]


def test_days_are_new_yorks_in_winter_and_in_summer(server, ask):
    winter = make_delivery(sessions=60, symbols=2, last=date(2024, 3, 22))  # the clocks changed on the 10th
    server.delivery = winter

    bars = ask("S00\n", through=date(2024, 3, 22), **{"data.first_session": date(2023, 12, 1)}).bars

    assert bars["session"].tolist() == winter.bars["session"].unique().tolist()


def test_bars_from_before_the_first_actions_are_not_asked_for(server, ask):
    ask(**{"data.first_session": date(2016, 1, 4)})

    assert all("start=2020-07-01" in asked for asked in server.asked)


def test_without_a_list_all_listed_shares_are_asked_for_and_remembered(server, ask, monkeypatch):
    symbols = [set(ask(**{"data.symbols_file": None}).bars["symbol"]) for _ in range(2)]

    assert symbols == [{"S00", "S01"}] * 2
    assert sum("/v2/assets" in asked for asked in server.asked) == 1


def test_an_index_as_benchmark_is_not_requested(ask, server, tmp_path):
    provider = AlpacaProvider(make_run(tmp_path, **{"data.benchmark": "^GSPC"}))

    assert "levels" not in provider.capabilities


def test_a_dividend_that_is_filed_late_is_delivered_whole_and_a_forgotten_one_is_not(server, ask):
    """Issue 10, line 19: an old ex-date with a new day of processing was dropped for good."""
    after, ex = date(2024, 6, 13), "2024-04-12"
    common = {"symbol": "S00", "ex_date": ex}
    server.events = {
        "cash_dividends": [
            common | {"rate": 0.3, "process_date": "2024-06-12"},  # filed two months late
            common | {"rate": 0.1, "process_date": "2024-04-20"},  # paid with it, filed in time
            common | {"symbol": "S01", "rate": 0.7, "process_date": "2024-04-20"},  # known since April
        ]
    }

    actions = ask(after=after).actions

    assert actions.to_numpy().tolist() == [["S00", pd.Timestamp(ex), 0.4, 1.0]]

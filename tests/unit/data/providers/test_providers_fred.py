"""What FRED's series mean, and when each figure was there to be read."""

import logging
import traceback
from datetime import date

import pandas as pd
import pytest

from tasks.core.errors import ConfigError, TransientError
from tasks.data.providers.fred import FredProvider
from tasks.data.providers.http.rate_limits import RateLimiter
from tests.builders import FRIDAY, make_run
from tests.deliveries import make_delivery
from tests.servers.base import serving
from tests.servers.fred import KEYS, FredServer


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("FRED_API_KEY", KEYS["FRED_API_KEY"])
    with serving(FredServer(make_delivery(sessions=30))) as running:
        yield running


def ask(server, home, **settings):
    return FredProvider(make_run(home, **settings), url=server.url).fetch(after=None, through=FRIDAY)


def test_a_yield_counts_from_the_session_on_which_it_is_published(server, tmp_path):
    server.series["DTB3"] = {
        date(2024, 5, 24): 5.24,  # the Friday before Memorial Day
        date(2024, 6, 13): 5.25,
        date(2024, 6, 14): 5.26,
    }

    found = ask(server, tmp_path).riskfree

    assert found.to_numpy().tolist() == [
        [pd.Timestamp("2024-05-28"), 5.24],
        [pd.Timestamp("2024-06-14"), 5.25],
    ]


def test_a_yield_of_a_day_on_which_only_the_exchange_rests_gives_way_to_the_later_one(server, tmp_path):
    server.series["DTB3"] = {date(2024, 3, 28): 5.1, date(2024, 3, 29): 5.2}  # Good Friday

    assert ask(server, tmp_path).riskfree["yield_pct"].tolist() == [5.2]


def test_a_key_that_fred_does_not_know_is_a_matter_of_configuration(server, tmp_path, monkeypatch):
    monkeypatch.setenv("FRED_API_KEY", "anotherkey")

    with pytest.raises(ConfigError, match="not registered") as caught:
        ask(server, tmp_path)

    assert "anotherkey" not in str(caught.value)
    assert caught.value.exit_code == 2


def test_another_volatility_index_is_not_asked_for(server, tmp_path):
    found = ask(server, tmp_path, **{"data.volatility_index": "^VXN"})

    assert found.levels.empty
    assert all("VIXCLS" not in asked for asked in server.asked)


def test_fault_109_the_key_in_the_url_is_neither_logged_nor_shown(server, tmp_path, monkeypatch, caplog):
    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr(RateLimiter, "sleep", staticmethod(lambda _seconds: None))
    ask(server, tmp_path)
    assert f"api_key={KEYS['FRED_API_KEY']}" in server.asked[0]
    server.stop()

    with pytest.raises(
        TransientError, match="fred did not return a complete response to /fred/series/observations"
    ) as caught:
        ask(server, tmp_path)

    reported = "".join(traceback.format_exception(caught.value)) + caplog.text + repr(caught.value.fields)
    assert KEYS["FRED_API_KEY"] not in reported

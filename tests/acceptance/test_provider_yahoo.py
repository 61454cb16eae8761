"""Yahoo's responses, valid and invalid."""

import sys
from dataclasses import replace

import pandas as pd
import pytest

from tasks.core.errors import ConfigError, TransientError
from tasks.data.providers.http.rate_limits import ATTEMPTS, RateLimiter
from tasks.data.providers.yahoo import YahooProvider
from tests.builders import FRIDAY, make_run
from tests.deliveries import make_delivery
from tests.servers.base import cut_json, half_a_page, instead, reset, serving
from tests.servers.yahoo import YahooServer

EVERYTHING = make_delivery(sessions=40, symbols=2)
FIRST = EVERYTHING.bars["session"].min().date()


@pytest.fixture
def server():
    with serving(YahooServer(EVERYTHING)) as running:
        yield running


@pytest.fixture
def pauses(monkeypatch):
    taken = []
    monkeypatch.setattr(RateLimiter, "sleep", staticmethod(taken.append))
    return taken


@pytest.fixture
def run(tmp_path):
    (tmp_path / "symbols.txt").write_text("S00\nS01\nNOBODY\n")
    unhurried = {"second": None, "minute": None, "hour": None, "day": None}
    settings = {"data.symbols_file": tmp_path / "symbols.txt", "data.first_session": FIRST}
    return make_run(tmp_path, **settings, **{"data.yahoo.rate_limit": unhurried})


def on_charts(trouble):
    return lambda request, wanted: trouble(request, wanted) if "chart" in request.path else wanted


def bars(server, run, through=FRIDAY):
    provider = YahooProvider(run, browser=server.browser())
    return provider.fetch(after=None, through=through, tables=frozenset({"bars", "actions"}))


def test_a_split_that_came_later_is_undone(server, run):
    day = EVERYTHING.actions.loc[EVERYTHING.actions["split"] == 2, "session"].iloc[0]
    before = EVERYTHING.bars["session"].max() - pd.Timedelta(days=35)
    assert before < day

    early = bars(server, run, through=before.date())

    key = ["symbol", "session"]
    expected = EVERYTHING.bars[EVERYTHING.bars["session"] <= before].sort_values(key, ignore_index=True)
    pd.testing.assert_frame_equal(early.bars.sort_values(key, ignore_index=True), expected, atol=1e-4)


def test_a_symbol_that_yahoo_does_not_know_is_absent_and_not_asked_for_again(server, run, pauses):
    assert set(bars(server, run).bars["symbol"]) == {"S00", "S01"}
    assert pauses == []


def test_dividends_and_splits_come_with_the_bars(server, run):
    assert bars(server, run).actions.to_numpy().tolist() == EVERYTHING.actions.to_numpy().tolist()


@pytest.mark.parametrize(
    "trouble",
    [
        instead("<html>Will be right back</html>", 503),
        instead("<html></html>", 200),
        instead({"finance": {"result": None, "error": {"code": "Internal"}}}, 500),
        instead("Too Many Requests", 429),
        half_a_page,
        cut_json,
        reset,
    ],
)
def test_a_failed_answer_is_not_a_symbol_without_bars(trouble, server, run, pauses):
    server.always = on_charts(trouble)

    with pytest.raises(TransientError, match="yahoo did not return a complete response for S00"):
        bars(server, run)

    assert len(pauses) == ATTEMPTS - 1


def test_trouble_that_passes_does_not_stay_in_the_librarys_memory(server, run, pauses):
    undisturbed = bars(server, run)
    broken = [2]

    def twice(request, wanted):
        broken[0] -= 1
        return instead("<html></html>", 200)(request, wanted) if broken[0] >= 0 else wanted

    server.always = on_charts(twice)
    (run.home.answers / "yahoo" / "tkr-tz.db").unlink(missing_ok=True)

    assert bars(server, run).bars.equals(undisturbed.bars)
    assert pauses


def test_silence_ends_with_the_time_out(server, run, pauses):
    network = run.settings.data.network.model_copy(update={"max_request_s": 0.1})
    data = run.settings.data.model_copy(update={"network": network})
    server.always = on_charts(server.hang)

    with pytest.raises(TransientError, match="Timeout"):
        bars(server, replace(run, settings=run.settings.model_copy(update={"data": data})))


def test_without_the_extra_it_says_what_to_install(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "yfinance", None)

    with pytest.raises(ConfigError, match=r"pip install 'afterclose\[yahoo\]'"):
        YahooProvider(run)

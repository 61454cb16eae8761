"""Endless responses of providers: a byte at a time, or the same page again. A refresh ends in time, with the reason."""

import time
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from tasks.core.errors import DataError, TransientError
from tasks.core.homes.run import Run
from tasks.data.providers.alpaca import AlpacaProvider
from tasks.data.providers.base import Provider
from tasks.data.providers.cascade import Cascade
from tasks.data.providers.edgar.provider import EdgarProvider
from tasks.data.providers.fred import FredProvider
from tasks.data.providers.http.rate_limits import RateLimiter
from tasks.data.providers.tiingo import TiingoProvider
from tasks.data.providers.yahoo import YahooProvider
from tests.builders import FRIDAY
from tests.deliveries import make_delivery, small_run
from tests.servers import alpaca, edgar, fred, tiingo
from tests.servers.alpaca import AlpacaServer
from tests.servers.base import Server, page_again, serving
from tests.servers.edgar import EdgarServer
from tests.servers.fred import FredServer
from tests.servers.tiingo import TiingoServer
from tests.servers.yahoo import YahooServer

EVERYTHING = make_delivery(sessions=40)
MAX_WAIT_S = 20.0  # the answers would drip for minutes; a busy machine is slow, not that slow
SOON = {"data.network.max_request_s": 0.4, "data.network.max_refresh_s": 0.6}

SERVERS = {
    "alpaca": AlpacaServer,
    "tiingo": TiingoServer,
    "fred": FredServer,
    "edgar": EdgarServer,
    "yahoo": YahooServer,
}


def provider_of(server: Server, run: Run) -> Provider:
    match server:
        case AlpacaServer():
            return AlpacaProvider(run, data_url=server.url, trading_url=server.url)
        case TiingoServer():
            return TiingoProvider(run, url=server.url)
        case FredServer():
            return FredProvider(run, url=server.url)
        case EdgarServer():
            return EdgarProvider(run, site_url=server.url, data_url=server.url)
        case YahooServer():
            return YahooProvider(run, browser=server.browser())
    raise TypeError(server)


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (alpaca, tiingo, fred, edgar):
        for name, value in module.KEYS.items():
            monkeypatch.setenv(name, value)
    monkeypatch.setattr(RateLimiter, "sleep", staticmethod(lambda _: None))


@pytest.fixture
def serve(tmp_path: Path) -> Iterator:
    del tmp_path
    open_ = []

    def start(name: str) -> Server:
        context = serving(SERVERS[name](EVERYTHING))
        open_.append(context)
        return context.__enter__()  # closed below, after the test

    yield start
    for context in open_:
        context.__exit__(None, None, None)


def asking(home: Path, **settings: float) -> Run:
    home.mkdir(exist_ok=True)
    symbols = home / "symbols.txt"
    symbols.write_text("\n".join(sorted(EVERYTHING.bars["symbol"].unique())))
    first = EVERYTHING.bars["session"].min().date()
    return small_run(home, FRIDAY, **{"data.symbols_file": symbols, "data.first_session": first, **settings})


# issue 10, line 20
@pytest.mark.parametrize("name", SERVERS)
@pytest.mark.parametrize("how", ["drip_head", "drip_body"])
def test_an_answer_that_drips_is_cut_off_at_the_deadline(name, how, serve, tmp_path):
    server = serve(name)
    server.always = getattr(server, how)
    provider = provider_of(server, asking(tmp_path / "home", **SOON))

    begun = time.monotonic()
    with pytest.raises(TransientError) as caught:
        provider.fetch(after=None, through=FRIDAY)

    assert time.monotonic() - begun < MAX_WAIT_S
    assert caught.value.exit_code == 75
    if name != "yahoo":
        # where the first attempt had to import a library, the refresh may be over before the request
        assert "the 0.4 seconds of data.network.max_request_s" in caught.value.what or (
            "the 0.6 seconds of data.network.max_refresh_s" in caught.value.what
        )


# issue 10, line 20
def test_after_the_deadline_the_next_provider_is_asked_and_the_delivery_says_so(serve, tmp_path):
    first, second = serve("alpaca"), serve("tiingo")
    first.always = first.drip_body
    run = asking(
        tmp_path / "home", **{**SOON, "data.network.max_request_s": 0.5, "data.network.max_refresh_s": 30}
    )
    quick = asking(tmp_path / "home")
    both = Cascade([provider_of(first, run), provider_of(second, quick)], levels=("SPY",))

    delivery = both.fetch(after=None, through=FRIDAY)

    assert len(delivery.bars) == len(EVERYTHING.bars)
    assert "alpaca failed: alpaca did not return a complete response" in delivery.failovers[0]
    assert "data.network.max_request_s" in delivery.failovers[0]


# issue 10, line 20
def test_a_page_that_is_named_again_is_an_error_that_names_it(serve, tmp_path):
    server = serve("alpaca")
    server.always = page_again_from_the_second(server)

    with pytest.raises(DataError, match=r"alpaca named page 'AGAIN' of /\S+ as the next page twice"):
        provider_of(server, asking(tmp_path / "home")).fetch(after=None, through=FRIDAY)

    assert len(server.asked) <= 4


def page_again_from_the_second(server: AlpacaServer):
    """The server cannot read its own false token and starts again, the worst case."""
    honest = server._page

    def page(rows, request):
        if request.args.get("page_token") == "AGAIN":
            return rows[:1], "AGAIN"
        return honest(rows, request)

    server._page = page
    return page_again


# issue 10, line 20
def test_pages_that_end_are_read_whole_and_twice_if_asked_twice(serve, tmp_path):
    server = serve("alpaca")
    server.page = 7
    provider = provider_of(server, asking(tmp_path / "home"))

    for _ in range(2):
        bars = provider.fetch(after=None, through=FRIDAY).bars
        wanted = EVERYTHING.bars.sort_values(["symbol", "session"], ignore_index=True)
        pd.testing.assert_frame_equal(bars.sort_values(["symbol", "session"], ignore_index=True), wanted)

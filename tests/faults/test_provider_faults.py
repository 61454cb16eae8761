"""Providers in trouble, as faults.md numbers it: a refresh ends whole or with a named error, and nothing in between."""

import json
import logging
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from flows.cli.app import answer
from tasks.core.errors import ConfigError, DataError, TransientError
from tasks.core.homes.home import Home
from tasks.core.homes.run import Run
from tasks.core.homes.setup import set_up
from tasks.data import task
from tasks.data.providers.alpaca import AlpacaProvider
from tasks.data.providers.base import Provider
from tasks.data.providers.cascade import Cascade
from tasks.data.providers.http import session
from tasks.data.providers.http.rate_limits import ATTEMPTS, RateLimiter
from tasks.data.providers.tiingo import TiingoProvider
from tasks.data.schema.records import Market
from tasks.data.task import refresh_market
from tests.builders import FRIDAY
from tests.deliveries import make_delivery, small_run, with_bars
from tests.servers import alpaca, tiingo
from tests.servers.alpaca import AlpacaServer
from tests.servers.base import Server, Trouble, cut_json, half_a_page, instead, reset, serving
from tests.servers.tiingo import TiingoServer

THURSDAY = FRIDAY - timedelta(days=1)
EVERYTHING = make_delivery()
Provide = Callable[[Run], Provider]

HTML = "<html><body><h1>502 Bad Gateway</h1></body></html>"
PASSING: dict[str, Trouble] = {
    "429": instead({"message": "too many requests."}, 429),
    "503": instead(HTML, 503),
    "html": instead(HTML, 200),
    "half a page": half_a_page,
    "cut json": cut_json,
    "reset": reset,
}


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**alpaca.KEYS, **tiingo.KEYS}.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Replace sleeping; record the requested seconds."""
    taken: list[float] = []
    monkeypatch.setattr(RateLimiter, "sleep", staticmethod(taken.append))
    return taken


@pytest.fixture
def primary() -> Iterator[AlpacaServer]:
    with serving(AlpacaServer(EVERYTHING, page=30)) as server:
        yield server


@pytest.fixture
def secondary() -> Iterator[TiingoServer]:
    with serving(TiingoServer(EVERYTHING)) as server:
        yield server


@pytest.fixture(scope="module")
def thursday(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home that Alpaca filled through Thursday."""
    home = tmp_path_factory.mktemp("thursday")
    with serving(AlpacaServer(EVERYTHING)) as server, pytest.MonkeyPatch.context() as patch:
        for name, value in alpaca.KEYS.items():
            patch.setenv(name, value)
        refreshed(patch, home, only_alpaca(server), THURSDAY)
    return home


@pytest.fixture
def home(thursday: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(thursday, tmp_path / "home"))


def only_alpaca(server: Server) -> Provide:
    return lambda run: AlpacaProvider(run, data_url=server.url, trading_url=server.url)


def alpaca_then_tiingo(first: Server, second: Server) -> Provide:
    def provide(run: Run) -> Provider:
        return Cascade([only_alpaca(first)(run), TiingoProvider(run, url=second.url)], levels=("SPY", "^VIX"))

    return provide


def asking(home: Path, day: date = FRIDAY) -> Run:
    symbols = home / "symbols.txt"
    symbols.write_text("\n".join(sorted(EVERYTHING.bars["symbol"].unique())))
    first = EVERYTHING.bars["session"].min().date()
    own = {"data.provider": "alpaca", "data.symbols_file": symbols, "data.first_session": first}
    return small_run(home, day, **own)


def refreshed(patch: pytest.MonkeyPatch, home: Path, provide: Provide, day: date = FRIDAY) -> Market:
    patch.setattr(task, "make_provider", provide)
    return refresh_market(asking(home, day))


def bytes_below(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.fixture(scope="module")
def undisturbed(thursday: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the id of Friday's snapshot when nothing goes wrong."""
    home = Path(shutil.copytree(thursday, tmp_path_factory.mktemp("friday") / "home"))
    with serving(AlpacaServer(EVERYTHING)) as server, pytest.MonkeyPatch.context() as patch:
        for name, value in alpaca.KEYS.items():
            patch.setenv(name, value)
        return refreshed(patch, home, only_alpaca(server)).snapshot.id


@pytest.mark.parametrize("trouble", PASSING)
def test_fault_013_trouble_that_passes_ends_in_a_whole_refresh(
    trouble, home, primary, undisturbed, monkeypatch, pauses
):
    primary.troubles = [None, None, PASSING[trouble], PASSING[trouble]]

    market = refreshed(monkeypatch, home, only_alpaca(primary))

    assert primary.troubles == []
    assert market.snapshot.id == undisturbed
    assert market.failovers == ()
    assert 1 <= pauses[0] <= 2 <= pauses[1] <= 3  # twice as long, and a little chance


@pytest.mark.parametrize("trouble", PASSING)
def test_fault_013_trouble_that_stays_is_named_and_the_old_snapshot_is_intact(
    trouble, home, primary, monkeypatch, pauses
):
    primary.troubles = [None, None]
    primary.always = PASSING[trouble]
    before = bytes_below(home / "data" / "lake")

    with pytest.raises(TransientError, match="alpaca") as caught:
        refreshed(monkeypatch, home, only_alpaca(primary))

    assert caught.value.exit_code == 75
    assert len(pauses) == ATTEMPTS - 1
    assert bytes_below(home / "data" / "lake") == before


def test_fault_013_a_provider_that_hangs_is_given_up(home, primary, monkeypatch):
    monkeypatch.setattr(session, "TIMEOUT_S", (1, 0.05))
    primary.troubles = [None]
    primary.always = primary.hang
    before = bytes_below(home / "data" / "lake")

    with pytest.raises(
        TransientError, match=r"did not return a complete response to /v2/stocks/bars: .*Timeout"
    ):
        refreshed(monkeypatch, home, only_alpaca(primary))

    assert bytes_below(home / "data" / "lake") == before


@pytest.mark.parametrize("headers", [{"Retry-After": "17"}, {"X-RateLimit-Reset": "in seconds"}])
def test_fault_013_a_pause_is_as_long_as_the_provider_asks_for(headers, home, primary, monkeypatch, pauses):
    if "X-RateLimit-Reset" in headers:
        headers = {"X-RateLimit-Reset": str(session.now().timestamp() + 18)}
    primary.troubles = [instead({"message": "too many requests."}, 429, headers)]

    refreshed(monkeypatch, home, only_alpaca(primary))

    assert pauses == [pytest.approx(17, abs=1)]


def test_fault_013_who_asks_for_too_long_a_pause_is_not_waited_for(home, primary, monkeypatch, pauses):
    primary.always = instead({"message": "too many requests."}, 429, {"Retry-After": "3600"})

    with pytest.raises(TransientError, match=r"alpaca returned 429 .*too many requests"):
        refreshed(monkeypatch, home, only_alpaca(primary))

    assert pauses == []


def test_fault_013_the_second_takes_over_when_the_first_fails_halfway(
    home, primary, secondary, undisturbed, monkeypatch, caplog
):
    primary.troubles = [None, None, primary.die]

    market = refreshed(monkeypatch, home, alpaca_then_tiingo(primary, secondary))

    assert "page_token=30" in primary.asked[2]  # it had given bars already, and none of them is used
    assert market.new_bars == 6
    assert market.snapshot.id == undisturbed
    assert len(market.failovers) == 1
    reason = market.failovers[0]
    assert reason.startswith(
        "alpaca failed: alpaca did not return a complete response to /v2/stocks/bars: Connection"
    )
    assert "bars, actions, levels from tiingo; renames, delistings from no provider" in reason
    assert "alpaca failed, skipped for actions, bars, delistings, levels, renames" in caplog.text


def test_fault_013_a_failed_provider_is_reported_on_every_later_run_from_the_lake_alone(
    home, primary, secondary, monkeypatch
):
    primary.always = PASSING["503"]
    first = refreshed(monkeypatch, home, alpaca_then_tiingo(primary, secondary))
    asked = len(secondary.asked)

    again = refreshed(monkeypatch, home, alpaca_then_tiingo(primary, secondary))

    assert again == first
    assert again.provider == "alpaca"
    assert len(secondary.asked) == asked
    assert "fall_through" not in {finding.rule for finding in again.findings}


def test_fault_013_when_no_provider_answers_both_are_named(home, primary, secondary, monkeypatch):
    primary.always = PASSING["503"]
    secondary.always = PASSING["429"]
    before = bytes_below(home / "data" / "lake")

    with pytest.raises(TransientError) as caught:
        refreshed(monkeypatch, home, alpaca_then_tiingo(primary, secondary))

    assert "alpaca returned 503" in caught.value.what
    assert "tiingo returned 429" in caught.value.what
    assert bytes_below(home / "data" / "lake") == before


def test_fault_003_a_provider_that_is_late_is_asked_again_later(home, primary, secondary, monkeypatch):
    bars = EVERYTHING.bars
    primary.delivery = replace(EVERYTHING, bars=bars[bars["session"] < pd.Timestamp(FRIDAY)])

    with pytest.raises(TransientError, match=r"no bars for 2024-06-14 yet \(the latest is for 2024-06-13\)"):
        refreshed(monkeypatch, home, only_alpaca(primary))
    market = refreshed(monkeypatch, home, alpaca_then_tiingo(primary, secondary))

    assert market.new_bars == 6
    assert "alpaca has no bars for 2024-06-14 yet" in market.failovers[0]


def test_fault_014_history_that_a_provider_rewrites_is_reported(home, primary, monkeypatch):
    tuesday = date(2024, 6, 11)
    primary.delivery = with_bars(EVERYTHING, {("S03", tuesday): {"volume": 123_456.0}})

    market = refreshed(monkeypatch, home, only_alpaca(primary))

    assert market.restated_bars == 1
    assert "S03" in {finding.symbol for finding in market.findings if finding.rule == "restated"}


@pytest.mark.parametrize(
    ("trouble", "kind", "reported"),
    [
        (
            instead({"message": "unauthorized."}, 401),
            ConfigError,
            r"alpaca returned 401 .*\(unauthorized\.\)",
        ),
        (instead({"message": "bad"}, 422), DataError, "alpaca returned 422"),
        (instead("", 302, {"Location": "http://127.0.0.1:9/"}), DataError, "alpaca returned 302"),
        (
            instead({"bars": {"S00": [{"t": "2024-06-14T04:00:00Z"}]}}, 200),
            DataError,
            "an unexpected shape .*KeyError",
        ),
        (instead([], 200), DataError, "an unexpected shape"),
        (
            instead({"bars": {"S00": [{"t": "soon"}]}, "next_page_token": None}, 200),
            DataError,
            "an unexpected shape",
        ),
    ],
)
def test_fault_011_an_answer_that_a_retry_cannot_fix_is_refused_at_once(
    trouble, kind, reported, home, primary, monkeypatch, pauses
):
    primary.troubles = [None, trouble]
    before = bytes_below(home / "data" / "lake")

    with pytest.raises(kind, match=reported):
        refreshed(monkeypatch, home, only_alpaca(primary))

    assert pauses == []
    assert bytes_below(home / "data" / "lake") == before


@pytest.mark.parametrize("status", [200, 401, 404, 500])
def test_fault_109_no_key_is_written_or_said(status, home, primary, secondary, monkeypatch, capsys, caplog):
    """Even a provider that repeats the key in its answer does not bring it out."""
    caplog.set_level(logging.DEBUG)
    secrets = [*alpaca.KEYS.values(), *tiingo.KEYS.values()]
    if status != 200:
        primary.always = instead({"message": f"not {' '.join(alpaca.KEYS.values())}"}, status)
        secondary.always = instead({"detail": f"not {' '.join(tiingo.KEYS.values())}"}, status)
    monkeypatch.setattr(task, "make_provider", alpaca_then_tiingo(primary, secondary))
    settings: dict[str, Any] = {
        "provider": ["alpaca", "tiingo"],
        "symbols_file": str(asking(home).settings.data.symbols_file),
        "first_session": str(asking(home).settings.data.first_session),
        "quality": {"min_present_frac": 0.5, "max_quarantined_frac": 0.5},
    }
    set_up(Home(home))
    (home / "config.yaml").write_text(json.dumps({"data": settings}))

    code = answer(["refresh", "--debug", "--json", "--home", str(home), "--date", "2024-06-14"])
    answer(["doctor", "--home", str(home)])
    answer(["config", "show", "--home", str(home)])

    out, err = capsys.readouterr()
    assert (code == 0) == (status == 200), err
    said = "\n".join([out, err, caplog.text, *map(repr, (primary.asked, secondary.asked))])
    written = b"\n".join(bytes_below(home).values())
    for secret in secrets:
        assert secret not in said
        assert secret.encode() not in written

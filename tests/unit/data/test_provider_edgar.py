"""Names and sectors from the Commission's register."""

import pytest

from tasks.core.errors import ConfigError
from tasks.data.providers.edgar import EdgarProvider
from tasks.data.providers.keys import read_keys
from tasks.data.providers.sectors import SECTORS, sector_of
from tests.builders import FRIDAY, make_run
from tests.deliveries import make_delivery
from tests.servers.base import serving
from tests.servers.edgar import KEYS, EdgarServer


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("EDGAR_IDENTITY", KEYS["EDGAR_IDENTITY"])
    with serving(EdgarServer(make_delivery(sessions=30))) as running:
        running.names = {320193: "AAPL", 1067983: "BRK.B"}
        yield running


@pytest.fixture
def ask(server, tmp_path):
    def listings():
        (tmp_path / "symbols.txt").write_text("BRK.B\nAAPL\nNOBODY\n")
        run = make_run(tmp_path, **{"data.symbols_file": tmp_path / "symbols.txt"})
        provider = EdgarProvider(run, site_url=server.url, data_url=server.url)
        return provider.fetch(after=None, through=FRIDAY).listings

    return listings


def test_a_class_of_shares_is_written_as_on_the_exchange(ask):
    assert ask()[["symbol", "name", "sector"]].to_numpy().tolist() == [
        ["BRK.B", "BRK.B INC", "Energy"],
        ["AAPL", "AAPL INC", "Energy"],
    ]


def test_companies_are_asked_for_once_a_month(ask, server):
    first = ask()
    asked = len(server.asked)

    again = ask()

    assert again.equals(first)
    assert asked == len(server.asked) == 3


def test_who_does_not_say_who_they_are_is_told_so(server, ask, monkeypatch):
    monkeypatch.setenv("EDGAR_IDENTITY", "somebody")

    with pytest.raises(ConfigError, match="Check EDGAR_IDENTITY"):
        ask()


def test_an_identity_may_hold_spaces_and_no_line_end():
    assert read_keys("edgar", KEYS) == KEYS
    with pytest.raises(ConfigError, match="EDGAR_IDENTITY cannot"):
        read_keys("edgar", {"EDGAR_IDENTITY": "Jane\nDoe"})


@pytest.mark.parametrize(
    ("code", "sector"),
    [
        ("3571", "Information Technology"),  # Apple
        ("7372", "Information Technology"),  # Microsoft
        ("2834", "Health Care"),  # Pfizer
        ("6021", "Financials"),  # JPMorgan Chase
        ("6798", "Real Estate"),  # American Tower
        ("2911", "Energy"),  # Exxon Mobil
        ("4911", "Utilities"),  # Duke Energy
        ("5331", "Consumer Staples"),  # Walmart
        ("5961", "Consumer Discretionary"),  # Amazon
        ("3721", "Industrials"),  # Boeing
        ("2810", "Materials"),  # Linde
        ("4813", "Communication Services"),  # AT&T
        ("6324", "Health Care"),  # UnitedHealth
        ("9995", ""),
        ("", ""),
    ],
)
def test_a_code_has_a_sector(code, sector):
    assert sector_of(code) == sector


def test_every_row_of_the_table_decides_something():
    for first, last, sector in SECTORS:
        assert any(sector_of(f"{code:04d}") == sector for code in range(first, last + 1)), (first, last)

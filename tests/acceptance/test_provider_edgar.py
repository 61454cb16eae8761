"""Names and sectors from the Commission's register."""

from datetime import date

import pytest

from tasks.core.errors import ConfigError
from tasks.data.providers.edgar.facts import reports_of
from tasks.data.providers.edgar.provider import EdgarProvider
from tasks.data.providers.http.keys import read_keys
from tasks.data.providers.sectors import SECTORS, sector_of
from tests.builders import FRIDAY, make_run
from tests.deliveries import make_delivery
from tests.servers.base import serving
from tests.servers.edgar import KEYS, REPORTS, EdgarServer


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("EDGAR_IDENTITY", KEYS["EDGAR_IDENTITY"])
    with serving(EdgarServer(make_delivery(sessions=30))) as running:
        running.names = {320193: "AAPL", 1067983: "BRK.B"}
        yield running


@pytest.fixture
def ask(server, tmp_path):
    def fetch(after=None, through=FRIDAY):
        (tmp_path / "symbols.txt").write_text("BRK.B\nAAPL\nNOBODY\n")
        run = make_run(tmp_path, **{"data.symbols_file": tmp_path / "symbols.txt"})
        provider = EdgarProvider(run, site_url=server.url, data_url=server.url)
        return provider.fetch(after=after, through=through)

    return fetch


def figures(delivery):
    mine = delivery.fundamentals[delivery.fundamentals["symbol"] == "AAPL"]
    columns = ["end_date", "available_date", "earnings", "revenue", "book", "shares"]
    days = {name: mine[name].dt.strftime("%Y-%m-%d") for name in columns[:2]}
    return mine.assign(**days)[columns].to_numpy().tolist()


def test_a_class_of_shares_is_written_as_on_the_exchange(ask):
    assert ask().listings[["symbol", "name", "sector"]].to_numpy().tolist() == [
        ["BRK.B", "BRK.B INC", "Energy"],
        ["AAPL", "AAPL INC", "Energy"],
    ]


def test_the_register_is_remembered_for_a_while(ask, server):
    first = ask()
    asked = [path for path in server.asked if "companyfacts" not in path]

    again = ask()

    assert again.listings.equals(first.listings)
    assert len(asked) == 3
    assert [path for path in server.asked if "companyfacts" not in path] == asked


def test_figures_of_four_quarters_count_from_the_session_after_their_filing(ask):
    assert figures(ask())[-2:] == [
        ["2023-12-31", "2024-02-16", 46.0, 460.0, 100.0, 5.0],
        ["2024-03-31", "2024-05-03", 50.0, 500.0, 100.0, 5.0],
    ]


def test_a_filing_is_not_known_on_its_own_day(ask):
    assert figures(ask(through=date(2024, 5, 2)))[-1][0] == "2023-12-31"
    assert figures(ask(through=date(2024, 5, 3)))[-1][0] == "2024-03-31"


def test_a_correction_counts_from_its_own_day_and_not_before(ask, server):
    server.reports = (*REPORTS[:4], REPORTS[3]._replace(form="10-K/A", filed="2024-03-14", earnings=40))

    assert [row[1:3] for row in figures(ask())[-2:]] == [["2024-02-16", 46.0], ["2024-03-15", 40.0]]


def test_only_who_filed_lately_is_asked_for_figures(ask, server):
    assert ask(after=date(2024, 5, 31), through=FRIDAY).fundamentals.empty
    assert not any("companyfacts" in path for path in server.asked)

    assert [row[0] for row in figures(ask(after=date(2024, 5, 10)))] == ["2024-03-31"]


def test_sales_are_found_under_the_name_of_their_time(ask, server):
    server.sales = "RevenueFromContractWithCustomerExcludingAssessedTax"

    assert figures(ask())[-1][3] == 500.0


def test_a_company_that_never_reported_in_this_form_has_no_figures(ask, server):
    server.missing_facts = True

    delivery = ask()

    assert delivery.fundamentals.empty
    assert len(delivery.listings) == 2


def test_a_report_without_a_figure_leaves_it_missing():
    earned = {"start": "2023-01-01", "end": "2023-12-31", "val": 1.0, "accn": "a", "fp": "FY", "form": "10-K"}
    facts = {"NetIncomeLoss": {"units": {"USD": [earned | {"filed": "2024-02-15"}]}}}

    report = reports_of("AAPL", facts).iloc[0]

    assert report["net_income"] == 1.0
    assert report[["revenues", "equity", "assets", "cash", "eps_basic"]].isna().all()


def test_a_missing_identity_is_an_error(server, ask, monkeypatch):
    monkeypatch.setenv("EDGAR_IDENTITY", "somebody")

    with pytest.raises(ConfigError, match="Check EDGAR_IDENTITY"):
        ask()


def test_an_identity_may_hold_spaces_and_no_line_end():
    assert read_keys("edgar", KEYS) == KEYS
    with pytest.raises(ConfigError, match="EDGAR_IDENTITY cannot be used"):
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

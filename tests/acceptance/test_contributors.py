"""The report names who earned the account's change, from the ledger, and a replay of the day names the same."""

import csv
import json
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from tasks.core.homes.home import Home
from tasks.ledger.balance import NameCash
from tasks.ledger.database import opened
from tasks.ledger.entries import Entry
from tasks.ledger.opening import Opening, begin_ledger
from tasks.ledger.positions_file import rebuild_positions
from tasks.ledger.store import append
from tasks.reporting.day.contributors import worth_of
from tasks.reporting.page.rendering import render_day
from tests.homes import LAST_SESSION, SESSION_BEFORE, afterclose, run_day
from tests.unit.reporting.example_day import make_inputs
from tests.unit.reporting.reading import Report

NIGHT = datetime(2024, 6, 14, 1, tzinfo=UTC)
INTEREST_CENTS, DIVIDEND_CENTS = 12_34, 56_78


@pytest.fixture(scope="module")
def filled(begun_home_template, tmp_path_factory):
    """A home whose purchases of the first day are booked at their prices, with interest and a dividend of a name."""
    from tests.homes import copy_of

    home = copy_of(begun_home_template, tmp_path_factory.mktemp("filled") / "home")
    place = Home(home)
    with (place.day_folder(SESSION_BEFORE) / "trades.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    cash = json.loads((place.day_folder(SESSION_BEFORE) / "monitoring_log.json").read_bytes())
    assert cash["worth_by_name_cents"] == {"": 0}  # a new home holds cash alone
    begin_ledger(place, Opening((), 100_000_000, SESSION_BEFORE, "0" * 64, by="Ann"), at=NIGHT)
    fills = [
        Entry(
            "fill",
            f"fill:{line['symbol']}",
            LAST_SESSION,
            NIGHT,
            line["symbol"],
            Decimal(line["shares"]),
            -round(Decimal(line["shares"]) * Decimal(line["price"]) * 100) - 100,
            fee_cents=100,
        )
        for line in lines
    ]
    paid = {"session": LAST_SESSION, "at": NIGHT}
    with opened(place) as connection:
        append(
            connection,
            [
                *fills,
                Entry("interest", "interest:1", cash_cents=INTEREST_CENTS, **paid),
                Entry("dividend", "dividend:1", symbol=fills[0].symbol, cash_cents=DIVIDEND_CENTS, **paid),
            ],
        )
    rebuild_positions(place)
    run_day(home, LAST_SESSION)
    return place, fills


def figures_of(place):
    report = Report((place.day_folder(LAST_SESSION) / "report.html").read_bytes())
    return report, {one.name: one.value for one in report.figures}


def test_the_contributions_of_each_period_sum_to_the_gain_and_what_is_no_name_s_is_the_interest(filled):
    place, _ = filled
    report, figures = figures_of(place)

    assert len(report.rows["contributors"]) == 5
    for key in ("day", "month", "year", "start"):
        parts = [value for name, value in figures.items() if name.startswith(f"contribution.{key}.")]
        assert len(parts) > 4
        assert sum(parts) == pytest.approx(figures[f"contribution.{key}"], abs=1e-6)
        assert figures[f"contribution.{key}"] == pytest.approx(figures[f"gain.{key}"], abs=0.005)
        assert figures[f"contribution.{key}.no-name"] == pytest.approx(INTEREST_CENTS / 100, abs=0.02)
        assert f"contribution.{key}.unexplained" not in figures


def test_each_name_contributed_the_value_of_its_shares_less_what_it_cost(filled):
    place, fills = filled
    _, figures = figures_of(place)
    with (place.day_folder(LAST_SESSION) / "portfolio_weights.csv").open(newline="") as file:
        rows = {row["symbol"]: row for row in csv.DictReader(file)}
    equity = figures["equity"]

    earned = {
        fill.symbol: float(rows[fill.symbol]["current_weight"]) * equity + fill.cash_cents / 100
        for fill in fills
    }
    earned[fills[0].symbol] += DIVIDEND_CENTS / 100
    shown = {
        name.removeprefix("contribution.day."): value
        for name, value in figures.items()
        if name.startswith("contribution.day.") and name.rpartition(".")[2] not in {"others", "no-name"}
    }
    assert 4 <= len(shown) <= 6
    assert shown == {name: pytest.approx(earned[name], abs=0.01) for name in shown}
    assert max(earned, key=earned.get) in shown


def test_a_replay_names_the_same_contributors(filled):
    place, _ = filled

    ended = afterclose("replay", str(LAST_SESSION), "--json", home=place.root)

    assert json.loads(ended.stdout)["equal"], ended.stdout


@pytest.mark.parametrize("planted_cents", [0, -9_00])
def test_a_change_that_the_ledger_does_not_explain_has_a_column_and_stops(planted_cents):
    inputs = make_inputs()
    history, portfolio = inputs.history, inputs.records.portfolio
    book = replace(portfolio.book, names=NameCash())
    before, worth = date.fromisoformat(history["date"].iloc[-1]), dict(worth_of(book))
    gained = round(100 * (book.equity_usd - float(history["equity"].iloc[-1])))
    worth[book.holdings[0].symbol] -= gained - planted_cents
    records = replace(inputs.records, portfolio=replace(portfolio, book=book))
    day = render_day(replace(inputs, records=records, worths={before: worth}), positions_sha256=None)

    report = Report(day.files["report.html"])
    figures = {one.name: one.value for one in report.figures}

    assert figures["contribution.day.no-name"] == pytest.approx(0, abs=0.02)
    assert figures.get("contribution.day.unexplained") == (planted_cents / 100 if planted_cents else None)
    assert ("Find the cause before you approve" in report.text) == bool(planted_cents)

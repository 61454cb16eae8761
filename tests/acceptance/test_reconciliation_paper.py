"""A paper account held through dividends, splits and delistings of a simulated market: no false alarm on any day."""

from datetime import date, timedelta
from decimal import Decimal

import pandas as pd
import pytest

from tasks.core.homes.home import Home
from tasks.core.homes.opening import settings_of
from tasks.core.sessions import session_on, sessions_between
from tasks.data.lake.head import read_head
from tasks.data.lake.storage.location import lake_of
from tasks.data.lake.store import read_bar_frame, read_tables
from tasks.execution.brokers.paper.account import begin_paper_account
from tasks.execution.brokers.paper.broker import PaperBroker
from tasks.execution.brokers.registry import stored_market
from tasks.execution.reconciliation.reconciling import reconcile
from tasks.ledger.balance import balance_of
from tasks.ledger.opening import Holding, Opening, begin_ledger
from tests.homes import LAST_SESSION, copy_of
from tests.ledgers import AT, FILE_SHA256, booked

CASH_CENTS = 1_000_000


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(date(2024, 4, 15), id="two months"),
        pytest.param(date(2022, 6, 1), id="two years", marks=pytest.mark.prove),
    ],
)
def years(request, ready_home_template, tmp_path_factory):
    """Reconcile on every evening; return the home, its actions, what was found by day, and the broker."""
    first = request.param
    home = Home(copy_of(ready_home_template, tmp_path_factory.mktemp("paper") / "home"))
    settings = settings_of(home, None).settings
    lake = lake_of(home, settings)
    head = read_head(lake)
    tables = read_tables(lake, head.versions, ("actions",), session=None)
    bars = read_bar_frame(lake, head.versions, since=first, through=first)
    actions = tables["actions"]
    later = actions[actions["session"] > pd.Timestamp(first)]
    names = sorted(set(bars["symbol"]))
    held = {name: Decimal(100 + 7 * number) for number, name in enumerate(names)}
    holdings = tuple(Holding(name, shares, first) for name, shares in held.items())
    begin_ledger(home, Opening(holdings, CASH_CENTS, first, FILE_SHA256), at=AT)
    begin_paper_account(home, held, CASH_CENTS, session=first, name="paper")
    market = stored_market(home, settings)
    found = {}
    for each in sessions_between(first + timedelta(days=1), LAST_SESSION):
        day = each.item()
        at = session_on(day).closes_at + timedelta(hours=1)
        broker = PaperBroker(home, market, lambda at=at: at)
        found[day] = reconcile(home, settings, broker, at)
    return home, later, found, broker


def test_no_day_has_a_false_alarm(years):
    _, _, found, _ = years
    alarms = {day: [lock.reason for lock in each.locks] for day, each in found.items() if each.locks}

    assert alarms == {}


def test_dividends_and_splits_happened(years):
    home, later, _, _ = years
    kinds = {entry.kind for entry in booked(home)}

    assert "dividend_due" in kinds
    assert ("split" in kinds) == bool((later["split"] != 1).any())


def test_the_ledger_ends_as_the_account(years):
    home, _, _, broker = years
    book = balance_of(booked(home))

    assert book.cash_cents == broker.account().cash_cents
    assert book.shares == {name: each.shares for name, each in broker.positions().items()}

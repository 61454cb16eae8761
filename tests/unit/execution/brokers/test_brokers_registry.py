"""The broker that the settings name, and the prices where no broker quotes them."""

from datetime import timedelta
from decimal import Decimal

import pytest

from tasks.core.errors import SafetyError
from tasks.core.homes.home import Home
from tasks.core.sessions import session_on
from tasks.execution.brokers.base import Quote
from tasks.execution.brokers.manual.broker import begin_manual_account
from tasks.execution.brokers.paper.market import Bar
from tasks.execution.brokers.registry import last_closes, open_broker, stored_market
from tests.builders import make_settings
from tests.homes import blank
from tests.unit.execution.brokers.paper.markets import Clock, D, F, LiteralMarket, account_at


def opened(home, name, clock):
    settings = make_settings(**{"execution.broker": name, "approval.account": "U7", "approval.mode": "live"})
    market = stored_market(home, settings)
    return open_broker(home, settings, market, fill_session=F, clock=clock, is_ours=lambda _: True)


def test_the_local_brokers_open_their_account_and_never_begin_one(tmp_path):
    clock = Clock()
    paper = opened(account_at(tmp_path / "paper", {}, 5), "paper", clock)
    assert (paper.name, paper.now(), paper.account().cash_cents) == ("paper", clock(), 5)

    home = Home(blank(tmp_path / "manual"))
    begin_manual_account(home, {}, 7, session=D, at=clock())
    manual = opened(home, "manual", clock)
    account = manual.account()
    assert (manual.name, manual.now(), account.cash_cents) == ("manual", clock(), 7)
    assert (account.account, account.mode) == ("U7", "live")

    for name in ("paper", "manual"):
        with pytest.raises(SafetyError):
            opened(Home(blank(tmp_path / f"no {name}")), name, clock)


def test_the_last_stored_closes_are_the_prices_where_nothing_is_quoted():
    bars = {
        D - timedelta(days=1): {"OLD": Bar(1, 1, 1, 1)},
        D: {"A": Bar(1_000, 1_100, 900, 1_055), "Z": Bar(5, 5, 5, 0)},
    }
    market = LiteralMarket(bars)

    assert last_closes(market, ["A", "OLD", "NONE", "Z"]) == {
        "A": Quote("A", Decimal("10.55"), session_on(D).closes_at)
    }


def test_there_are_no_prices_without_a_lake():
    market = LiteralMarket({})
    market.last_session = lambda: None
    assert last_closes(market, ["A"]) == {}

"""A home reconciled with a broker: stored, repeated, interrupted, explained by a person."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from tasks.core.errors import ConfigError, SafetyError, TransientError
from tasks.core.homes.lock import exclusive
from tasks.execution.brokers.base import ThrottledError, UnansweredError, UnauthorizedError
from tasks.execution.reconciliation import reconciling
from tasks.execution.reconciliation.explain import Explanation
from tasks.execution.reconciliation.reconciling import explain, reconcile
from tasks.execution.reconciliation.store import last_reconciliation, read_locks
from tasks.ledger.balance import balance_of
from tasks.ledger.database import opened
from tasks.ledger.positions_file import positions_bytes
from tests.brokers.scripted import Script, ScriptedBroker
from tests.builders import make_settings
from tests.ledgers import begun_home, booked, new_home

NOW = datetime(2024, 6, 17, 12, 0, tzinfo=UTC)
PRICES = {"AAPL": Decimal(200), "MSFT": Decimal(400)}
SETTINGS = make_settings()


@pytest.fixture
def home(tmp_path):
    return begun_home(tmp_path / "home", ("AAPL", 100), ("MSFT", 50))


@pytest.fixture
def broker(tmp_path):
    made = scripted(tmp_path / "broker.sqlite")
    yield made
    made.close()


def scripted(file, kind=ScriptedBroker, **changes):
    if not file.exists():
        ScriptedBroker.create(file, cash_cents=100_000, shares={"AAPL": 100, "MSFT": 50})
    hours = {"opens": NOW + timedelta(hours=2), "closes": NOW + timedelta(hours=8)}
    return kind(file, Script("plain"), clock=lambda: NOW, prices=PRICES, **hours, **changes)


def settle(home, broker, difference, kind, **changes):
    said = {"by": "Ada", "reason": "seen on the statement", **changes}
    return explain(home, SETTINGS, broker, NOW, Explanation(difference, kind, **said))


def test_a_clean_day_books_nothing_and_says_so(home, broker):
    found = reconcile(home, SETTINGS, broker, NOW)

    with opened(home) as connection:
        last = last_reconciliation(connection)
    assert (found.differences, len(booked(home))) == ((), 3)
    assert (last.account, last.mode, last.blocks_all, last.locks) == ("A1", "paper", False, ())


def test_a_second_run_books_nothing_and_finds_the_same(home, broker):
    broker.act("fee", "", cash_cents=-35)
    broker.act("dividend", "AAPL", cash_cents=2_400)
    broker.trade_by_hand("MSFT", 5)
    broker.act("merger", "SPUN", shares=0)

    first = reconcile(home, SETTINGS, broker, NOW)
    again = reconcile(home, SETTINGS, broker, NOW)

    assert (len(first.bookings), again.bookings) == (4, ())
    assert again.locks == first.locks
    assert [item.difference_id for item in again.differences] == [lock.difference_id for lock in first.locks]
    assert "MSFT,55,2024-06-17" in home.positions_file.read_text()


def test_a_lock_is_stored_with_its_start_and_ends_with_its_difference(home, broker):
    broker.act("split", "AAPL", shares=-100)  # its activity is refused: the lake has no such split
    with broker._changing() as truth:
        truth.activities.clear()
    first = reconcile(home, SETTINGS, broker, NOW)
    later = reconcile(home, SETTINGS, broker, NOW + timedelta(days=1))
    with broker._changing() as truth:
        truth.move("AAPL", 100, 0)
    ended = reconcile(home, SETTINGS, broker, NOW + timedelta(days=2))

    assert [(lock.symbol, lock.kind, lock.since) for lock in later.locks] == [
        ("AAPL", "vanished_position", NOW)
    ]
    assert first.locks == later.locks
    assert ended.locks == ()
    with opened(home) as connection:
        assert read_locks(connection) == ()


def test_a_person_names_unexplained_cash(home, broker):
    with broker._changing() as truth:
        truth.move("AAPL", 0, 500)
    (difference,) = reconcile(home, SETTINGS, broker, NOW).differences

    found = settle(home, broker, difference.difference_id, "deposit")

    assert found.differences == ()
    (entry,) = [entry for entry in booked(home) if entry.by == "Ada"]
    assert (entry.kind, entry.cash_cents, entry.reason) == ("deposit", 500, "seen on the statement")


def test_the_same_difference_can_come_again_and_be_explained_again(home, broker):
    for _ in range(2):
        with broker._changing() as truth:
            truth.move("AAPL", 0, 500)
        (difference,) = reconcile(home, SETTINGS, broker, NOW).differences
        settle(home, broker, difference.difference_id, "deposit")

    assert balance_of(booked(home)).cash_cents == 101_000


@pytest.mark.parametrize(
    ("kind", "changes"),
    [("withdrawal", {}), ("dividend", {}), ("deposit", {"by": " "}), ("deposit", {"reason": ""})],
)
def test_an_explanation_that_does_not_fit_is_refused(home, broker, kind, changes):
    with broker._changing() as truth:
        truth.move("AAPL", 0, 500)
    (difference,) = reconcile(home, SETTINGS, broker, NOW).differences

    with pytest.raises(ConfigError):
        settle(home, broker, difference.difference_id, kind, **changes)
    assert len(booked(home)) == 3


def test_a_difference_that_is_gone_cannot_be_explained(home, broker):
    with pytest.raises(ConfigError, match="no open difference"):
        settle(home, broker, "0123456789ab", "correction")


def test_a_manual_trade_is_acknowledged_in_the_name_of_a_person(home, broker):
    broker.trade_by_hand("MSFT", 5)
    found = reconcile(home, SETTINGS, broker, NOW)
    (difference,) = reconcile(home, SETTINGS, broker, NOW).differences

    ended = settle(home, broker, difference.difference_id, "manual_trade")

    assert (found.blocks_all, ended.differences) == (True, ())
    assert balance_of(booked(home)).shares == {"AAPL": 100, "MSFT": 55}


def test_what_waits_for_the_broker_cannot_be_explained_away(home, tmp_path):
    made = scripted(tmp_path / "broker.sqlite")
    made.order_by_hand("x1", "AAPL", "BUY", 3)
    (difference,) = reconcile(home, SETTINGS, made, NOW).differences

    with pytest.raises(SafetyError, match="A person cannot explain this difference"):
        settle(home, made, difference.difference_id, "correction")
    made.close()


@pytest.mark.parametrize("call", ["account", "positions", "activities", "open_orders"])
@pytest.mark.parametrize("error", [UnansweredError, ThrottledError])
def test_a_call_without_an_answer_blocks_everything_until_it_is_answered(home, tmp_path, call, error):
    class Silent(ScriptedBroker):
        pass

    def fail(*_):
        extra = {"retry_after_s": 1.0} if error is ThrottledError else {}
        raise error("No answer.", remedy="Ask again.", **extra)

    setattr(Silent, call, fail)
    silent, speaking = (scripted(tmp_path / "broker.sqlite", kind) for kind in (Silent, ScriptedBroker))

    found = reconcile(home, SETTINGS, silent, NOW)
    after = reconcile(home, SETTINGS, speaking, NOW)

    assert (found.blocks_all, after.locks) == (True, ())
    for made in (silent, speaking):
        made.close()


def test_without_quotes_the_books_are_compared_all_the_same(home, tmp_path):
    class Quoteless(ScriptedBroker):
        def quotes(self, symbols):
            raise UnansweredError("No answer.", remedy="Ask again.")

    broker = scripted(tmp_path / "broker.sqlite", Quoteless)
    found = reconcile(home, SETTINGS, broker, NOW)

    assert (found.differences, found.book_equity_cents) == ((), None)
    broker.close()


def test_wrong_credentials_are_an_error_and_change_nothing(home, broker):
    with broker._changing() as truth:
        truth.locked_until = NOW + timedelta(days=1)

    with pytest.raises(UnauthorizedError):
        reconcile(home, SETTINGS, broker, NOW)
    assert len(booked(home)) == 3


def test_another_account_is_refused_once_one_agreed(home, broker, tmp_path):
    reconcile(home, SETTINGS, broker, NOW)
    other = scripted(tmp_path / "broker.sqlite", account="B2")
    found = reconcile(home, SETTINGS, other, NOW)
    again = reconcile(home, SETTINGS, broker, NOW)

    assert (found.blocks_all, again.locks) == (True, ())
    other.close()


def test_a_home_without_a_ledger_is_refused(tmp_path, broker):
    with pytest.raises(SafetyError, match="no ledger yet"):
        reconcile(new_home(tmp_path / "new"), SETTINGS, broker, NOW)


def test_a_portfolio_in_use_is_left_alone(home, broker):
    with exclusive(home.portfolio_lock, doing="execute"), pytest.raises(TransientError):
        reconcile(home, SETTINGS, broker, NOW)


def test_a_short_position_blocks_everything_and_leaves_the_positions_file(home, broker):
    reconcile(home, SETTINGS, broker, NOW)
    broker.trade_by_hand("MSFT", -60)
    found = reconcile(home, SETTINGS, broker, NOW)

    assert "short position" in " ".join(lock.reason for lock in found.locks)
    assert found.blocks_all


def test_a_run_that_died_before_it_wrote_the_positions_file_is_completed_by_the_next(
    home, broker, monkeypatch
):
    home.positions_file.write_bytes(positions_bytes(booked(home)))
    broker.act("fee", "", cash_cents=-35)

    class KilledError(BaseException):
        pass

    def die(_home):
        raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr(reconciling, "rebuild_positions", die)
        with pytest.raises(KilledError):
            reconcile(home, SETTINGS, broker, NOW)
    found = reconcile(home, SETTINGS, broker, NOW + timedelta(minutes=1))

    assert (found.differences, len(booked(home))) == ((), 4)
    assert "CASH,999.65," in home.positions_file.read_text()


def test_a_positions_file_that_a_person_edited_is_not_overwritten(home, broker):
    home.positions_file.write_text("symbol,shares\nCASH,5\n")
    reconcile(home, SETTINGS, broker, NOW)

    assert home.positions_file.read_text() == "symbol,shares\nCASH,5\n"

"""A ledger that was used is not begun again, whatever the marker says."""

from datetime import timedelta
from decimal import Decimal

import pytest

from tasks.core.errors import SafetyError
from tasks.core.homes.home import Home
from tasks.core.homes.setup import set_up
from tasks.execution.journal import prepare, store_execution
from tasks.ledger.database import opened
from tasks.ledger.entries import Entry
from tasks.ledger.opening import Holding, Opening, begin_ledger
from tasks.ledger.store import append, entries
from tests.execution_days import EVENING, SESSION, make_execution

OPENING = Opening((Holding("AAA", Decimal(10), SESSION),), 1_000_00, SESSION, "0" * 64)


@pytest.fixture
def home(tmp_path):
    home = Home(tmp_path / "home")
    set_up(home)
    return home


def deposit(connection):
    append(connection, [Entry("deposit", "deposit:1", SESSION, EVENING, cash_cents=1_00, reason="a gift")])


def execution(connection):
    prepare(connection)
    store_execution(connection, make_execution())


@pytest.mark.parametrize("use", [deposit, execution])
def test_with_an_older_marker_a_ledger_that_was_used_is_refused_and_stays(home, use):
    older = home.marker_file.read_bytes()
    begin_ledger(home, OPENING, at=EVENING)
    with opened(home) as connection:
        use(connection)
        booked = entries(connection)
    home.marker_file.write_bytes(older)

    with pytest.raises(SafetyError, match=r"home\.json does not record the ledger"):
        begin_ledger(home, OPENING, at=EVENING + timedelta(days=1))

    with opened(home) as connection:
        assert entries(connection) == booked


def test_a_death_before_the_marker_is_written_begins_anew(home):
    older = home.marker_file.read_bytes()
    begin_ledger(home, OPENING, at=EVENING)
    home.marker_file.write_bytes(older)

    assert begin_ledger(home, OPENING, at=EVENING)
    with opened(home) as connection:
        assert len(entries(connection)) == 2

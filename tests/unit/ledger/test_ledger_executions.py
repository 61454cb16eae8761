"""Which sessions were executed, by the ledger alone."""

import pytest

from tasks.core.errors import SafetyError
from tasks.core.homes.home import Home
from tasks.core.homes.setup import set_up
from tasks.execution.journal import prepare, store_execution
from tasks.ledger.database import opened
from tasks.ledger.executions import executed_sessions, has_execution
from tasks.ledger.opening import Opening, begin_ledger
from tests.execution_days import EVENING, FILLS, SESSION, make_execution


@pytest.fixture
def home(tmp_path):
    home = Home(tmp_path / "home")
    set_up(home)
    return home


def begun(home):
    begin_ledger(home, Opening((), 1_000_00, SESSION, "0" * 64), at=EVENING)
    return home


def test_without_a_ledger_nothing_was_executed_and_none_is_created(home):
    assert executed_sessions(home) == frozenset()
    assert not home.ledger_file.exists()


def test_a_ledger_without_executions_has_none(home):
    assert not has_execution(begun(home), SESSION)


def test_an_execution_that_began_is_known(home):
    with opened(begun(home)) as connection:
        prepare(connection)
        store_execution(connection, make_execution())

    assert (has_execution(home, SESSION), has_execution(home, FILLS)) == (True, False)


def test_a_lost_ledger_is_an_error_and_not_a_home_in_which_nothing_was_executed(home):
    begun(home).ledger_file.unlink()

    with pytest.raises(SafetyError, match="missing"):
        has_execution(home, SESSION)

"""An execution begins once, and what began at one broker is continued nowhere else."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tasks.approval.task import verify_approval
from tasks.core.errors import SafetyError
from tasks.execution.brokers.manual.broker import begin_manual_account
from tasks.execution.journal import read_execution, read_orders, store_execution
from tasks.execution.schema import State
from tasks.execution.start import refuse_other_broker
from tasks.execution.task import begin_execution, carry_execution, rehearse_execution
from tasks.ledger.database import opened
from tests.approval_days import EVENING, add_person, clock_at, make_home, sign_day
from tests.brokers.scripted import Behavior
from tests.execution_days import CLOSES, OPENS, make_day, make_execution


class Elsewhere:
    """The same questions at another account, which knows none of our orders."""

    def __init__(self, real):
        self._real = real

    def __getattr__(self, name):
        return getattr(self._real, name)

    def account(self):
        return replace(self._real.account(), account="A2")

    def order(self, order_id):
        return None


def at_broker(run, name):
    named = run.settings.execution.model_copy(update={"broker": name})
    return replace(run, settings=run.settings.model_copy(update={"execution": named}))


@pytest.mark.parametrize("continues", [carry_execution, rehearse_execution])
def test_another_broker_with_an_account_of_the_same_name_is_asked_nothing(tmp_path, continues):
    run = make_home(tmp_path)
    sign_day(run, add_person(run))
    with clock_at(EVENING):
        begin_execution(run, verify_approval(run, EVENING), EVENING)
        begin_manual_account(run.home, {}, 0, session=run.session.day, at=EVENING)
        options = {} if continues is rehearse_execution else {"longest_wait": timedelta(0), "sleep": None}

        with pytest.raises(SafetyError, match="began at the broker paper, not at manual"):
            continues(at_broker(run, "manual"), **options)

    with opened(run.home) as connection:
        assert read_execution(connection, run.session.day).broker == "paper"
        assert read_orders(connection, run.session.day) == ()


def test_the_broker_is_stored_and_one_that_an_earlier_release_stored_has_none(tmp_path):
    day = make_day(tmp_path)
    later = make_execution(session=OPENS.date(), broker="manual")

    with opened(day.home) as connection:
        store_execution(connection, later)

        assert read_execution(connection, later.session) == later
    refuse_other_broker(make_execution(), "alpaca")


def test_what_another_account_does_not_have_is_not_absent(tmp_path):
    day = make_day(tmp_path, behaviors={0: Behavior(replies=("accept and hang",))})
    day.step()  # intends
    day.clock.wait_until(OPENS)
    day.step()  # sends, and gets no answer
    day.clock.wait_until(CLOSES + timedelta(hours=1))

    day.step(wrap=Elsewhere)

    assert State.UNKNOWN in {one.state for one in day.orders()}
    assert State.ABSENT not in {one.state for one in day.orders()}
    day.steps()
    day.assert_books_agree()


def test_a_second_process_that_begins_it_keeps_what_the_first_published(tmp_path):
    run = make_home(tmp_path)
    sign_day(run, add_person(run))
    with clock_at(EVENING):
        approved = verify_approval(run, EVENING)
        begin_execution(run, approved, EVENING)
        published = run.home.day_folder(run.session) / "execution.json"
        assert published.exists()
        published.write_text("all of it")

        begin_execution(run, approved, EVENING)

    assert published.read_text() == "all of it"

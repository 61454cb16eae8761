"""X13: a line whose name splits or changes its symbol by the fill session is void, and says why."""

from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

import pytest

from tasks.execution.before_sending.changed_names import booked_changes, changes_in, voids
from tasks.execution.checks import Admission
from tasks.execution.desk import Outcome
from tasks.execution.reconciliation.schema import CorporateAction, Market, Rename
from tasks.ledger.database import opened
from tasks.ledger.entries import Entry
from tasks.ledger.store import append
from tests.brokers.scripted import Behavior
from tests.execution_days import EVENING, FILLS, LINES, MORNING, OPENS, SESSION, OpenGates, make_day
from tests.unit.execution.test_execution_at_paper import PaperDay

SPLIT = CorporateAction("AAA", FILLS, split=Fraction(2))
WHY = "AAA splits 2 for 1 on 2024-06-17: the approved line no longer applies"


def of(*actions, renames=()):
    """Return what a desk asks for the reductions by these actions."""
    return lambda execution: voids(execution.lines, changes_in(Market(tuple(actions), tuple(renames))))


class Closed(OpenGates):
    def admission(self, facts):
        return Admission("nothing", "reconciliation", "the books differ")


def reasons(day):
    return {one.order.symbol: one.reason for one in day.orders() if one.state == "void"}


def test_a_dividend_voids_nothing():
    assert changes_in(Market((CorporateAction("AAA", FILLS, Decimal(1)),))) == {}


def test_a_name_that_splits_is_never_sent_and_the_others_are(tmp_path):
    day = make_day(tmp_path, reductions=of(SPLIT, CorporateAction("BBB", FILLS, Decimal(1))))

    assert day.steps().outcome is Outcome.ENDED

    assert reasons(day)["AAA"] == WHY
    assert day.states()["BBB"] == "filled"
    assert "AAA" not in {real.symbol for real in day.truth().orders}


def test_a_buy_of_a_new_symbol_is_never_sent(tmp_path):
    day = make_day(tmp_path, reductions=of(renames=[Rename("CCC", "XXX", FILLS)]))

    day.steps()

    assert reasons(day) == {"CCC": "CCC becomes XXX on 2024-06-17: the approved line no longer applies"}
    assert "CCC" not in {real.symbol for real in day.truth().orders}


@pytest.mark.parametrize("gates", [OpenGates(), Closed()])
def test_an_order_that_rests_is_canceled_by_name_before_the_open(tmp_path, gates):
    day = make_day(tmp_path, at=MORNING)
    day.step()
    assert day.states()["AAA"] == "working"

    day.gates, day.reductions = gates, of(SPLIT)
    day.steps(until=OPENS - timedelta(minutes=10))

    assert day.states()["AAA"] == "canceled"
    asked = [event for event in day.events() if event.event == "cancel_about_to_send"]
    assert [event.reason for event in asked] == [WHY]
    assert day.truth().shares["AAA"] == 100


def test_an_order_without_an_answer_is_not_sent_again_in_old_shares(tmp_path):
    day = make_day(tmp_path, behaviors={1: Behavior(replies=("lose",) * 9)})
    day.step()
    day.reductions = of(SPLIT)

    day.steps()

    assert [one.kind for one in day.truth().requests].count("submit") == 1 + 3
    assert day.states()["AAA"] == "absent"


def test_what_the_ledger_has_booked_counts_within_the_night(tmp_path):
    day = make_day(tmp_path)
    with opened(day.home) as connection:
        append(
            connection,
            [
                Entry("split", "a", SESSION, EVENING, "CCC", Decimal(1)),
                Entry("split", "b", FILLS, EVENING, "AAA", Decimal(100)),
                Entry("split", "c", FILLS + timedelta(days=1), EVENING, "BBB", Decimal(50)),
            ],
        )
        found = booked_changes(connection, after=SESSION, through=FILLS)

    assert found == {"AAA": "AAA split on 2024-06-17"}
    assert {row: one.shares for row, one in voids(LINES, found).items()} == {0: 0}


def test_at_the_paper_broker_a_name_that_splits_is_not_traded(tmp_path):
    from tests.unit.execution.brokers.paper.markets import F

    actions = [CorporateAction(name, F, split=Fraction(3, 2)) for name in ("S00", "B00")]
    day = PaperDay(tmp_path, cash=100_000, reductions=of(*actions))
    day.clock.before_open(F)
    day.steps()
    day.store_bars(20_00)
    day.clock.after_close(F)

    day.steps()

    shares = day.balance().shares
    assert shares["S00"] == 10
    assert "B00" not in shares
    assert shares["B01"] == 10

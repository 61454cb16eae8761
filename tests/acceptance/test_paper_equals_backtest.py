"""Paper equals backtest: sessions made, approved and executed by the product's own flow, and the backtest over them.

Equal in shares and cents after every session, dividends receivable and interest included; every bridge is closed.
"""

import sys

import pytest

from tests.paper_days import backtest_of, differences, make_paper_home, run_sessions


@pytest.mark.parametrize(
    ("sessions", "least_orders"),
    [pytest.param(5, 10, marks=pytest.mark.slice), pytest.param(60, 200, marks=pytest.mark.prove)],
)
def test_executed_sessions_equal_the_backtest_in_every_share_and_cent(tmp_path, sessions, least_orders):
    place = make_paper_home(tmp_path)
    days = list(run_sessions(place, sessions))
    course, world, companies = backtest_of(place, days[-1].session, tmp_path)

    differing = {str(day.session): differences(course, world, companies, day) for day in days}

    assert len(days) == len(course.sessions) == sessions + 1
    assert not {session: found for session, found in differing.items() if found}
    executed = [day for day in days if day.orders]
    assert not [day for day in executed if not is_closed(day)]
    assert sum(day.differences for day in days) == 0
    orders = sum(day.orders for day in executed)
    sys.stdout.write(
        f"{sessions} sessions, {len(executed)} with trades, {orders} orders, {len(days[-1].shares)} names held"
    )
    assert orders >= least_orders


def is_closed(day):
    """Return whether the bridge explains every cent: its steps sum to the equity of record."""
    *steps, (_, cause, record_cents) = day.bridge
    unexplained = [cents for _, cause, cents in steps if cause == "unexplained"]
    return (
        cause == "equity of record"
        and unexplained == [0]
        and sum(cents for *_, cents in steps) == record_cents
    )

"""A broker whose account shows a buy that neither its list of orders nor a look-up shows yet (issue 15).

Its cost is then missing from the cash and still claimed for the open order: no other buy may be lost for that.
"""

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from tasks.execution.brokers.base import BrokerOrder
from tasks.execution.desk import Outcome
from tests.brokers.scripted import Behavior
from tests.execution_days import LINES, make_day, make_line

BUYS = tuple(make_line(name, "BUY", shares) for name, shares in (("CCC", 10), ("DDD", 15), ("BBB", 5)))
BUYS_CASH = 1_000_00  # enough for all three, not for one of them twice
HANGS = Behavior(replies=("accept and hang",))


class Lagging:
    """A broker whose orders become visible some time after they were accepted; cash and positions are current."""

    def __init__(self, broker: Any, clock: Callable[[], datetime], lag: timedelta) -> None:
        self.broker, self.clock, self.lag = broker, clock, lag

    def __getattr__(self, name: str) -> Any:
        return getattr(self.broker, name)

    def order(self, order_id: str) -> BrokerOrder | None:
        found = self.broker.order(order_id)
        return None if found is None or self.clock() < found.submitted_at + self.lag else found

    def order_ids(self, since: datetime) -> frozenset[str]:
        return frozenset(one for one in self.broker.order_ids(since) if self.order(one) is not None)

    def open_orders(self) -> tuple[BrokerOrder, ...]:
        return tuple(one for one in self.broker.open_orders() if self.order(one.order_id) is not None)


def assert_all_traded_once(day: Any, lines: Any, minutes: int) -> None:
    lag = timedelta(minutes=minutes)

    progress = day.steps(wrap=lambda broker: Lagging(broker, day.clock, lag))

    assert progress.outcome is Outcome.ENDED
    traded = Counter()
    for order in day.truth().orders:
        traded[order.symbol] += order.filled_shares
    assert traded == {line.symbol: int(line.shares) for line in lines}
    assert min(cash for _, cash in day.truth().books) >= 0
    day.assert_books_agree()


@pytest.mark.parametrize("minutes", [5, 100])
@pytest.mark.parametrize("unanswered", [(1,), (0,)])  # the first order, all of them
@pytest.mark.parametrize("unique", [True, False])
def test_fault_070_no_buy_is_lost_while_another_that_was_filled_is_not_shown(
    tmp_path, minutes, unanswered, unique
):
    behaviors = dict.fromkeys(unanswered, HANGS)
    day = make_day(tmp_path, BUYS, behaviors=behaviors, cash=BUYS_CASH, unique=unique)

    assert_all_traded_once(day, BUYS, minutes)


@pytest.mark.parametrize("minutes", [5, 30])
@pytest.mark.parametrize("unanswered", [(3,), (0,)])
def test_fault_070_no_buy_after_sales_is_lost_while_another_that_was_filled_is_not_shown(
    tmp_path, minutes, unanswered
):
    day = make_day(tmp_path, LINES, behaviors=dict.fromkeys(unanswered, HANGS))

    assert_all_traded_once(day, LINES, minutes)

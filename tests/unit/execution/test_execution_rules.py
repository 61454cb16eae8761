from datetime import timedelta
from decimal import Decimal

import pytest

from tasks.execution.deciding.actions import Rules
from tasks.execution.running.desk_opening import rules_of
from tests.builders import make_settings


@pytest.mark.parametrize("broker", ["paper", "manual", "alpaca"])
def test_the_settings_say_how_orders_are_placed_and_waited_for(broker):
    settings = make_settings(
        **{
            "execution.broker": broker,
            "execution.timing": "limit",
            "execution.limit_collar_frac": 0.01,
            "execution.deadline_minutes": 30,
        }
    )

    assert rules_of(settings, has_unique_ids=False) == Rules(
        timing="limit",
        collar_frac=Decimal("0.01"),
        deadline=timedelta(minutes=30),
        poll=timedelta(seconds=settings.execution.poll_s),
        has_unique_ids=False,
        fills_from_bars=broker == "paper",
    )

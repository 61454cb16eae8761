"""intraday-monitor: look at the account while the exchange is open, and trip the kill switch. Sends no order."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tasks.core.clock import now
from tasks.core.homes.opening import find_home, settings_of
from tasks.core.sessions import last_closed_session, session_after
from tasks.execution.brokers.registry import open_broker, stored_market
from tasks.execution.monitoring.intraday_triggers import Breach
from tasks.execution.monitoring.watching import watch
from tasks.execution.reconciliation.own_orders import all_order_ids
from tasks.ledger.anchor import is_begun
from tasks.ledger.database import opened
from tasks.safety.kill_switch.switch import read_switch
from tasks.safety.kill_switch.switch_file import Switch


@dataclass(frozen=True)
class Watched:
    """The broken rules, and the kill switch after this look. `is_begun`: whether there is anything to watch."""

    is_begun: bool
    breaches: tuple[Breach, ...]
    switch: Switch


def intraday_monitor(
    home: Path | str | None, profile: str | None, *, sleep: Callable[[float], None]
) -> Watched:
    """Look once. It takes no lock, so that nothing keeps it from halting."""
    place = find_home(home)
    settings = settings_of(place, profile).settings
    if not is_begun(place):
        return Watched(is_begun=False, breaches=(), switch=read_switch(place))
    with opened(place) as connection:
        ours = all_order_ids(connection)
    broker = open_broker(
        place,
        settings,
        stored_market(place, settings),
        fill_session=session_after(last_closed_session(now()).day),
        clock=now,
        is_ours=ours.__contains__,
    )
    found = watch(place, settings, broker, clock=now, sleep=sleep)
    return Watched(is_begun=True, breaches=found, switch=read_switch(place))

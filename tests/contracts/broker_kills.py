"""Kill a broker, whose account is on this machine, before each write to its database; then run to the end.

Run as a program with the name of a venue and an empty folder, it forks one child per point; the child runs a schedule
and kills itself by SIGKILL before its n-th write. Each account must then be consistent, and the same schedule, run
again by a new process, must end as the undisturbed one. Prints one line of JSON: the number of points and the faults.
"""

import json
import os
import signal
import sqlite3
import sys
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from tasks.execution.brokers.base import Broker, RefusedError
from tests.contracts.test_broker_contract import LONG_AGO, explained, shares_of
from tests.contracts.venues import HELD, OTHER, VENUES, Venue, order

ORDERS = [order("sale", HELD, "SELL", 40), order("buy", OTHER, "BUY", 55), order("rest", OTHER, "BUY", 9)]
CANCELED = "contract-rest"
READS = ("SELECT", "PRAGMA")


def run(venue: Venue) -> list[Any]:
    """Run the schedule, which may be run again from the start at any time; return the account's truth at its end."""
    broker = venue.connect()
    for one in ORDERS:
        with suppress(RefusedError):  # it is there already, or its time is over
            broker.submit(one)
    broker.cancel(CANCELED)
    venue.let_cancel()
    venue.let_fill()
    broker.account()
    venue.let_time_pass()
    return truth(venue.connect())


def truth(broker: Broker) -> list[Any]:
    states = [broker.order(one.order_id) for one in ORDERS]
    facts = [
        state and (state.status, state.filled_shares, state.filled_cents, state.fee_cents) for state in states
    ]
    return [facts, shares_of(broker), broker.account().cash_cents, broker.activities(LONG_AGO)]


def at_writes(act: Callable[[int], None]) -> None:
    """Call `act` with the number of each write, before it happens."""
    count, connect = 0, sqlite3.connect

    def traced(statement: str) -> None:
        nonlocal count
        if not statement.lstrip().upper().startswith(READS):
            count += 1
            act(count)

    def connected(*args: Any, **kwargs: Any) -> sqlite3.Connection:
        connection = connect(*args, **kwargs)
        connection.set_trace_callback(traced)
        return connection

    sqlite3.connect = connected  # type: ignore[assignment]


def kill_at(point: int, venue: str, folder: Path) -> bool:
    """Run the schedule in a child that dies before its n-th write; return whether it died of it."""
    child = os.fork()
    if child == 0:
        try:
            at_writes(lambda count: os.kill(os.getpid(), signal.SIGKILL) if count == point else None)
            run(VENUES[venue](folder, ExitStack()))
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL


def main(name: str, folder: Path) -> dict[str, Any]:
    wanted = run(VENUES[name](folder / "undisturbed", ExitStack()))
    faults, point = [], 0
    while kill_at(point + 1, name, folder / str(point + 1)):
        point += 1
        venue = VENUES[name](folder / str(point), ExitStack())
        broker = venue.connect()
        known = [one.order_id for one in ORDERS if broker.order(one.order_id) is not None]
        if explained(broker, known) != (shares_of(broker), broker.account().cash_cents):
            faults.append(f"killed before write {point}: the account is not explained")
        if run(venue) != wanted:
            faults.append(f"killed before write {point}: the schedule ends otherwise")
    return {"points": point, "faults": faults}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(sys.argv[1], Path(sys.argv[2]))) + "\n")

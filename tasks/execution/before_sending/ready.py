"""Make the gates and the wire guard of one execution from its home, its broker and its settings."""

import os
import sqlite3
from collections.abc import Callable, Mapping
from datetime import datetime

from config.settings import Settings
from tasks.core.homes.home import Home
from tasks.execution.before_sending.approved_day import ApprovedDay
from tasks.execution.before_sending.home_books import HomeBooks
from tasks.execution.before_sending.named_gates import NamedGates
from tasks.execution.before_sending.wire_check import WireCheck
from tasks.execution.brokers.base import Broker
from tasks.execution.execution import Execution
from tasks.execution.gates.facts import Window
from tasks.execution.gates.limits import limits_of
from tasks.execution.gates.live_opt_in import live_account


def make_checks(
    home: Home,
    connection: sqlite3.Connection,
    broker: Broker,
    settings: Settings,
    execution: Execution,
    day: ApprovedDay,
    *,
    clock: Callable[[], datetime],
    environ: Mapping[str, str] = os.environ,
) -> tuple[NamedGates, WireCheck]:
    """Return the two checks that `progress.Desk` takes. A reconciliation counts if the execution was stored before."""
    gates = NamedGates(
        terms=day.terms,
        window=Window(execution.fill_session, execution.opens_at, execution.closes_at, execution.ends_at),
        limits=limits_of(settings),
        broker=broker.name,
        live_account=live_account(environ),
        takes=broker.takes,
        clock=clock,
        begin=lambda: HomeBooks(
            home, connection, settings, day, execution.fill_session, execution.created_at
        ),
    )
    guard = WireCheck(
        connection,
        execution.session,
        execution.fill_session,
        has_unique_ids=broker.has_unique_ids,
        allows_live=settings.execution.allows_live,
        environ=environ,
    )
    return gates, guard

"""Gather what the home knows for the gates: ledger, orders, kill switch, locks, overrides, promotions."""

import sqlite3
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property

from config.settings import Settings
from tasks.core.errors import ModelError
from tasks.core.homes.home import Home
from tasks.core.sessions import sessions_ending
from tasks.execution.before_sending.approved_day import ApprovedDay
from tasks.execution.before_sending.promotions import NEVER, Promoted, sessions_since_promotion
from tasks.execution.before_sending.totals import LedgerTotals
from tasks.execution.gates.facts import Books, Placed, Today
from tasks.execution.journal import read_execution, read_orders
from tasks.execution.reconciliation.store import last_reconciliation
from tasks.models.registry.store import Stored, has_champion, read_production, read_versions
from tasks.safety.kill_switch.switch import read_switch
from tasks.safety.overrides import Override, read_overrides


@dataclass(frozen=True)
class HomeBooks:
    """Called before every order of one execution; returns `Books` as they are then.

    Overrides and promotions are read once: make a new one for each step.
    """

    home: Home
    connection: sqlite3.Connection
    settings: Settings
    day: ApprovedDay
    fill_session: date
    began_at: datetime  # a reconciliation counts from then on

    def __call__(self) -> Books:
        session = self.day.terms.session
        totals = self._ledger.now()
        tracked = read_orders(self.connection, session)
        execution = read_execution(self.connection, session)
        last = last_reconciliation(self.connection)
        is_ours = last is not None and (last.account, last.mode) == (
            self.day.terms.account,
            self.day.terms.mode,
        )
        return Books(
            switch=read_switch(self.home),
            is_reconciled=last is not None and is_ours and last.at >= self.began_at and not last.blocks_all,
            shares=dict(totals.shares),
            cash_cents=totals.cash_cents,
            locks={lock.symbol: lock.reason for lock in last.locks} if last is not None else {},
            placed=tuple(
                Placed(one.order, one.state, int(totals.filled.get(one.order.order_id, 0))) for one in tracked
            ),
            first_intent_at=None if execution is None else execution.first_intent_at,
            today=Today(
                buys_cents=totals.buys_cents,
                sales_cents=totals.sales_cents,
                bought=dict(totals.bought),
                orders=sum(one.sends for one in tracked),
            ),
            overrides=self._overrides,
            sectors=self.day.sectors,
            strategy=self.day.strategy,
            state=self.day.state,
            exposure_cap=self.day.exposure_cap,
            sessions_since_promotion=self._since_promotion,
            name_sessions={symbol: len(days & self._recent) for symbol, days in totals.traded.items()},
        )

    @cached_property
    def _ledger(self) -> LedgerTotals:
        return LedgerTotals(self.connection, self.fill_session)

    @cached_property
    def _overrides(self) -> tuple[Override, ...]:
        return read_overrides(self.home)

    @cached_property
    def _recent(self) -> frozenset[date]:
        """The sessions before the one being executed."""
        ending = sessions_ending(self.day.terms.session, self.settings.execution.name_sessions)
        return frozenset(day.item() for day in ending)

    @cached_property
    def _since_promotion(self) -> int | None:
        """None if the stored champions cannot be read; a home that never promoted one has no ramp."""
        if not has_champion(self.home):
            return NEVER
        try:
            versions = read_versions(self.home)
            used = [one for one in versions if _sha256(one) == self.day.champion_sha256]
            present = _promoted(used[-1] if used else read_production(self.home))
        except ModelError:
            return None
        return sessions_since_promotion([_promoted(one) for one in versions], present, self.day.terms.session)


def _sha256(stored: Stored) -> str:
    return stored.metadata.champion.model_sha256


def _promoted(stored: Stored) -> Promoted:
    champion = stored.metadata.champion
    return Promoted(champion.name, champion.optimizer, champion.selection_date)

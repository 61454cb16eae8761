"""Apply the halt rules of the daily run in a backtest: a rule that trips allows only reductions in that session.

In the daily run a trip lasts until a person resets it. A backtest either resets each trip before the next decision,
as a person would after a review, or buys nothing after the first trip. The rules come from tasks/safety,
except those that cannot occur in a backtest (stale data, a manual halt).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal, NamedTuple

import numpy as np

from config.settings import Settings
from tasks.backtest.accounting.account import Account
from tasks.backtest.accounting.money import CENTS_PER_USD
from tasks.backtest.world import World
from tasks.portfolio.arrays import Vector
from tasks.safety.equity_history import EquityHistory
from tasks.safety.table import RISK_TRIGGERS

AfterHalt = Literal["reset", "stay_out", "ignore"]
AFTER_HALT: tuple[AfterHalt, ...] = ("reset", "stay_out", "ignore")


class Trip(NamedTuple):
    """A rule that tripped after the close of a session; value and limit as the daily run prints them."""

    session: date
    rule: str
    value: str
    limit: str


class _Inputs(NamedTuple):
    inputs: dict[str, float]


class _Cash(NamedTuple):
    cash_usd: float
    net_flows_usd: float = (
        0.0  # a backtest has neither flows nor receivables: it books dividends on the ex-date
    )
    receivable_usd: float = 0.0


@dataclass(frozen=True)
class _Facts:
    """The inputs of the rules for one session."""

    session: date
    settings: Settings
    regime: _Inputs
    book: _Cash
    equity_usd: float


class Halts:
    """The halt rules over one backtest. `volatility_pct`: the regime's volatility index, by row of the world."""

    def __init__(self, world: World, settings: Settings, volatility_pct: Vector, *, after: AfterHalt) -> None:
        self._world, self._settings, self._volatility, self._after = world, settings, volatility_pct, after
        self._past: list[tuple[date, float, float, float]] = []  # session, equity, exposure, flows
        self._acknowledged: dict[str, date] = {}
        self.trips: list[Trip] = []

    def reductions_only(self, row: int, account: Account) -> bool:
        """Return whether a halt allows only reductions for the decision on this row. Call in the order of the rows."""
        if self._after == "ignore":
            return False
        met = self._met(self._facts(row, account))
        self.trips += met
        if self._after == "stay_out":
            return bool(self.trips)
        self._acknowledged |= {trip.rule: trip.session for trip in met}
        return bool(met)

    def _facts(self, row: int, account: Account) -> _Facts:
        value = int((account.shares * self._world.price_cents[row]).sum())
        session: date = self._world.sessions[row].astype("datetime64[D]").item()
        volatility = float(self._volatility[row])
        return _Facts(
            session,
            self._settings,
            _Inputs({} if np.isnan(volatility) else {"volatility_pct": volatility}),
            _Cash(account.cash_cents / CENTS_PER_USD),
            (account.cash_cents + value) / CENTS_PER_USD,
        )

    def _met(self, facts: _Facts) -> list[Trip]:
        past = EquityHistory(*map(tuple, zip(*self._past, strict=True))) if self._past else _NO_HISTORY
        found = []
        for name, rule in RISK_TRIGGERS:
            if name == "volatility" and not facts.regime.inputs:
                continue  # unknown: the daily run would not publish, and the regime allows the least exposure
            outcome = rule(facts, past, self._acknowledged.get(name))
            if not outcome.passed:
                found.append(Trip(facts.session, name, outcome.value, outcome.limit))
        self._past.append((facts.session, facts.equity_usd, 1 - facts.book.cash_usd / facts.equity_usd, 0.0))
        del self._past[: -self._settings.safety.kill_sharpe_sessions - 1]
        return found


_NO_HISTORY = EquityHistory((), (), (), ())


def counts(trips: Sequence[Trip]) -> dict[str, int]:
    """Return the number of trips by rule, and of sessions with a trip."""
    rules = [name for name, _ in RISK_TRIGGERS]
    return {
        **{rule: sum(trip.rule == rule for trip in trips) for rule in rules},
        "sessions": len({trip.session for trip in trips}),
    }

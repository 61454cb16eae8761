"""A paper account's market from the world of a backtest: the same bars, events and cost facts."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import NamedTuple, Protocol

import numpy as np

from config.settings import Settings
from tasks.backtest.accounting.money import Cents, Shares, to_cents
from tasks.backtest.fill_costs import fill_costs
from tasks.backtest.session_inputs import SessionInputs
from tasks.backtest.start import columns_of
from tasks.backtest.world import World
from tasks.core.errors import DataError
from tasks.core.sessions import session_after
from tasks.data.panel.companies import CompanyIndex
from tasks.execution.brokers.paper.market import Bar, DividendEvent, NightEvents

KEPT_SESSIONS = 8


class Range(NamedTuple):
    """The highest and the lowest raw price of a session, in USD."""

    high: float
    low: float


class ReadRanges(Protocol):
    """Return the session's ranges by symbol, of every symbol that traded."""

    def __call__(self, session: date) -> Mapping[str, Range]: ...


@dataclass(frozen=True)
class _Traded:
    """The names that traded in a session."""

    ranges: Mapping[str, Range]
    column: Mapping[str, int]
    symbol: Mapping[int, str]  # by column


class WorldMarket:
    """A `Market` over the rows of a world. `companies` identify symbols by session."""

    def __init__(self, world: World, companies: CompanyIndex, ranges: ReadRanges, settings: Settings) -> None:
        self._world, self._companies, self._ranges = world, companies, ranges
        self._costs = settings.costs
        self._inputs = SessionInputs(world, settings)
        self._traded = lru_cache(KEPT_SESSIONS)(self._read_traded)
        self._column = lru_cache(100_000)(self._find_column)

    def last_session(self) -> date | None:
        last: date = self._world.sessions[-1].item()
        return last

    def night(self, session: date, symbols: Collection[str]) -> NightEvents:
        row = self._row(session)
        before = self._before(session)
        found = columns_of(self._world, self._companies, symbols, before)
        columns = {column: symbol for symbol, column in found.items()}
        night, traded = self._world.nights[row], self._traded(session)
        return NightEvents(
            session,
            days=night.days,
            interest_rate=night.interest_rate,
            last_cents={
                symbol: int(self._world.price_cents[row - 1, column]) for column, symbol in columns.items()
            },
            renames={
                symbol: traded.symbol[column]
                for column, symbol in columns.items()
                if traded.symbol.get(column, symbol) != symbol
            },
            splits={columns[column]: split for column, split in night.splits if column in columns},
            dividends={
                columns[column]: DividendEvent(usd, pay_row - row)
                for column, usd, pay_row in night.dividends
                if column in columns
            },
            closings={columns[column]: usd for column, usd in night.closings if column in columns},
        )

    def bar(self, session: date, symbol: str) -> Bar | None:
        row, column = self._row(session), self._column(session, symbol)
        if column is None:
            return None
        opened, closed = int(self._world.open_cents[row, column]), int(self._world.close_cents[row, column])
        found = self._traded(session).ranges.get(symbol)
        if found is None or closed <= 0:
            return None
        high, low = to_cents(np.array(found, dtype=np.float64)).tolist()
        return Bar(opened, high, low, closed)

    def last_cents(self, session: date, symbol: str) -> int:
        column = self._column(session, symbol)
        return 0 if column is None else int(self._world.price_cents[self._row(session), column])

    def is_known(self, session: date, symbol: str) -> bool:
        column = self._column(session, symbol)
        return column is not None and int(self._world.first_row[column]) <= self._row(session)

    def has_ended(self, session: date, symbol: str) -> bool:
        column = self._column(session, symbol)
        return column is not None and bool(self._world.has_ended[self._row(session), column])

    def cost_cents(self, session: date, symbol: str, shares: int, price_cents: int, *, is_sale: bool) -> int:
        costs = self.costs_after(
            self._before(session), [symbol], np.array([shares]), np.array([price_cents]), is_sale=is_sale
        )
        return int(costs[0])

    def costs_after(
        self, decided: date, symbols: Sequence[str], shares: Shares, price_cents: Cents, *, is_sale: bool
    ) -> Cents:
        """Return the costs of trades in the session after `decided`, by what was known at its close."""
        row = self._row(decided)
        is_stored = row + 1 < len(self._world.sessions)
        fills = session_after(decided)
        named_in = fills if is_stored else decided
        found = {symbol: self._column(named_in, symbol) for symbol in symbols}
        columns = [column for column in found.values() if column is not None]
        if len(columns) < len(symbols):
            unknown = [symbol for symbol, column in found.items() if column is None]
            raise DataError(
                f"The costs of trading {', '.join(unknown)} on {fills} cannot be estimated: the lake lacks data for "
                f"{'this symbol' if len(unknown) == 1 else 'these symbols'}.",
                remedy="Run `afterclose refresh`, then run again.",
            )
        traded, price = np.zeros((2, len(self._world.company)), dtype=np.int64)
        traded[columns], price[columns] = shares, price_cents
        costs = fill_costs(
            self._inputs.facts(row),
            traded,
            price,
            is_sale=is_sale,
            splits=self._world.nights[row + 1].splits if is_stored else (),
            trade_date=fills,
            costs=self._costs,
        )
        return costs[columns]

    def _before(self, session: date) -> date:
        row = self._row(session)
        if row == 0:
            raise DataError(
                f"The data read from the lake does not include the session before {session}.",
                remedy="Restore the lake from a backup (`afterclose data restore`), or import its whole history again.",
            )
        before: date = self._world.sessions[row - 1].item()
        return before

    def _row(self, session: date) -> int:
        try:
            return self._world.row(np.datetime64(session))
        except KeyError:
            raise DataError(
                f"The lake has no bars for {session}.", remedy="Run `afterclose refresh`, then run again."
            ) from None

    def _find_column(self, session: date, symbol: str) -> int | None:
        traded = self._traded(session).column.get(symbol)
        if traded is not None:
            return traded
        return columns_of(self._world, self._companies, [symbol], session).get(symbol)

    def _read_traded(self, session: date) -> _Traded:
        ranges = self._ranges(session)
        columns = columns_of(self._world, self._companies, ranges, session)
        return _Traded(ranges, columns, {column: symbol for symbol, column in columns.items()})

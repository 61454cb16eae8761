"""The account that a backtest starts with: cash only, the positions of a file, or the home's positions on a day.

A symbol refers to the company that had it on the first session.
"""

from collections.abc import Iterable, Mapping
from datetime import date

import numpy as np

from config.settings import Settings
from tasks.backtest.accounting.account import Account
from tasks.backtest.accounting.money import CENTS_PER_USD
from tasks.backtest.world import World
from tasks.core.errors import ConfigError
from tasks.data.panel.companies import CompanyIndex
from tasks.portfolio.holdings.positions import Positions

FORMER = "~"  # in the name of a company whose symbol another one has


def cash_alone(world: World, settings: Settings) -> Account:
    """Return the account of a new home."""
    cash = round(settings.portfolio.initial_cash_usd * CENTS_PER_USD)
    return Account(np.zeros(len(world.company), dtype=np.int64), cash)


def columns_of(
    world: World, companies: CompanyIndex, symbols: Iterable[str], session: date
) -> dict[str, int]:
    """Return the column of each symbol, as symbols were assigned on the session; unknown ones are omitted."""
    names = np.array(sorted(set(symbols)), dtype=str)
    if not len(names):
        return {}
    company = companies.of_rows(names, np.arange(len(names)), np.full(len(names), np.datetime64(session)))
    column_of_id = {name: column for column, name in enumerate(world.company.tolist())}
    id_of_name = dict(zip(companies.names.tolist(), companies.ids.tolist(), strict=True))
    found = {}
    for symbol, place in zip(names.tolist(), company.tolist(), strict=True):
        known = id_of_name.get(symbol) if FORMER in symbol or place < 0 else str(companies.ids[place])
        if known in column_of_id:
            found[symbol] = column_of_id[known]
    return found


def account_of(world: World, companies: CompanyIndex, held: Positions, session: date) -> Account:
    """Return the account of a positions file, held after the close of the session.

    Raises ConfigError for a fraction of a share, a symbol without a price, or a line dated to another session.
    """
    shares = {line.symbol: line.shares for line in held.positions if line.shares}
    for line in held.positions:
        if line.session not in {None, session}:
            raise ConfigError(
                f"{line.symbol} is held as of {line.session}, but the backtest starts at the close of {session}.",
                remedy=f"Start it with --from {line.session}, or correct the session in the positions file.",
                symbol=line.symbol,
            )
    return account_holding(world, companies, shares, round(held.cash_usd * CENTS_PER_USD), session)


def account_holding(
    world: World, companies: CompanyIndex, held: Mapping[str, float], cash_cents: int, session: date
) -> Account:
    """Return the account of these shares by symbol. Raises ConfigError as `account_of` does."""
    row, columns = world.row(np.datetime64(session)), columns_of(world, companies, held, session)
    shares = np.zeros(len(world.company), dtype=np.int64)
    for symbol, count in held.items():
        if symbol not in columns or world.price_cents[row, columns[symbol]] <= 0:
            raise ConfigError(
                f"{symbol} is held at the start, but the lake has no price for it up to {session}.",
                remedy="Correct the symbol in the positions file, or remove the line.",
                symbol=symbol,
            )
        if count != int(count):
            raise ConfigError(
                f"{count:g} shares of {symbol} are held at the start: a backtest requires whole shares.",
                remedy="Round the shares in the positions file.",
                symbol=symbol,
            )
        shares[columns[symbol]] = int(count)
    return Account(shares, cash_cents)

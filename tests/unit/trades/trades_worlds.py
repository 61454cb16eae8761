"""Books and target books in a line or two, for the tests of the trades slice."""

import pandas as pd

from tasks.portfolio.schema import CASH, Book, Holding
from tasks.trades.explanation import dropped_trades, trades_frame
from tasks.trades.frame import book_after, line_symbols, make_lines
from tasks.trades.lines import Lines
from tasks.trades.plan import plan_trades
from tasks.trades.rules import trade_rules_of
from tests.builders import FRIDAY, make_settings

COLUMNS = {
    "weight": 0.0,
    "price": 50.0,
    "sector": "Unknown",
    "cap_class": "",
    "score": 0.0,
    "has_quote": True,
    "adv_usd": 1e9,
    "daily_volatility": 0.01,
    "note": "rank 1 of 9 by score",
}


def make_book(cash=100_000.0, prices=None, **shares):
    """Return a portfolio; every holding is worth $50 a share unless `prices` says otherwise."""
    holdings = tuple(
        Holding(symbol, float(count), (prices or {}).get(symbol, 50.0), has_quote=True)
        for symbol, count in sorted(shares.items())
    )
    return Book(FRIDAY, holdings, cash, cash + sum(holding.value_usd for holding in holdings))


def make_target(**names):
    """Return a target book: A=0.1 or A={"weight": 0.1, "price": 20.0}. Sectors differ unless they are given."""
    rows = {}
    for symbol, given in names.items():
        row = given if isinstance(given, dict) else {"weight": given}
        rows[symbol] = {**COLUMNS, "sector": f"Sector of {symbol}", **row}
    invested = sum(row["weight"] for row in rows.values())
    rows[CASH] = {**COLUMNS, "weight": 1 - invested, "price": 1.0, "note": ""}
    return pd.DataFrame.from_dict(rows, orient="index", columns=list(COLUMNS)).rename_axis("symbol")


def lines_of(book, target, *, quarantined=(), exposure_cap=1.0, settings=None, index_multiplier=1.0) -> Lines:
    """Return the lines of a target against a book, under the shipped settings unless others are given."""
    return make_lines(
        target,
        book,
        tuple(quarantined),
        exposure_cap=exposure_cap,
        settings=settings or make_settings(),
        index_multiplier=index_multiplier,
    )


def proposed(book, target, *, quarantined=(), exposure_cap=1.0, settings=None):
    """Return the trades by symbol, the dropped ones by symbol, and the portfolio after the trades."""
    settings = settings or make_settings()
    lines = lines_of(book, target, quarantined=quarantined, exposure_cap=exposure_cap, settings=settings)
    symbols, rules = line_symbols(target), trade_rules_of(settings)
    plan = plan_trades(lines, rules=rules)
    frame = trades_frame(lines, plan, symbols, target["note"], rules).set_index("symbol")
    dropped = {one.symbol: one for one in dropped_trades(lines, plan, symbols, rules)}
    return frame, dropped, book_after(lines, plan, symbols)

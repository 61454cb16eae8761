"""One decision: 500 names, 40 candidates and 40 holdings, from arrays to whole shares and costs, without covariance.

In the same run: the stages' way over frames, with the words of every weight and trade, for the same decision. Both are
measured in processor time: another process on the machine must not count.
"""

import json
import statistics
import sys
import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd

from config.settings import Settings
from tasks.core.sessions import session_after
from tasks.portfolio.arrays import value_held
from tasks.portfolio.candidates import choose_candidates
from tasks.portfolio.explanation import notes_of, reasons_of
from tasks.portfolio.frame import book_frame, by_symbol, matrix_of, session_arrays
from tasks.portfolio.limits import rules_of
from tasks.portfolio.optimizers.hierarchical import order_of_pairs
from tasks.portfolio.optimizers.registry import OPTIMIZERS
from tasks.portfolio.rebalancing.rebalance import Costing
from tasks.portfolio.schema import Book, Holding
from tasks.portfolio.target import View, target_weights
from tasks.trades.decision import decide
from tasks.trades.explanation import dropped_trades, trades_frame
from tasks.trades.frame import book_after, line_symbols, make_lines
from tasks.trades.lines import Trading
from tasks.trades.plan import plan_trades
from tasks.trades.rules import trade_rules_of
from tests.bench.measure import inside
from tests.bench.table import Row, table
from tests.builders import FRIDAY, make_settings

NAMES, HELD = 500, 40
MARKETS = 5
GOALS = dict.fromkeys(("hrp", "max_sharpe", "min_volatility"), "5 ms")
SECTORS = ("Energy", "Financials", "Health Care", "Industrials", "Materials", "Technology", "Utilities")


class Case(NamedTuple):
    """One session as the stages have it."""

    scores: pd.Series
    assets: pd.DataFrame
    covariance: pd.DataFrame
    book: Book
    settings: Settings


def measure() -> dict[str, str]:
    """Return the table, by title."""
    rows = []
    for method in OPTIMIZERS:
        (arrays, frames), _ = inside([sys.executable, "-m", "tests.bench.decision", method])
        rows.append(
            Row(
                f"one decision, {NAMES} names, 40 candidates, `{method}`",
                f"{1e3 * arrays:.1f} ms",
                f"over frames, with text {1e3 * frames:.1f} ms",
                f"{frames / arrays:.1f}×",
                GOALS.get(method, "–"),
            )
        )
    return {"One decision, processor time": table(rows)}


def case_of(seed: int) -> Case:
    """Return a session of three common factors, with a portfolio that is not the target."""
    rng = np.random.default_rng(seed)
    symbols = pd.Index([f"S{number:03d}" for number in range(NAMES)], name="symbol")
    loadings = rng.normal(0, 0.006, (NAMES, 3))
    covariance = loadings @ loadings.T + np.diag(rng.uniform(5e-5, 4e-4, NAMES))
    price = np.round(np.exp(rng.uniform(np.log(10), np.log(400), NAMES)), 2)
    assets = pd.DataFrame(
        {
            "price": price,
            "has_quote": True,
            "is_quarantined": False,
            "sector": rng.choice(SECTORS, NAMES),
            "cap_class": rng.choice(["large", "mid"], NAMES),
            "adv_usd": np.exp(rng.uniform(17, 20, NAMES)),
            "daily_volatility": np.sqrt(np.diag(covariance)),
            "fall": 0.0,
        },
        index=symbols,
    )
    held = np.sort(rng.choice(NAMES, HELD, replace=False))
    holdings = tuple(
        Holding(symbols[place], float(900_000 / HELD // price[place]), float(price[place]), has_quote=True)
        for place in held
    )
    invested = sum(holding.value_usd for holding in holdings)
    return Case(
        pd.Series(rng.normal(size=NAMES), index=symbols),
        assets,
        pd.DataFrame(covariance, index=symbols, columns=symbols),
        Book(FRIDAY, holdings, 100_000.0, 100_000.0 + invested),
        make_settings(),
    )


def ways_of(case: Case, method: str) -> tuple[Callable[[], object], Callable[[], object]]:
    """Return the decision on arrays, and the stages' way over frames."""
    scores, assets, covariance, book, settings = case
    session = session_arrays(scores, assets, covariance.index, book)
    rules, trade_rules = rules_of(settings.portfolio, session.sectors), trade_rules_of(settings)
    view = View(True, 0.1, method, 1.0, True)
    trading = Trading(session_after(FRIDAY))
    costing = Costing(trading.trade_date, trading.index_multiplier, settings.costs)
    names, shares = session.names, session.held.shares
    candidates = choose_candidates(names, session.held, rules=rules, stop_loss_frac=0.0)
    known = matrix_of(covariance, session.at(candidates.considered))

    def on_arrays() -> object:
        held = value_held(shares, names.price, book.cash_usd)
        chosen = choose_candidates(names, held, rules=rules, stop_loss_frac=0.0)
        return decide(view, names, held, chosen, known, rules=rules, trade_rules=trade_rules, trading=trading)

    def over_frames() -> object:
        session = session_arrays(scores, assets, covariance.index, book)
        rules, trade_rules = rules_of(settings.portfolio, session.sectors), trade_rules_of(settings)
        chosen = choose_candidates(session.names, session.held, rules=rules, stop_loss_frac=0.0)
        target = target_weights(
            view, session.names, session.held, chosen, known, rules=rules, costing=costing
        )
        reasons = reasons_of(target, view, session.names, chosen, rules)
        frame = book_frame(by_symbol(session, target, reasons), book, assets, scores)
        lines = make_lines(frame, book, (), exposure_cap=1.0, settings=settings)
        plan, symbols = plan_trades(lines, rules=trade_rules), line_symbols(frame)
        return (
            list(notes_of(target, view, names, chosen, session.sectors, settings=settings.portfolio)),
            trades_frame(lines, plan, symbols, frame["note"], trade_rules),
            dropped_trades(lines, plan, symbols, trade_rules),
            book_after(lines, plan, symbols),
        )

    return on_arrays, over_frames


def seconds_of(way: Callable[[], object], runs: int) -> list[float]:
    """Return the processor time of each run in seconds; the first is not counted."""
    way()
    seconds = []
    for _ in range(runs):
        order_of_pairs.cache_clear()  # a tree is shared by combinations of a session, never by two sessions
        started = time.process_time()
        way()
        seconds.append(time.process_time() - started)
    return seconds


def main() -> None:
    """Print the median processor time of both ways over several sessions, as JSON."""
    timed: tuple[list[float], list[float]] = ([], [])
    for seed in range(MARKETS):
        for seconds, way, runs in zip(timed, ways_of(case_of(seed), sys.argv[1]), (40, 4), strict=True):
            seconds.extend(seconds_of(way, runs))
    sys.stdout.write(json.dumps([statistics.median(seconds) for seconds in timed]))


if __name__ == "__main__":
    main()

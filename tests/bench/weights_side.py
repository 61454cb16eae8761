"""Our side of the weight-matrix job: `python -m tests.bench.weights_side FOLDER RUNS RATE`.

Prints the processor seconds of each run as a JSON list, and writes the equity before the trades of each session, as a
multiple of the cash at the start. That cash is so much that a share is no more than 1e-9 of a position.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tasks.backtest.accounting.account import Account
from tasks.backtest.accounting.money import Cents, Shares
from tasks.backtest.accounting.overnight import Night
from tasks.backtest.walk import Walk, WalkRules, walk
from tasks.backtest.world import Corrections, World
from tasks.core.compiled import compiled
from tasks.data.panel.as_known import Dated
from tasks.portfolio.arrays import Vector
from tasks.trades.fills import Orders

CASH_CENTS = 10**17


def work_of(cents: np.ndarray, weights: np.ndarray, rate: float) -> Callable[[], Walk]:
    """Return the walk that decides the weights after each close and fills at an open of the same price."""
    world = world_of(cents)

    def decide(_world: World, row: int, account: Account) -> Orders:
        return Orders(*towards(weights[row], account.shares, account.cash_cents, cents[row]))

    def costs(_world, _row, shares, price_cents, *, is_sale):
        return fraction_of_value(shares, price_cents, rate)

    start = Account(np.zeros(cents.shape[1], dtype=np.int64), CASH_CENTS)
    return lambda: walk(world, start, decide, costs, first=0, last=len(cents) - 1, rules=WalkRules())


@compiled
def towards(
    weights: Vector, held: Shares, cash_cents: int, price_cents: Cents
) -> tuple[Shares, Shares, Cents]:
    """Return sells, buys and the value of the buys towards these weights, in whole shares."""
    sells, buys, ceiling = np.zeros_like(held), np.zeros_like(held), np.zeros_like(held)
    equity_cents = cash_cents
    for name in range(len(held)):
        equity_cents += held[name] * price_cents[name]
    for name in range(len(held)):
        change = int(weights[name] * equity_cents / price_cents[name]) - held[name]
        sells[name], buys[name] = max(-change, 0), max(change, 0)
        ceiling[name] = buys[name] * price_cents[name]
    return sells, buys, ceiling


@compiled
def fraction_of_value(shares: Shares, price_cents: Cents, rate: float) -> Cents:
    """Return the costs of trades that are proportional to their value, in whole cents."""
    cents = np.empty_like(shares)
    for name in range(len(shares)):
        cents[name] = round(shares[name] * price_cents[name] * rate)
    return cents


def world_of(cents: np.ndarray) -> World:
    """Return a world of these closes without events, whose opens are the closes before."""
    sessions, names = cents.shape
    nothing, ones = np.zeros(cents.shape, dtype=bool), np.ones(sessions)
    label = Dated(np.zeros(cents.shape, dtype=np.int16), np.array(["none"]))
    never = Corrections(*np.zeros((3, 0), dtype=np.int64), np.zeros((0, 2)))
    company = np.array([f"S{number:03d}" for number in range(names)])
    return World(
        sessions=np.datetime64("2014-01-01") + np.arange(sessions),
        company=company,
        first_row=np.zeros(names, dtype=np.int64),
        symbol=company,
        raw_close=cents / 100,
        raw_volume=np.ones(cents.shape),
        total_factor=np.ones(cents.shape),
        open_cents=np.vstack([cents[:1], cents[:-1]]),
        close_cents=cents,
        price_cents=cents,
        is_member=~nothing,
        is_quarantined=nothing,
        is_lost=nothing[:, 0],
        has_ended=nothing,
        sector=label,
        cap_class=label,
        market=ones,
        volatility_index=ones,
        risk_free=0 * ones,
        nights=tuple(Night(row=row) for row in range(sessions)),
        restated_bars=never,
        restated_index=never,
        restated_factors=never,
    )


def main() -> None:
    folder, runs, rate = Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    market = np.load(folder / "market.npz")
    work = work_of(market["cents"], market["weights"], rate)
    course = work()
    seconds = []
    for _ in range(runs):
        started = time.process_time()
        course = work()
        equity = course.equity
        seconds.append(time.process_time() - started)
    np.save(folder / "ours.npy", equity / course.equity[0])
    sys.stdout.write(json.dumps(seconds))


if __name__ == "__main__":
    main()

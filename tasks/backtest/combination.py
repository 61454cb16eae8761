"""Backtest one combination of candidate and optimizer: its id, its run, and the equity curve that is measured."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from config.settings import Settings, config_hash
from tasks.backtest.accounting.account import Account
from tasks.backtest.accounting.money import CENTS_PER_USD
from tasks.backtest.equal_weight import walk_equal_weight
from tasks.backtest.halts import AfterHalt, Halts
from tasks.backtest.metrics.curve import Curve
from tasks.backtest.session_decision import SessionDecision, Signals
from tasks.backtest.start import cash_alone
from tasks.backtest.walk import FillAt, Totals, Walk, WalkRules, walk
from tasks.backtest.world import World
from tasks.core.errors import ConfigError
from tasks.core.ids import sha256_of_record
from tasks.core.versions.source_code import CODE_ROOT, code_fingerprint
from tasks.data.panel.returns import daily_returns
from tasks.data.schema.records import Matrix
from tasks.portfolio.target import CASH_ONLY
from tasks.trades.fills import Orders

MONEY_MARKET_DAYS = 360  # as cash earns interest


@dataclass(frozen=True)
class Combination:
    """What is backtested."""

    model: str  # name of a candidate
    optimizer: str
    first: date  # at whose close the first decision is taken
    last: date
    fill_at: FillAt
    every_sessions: int
    uses_regime: bool = True  # False: the regime does not limit exposure, sizes or purchases
    after_halt: AfterHalt = "reset"
    start: str = "cash"  # starting portfolio; else the hash of the positions


def rows_of_walk(world: World, scores: Matrix, first: date | None, last: date | None) -> tuple[int, int]:
    """Return the rows of the first and last session: within the dates, and from the first session with scores on."""
    if first is not None and last is not None and first > last:
        raise ConfigError(f"--from {first} is after --to {last}.", remedy="Set --from to the earlier date.")
    scored = np.isfinite(scores).any(axis=1)
    start = int(np.argmax(scored)) if scored.any() else len(world.sessions)
    if first is not None:
        start = max(start, int(np.searchsorted(world.sessions, np.datetime64(first))))
    end = len(world.sessions) - 1
    if last is not None:
        end = int(np.searchsorted(world.sessions, np.datetime64(last), side="right")) - 1
    if start < end:
        return start, end
    begin = str(world.sessions[np.argmax(scored)]) if scored.any() else None
    raise ConfigError(
        f"Fewer than two sessions in the date range have scores: the first session with scores is {begin}."
        if begin
        else "The history is too short: no session has out-of-sample scores.",
        remedy="Choose an earlier --from or a later --to."
        if begin
        else "Import a longer history, or lower models.min_train_sessions.",
        first_scored=begin,
    )


def id_of(combination: Combination, settings: Settings, *, scores: str) -> str:
    """Return the id: a hash of the stored scores, the combination, the settings and the code."""
    record = {name: str(value) for name, value in asdict(combination).items()}
    identity = {
        **record,
        "scores": scores,
        "config": config_hash(settings),
        "code": code_fingerprint(CODE_ROOT),
    }
    return sha256_of_record(identity)[:16]


def run_combination(
    world: World,
    signals: Signals,
    settings: Settings,
    combination: Combination,
    halts: Halts,
    start: Account | None = None,
    *,
    report: Callable[[int], None] | None = None,
    methods: Counter[str] | None = None,
) -> Walk:
    """Walk from `start`, by default from cash only.

    `report` receives the number of rows decided; `methods` counts the decisions by method of the fallback ladder.
    """
    decision = SessionDecision(world, signals, settings)
    first, last = (world.row(np.datetime64(day)) for day in (combination.first, combination.last))

    def orders(_world: World, row: int, account: Account) -> Orders | None:
        if report is not None:
            report(row - first + 1)
        reductions_only = halts.reductions_only(row, account)
        decided = decision.decide(row, account, reductions_only=reductions_only)
        if decided is None:
            return None
        if methods is not None:
            methods[decided.target.method] += 1
        return decision.orders_of(decided)

    return walk(
        world,
        cash_alone(world, settings) if start is None else start,
        orders,
        decision.costs,
        first=first,
        last=last,
        rules=walk_rules(combination),
    )


def run_equal_weight(
    world: World, signals: Signals, settings: Settings, combination: Combination, start: Account | None = None
) -> Walk:
    """Walk the equal-weighted universe over the same sessions, with the same equity, fills and costs."""
    first, last = (world.row(np.datetime64(day)) for day in (combination.first, combination.last))
    account = cash_alone(world, settings) if start is None else start
    return walk_equal_weight(
        world,
        SessionDecision(world, signals, settings).costs,
        cash_cents=account.cash_cents + int((account.shares * world.price_cents[first]).sum()),
        first=first,
        last=last,
        fill_at=combination.fill_at,
    )


def fallbacks(methods: Mapping[str, int], optimizer: str) -> dict[str, int]:
    """Return the number of decisions by fallback method, without decisions of the optimizer and of the regime."""
    return {method: count for method, count in methods.items() if method not in {optimizer, CASH_ONLY}}


def walk_rules(combination: Combination) -> WalkRules:
    """Return how the combination trades."""
    return WalkRules(fill_at=combination.fill_at, every_sessions=combination.every_sessions)


def curve_of(totals: Totals, world: World, states: NDArray[np.str_]) -> Curve:
    """Return the curve that figures are measured on. `states`: by session of the world."""
    first = world.row(totals.sessions[0])
    rows = slice(first, first + len(totals.sessions))
    days = np.diff(world.sessions, prepend=world.sessions[:1]).astype(np.int64)
    earned = np.concatenate([[0.0], world.risk_free[:-1]]) * days / MONEY_MARKET_DAYS
    return Curve(
        sessions=totals.sessions,
        equity_usd=totals.equity / CENTS_PER_USD,
        exposure=totals.invested / totals.equity,
        buys_usd=totals.bought / CENTS_PER_USD,
        sells_usd=totals.sold / CENTS_PER_USD,
        benchmark=daily_returns(world.market[:, None])[rows, 0],
        risk_free=earned[rows],
        regime=states[rows],
    )

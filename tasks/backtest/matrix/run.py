"""Backtest every combination of a matrix: candidates × optimizers × regime on or off, over the same sessions.

Combinations advance in groups, session by session, and share the inputs of each session's decision. A group's results
are stored as soon as it is finished, and stored combinations are not recomputed. A combination that fails gives an
outcome with the reason.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise, product
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from config.settings import Settings
from tasks.backtest.accounting.account import Account
from tasks.backtest.accounting.money import Cents, value_cents
from tasks.backtest.combination import Combination, id_of, rows_of_walk, run_equal_weight, walk_rules
from tasks.backtest.halts import AfterHalt, Halts
from tasks.backtest.matrix.outcome import COLUMNS, Outcome, load_outcome, store_outcome
from tasks.backtest.scoring.stored_scores import StoredScores
from tasks.backtest.session_decision import SessionDecision, Signals
from tasks.backtest.session_inputs import SessionInputs
from tasks.backtest.signals import RegimePath, signals_of
from tasks.backtest.start import cash_alone
from tasks.backtest.walk import FillAt, Step, Totals, steps
from tasks.backtest.world import World
from tasks.core.errors import ConfigError, StorageError, TransientError
from tasks.core.spread.fan_out import Report, fan_out
from tasks.regime.exposure import Allowances, everything_allowed
from tasks.trades.fills import Orders

NO_SCORES = "The model has no out-of-sample scores: the history is too short."
Named = tuple[str, Combination]  # with its id
LARGEST_GROUP = 16  # larger groups share more, but lose more work if the run is killed


@dataclass(frozen=True)
class ScoredCandidate:
    """A candidate with its out-of-sample scores."""

    name: str
    kind: str
    scores: StoredScores


@dataclass(frozen=True)
class Terms:
    """The options that all combinations of a matrix share."""

    first: date | None  # the first session with scores of all candidates unless it is later
    last: date | None
    fill_at: FillAt
    every_sessions: int
    after_halt: AfterHalt = "reset"


@dataclass(frozen=True)
class Plan:
    """A matrix, and which of its combinations have no stored outcome yet."""

    world: World
    regime: RegimePath
    candidates: tuple[ScoredCandidate, ...]
    named: tuple[Named, ...]
    missing: tuple[Named, ...]
    settings: Settings
    folder: Path

    @property
    def sessions_missing(self) -> int:
        """Total number of sessions to simulate, over all missing combinations."""
        return sum(_sessions(self.world, each) for _, each in self.missing)


@dataclass(frozen=True)
class Group:
    """Combinations that advance together."""

    world: World
    regime: RegimePath
    candidates: tuple[ScoredCandidate, ...]  # of these combinations
    combinations: tuple[Named, ...]
    settings: Settings
    folder: Path


def combinations_of(
    world: World,
    candidates: Sequence[ScoredCandidate],
    optimizers: Sequence[str],
    regimes: Sequence[bool],
    terms: Terms,
) -> tuple[Combination, ...]:
    """Return the combinations in the order of candidates, optimizers, regimes; all over the same sessions.

    Raises ConfigError when no two sessions of the dates have scores of any candidate.
    """
    spans = [rows_of_walk(world, each.scores.values, terms.first, terms.last) for each in _scored(candidates)]
    if not spans:
        spans = [rows_of_walk(world, candidates[0].scores.values, terms.first, terms.last)]
    first = max(start for start, _ in spans)
    last = spans[0][1]
    if first >= last:
        raise ConfigError(
            f"Fewer than two sessions up to {world.sessions[last]} have scores of every model; the first that does"
            f" is {world.sessions[first]}.",
            remedy="Choose a later --to or fewer models.",
        )
    days = world.sessions[first].item(), world.sessions[last].item()
    return tuple(
        Combination(
            each.name, optimizer, *days, terms.fill_at, terms.every_sessions, uses_regime, terms.after_halt
        )
        for each, optimizer, uses_regime in product(candidates, optimizers, regimes)
    )


def plan_matrix(
    world: World,
    regime: RegimePath,
    candidates: Sequence[ScoredCandidate],
    combinations: Sequence[Combination],
    settings: Settings,
    folder: Path,
) -> Plan:
    """Return the plan. `regime`: by session of the world; `folder`: directory of finished outcomes.

    Raises StorageError if a finished outcome is damaged.
    """
    scores = {each.name: each.scores.id for each in candidates}
    named = tuple((id_of(each, settings, scores=scores[each.model]), each) for each in combinations)
    missing = tuple(pair for pair in named if load_outcome(folder, *pair, world.sessions) is None)
    return Plan(world, regime, tuple(candidates), named, missing, settings, folder)


def run_plan(plan: Plan, *, processes: int = 1, report: Report = lambda _: None) -> tuple[Outcome, ...]:
    """Compute what is missing and return all outcomes, in the order of the combinations.

    `report` receives the number of sessions simulated since its last call.
    """
    groups = [_group(plan, part) for part in _parts(plan.missing, processes)]
    for _ in fan_out(walk_together, groups, processes=processes, report=report):
        pass
    return tuple(_loaded(plan.folder, *pair, plan.world) for pair in plan.named)


def count_finished(plan: Plan) -> int:
    """Return how many of the combinations have a stored outcome."""
    return sum(load_outcome(plan.folder, *pair, plan.world.sessions) is not None for pair in plan.named)


def equal_weight_totals(plan: Plan) -> Totals:
    """Return the totals of the equal-weighted universe over the same sessions, with the same fills and costs."""
    combination, candidate = plan.named[0][1], plan.candidates[0]
    allowed = everything_allowed(len(plan.world.sessions))
    signals = _signals(plan.world, candidate, allowed, combination, plan.settings)
    return run_equal_weight(plan.world, signals, plan.settings, combination).totals


def _group(plan: Plan, part: tuple[Named, ...]) -> Group:
    models = {each.model for _, each in part}
    candidates = tuple(each for each in plan.candidates if each.name in models)
    return Group(plan.world, plan.regime, candidates, part, plan.settings, plan.folder)


def walk_together(group: Group, report: Report) -> None:
    """Simulate the group's combinations and store each outcome. `report`: as in `run_plan`."""
    with threadpool_limits(1):  # bit-identical on any number of cores and processes
        walks = _walks(group)
        first, last = (
            group.world.row(np.datetime64(day))
            for day in (group.combinations[0][1].first, group.combinations[0][1].last)
        )
        for _ in range(first, last + 1):
            for walk in walks:
                walk.advance()
            report(len(walks))
    for walk in walks:
        store_outcome(group.folder, walk.outcome())


class _Walk:
    """The run of a combination: its totals so far, or why it failed."""

    def __init__(self, identity: str, combination: Combination, group: Group, inputs: SessionInputs) -> None:
        self._identity, self._combination, self._sessions = identity, combination, group.world.sessions
        self._methods: Counter[str] = Counter()
        self._rows: list[tuple[int, ...]] = []
        self._candidate = next(each for each in group.candidates if each.name == combination.model)
        is_scored = np.isfinite(self._candidate.scores.values).any()
        self._reason = "" if is_scored else NO_SCORES
        self._steps = self._begun(group, inputs)

    def advance(self) -> None:
        """Simulate one session, unless the combination has failed."""
        if self._reason:
            return
        try:
            self._rows.append(_totals_of(next(self._steps)))
        except (StorageError, TransientError, OSError, MemoryError):  # not of this combination
            raise
        except Exception as error:  # noqa: BLE001 - the failure of one combination must not cost the others
            self._reason = str(getattr(error, "what", "")) or f"{type(error).__name__}: {error}"

    def outcome(self) -> Outcome:
        """Return its outcome."""
        totals = None
        if not self._reason:
            columns = np.array(self._rows, dtype=np.int64).T
            first = int(np.searchsorted(self._sessions, np.datetime64(self._combination.first)))
            totals = Totals(self._sessions[first : first + len(self._rows)], *columns)
        return Outcome(self._identity, self._combination, totals, dict(self._methods), self._reason)

    def _begun(self, group: Group, inputs: SessionInputs) -> Iterator[Step]:
        world, combination, settings = group.world, self._combination, group.settings
        allowed = group.regime.allowed if combination.uses_regime else everything_allowed(len(world.sessions))
        signals = _signals(world, self._candidate, allowed, combination, settings)
        decision = SessionDecision(world, signals, settings, inputs)
        halts = Halts(world, settings, group.regime.volatility_pct, after=combination.after_halt)

        def orders(_world: World, row: int, account: Account) -> Orders | None:
            reductions_only = halts.reductions_only(row, account)
            decided = decision.decide(row, account, reductions_only=reductions_only)
            if decided is None:
                return None
            self._methods[decided.target.method] += 1
            return decision.orders_of(decided)

        first, last = (world.row(np.datetime64(day)) for day in (combination.first, combination.last))
        return steps(
            world,
            cash_alone(world, settings),
            orders,
            decision.costs,
            first=first,
            last=last,
            rules=walk_rules(combination),
        )


def _signals(
    world: World,
    candidate: ScoredCandidate,
    allowed: Allowances,
    combination: Combination,
    settings: Settings,
) -> Signals:
    return signals_of(
        world,
        candidate.scores.values,
        candidate.scores.folds,
        allowed,
        kind=candidate.kind,
        optimizer=combination.optimizer,
        models=settings.models,
    )


def _walks(group: Group) -> list[_Walk]:
    inputs = SessionInputs(group.world, group.settings)
    return [_Walk(identity, each, group, inputs) for identity, each in group.combinations]


def _totals_of(step: Step) -> tuple[int, ...]:
    """Return the session's values in the order of COLUMNS."""
    statement, fills = step.statement, step.fills
    values = {
        "equity": statement.equity_cents,
        "invested": statement.invested_cents,
        "bought": _sum(value_cents(fills.buys, fills.price_cents)),
        "sold": _sum(value_cents(fills.sells, fills.price_cents)),
        "costs": _sum(statement.costs),
    }
    return tuple(values[name] for name in COLUMNS)


def _sum(cents: Cents) -> int:
    return int(cents.sum())


def _scored(candidates: Sequence[ScoredCandidate]) -> list[ScoredCandidate]:
    return [each for each in candidates if np.isfinite(each.scores.values).any()]


def _parts(missing: Sequence[Named], processes: int) -> list[tuple[Named, ...]]:
    """Divide the missing combinations, in order, into groups of nearly equal size, the same number for each process."""
    rounds = -(-len(missing) // (processes * LARGEST_GROUP))
    groups = min(processes * rounds, len(missing))
    edges = [len(missing) * group // groups for group in range(groups)] if groups else []
    return [tuple(missing[start:stop]) for start, stop in pairwise([*edges, len(missing)])]


def _sessions(world: World, combination: Combination) -> int:
    days = np.array([combination.first, combination.last], dtype="datetime64[D]")
    first, last = np.searchsorted(world.sessions, days)
    return int(last - first) + 1


def _loaded(folder: Path, identity: str, combination: Combination, world: World) -> Outcome:
    outcome = load_outcome(folder, identity, combination, world.sessions)
    if outcome is None:
        raise StorageError(
            f"The finished backtest {identity} was deleted from {folder} during the run.",
            remedy="Run again: only the missing combinations are computed.",
            path=str(folder),
        )
    return outcome

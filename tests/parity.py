"""Compare a day with the decision of a walk: same session, model, optimizer and start positions.

A `Bench` is a home with a lake, its world, and the stored scores of some candidates. For a case, the model of the fold
is put into a scratch home with the positions, and the day is made there: by its stages, or by `afterclose daily`.
"""

import csv
import json
import os
import shutil
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from config.sections import Candidate
from config.settings import Settings
from flows.daily import longest_window
from tasks.backtest.accounting.account import Account
from tasks.backtest.regimes import regimes_of
from tasks.backtest.scoring.store import read_world
from tasks.backtest.scoring.stored_scores import StoredScores, stored_scores
from tasks.backtest.session_decision import SessionDecision
from tasks.backtest.session_inputs import SessionInputs
from tasks.backtest.signals import regime_path, signals_of
from tasks.backtest.world import World
from tasks.core.artifacts import load_frame
from tasks.core.errors import AftercloseError
from tasks.core.homes.home import Home
from tasks.core.homes.opening import open_run, settings_of
from tasks.core.homes.run import Run
from tasks.core.ids import sha256_of_bytes
from tasks.data.lake.store import read_tables
from tasks.data.panel.companies import company_index
from tasks.data.schema.records import SnapshotRef
from tasks.data.task import refresh_market
from tasks.features.registry import feature_set
from tasks.features.sets import SETS
from tasks.features.task import compute_features
from tasks.models.kinds.registry import KINDS, make_model
from tasks.models.registry.champion import library_versions, make_probe
from tasks.models.registry.metadata import Metadata
from tasks.models.registry.store import promote_version, write_version
from tasks.models.schema import Champion, Statistic
from tasks.models.task import score_universe
from tasks.models.training.controls import CONTROLS
from tasks.portfolio.schema import CASH
from tasks.portfolio.stops import is_stopped
from tasks.portfolio.task import build_portfolio
from tasks.regime.task import detect_regime
from tasks.risk.task import estimate_risk
from tasks.trades.task import propose_trades
from tests.homes import afterclose

OPTIMIZERS = (
    *("max_sharpe", "min_volatility", "hrp", "inverse_volatility"),
    *("equal_weight", "score_weighted", "black_litterman", "risk_parity"),
)
NO_DECISION = "no decision"
STOPS = {
    "CRASH": 0.05,
    "BEAR": 0.05,
    "NEUTRAL": 0.08,
    "BULL": 0.10,
}  # tight, so that many holdings are beyond them


@dataclass(frozen=True)
class Made:
    """What was decided, by company id. Weights as printed, to ten decimals; without cash and zeros."""

    weights: dict[str, str]
    trades: dict[str, tuple[str, int, int, int]]  # side, shares, price and costs in cents


@dataclass(frozen=True)
class Case:
    row: int
    candidate: Candidate
    optimizer: str
    shares: dict[int, int]  # by column of the world
    cash_cents: int
    has_stops: bool = False

    def __str__(self) -> str:
        stops = ", stops" if self.has_stops else ""
        return f"row {self.row}, {self.candidate.name}, {self.optimizer}, {len(self.shares)} held{stops}"


@dataclass(frozen=True)
class Bench:
    home: Home
    settings: Settings
    snapshot: SnapshotRef
    world: World
    scores: dict[str, StoredScores]
    regimes: pd.DataFrame
    scratch: Path

    @property
    def first(self) -> int:
        """The first row with scores of every candidate."""
        return max(self.world.row(np.datetime64(stored.folds[0]["first"])) for stored in self.scores.values())

    def settings_of(self, case: Case) -> Settings:
        if not case.has_stops:
            return self.settings
        regime = self.settings.regime.model_copy(update={"stop_loss_frac": STOPS})
        return self.settings.model_copy(update={"regime": regime})


def make_bench(home: Path, snapshot: SnapshotRef, candidates: Iterable[Candidate], scratch: Path) -> Bench:
    place = Home(home)
    settings = settings_of(place, None, environ={}).settings
    world = read_world(snapshot, dividend_pay_sessions=15)
    scores = {
        candidate.name: stored_scores(
            place.scores, place.features, snapshot, world, candidate, settings.models, seed=settings.seed
        )
        for candidate in candidates
    }
    return Bench(
        place, settings, snapshot, world, scores, regimes_of(snapshot, world, settings.regime), scratch
    )


def draw_cases(
    bench: Bench, candidates: tuple[Candidate, ...], count: int, rng: np.random.Generator
) -> list[Case]:
    """Draw sessions, models (four of five rank), optimizers and start positions; half of the cases have stops."""
    ranking = [each for each in candidates if KINDS[each.kind].ranks]
    others = [each for each in candidates if not KINDS[each.kind].ranks] or ranking
    cases = []
    for number in range(count):
        row = int(rng.integers(bench.first, len(bench.world.sessions)))
        among = others if number % 5 == 4 else ranking
        candidate = among[int(rng.integers(len(among)))]
        optimizer = OPTIMIZERS[int(rng.integers(len(OPTIMIZERS)))]
        shares, cash = _drawn_positions(bench.world, row, rng)
        has_stops = number % 2 == 1
        cases.append(Case(row, candidate, optimizer, shares, cash, has_stops))
    return cases


def _drawn_positions(world: World, row: int, rng: np.random.Generator) -> tuple[dict[int, int], int]:
    """Draw what is held: nothing, or up to thirty names, some of them no longer members or without a quote."""
    cash = int(rng.integers(10_000_00, 1_000_000_00))
    priced = np.flatnonzero((world.price_cents[row] > 0) & ~world.has_ended[row])
    recent = priced[np.isfinite(world.raw_close[max(0, row - 20) : row + 1, priced]).any(axis=0)]
    count = min(int(rng.choice([0, 1, 5, 12, 20, 30])), len(recent))
    held = rng.choice(recent, count, replace=False)
    return {int(c): int(rng.integers(1, 60_000_00 // world.price_cents[row, c] + 2)) for c in held}, cash


def walked(bench: Bench, case: Case) -> Made | str:
    """Return the decision of the walk on the case's session."""
    world, stored = bench.world, bench.scores[case.candidate.name]
    settings = bench.settings_of(case)
    signals = signals_of(
        world,
        stored.values,
        stored.folds,
        regime_path(bench.regimes, settings.regime).allowed,
        kind=case.candidate.kind,
        optimizer=case.optimizer,
        models=settings.models,
    )
    shares = np.zeros(len(world.company), dtype=np.int64)
    for column, held in case.shares.items():
        shares[column] = held
    account = Account(shares, case.cash_cents)
    decision = SessionDecision(world, signals, settings).decide(case.row, account)
    if decision is None:
        return NO_DECISION
    names = world.company[decision.target.places]
    lines, plan = decision.lines, decision.plan
    trades = {}
    for line in np.flatnonzero(plan.sells + plan.buys).tolist():
        side = "SELL" if plan.sells[line] else "BUY"
        count = int(plan.sells[line] + plan.buys[line])
        cost = int(plan.commission_cents[line] + plan.slippage_cents[line])
        trades[str(world.company[decision.places[line]])] = side, count, int(lines.price_cents[line]), cost
    return Made(_printed(zip(names.tolist(), decision.target.weights.tolist(), strict=True)), trades)


def staged(bench: Bench, case: Case) -> Made | str:
    """Make the day by its stages."""
    home = prepare(bench, case)
    with open_run(home=home, day=str(day_of(bench, case)), profile=None, doing="test", environ={}) as run:
        try:
            weights, trades, ids = _stages(run)
        except AftercloseError as error:
            return f"{type(error).__name__}: {error.what}"
    rows = [
        (
            ids[row["symbol"]],
            row["side"],
            row["shares"],
            row["price"],
            row["commission_est"],
            row["slippage_est"],
        )
        for row in trades.to_dict("records")
    ]
    by_company = {
        name: (side, int(shares), round(price * 100), round(fee * 100) + round(slippage * 100))
        for name, side, shares, price, fee, slippage in rows
    }
    weight = weights["weight"].drop(CASH)
    return Made(_printed((ids[symbol], value) for symbol, value in weight.items()), by_company)


def _stages(run: Run) -> Any:
    market = refresh_market(run, panel_sessions=longest_window(run.settings))
    scores = score_universe(run, compute_features(run, market))
    portfolio = build_portfolio(run, market, scores, detect_regime(run, market), estimate_risk(run, market))
    trades = propose_trades(run, market, portfolio)
    return load_frame(portfolio.frame), load_frame(trades.frame), ids_by_symbol(market.snapshot)


def published(bench: Bench, case: Case) -> Made | str:
    """Make the day by `afterclose daily --date`. A day that a check blocks is compared by its blocked report.

    The day's own comparison with its backtest must agree, too.
    """
    home = prepare(bench, case)
    session = day_of(bench, case)
    ended = afterclose("daily", "--date", str(session), home=home)
    reports = [*home.glob(f"live/{session}/trades.csv"), *home.glob(f"**/{session}*/trades.csv")]
    if not reports:
        return ended.stderr.strip()
    line = json.loads(reports[0].with_name("monitoring_log.json").read_text())["parity"]
    if line["state"] != "equal":
        return f"the parity line of the day: {line}"
    ids = ids_by_symbol(replace(bench.snapshot, session=session))
    trades = {
        ids[row["symbol"]]: (
            row["side"],
            int(row["shares"]),
            _cents(row["price"]),
            _cents(row["commission_est"]) + _cents(row["slippage_est"]),
        )
        for row in _csv(reports[0])
    }
    weights = _csv(reports[0].with_name("portfolio_weights.csv"))
    return Made(
        _printed((ids[row["symbol"]], float(row["weight"])) for row in weights if row["symbol"] != CASH),
        trades,
    )


def prepare(bench: Bench, case: Case) -> Path:
    """Return a scratch home with the lake, the model of the fold in production, and the positions."""
    shutil.rmtree(bench.scratch, ignore_errors=True)
    # a file of the lake is never changed once it is written
    shutil.copytree(bench.home.lake, bench.scratch / "data" / bench.home.lake.name, copy_function=os.link)
    for source in bench.home.root.iterdir():
        if source.name == "data":
            for inside in source.iterdir():
                if inside.is_file():
                    shutil.copy(inside, bench.scratch / "data" / inside.name)
        elif source.is_dir():
            shutil.copytree(source, bench.scratch / source.name)
        else:
            shutil.copy(source, bench.scratch / source.name)
    if case.has_stops:
        config = bench.scratch / "config.yaml"
        written = yaml.safe_load(config.read_text())
        config.write_text(yaml.safe_dump(written | {"regime": {"stop_loss_frac": STOPS}}))
    home = Home(bench.scratch)
    promote(bench, case, home)
    session = day_of(bench, case)
    symbols = {
        company: symbol for symbol, company in ids_by_symbol(replace(bench.snapshot, session=session)).items()
    }
    held = [f"{symbols[str(bench.world.company[c])]},{count},{session}" for c, count in case.shares.items()]
    home.positions_file.parent.mkdir(exist_ok=True)
    cash = f"{CASH},{case.cash_cents / 100:.2f},{session}"
    home.positions_file.write_text("\n".join(["symbol,shares,session", *held, cash]) + "\n")
    return bench.scratch


def promote(bench: Bench, case: Case, home: Home) -> None:
    """Put the model of the case's fold into production."""
    settings, candidate = bench.settings.models, case.candidate
    stored, session = bench.scores[candidate.name], day_of(bench, case)
    fold = next(fold for fold in stored.folds if fold["first"] <= str(session) <= fold["last"])
    content = (bench.home.scores / stored.id / fold["model"]).read_bytes()
    names = SETS[settings.features]
    model = make_model(candidate.kind, names, candidate.parameters, seed=bench.settings.seed)
    model.load(content)
    skill = fold["skill"]
    metrics = {name: float(skill[name]) for name in ("neutral_ic", "neutral_ic_t", "sessions")}
    bounds = dict.fromkeys(("neutral_ic_low", "neutral_ic_high", "detectable_ic"), 0.0)
    champion = Champion(
        name=candidate.name,
        kind=candidate.kind,
        optimizer=case.optimizer,
        model_sha256=sha256_of_bytes(content),
        feature_set=feature_set(names),
        trained_through=date.fromisoformat(fold["first"]) - timedelta(days=1),
        selection_date=session,
        selection_reason="the model of the fold",
        weighted_score=0.0,
        metrics=metrics | bounds if KINDS[candidate.kind].ranks else {},
        ranks=KINDS[candidate.kind].ranks,
        statistic=Statistic(settings.entry, min(settings.label_horizons), CONTROLS)
        if KINDS[candidate.kind].ranks
        else None,
    )
    rows = np.random.default_rng(0).random((32, len(names))).astype(np.float32)
    metadata = Metadata(
        champion=champion,
        suffix=model.suffix,
        features=names,
        parameters=dict(candidate.parameters),
        seed=bench.settings.seed,
        snapshot=bench.snapshot.id,
        libraries=library_versions(candidate.kind),
        probe=make_probe(model, rows),
    )
    promote_version(home, write_version(home, metadata, content))


def day_of(bench: Bench, case: Case) -> date:
    day: date = bench.world.sessions[case.row].item()
    return day


def ids_by_symbol(snapshot: SnapshotRef) -> dict[str, str]:
    """Return the company id of each symbol as of the snapshot's session."""
    tables = read_tables(snapshot.lake, snapshot.versions, ("lives", "renames"), session=snapshot.session)
    companies = company_index(tables["lives"], tables["renames"])
    return dict(zip(companies.names.tolist(), companies.ids.tolist(), strict=True))


def _printed(weights: Iterable[tuple[str, float]]) -> dict[str, str]:
    return {name: f"{weight:.10f}" for name, weight in weights if round(weight, 10)}


def _csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _cents(written: str) -> int:
    return round(float(written) * 100)


def differences(day: Made | str, walk: Made | str) -> list[str]:
    """Return the differences in words; none for equal decisions, and where neither decides."""
    if isinstance(day, str) or isinstance(walk, str):
        return [] if isinstance(day, str) and isinstance(walk, str) else [f"day {day}, walk {walk}"[:400]]
    found = []
    for what, ours, theirs in (("weight", day.weights, walk.weights), ("trade", day.trades, walk.trades)):
        found += [
            f"{what} of {name}: day {ours.get(name)}, walk {theirs.get(name)}"
            for name in sorted({*ours, *theirs})
            if ours.get(name) != theirs.get(name)
        ]
    return found


def stopped(bench: Bench, case: Case) -> int:
    """Return how many of the case's holdings are beyond the stop of the session's state."""
    settings = bench.settings_of(case)
    stop = regime_path(bench.regimes, settings.regime).allowed.stop_loss_frac[case.row]
    fall = SessionInputs(bench.world, settings).facts(case.row).fall[list(case.shares)]
    return int(is_stopped(fall, float(stop)).sum())


def report(bench: Bench, results: Iterable[tuple[Case, list[str], Made | str]]) -> str:
    """Return counts as JSON.

    Cases, those with a ranking model, with stops, with a stopped holding, with trades, refused by both, different.
    """
    count = Counter[str]()
    for case, found, made in results:
        count["cases"] += 1
        count["ranking"] += KINDS[case.candidate.kind].ranks
        count["with_stops"] += case.has_stops
        count["with_stopped_holdings"] += stopped(bench, case) > 0
        count["refused_by_both"] += isinstance(made, str) and not found
        count["with_trades"] += isinstance(made, Made) and bool(made.trades)
        count["trades"] += len(made.trades) if isinstance(made, Made) else 0
        count["different"] += bool(found)
    return json.dumps(count)

"""The command `backtest`: one combination of candidate and optimizer, walked over the lake's history."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from flows.operations.inspection import aligned, snapshot_of
from flows.terminal import Options, Result, progress_bar
from tasks.core.errors import ConfigError
from tasks.core.homes.opening import parsed_date
from tasks.core.homes.run import Run

if TYPE_CHECKING:
    from config.sections import Candidate
    from config.settings import Settings
    from tasks.backtest.combination import Combination
    from tasks.backtest.stored_scores import StoredScores
    from tasks.backtest.walk import FillAt
    from tasks.backtest.world import World
    from tasks.data.schema.records import SnapshotRef

FOLDER = "backtests"
SHOWN = ("cagr", "volatility", "sharpe", "max_drawdown", "turnover", "benchmark_cagr")


def backtest_combination(
    options: Options,
    *,
    model: str | None,
    optimizer: str | None,
    first: str | None,
    last: str | None,
    fill: str,
    cadence: int,
) -> Result:
    """Walk the combination and publish it; one that is published already is only shown."""
    from flows.commands import run_of

    dates = _parsed(first), _parsed(last)
    with run_of(options, None, "backtest", step_back=True) as run:
        return _backtest(run, model, optimizer, dates, fill, cadence)


def _backtest(
    run: Run,
    model: str | None,
    optimizer: str | None,
    dates: tuple[date | None, date | None],
    fill: str,
    cadence: int,
) -> Result:
    from tasks.backtest.combination import Combination, id_of, rows_of_walk
    from tasks.backtest.publication import REPORT_FILE, read_published
    from tasks.backtest.store import DIVIDEND_PAY_SESSIONS, read_world
    from tasks.backtest.stored_scores import stored_scores

    settings, home = run.settings, run.home
    candidate, fill_at = _chosen(model, settings), _fill(fill)
    optimizer = _optimizer(optimizer, settings)
    snapshot = snapshot_of(home, settings)
    world = read_world(snapshot, dividend_pay_sessions=DIVIDEND_PAY_SESSIONS)
    with progress_bar(f"Scores of {candidate.name}", len(world.sessions)) as report:
        scores = stored_scores(
            home.scores,
            home.features,
            snapshot,
            world,
            candidate,
            settings.models,
            seed=run.seed(f"model {candidate.name}"),
            report=report,
        )
    start, stop = (world.sessions[row].item() for row in rows_of_walk(world, scores.values, *dates))
    combination = Combination(candidate.name, optimizer, start, stop, fill_at, cadence)
    identity = id_of(combination, settings, scores=scores.id)
    place = home.reports / FOLDER / identity
    manifest = read_published(place)
    is_fresh = manifest is None
    if manifest is None:
        manifest = _computed(run, snapshot, world, scores, candidate.kind, combination, place)
    report_file = place / REPORT_FILE
    document = {
        "id": identity,
        "fresh": is_fresh,
        "combination": manifest["combination"],
        "figures": manifest["figures"],
        "folder": str(place),
        "report": str(report_file),
    }
    rows = [(name.replace("_", " "), _figure(manifest["figures"][name])) for name in SHOWN]
    head = f"{candidate.name} with {optimizer}, {combination.first} to {combination.last}"
    said = head if is_fresh else f"{head}: computed before, not computed again"
    return Result(document, f"{said}\n{aligned(rows)}\nReport: {report_file}")


def _computed(
    run: Run,
    snapshot: "SnapshotRef",
    world: "World",
    scores: "StoredScores",
    kind: str,
    combination: "Combination",
    place: Path,
) -> dict[str, Any]:
    """Walk the combination, publish its directory and return the manifest."""
    from tasks.backtest.combination import run_combination, run_equal_weight
    from tasks.backtest.publication import publish, tables_of
    from tasks.backtest.regimes import regimes_of
    from tasks.backtest.signals import signals_of
    from tasks.backtest.tear_sheet import tear_sheet_of
    from tasks.data.panel.coverage import coverage_by_year
    from tasks.reporting.tearsheet.page import render_tear_sheet

    settings = run.settings
    signals, states = signals_of(
        world,
        regimes_of(snapshot, world, settings.regime),
        scores.values,
        scores.folds,
        kind=kind,
        optimizer=combination.optimizer,
        models=settings.models,
        regime=settings.regime,
    )
    first, last = (world.row(np.datetime64(day)) for day in (combination.first, combination.last))
    with progress_bar("Sessions", last - first + 1) as report:
        course = run_combination(world, signals, settings, combination, report=report)
    sheet = tear_sheet_of(
        course,
        run_equal_weight(world, signals, settings, combination),
        world,
        states,
        coverage=coverage_by_year(snapshot, course.sessions),
        seed=run.seed("bootstrap"),
    )
    page = render_tear_sheet(
        sheet, combination, identity=place.name, is_simulated=settings.data.provider == "simulated"
    )
    ids = {"id": place.name, "scores": scores.id, "snapshot": snapshot.id}
    return publish(place, tables_of(sheet), page, combination, ids, sheet)


def _chosen(model: str | None, settings: "Settings") -> "Candidate":
    candidates = {each.name: each for each in settings.models.candidates}
    name = model or settings.models.candidates[0].name
    if name not in candidates:
        raise ConfigError(
            f"No candidate is named {name!r}.",
            remedy=f"Choose one of models.candidates: {', '.join(candidates)}.",
            model=name,
        )
    return candidates[name]


def _optimizer(optimizer: str | None, settings: "Settings") -> str:
    portfolio = type(settings.portfolio)
    known = get_args(portfolio.model_fields["optimizer"].annotation)
    name: str = optimizer or settings.portfolio.optimizer
    if name not in known:
        raise ConfigError(
            f"No optimizer is named {name!r}.", remedy=f"Choose one of {', '.join(known)}.", optimizer=name
        )
    return name


def _fill(fill: str) -> "FillAt":
    if fill == "next_open":
        return "next_open"
    if fill == "next_close":
        return "next_close"
    raise ConfigError(
        f"{fill!r} is not a price to fill at.", remedy="Choose next_open or next_close.", fill=fill
    )


def _parsed(day: str | None) -> date | None:
    return None if day is None else parsed_date(day)


def _figure(figure: Mapping[str, Any]) -> str:
    if figure["value"] is None:
        return f"withheld ({figure['sessions']} sessions)"
    return f"{figure['value']:.4g}" + (" (short)" if figure["standing"] == "short" else "")

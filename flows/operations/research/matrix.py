"""The command `backtest` for a matrix: every model with every optimizer, with and without the regime."""

import math
from collections.abc import Mapping, Sequence
from datetime import date
from os import cpu_count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from flows.operations.homes.inspection import aligned, snapshot_of
from flows.operations.research.backtest import (
    FOLDER,
    Request,
    after_halt_of,
    candidates_of,
    fill_of,
    optimizers_of,
    record_trials,
    regimes_named,
    scores_of,
    with_costs,
)
from flows.terminal import Options, Result, progress_bar
from tasks.core.errors import ConfigError
from tasks.core.homes.run import Run
from tasks.core.text import counted

if TYPE_CHECKING:
    from tasks.backtest.matrix.run import Plan
    from tasks.backtest.matrix.tables import Measured
    from tasks.backtest.metrics.figures import Figure
    from tasks.backtest.signals import RegimePath

SHOWN = 5


def backtest_matrix(options: Options, request: Request, *, processes: int | None) -> Result:
    """Backtest every combination without a stored result, and publish the matrix."""
    from flows.commands import run_of

    dates = request.dates
    with run_of(options, None, "backtest matrix", step_back=True) as run:
        return _matrix(with_costs(run, request.costs), request, dates, processes or cpu_count() or 1)


def _matrix(run: Run, request: Request, dates: tuple[date | None, date | None], processes: int) -> Result:
    from tasks.backtest.matrix.publication import id_of_matrix
    from tasks.backtest.matrix.run import (
        ScoredCandidate,
        Terms,
        combinations_of,
        plan_matrix,
    )
    from tasks.backtest.publication import read_published
    from tasks.backtest.regimes import regimes_of
    from tasks.backtest.scoring.store import DIVIDEND_PAY_SESSIONS, read_world
    from tasks.backtest.signals import regime_path

    if request.positions is not None:
        raise ConfigError(
            "A matrix always starts with cash only.",
            remedy="Omit --positions, or give one model and one optimizer.",
        )
    settings = run.settings
    candidates = candidates_of(
        request.models or tuple(each.name for each in settings.models.candidates if not each.search), settings
    )
    optimizers = optimizers_of(request.optimizers, settings)
    regimes = regimes_named(request.regime or "both")
    terms = Terms(*dates, fill_of(request.fill), request.cadence, after_halt_of(request.halts))
    snapshot = snapshot_of(run.home, settings)
    world = read_world(snapshot, dividend_pay_sessions=DIVIDEND_PAY_SESSIONS)
    scored = tuple(
        ScoredCandidate(each.name, each.kind, scores_of(run, snapshot, world, each)) for each in candidates
    )
    combinations = combinations_of(world, scored, optimizers, regimes, terms)
    regime = regime_path(regimes_of(snapshot, world, settings.regime), settings.regime)
    plan = plan_matrix(world, regime, scored, combinations, settings, run.home.backtests)
    identity = id_of_matrix([each for each, _ in plan.named])
    place = run.home.reports / FOLDER / identity
    manifest = read_published(place, ("matrix",))
    if manifest is None:
        outcomes = _run_missing(plan, processes)
        known = {each.name: each for each in candidates}
        walked = [
            (known[each.combination.model], each.combination, each.totals)
            for each in outcomes
            if each.totals is not None
        ]
        record_trials(run, snapshot, walked, {each.name: each.scores.id for each in scored})
        manifest = _published(run, plan, outcomes, regime, place)
        return _result(manifest, place, kept=len(plan.named) - len(plan.missing))
    return _result(manifest, place, kept=None)


def _run_missing(plan: "Plan", processes: int) -> Sequence[Any]:
    """Run the combinations without a stored result, with a progress bar; return the outcomes of all."""
    from tasks.backtest.matrix.run import count_finished, run_plan

    every = counted(len(plan.named), "combination")
    with progress_bar(f"{len(plan.missing)} of {every}", plan.sessions_missing) as report:
        done = 0

        def advance(sessions: int) -> None:
            nonlocal done
            done += sessions
            report(done)

        try:
            return run_plan(plan, processes=processes, report=advance)
        except KeyboardInterrupt:
            finished = f"{count_finished(plan)} of {every}"
            typer.echo(
                f"afterclose: {finished} are finished. Run the same command again to resume.", err=True
            )
            raise


def _published(
    run: Run, plan: "Plan", outcomes: Sequence[Any], regime: "RegimePath", place: Path
) -> dict[str, Any]:
    """Measure the outcomes and publish the matrix; return the manifest."""
    from tasks.backtest.matrix.publication import files_of
    from tasks.backtest.matrix.run import equal_weight_totals
    from tasks.backtest.matrix.tables import best, measure_outcome, measure_totals
    from tasks.backtest.publication import REPORT_FILE, publish_files
    from tasks.reporting.page.matrix import matrix_picture, render_matrix

    is_simulated = run.settings.data.is_simulated
    measured = [measure_outcome(each, plan.world, regime.states) for each in outcomes]
    equal_weight = measure_totals(equal_weight_totals(plan), plan.world, regime.states)
    combination = plan.named[0][1]
    terms = {
        "first": str(combination.first),
        "last": str(combination.last),
        "fill_at": combination.fill_at,
        "every_sessions": combination.every_sessions,
        "after_halt": combination.after_halt,
        "costs_multiple": run.settings.costs.multiple,
    }
    scores = {each.name: each.scores.id for each in plan.candidates}
    picture = matrix_picture(measured, equal_weight, is_simulated=is_simulated)
    files = files_of(measured, equal_weight, scores, terms, picture)
    files[REPORT_FILE] = render_matrix(measured, equal_weight, identity=place.name, is_simulated=is_simulated)
    record = {
        "identity": {"id": place.name, "scores": scores},
        "matrix": {
            "terms": terms,
            "combinations": [each.outcome.id for each in measured],
            "failed": [_named(each) for each in measured if each.curve is None],
            "decisions": sum(sum(each.outcome.methods.values()) for each in measured),
            "fallbacks": sum(each.fallbacks for each in measured),
            "equal_weight": _shown(equal_weight.figures),
            "best": [_named(each) for each in best(measured, SHOWN)],
        },
    }
    return publish_files(place, files, record)


def _named(measured: "Measured") -> dict[str, Any]:
    names = dict(zip(("model", "optimizer", "regime"), measured.key, strict=True))
    if measured.curve is None:
        return {**names, "reason": measured.outcome.reason}
    return {**names, **_shown(measured.figures)}


def _shown(figures: "Mapping[str, Figure]") -> dict[str, float | None]:
    """Return the figures of the printed table; a withheld one is None."""
    shown = {name: figures[name].value for name in ("sharpe", "cagr", "max_drawdown")}
    return {name: float(value) if math.isfinite(value) else None for name, value in shown.items()}


def _result(manifest: Mapping[str, Any], place: Path, *, kept: int | None) -> Result:
    """Return the command's output. `kept`: number of combinations computed before; None if all were published."""
    from tasks.backtest.publication import REPORT_FILE

    matrix = manifest["matrix"]
    failed, ids, terms = matrix["failed"], matrix["combinations"], matrix["terms"]
    document = {
        "id": place.name,
        "fresh": kept is not None,
        "computed": 0 if kept is None else len(ids) - kept,
        **matrix,
        "folder": str(place),
        "report": str(place / REPORT_FILE),
    }
    head = f"{counted(len(ids), 'combination')}, {terms['first']} to {terms['last']}"
    if kept is None:
        head += ": already computed, shown from the stored files"
    elif kept:
        head += f": {kept} already computed"
    lines = [head, *(f"Failed: {_label(each)}: {each['reason']}" for each in failed[:SHOWN])]
    if len(failed) > SHOWN:
        lines.append(f"… and {len(failed) - SHOWN} more failed.")
    if matrix["best"]:
        rows = [(_label(each), _text(each)) for each in matrix["best"]]
        lines.append(aligned([*rows, ("equal-weighted universe", _text(matrix["equal_weight"]))]))
    if matrix["fallbacks"]:
        lines.append(
            f"A fallback method set the weights of {matrix['fallbacks']:,} of {matrix['decisions']:,} decisions:"
            " see the report's column Fallbacks."
        )
    lines.append(f"Report: {place / REPORT_FILE}")
    return Result(document, "\n".join(lines), 1 if len(failed) == len(ids) else 0)


def _text(figures: Mapping[str, Any]) -> str:
    sharpe, deepest = figures["sharpe"], figures["max_drawdown"]
    return f"Sharpe {'withheld' if sharpe is None else f'{sharpe:.2f}'}, max drawdown {deepest:.1%}"


def _label(names: Mapping[str, Any]) -> str:
    return f"{names['model']} {names['optimizer']}" + ("" if names["regime"] == "on" else " without regime")

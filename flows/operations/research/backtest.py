"""The command `backtest` for one combination of candidate and optimizer, simulated over the lake's history."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from flows.operations.homes.inspection import aligned, snapshot_of
from flows.terminal import Options, Result, progress_bar
from tasks.core.errors import ConfigError, ModelError, SafetyError
from tasks.core.homes.opening import parsed_date
from tasks.core.homes.run import Run
from tasks.core.reading import read_text
from tasks.core.text import counted

if TYPE_CHECKING:
    from config.sections import Candidate
    from config.settings import Settings
    from tasks.backtest.accounting.account import Account
    from tasks.backtest.combination import Combination
    from tasks.backtest.halts import AfterHalt
    from tasks.backtest.scoring.stored_scores import StoredScores
    from tasks.backtest.walk import FillAt, Totals
    from tasks.backtest.world import World
    from tasks.core.homes.home import Home
    from tasks.data.schema.records import SnapshotRef
    from tasks.portfolio.holdings.positions import Positions

FOLDER = "backtests"
LIVE = "live"  # the positions that the home held on its published days
SHOWN = ("cagr", "volatility", "sharpe", "max_drawdown", "turnover", "benchmark_cagr")


@dataclass(frozen=True)
class Request:
    """The options of the command, as given."""

    models: tuple[str, ...]
    optimizers: tuple[str, ...]
    first: str | None
    last: str | None
    fill: str
    cadence: int
    costs: float | None
    regime: str | None
    halts: str = "reset"
    positions: str | None = None  # a file, or LIVE

    @property
    def names_several(self) -> bool:
        """Whether the options select more than one combination."""
        return len(self.models) > 1 or len(self.optimizers) > 1 or self.regime == "both"

    @property
    def dates(self) -> tuple[date | None, date | None]:
        return _parsed(self.first), _parsed(self.last)


def backtest_one(options: Options, request: Request) -> Result:
    """Backtest one combination and publish it; if it is already published, only show it."""
    from flows.commands import run_of

    dates = request.dates
    with run_of(options, None, "backtest", step_back=True) as run:
        return backtest_in(with_costs(run, request.costs), request, dates)


def with_costs(run: Run, multiple: float | None) -> Run:
    """Return the run with this multiple of all costs; None keeps the setting."""
    if multiple is None:
        return run
    costs = run.settings.costs.model_copy(update={"multiple": multiple})
    return replace(run, settings=run.settings.model_copy(update={"costs": costs}))


def regimes_named(which: str) -> tuple[bool, ...]:
    """Return the settings of the regime that the option selects: True for on, False for off."""
    choices = {"on": (True,), "off": (False,), "both": (True, False)}
    if which not in choices:
        raise ConfigError(
            f"{which!r} is not a valid value of --regime.", remedy="Choose on, off or both.", regime=which
        )
    return choices[which]


def scores_of(run: Run, snapshot: "SnapshotRef", world: "World", candidate: "Candidate") -> "StoredScores":
    """Return the candidate's scores; compute and store them if there are none."""
    from tasks.backtest.scoring.stored_scores import stored_scores

    with progress_bar(f"Scores of {candidate.name}", len(world.sessions)) as report:
        return stored_scores(
            run.home.scores,
            run.home.features,
            snapshot,
            world,
            candidate,
            run.settings.models,
            seed=run.seed(f"model {candidate.name}"),
            report=report,
        )


def backtest_in(run: Run, request: Request, dates: tuple[date | None, date | None]) -> Result:
    """Backtest one combination in an open run; `dates` None: the first and last that have scores."""
    from tasks.backtest.combination import Combination, id_of, rows_of_walk
    from tasks.backtest.publication import read_published
    from tasks.backtest.scoring.store import DIVIDEND_PAY_SESSIONS, read_world

    settings, home = run.settings, run.home
    first_named = settings.models.candidates[0].name
    (candidate,) = candidates_of(request.models or (first_named,), settings)
    chosen = "" if request.models else _default_model(home, first_named)
    (optimizer,) = optimizers_of(request.optimizers or (settings.portfolio.optimizer,), settings)
    (uses_regime,) = regimes_named(request.regime or "on")
    fill_at, after_halt = fill_of(request.fill), after_halt_of(request.halts)
    held = None if request.positions in {None, LIVE} else positions_of(Path(str(request.positions)))
    snapshot = snapshot_of(home, settings)
    world = read_world(snapshot, dividend_pay_sessions=DIVIDEND_PAY_SESSIONS)
    scores = scores_of(run, snapshot, world, candidate)
    start, stop = (world.sessions[row].item() for row in rows_of_walk(world, scores.values, *dates))
    account, start = started(run, snapshot, world, request, held, start)
    if start >= stop:
        raise ConfigError(
            f"The first published day is {start}, but the backtest ends on {stop}, with no session after that day.",
            remedy="Choose an earlier --from or a later --to, or name a positions file.",
            session=str(start),
        )
    combination = Combination(
        *(candidate.name, optimizer, start, stop, fill_at, request.cadence, uses_regime),
        after_halt=after_halt,
        start="cash" if account is None else hash_of(account, world),
    )
    identity = id_of(combination, settings, scores=scores.id)
    place = home.reports / FOLDER / identity
    manifest = read_published(place)
    is_fresh = manifest is None
    if manifest is None:
        manifest = _computed(run, snapshot, world, scores, candidate, combination, place, account)
    return _result(manifest, combination, place, is_fresh=is_fresh, chosen=chosen)


def _default_model(home: "Home", name: str) -> str:
    """Return why a backtest without --model uses this one, and which model is the champion."""
    from tasks.models.registry.store import has_champion, read_champion

    why = f"Without --model, the first of models.candidates is used: {name}."
    if not has_champion(home):
        return why
    try:
        champion = read_champion(home).name
    except ModelError:  # `doctor` reports it
        return f"{why} The champion cannot be read."
    return f"{why} It is the champion." if champion == name else f"{why} The champion is {champion}."


def _result(
    manifest: dict[str, Any], combination: "Combination", place: Path, *, is_fresh: bool, chosen: str = ""
) -> Result:
    """Return the figures of a published backtest, as a document and as text. `chosen`: why it is this model."""
    from tasks.backtest.publication import REPORT_FILE

    report_file = place / REPORT_FILE
    document = {
        "id": place.name,
        "fresh": is_fresh,
        "model_by_default": chosen or None,
        "combination": manifest["combination"],
        "figures": manifest["figures"],
        "halts": manifest["halts"],
        "methods": manifest["methods"],
        "folder": str(place),
        "report": str(report_file),
    }
    rows = [(name.replace("_", " "), _figure(manifest["figures"][name])) for name in SHOWN]
    head = f"{combination.model} with {combination.optimizer}, {combination.first} to {combination.last}"
    said = head if is_fresh else f"{head}: already computed, shown from the stored files"
    replaced = _fallbacks(manifest["methods"], combination.optimizer)
    if replaced:
        rows.append(("fallbacks", replaced))
    if manifest["combination"]["after_halt"] != "ignore":
        rows.append(("halts", _halts(manifest["halts"])))
    if chosen:
        said += f"\n{chosen}"
    return Result(document, f"{said}\n{aligned(rows)}\nReport: {report_file}")


def _computed(
    run: Run,
    snapshot: "SnapshotRef",
    world: "World",
    scores: "StoredScores",
    candidate: "Candidate",
    combination: "Combination",
    place: Path,
    account: "Account | None",
) -> dict[str, Any]:
    """Run the backtest, record it as a trial, publish its directory and return the manifest."""
    from tasks.backtest.combination import run_combination, run_equal_weight
    from tasks.backtest.halts import Halts
    from tasks.backtest.publication import publish, tables_of
    from tasks.backtest.regimes import regimes_of
    from tasks.backtest.signals import regime_path, signals_of
    from tasks.backtest.tear_sheet import tear_sheet_of
    from tasks.backtest.world import until
    from tasks.data.panel.coverage import coverage_by_year
    from tasks.regime.exposure import everything_allowed
    from tasks.reporting.tearsheet.page import render_tear_sheet

    settings = run.settings
    last = world.row(np.datetime64(combination.last))
    # data after the last session must not affect the result
    seen, world = replace(snapshot, session=combination.last), until(world, last)
    regime = regime_path(regimes_of(seen, world, settings.regime), settings.regime)
    signals = signals_of(
        world,
        scores.values[: last + 1, : len(world.company)],
        scores.folds,
        regime.allowed if combination.uses_regime else everything_allowed(len(world.sessions)),
        kind=candidate.kind,
        optimizer=combination.optimizer,
        models=settings.models,
    )
    start = None if account is None else replace(account, shares=account.shares[: len(world.company)])
    halts = Halts(world, settings, regime.volatility_pct, after=combination.after_halt)
    first = world.row(np.datetime64(combination.first))
    methods: Counter[str] = Counter()
    with progress_bar("Sessions", last - first + 1) as report:
        course = run_combination(
            world, signals, settings, combination, halts, start, report=report, methods=methods
        )
    record_trials(run, snapshot, [(candidate, combination, course.totals)], {candidate.name: scores.id})
    sheet = tear_sheet_of(
        course,
        run_equal_weight(world, signals, settings, combination, start),
        world,
        regime.states,
        coverage=coverage_by_year(seen, course.sessions),
        seed=run.seed("bootstrap"),
        halts=halts.trips,
        methods=methods,
    )
    page = render_tear_sheet(sheet, combination, identity=place.name, is_simulated=settings.data.is_simulated)
    ids = {"id": place.name, "scores": scores.id, "snapshot": snapshot.id}
    return publish(place, tables_of(sheet), page, combination, ids, sheet)


def record_trials(
    run: Run,
    snapshot: "SnapshotRef",
    books: "Iterable[tuple[Candidate, Combination, Totals]]",
    scores: Mapping[str, str],
) -> None:
    """Record backtests in the trial ledger, before anybody sees them. `scores`: their ids by candidate."""
    from tasks.selection.trials.books import trial_of
    from tasks.selection.trials.ledger import HomeLedger

    ledger = HomeLedger(run.home, str(run.session), "backtest", snapshot.id)
    for candidate, combination, totals in books:
        ledger.record(
            trial_of(
                candidate,
                combination,
                totals,
                seed=run.seed(f"model {candidate.name}"),
                scores=scores[candidate.name],
                costs_multiple=run.settings.costs.multiple,
            )
        )


def candidates_of(names: Sequence[str], settings: "Settings") -> "tuple[Candidate, ...]":
    """Return the named candidates, each once."""
    known = {each.name: each for each in settings.models.candidates if not each.search}
    for name in names:
        if any(each.name == name and each.search for each in settings.models.candidates):
            raise ConfigError(
                f"{name} has no fixed parameters: each weekly run tunes them.",
                remedy="Add a candidate to models.candidates with the parameters that the search found "
                "(docs/tuning.md).",
                model=name,
            )
        if name not in known:
            raise ConfigError(
                f"No candidate is named {name!r}.",
                remedy=f"Choose one of models.candidates: {', '.join(known)}.",
                model=name,
            )
    return tuple(known[name] for name in dict.fromkeys(names))


def optimizers_of(names: Sequence[str], settings: "Settings") -> tuple[str, ...]:
    """Return the named optimizers, each once; all of them if none is named."""
    known: tuple[str, ...] = get_args(type(settings.portfolio).model_fields["optimizer"].annotation)
    for name in names:
        if name not in known:
            raise ConfigError(
                f"No optimizer is named {name!r}.",
                remedy=f"Choose one of {', '.join(known)}.",
                optimizer=name,
            )
    return tuple(dict.fromkeys(names)) or known


def fill_of(fill: str) -> "FillAt":
    """Return the price that orders are filled at."""
    if fill == "next_open":
        return "next_open"
    if fill == "next_close":
        return "next_close"
    raise ConfigError(
        f"{fill!r} is not a valid value of --fill.", remedy="Choose next_open or next_close.", fill=fill
    )


def after_halt_of(choice: str) -> "AfterHalt":
    """Return the parsed option --halts. Raises ConfigError for an unknown value."""
    from tasks.backtest.halts import AFTER_HALT

    for known in AFTER_HALT:
        if choice == known:
            return known
    raise ConfigError(
        f"{choice!r} is not a valid value of --halts.",
        remedy=f"Choose one of {', '.join(AFTER_HALT)}.",
        halts=choice,
    )


def positions_of(path: Path) -> "Positions":
    """Return the positions of a file. Raises ConfigError where `positions import` would name a line."""
    from tasks.portfolio.holdings.positions import parse_positions

    try:
        return parse_positions(read_text(path), path=str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{path} cannot be read: {error}.",
            remedy=f"Give the path of a positions file, or {LIVE}.",
            path=str(path),
        ) from error
    except SafetyError as error:  # its remedy would import the file into the home's portfolio
        raise ConfigError(error.what, remedy="Correct that line.", **error.fields) from error


def started(
    run: Run,
    snapshot: "SnapshotRef",
    world: "World",
    request: Request,
    held: "Positions | None",
    first: date,
) -> "tuple[Account | None, date]":
    """Return the starting account (None: cash only) and its session; for LIVE, the session of a published day."""
    if request.positions != LIVE and held is None:
        return None, first
    from tasks.backtest.build import known_companies
    from tasks.backtest.parity.recorded import first_recorded
    from tasks.backtest.scoring.store import read_revisions
    from tasks.backtest.start import account_holding, account_of

    companies = known_companies(read_revisions(snapshot, ("lives", "renames")), world.sessions)
    if held is None:
        day = first_recorded(run.home, first)
        return account_holding(world, companies, day.held, day.cash_cents, day.session), day.session
    return account_of(world, companies, held, first), first


def hash_of(account: "Account", world: "World") -> str:
    """Return the hash of an account's cash and shares."""
    from tasks.core.ids import sha256_of_record

    held = {str(world.company[c]): int(account.shares[c]) for c in np.flatnonzero(account.shares)}
    return sha256_of_record({"cash": account.cash_cents, "held": held})[:16]


def _fallbacks(methods: Mapping[str, int], optimizer: str) -> str:
    """Return how many decisions had their weights set by a fallback method, and by which; empty if none had."""
    from tasks.backtest.combination import fallbacks

    others = fallbacks(methods, optimizer)
    by_method = ", ".join(f"{method} {count:,}" for method, count in others.items())
    replaced = f"{sum(others.values()):,} of {counted(sum(methods.values()), 'decision')} without {optimizer}"
    return f"{replaced} ({by_method})" if others else ""


def _halts(counts: Mapping[str, int]) -> str:
    rules = ", ".join(f"{name} {count}" for name, count in counts.items() if name != "sessions" and count)
    return f"{counts['sessions']} sessions" + (f" ({rules})" if rules else "")


def _parsed(day: str | None) -> date | None:
    return None if day is None else parsed_date(day)


def _figure(figure: Mapping[str, Any]) -> str:
    if figure["value"] is None:
        return f"withheld ({figure['sessions']} sessions)"
    return f"{figure['value']:.4g}" + (" (short)" if figure["standing"] == "short" else "")

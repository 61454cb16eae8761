"""Run the flows from the command line, without Prefect: open the run, call the flow, return its outcome as a result."""

import logging
from contextlib import AbstractContextManager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from flows.announcing import announce_day, announce_selection, announcing_failure, is_current, posts_news
from flows.permitted import permitted
from flows.terminal import Options, Result, progress, show
from tasks.core.clock import now
from tasks.core.errors import CLOSED_SESSION_EXIT_CODE
from tasks.core.homes.home import Home
from tasks.core.homes.opening import find_home, open_run, settings_of
from tasks.core.homes.replay_inputs import MANIFEST
from tasks.core.homes.run import Run
from tasks.core.sessions import last_closed_session
from tasks.core.stage import timings
from tasks.core.text import counted

if TYPE_CHECKING:
    from flows.registration import Registered

log = logging.getLogger(__name__)

NOT_NEEDED_EXIT_CODE = CLOSED_SESSION_EXIT_CODE  # as on a holiday: there was nothing to do
DUE = "due"  # for schedulers without a notion of the scheduled time: a late start still runs its own session


@posts_news
def run_daily(options: Options, day: str | None, *, dry_run: bool) -> Result:
    """Run daily-live; a closed session has its own exit code, and so has `due` once its session is published."""
    if day == DUE:
        day = str(last_closed_session(now()))
        if (find_home(options.home).day_folder(day) / MANIFEST).exists():
            published_already = {"session": day, "state": "published"}
            said = f"{day} is published already; nothing to do."
            return Result(published_already, said, CLOSED_SESSION_EXIT_CODE)
    with (
        progress(options),
        run_of(options, day, "daily-live") as run,
        permitted(run.home, "daily-live"),
        timings(),
    ):
        from flows.daily import daily_live  # a slow import: only once the arguments are valid

        if not dry_run:
            log.warning("daily only proposes trades; `afterclose execute` sends them once they are approved")
        with announcing_failure(run, "daily-live", is_news=is_current(run)):
            published = daily_live(run)
        announce_day(run, published)
    document = {
        "session": str(published.session),
        "state": published.state,
        "simulated": published.is_simulated,
        "trades": published.trades,
        "summary": published.summary,
        "folder": _text(published.folder),
        "report": _text(published.report),
    }
    if published.folder is None:
        return Result(document, published.summary, CLOSED_SESSION_EXIT_CODE)
    return Result(document, f"{published.summary}\nReport: {published.report}")


@posts_news
def run_weekly(options: Options, day: str | None, *, quick: bool, if_needed: bool = False) -> Result:
    """Run weekly-champion; on a closed day, for the session before it.

    With `if_needed`, only if there is a reason to train a champion: drift, skill, its age or new sessions.
    """
    from tasks.data.lake.latest import training_day
    from tasks.monitoring.retraining import retraining_reasons

    home = find_home(options.home)
    day = day or training_day(home, settings_of(home, options.profile).settings)
    with (
        progress(options),
        run_of(options, day, "weekly-champion", step_back=True) as run,
        permitted(home, "weekly-champion"),
        timings(),
    ):
        reasons = retraining_reasons(run.home, run.settings, run.session.day) if if_needed else ()
        if if_needed and not reasons:
            text = (
                f"{run.session}: no new champion is needed: no alert, age or number of sessions requires one."
            )
            return Result({"session": str(run.session), "needed": False}, text, NOT_NEEDED_EXIT_CODE)
        for reason in reasons:
            log.info("needed: %s", reason)
        from flows.weekly import weekly_champion  # a slow import

        try:
            with announcing_failure(run, "weekly-champion"):
                promotion = weekly_champion(run, quick=quick)
        except KeyboardInterrupt:
            typer.echo(
                "afterclose: finished trials, other seeds, placebo runs and finalists are kept."
                " Run the same command again to continue; nothing is counted twice.",
                err=True,
            )
            raise
        announce_selection(run, promotion)
    champion = promotion.champion
    document = {
        "session": str(run.session),
        **({"needed": True, "reasons": list(reasons)} if if_needed else {}),
        "promoted": promotion.promoted,
        "champion": champion.name,
        "optimizer": champion.optimizer,
        "reason": promotion.reason,
        "metrics": champion.metrics,
        "challenger": promotion.challenger.name if promotion.challenger else None,
        "report": str(promotion.report),
    }
    verb = "promoted" if promotion.promoted else "retained"
    because = "".join(f"Needed: {reason}\n" for reason in reasons)
    return Result(
        document,
        f"{because}{run.session}: {verb} {champion.name}. {promotion.reason}\nReport: {promotion.report}",
    )


@posts_news
def run_refresh(options: Options, day: str | None) -> Result:
    """Bring the lake up to the session."""
    with progress(options), run_of(options, day, "refresh", step_back=True) as run:
        from tasks.data.task import refresh_market

        market = refresh_market(run)
    document = {
        "session": str(run.session),
        "snapshot": market.snapshot.id,
        "provider": market.provider,
        "new_bars": market.new_bars,
        "restated_bars": market.restated_bars,
        "rewritten": list(market.rewritten),
        "universe": market.universe_size,
        "quarantined": list(market.quarantined),
        "refused": [found.symbol for found in market.findings if found.rule == "unsafe_symbol"],
    }
    return Result(
        document,
        f"{run.session}: {counted(market.new_bars, 'bar')}, {market.restated_bars:,} restated, "
        f"{counted(market.universe_size, 'name')} in the universe, {len(market.quarantined):,} in quarantine."
        + "".join(f"\nRewritten: {change}." for change in market.rewritten),
    )


def serve(options: Options, name: str | None) -> int:
    """Run the scheduled flows of this home in this process until interrupted."""
    home = _deployable_home(options)
    from flows.registration import register_served, serve_registered

    registered, deployments = register_served(home, options.profile, name)
    code = show(_registration(registered, home, "Serving until Ctrl-C:"), options)
    serve_registered(deployments)
    return code


def deploy(options: Options, name: str | None) -> Result:
    """Register the flows of this home for workers."""
    home = _deployable_home(options)
    from flows.registration import deploy_to_pool

    registered = deploy_to_pool(home, options.profile, name)
    result = _registration(registered, home, "Registered")
    workers = "\n".join(f"Run them with: prefect worker start --pool {pool}" for pool in registered.pools)
    return Result(result.document, f"{result.text}\n{workers}")


def _deployable_home(options: Options) -> Home:
    """Return the home; raise if it does not exist or its settings are invalid."""
    home = find_home(options.home)
    settings_of(home, options.profile)
    return home


def _registration(registered: "Registered", home: Home, what: str) -> Result:
    return Result(
        {"home": str(home.root), **asdict(registered)},
        f"{what} {' and '.join(registered.deployments)} at {registered.server}, for {home.root}.",
    )


def run_of(
    options: Options, day: str | None, doing: str, *, step_back: bool = False
) -> AbstractContextManager[Run]:
    """Open a run with the options of the command line."""
    return open_run(home=options.home, day=day, profile=options.profile, doing=doing, step_back=step_back)


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)

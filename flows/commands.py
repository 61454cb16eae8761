"""Run a flow here and now, without an engine: open the run, call the flow, say in one record what came of it."""

import logging
from contextlib import AbstractContextManager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from flows.terminal import Options, Result, progress, show
from tasks.core.errors import CLOSED_SESSION_EXIT_CODE
from tasks.core.homes.home import Home
from tasks.core.homes.opening import find_home, open_run, settings_of
from tasks.core.homes.run import Run
from tasks.core.stage import timings

if TYPE_CHECKING:
    from flows.registration import Registered

log = logging.getLogger(__name__)


def demo_here(options: Options, *, symbols: int, years: int, days: int, seed: int) -> Result:
    """Walk the demo in a home of its own: the one that --home names, or demo/ in the current folder."""
    from flows.demo import Market, run_demo
    from tasks.core.clock import now
    from tasks.core.sessions import last_closed_session

    home = options.home or Path("demo")
    market = Market(symbols=symbols, years=years, seed=seed)
    with progress(options):
        demo = run_demo(home, market, last=last_closed_session(now()).day, days=days, profile=options.profile)
    sessions = [str(day) for day in demo.days]
    document = {"home": str(demo.home), "sessions": sessions, "fresh": demo.fresh, "report": str(demo.report)}
    done = f"{demo.fresh} of {len(sessions)} sessions walked" if demo.fresh else "everything was done already"
    return Result(document, f"Simulated market: {done}, in {demo.home}.\nReport: {demo.report}")


def daily_here(options: Options, day: str | None, *, dry_run: bool) -> Result:
    """Run daily-live; a closed session is told by its own exit code."""
    with progress(options), run_of(options, day, "daily-live") as run, timings():
        from flows.daily import daily_live  # slow: only once the arguments are known to be good

        if not dry_run:
            log.warning(
                "daily only proposes: submitting orders is a step of its own, which this release has not"
            )
        published = daily_live(run)
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


def weekly_here(options: Options, day: str | None, *, quick: bool) -> Result:
    """Run weekly-champion; a closed day means the session before it."""
    from tasks.data.lake.latest import training_day

    home = find_home(options.home)
    day = day or training_day(home, settings_of(home, options.profile).settings)
    with progress(options), run_of(options, day, "weekly-champion", step_back=True) as run, timings():
        from flows.weekly import weekly_champion

        promotion = weekly_champion(run, quick=quick)
    champion = promotion.champion
    document = {
        "session": str(run.session),
        "promoted": promotion.promoted,
        "champion": champion.name,
        "optimizer": champion.optimizer,
        "reason": promotion.reason,
        "metrics": champion.metrics,
        "report": str(promotion.report),
    }
    said = "promoted" if promotion.promoted else "kept"
    return Result(
        document, f"{run.session}: {said} {champion.name}. {promotion.reason}\nReport: {promotion.report}"
    )


def refresh_here(options: Options, day: str | None) -> Result:
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
        f"{run.session}: {market.new_bars:,} new bars, {market.restated_bars:,} restated, "
        f"{market.universe_size:,} names in the universe, {len(market.quarantined):,} in quarantine."
        + "".join(f"\nRewritten: {told}." for told in market.rewritten),
    )


def serve_from_here(options: Options, name: str | None) -> int:
    """Poll for scheduled runs of this home until interrupted."""
    home = _deployable_home(options)
    from flows.registration import register_served, serve_registered

    registered, deployments = register_served(home, options.profile, name)
    code = show(_told(registered, home, "Until Ctrl-C this process runs"), options)
    serve_registered(deployments)
    return code


def deploy_from_here(options: Options, name: str | None) -> Result:
    """Register both flows of this home for workers."""
    home = _deployable_home(options)
    from flows.registration import deploy_to_pool

    registered = deploy_to_pool(home, options.profile, name)
    told = _told(registered, home, "Registered")
    workers = "\n".join(f"Run them with: prefect worker start --pool {pool}" for pool in registered.pools)
    return Result(told.document, f"{told.text}\n{workers}")


def _deployable_home(options: Options) -> Home:
    """Return the home, once it is known that a run in it can start."""
    home = find_home(options.home)
    settings_of(home, options.profile)
    return home


def _told(registered: "Registered", home: Home, what: str) -> Result:
    return Result(
        {"home": str(home.root), **asdict(registered)},
        f"{what} {' and '.join(registered.deployments)} at {registered.server}, for {home.root}.",
    )


def run_of(
    options: Options, day: str | None, doing: str, *, step_back: bool = False
) -> AbstractContextManager[Run]:
    """Open a run as the options of the command line say."""
    return open_run(home=options.home, day=day, profile=options.profile, doing=doing, step_back=step_back)


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)

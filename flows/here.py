"""Run a flow here and now, without an engine: open the run, call the flow, say in one record what came of it."""

import logging
import os
from contextlib import AbstractContextManager
from pathlib import Path

from flows.terminal import Options, Result, progress
from tasks.core.errors import CLOSED_SESSION_EXIT_CODE
from tasks.core.open import open_run
from tasks.core.run import Run
from tasks.core.stage import timings

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
    done = f"{demo.fresh} of {len(sessions)} sessions walked" if demo.fresh else "Everything was done already"
    return Result(document, f"{done}, in {demo.home}.\nReport: {demo.report}")


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
    from tasks.core.open import find_home, settings_of
    from tasks.data.latest import training_day

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
    said = "Promoted" if promotion.promoted else "Kept"
    return Result(document, f"{said} {champion.name}: {promotion.reason}\nReport: {promotion.report}")


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
        "universe": market.universe_size,
        "quarantined": list(market.quarantined),
        "refused": [found.symbol for found in market.findings if found.rule == "unsafe_symbol"],
    }
    return Result(
        document,
        f"{run.session}: {market.new_bars:,} new bars, {market.restated_bars:,} restated, "
        f"{market.universe_size:,} names in the universe, {len(market.quarantined):,} in quarantine.",
    )


def serve_from_here(options: Options) -> None:
    """Poll for scheduled runs of this home until interrupted."""
    from flows.deployments import serve_here

    _hand_down(options)
    serve_here()


def deploy_from_here(options: Options) -> None:
    """Register the flows; the workers that run them know their home by AFTERCLOSE_HOME."""
    from flows.deployments import deploy_to_pool

    _hand_down(options)
    deploy_to_pool()


def _hand_down(options: Options) -> None:
    """Let the processes that run the flows find the home and the profile."""
    if options.home is not None:
        os.environ["AFTERCLOSE_HOME"] = str(options.home.absolute())
    if options.profile is not None:
        os.environ["AFTERCLOSE_PROFILE"] = options.profile


def run_of(
    options: Options, day: str | None, doing: str, *, step_back: bool = False
) -> AbstractContextManager[Run]:
    """Open a run as the options of the command line say."""
    return open_run(home=options.home, day=day, profile=options.profile, doing=doing, step_back=step_back)


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)

"""demo: simulate a market, train a champion and run sessions, offline, in a separate home. Running it again is safe.

The demo acts as approver and broker for every session but the last: proposed trades are filled at their price. The
last session is left for a person to review, as a real session would be.
"""

import logging
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import yaml

from flows.daily import daily_live
from flows.weekly import weekly_champion
from tasks.core.errors import ConfigError
from tasks.core.homes.home import Home
from tasks.core.homes.opening import named_home, open_run, settings_of
from tasks.core.homes.run import Run
from tasks.core.homes.setup import is_set_up, make_home
from tasks.core.sessions import sessions_ending
from tasks.models.registry.store import has_champion, read_production
from tasks.models.skill import stated_skill
from tasks.portfolio.holdings.demo_fills import fill_as_proposed, is_filled
from tasks.reporting.schema import Day

log = logging.getLogger(__name__)

SESSIONS_A_YEAR = 252
# Several times what a real signal has: nothing weaker can be confirmed in a market as small as the demo's.
INFORMATION_COEFFICIENT = 0.20
SIGNATURE = "# Written by `afterclose demo`.\n"


@dataclass(frozen=True)
class DemoMarket:
    """Size and seed of the simulated market."""

    symbols: int
    years: int
    seed: int


@dataclass(frozen=True)
class Demo:
    """The results of the demo, and their location."""

    home: Path
    days: tuple[date, ...]
    report: Path
    fresh: int  # sessions run by this call; 0 when all were there
    planted: float  # information coefficient of the market's alpha
    found: str  # what the champion found of it


def fill_demo_home(home: Path, market: DemoMarket, *, last: date, days: int, profile: str | None) -> Demo:
    """Simulate the market, train a champion, run the `days` sessions up to `last`. Existing results are retained."""
    place = named_home(home)
    sessions = [day.item() for day in sessions_ending(last, days + 1)]
    _prepare(place, market, last)
    if not has_champion(place):
        with _run(place, sessions[0], profile) as run:
            weekly_champion(run, quick=True)
    ran = [_run_session(place, session, profile, is_last=session == last) for session in sessions[1:]]
    return Demo(
        home=place.root,
        days=tuple(sessions[1:]),
        report=place.day_folder(last) / "report.html",
        fresh=sum(day is not None for day in ran),
        planted=_planted(place, profile),
        found=stated_skill(read_production(place).metadata.champion),
    )


def _run_session(place: Home, session: date, profile: str | None, *, is_last: bool) -> Day | None:
    """Run one session unless it exists; fill its trades unless it is the last or they are filled already."""
    day = None
    with _run(place, session, profile) as run:
        if not place.day_folder(session).exists():
            day = daily_live(run)
            log.info("%s", day.summary)
        if not is_last and not is_filled(place, session):
            fill_as_proposed(place, session)
    return day


def _run(place: Home, session: date, profile: str | None) -> AbstractContextManager[Run]:
    """Open a run with the demo's own settings, ignoring the environment, which configures the user's portfolio."""
    return open_run(home=place.root, day=str(session), profile=profile, doing="demo", environ={})


def _planted(place: Home, profile: str | None) -> float:
    """Return the coefficient of the home's own market: an earlier release may have made it with another."""
    return settings_of(place, profile, environ={}).settings.data.simulated.information_coefficient


def _prepare(place: Home, market: DemoMarket, last: date) -> None:
    """Create the demo's home, or reuse the home of an earlier demo of the same market. Any other home is refused."""
    described = {"symbols": market.symbols, "seed": market.seed}
    first = sessions_ending(last, market.years * SESSIONS_A_YEAR)[0].item()
    simulated = {**described, "first_session": first, "information_coefficient": INFORMATION_COEFFICIENT}
    settings = {"data": {"provider": "simulated", "simulated": simulated}}
    if place.config_file.exists() or is_set_up(place):
        _refuse_other_home(place, described)
    make_home(place, SIGNATURE + yaml.safe_dump(settings), checkout=None)


def _refuse_other_home(place: Home, described: dict[str, int]) -> None:
    written = place.config_file.read_text() if place.config_file.exists() else ""
    if not written.startswith(SIGNATURE):
        raise ConfigError(
            f"{place.root} is a home, but not one that the demo created.",
            remedy="Specify a new directory with --home, or omit --home to use demo/ in the current directory.",
            home=str(place.root),
        )
    found = (yaml.safe_load(written) or {}).get("data", {}).get("simulated", {})
    if {key: found.get(key) for key in described} != described:
        raise ConfigError(
            f"{place.config_file} already describes another market.",
            remedy="Specify a new directory with --home, or delete this one to start over.",
            found=found,
        )

"""demo: the whole story in a home of its own, offline. A second run finds everything done and says so.

The demo plays the approver and the broker for every session but the last: what was proposed counts as filled at its
price. The last session is left as a real one is: waiting for a person.
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
from tasks.core.homes.opening import named_home, open_run
from tasks.core.homes.run import Run
from tasks.core.homes.setup import is_set_up, make_home
from tasks.core.sessions import sessions_ending
from tasks.models.registry.store import has_champion
from tasks.portfolio.demo_fills import fill_as_proposed, is_filled
from tasks.reporting.schema import Day

log = logging.getLogger(__name__)

SESSIONS_A_YEAR = 252
PLANTED = 0.05  # a market as small as the demo's is too short to confirm the 0.03 that a full one is given
SIGNATURE = "# Written by `afterclose demo`.\n"


@dataclass(frozen=True)
class Market:
    """The market that is simulated."""

    symbols: int
    years: int
    seed: int


@dataclass(frozen=True)
class Demo:
    """Where to look, once the demo is done."""

    home: Path
    days: tuple[date, ...]
    report: Path
    fresh: int  # sessions that this run walked; 0 on a second run


def run_demo(home: Path, market: Market, *, last: date, days: int, profile: str | None) -> Demo:
    """Simulate the market, train a champion, walk the last sessions. What is already there is kept."""
    place = named_home(home)
    sessions = [day.item() for day in sessions_ending(last, days + 1)]
    _prepare(place, market, last)
    if not has_champion(place):
        with _run(place, sessions[0], profile) as run:
            weekly_champion(run, quick=True)
    walked = [_walk(place, session, profile, is_last=session == last) for session in sessions[1:]]
    return Demo(
        home=place.root,
        days=tuple(sessions[1:]),
        report=place.day_folder(last) / "report.html",
        fresh=sum(day is not None for day in walked),
    )


def _walk(place: Home, session: date, profile: str | None, *, is_last: bool) -> Day | None:
    """Run one session unless it is there, and fill what it proposed unless it is the last or filled already."""
    day = None
    with _run(place, session, profile) as run:
        if not place.day_folder(session).exists():
            day = daily_live(run)
            log.info("%s", day.summary)
        if not is_last and not is_filled(place, session):
            fill_as_proposed(place, session)
    return day


def _run(place: Home, session: date, profile: str | None) -> AbstractContextManager[Run]:
    """Open a run by the demo's own settings alone: what the environment says is meant for the user's book."""
    return open_run(home=place.root, day=str(session), profile=profile, doing="demo", environ={})


def _prepare(place: Home, market: Market, last: date) -> None:
    """Make a home for the demo, or find the one of an earlier demo of the same market. No other home is touched."""
    described = {"symbols": market.symbols, "seed": market.seed}
    first = sessions_ending(last, market.years * SESSIONS_A_YEAR)[0].item()
    simulated = {**described, "first_session": first, "information_coefficient": PLANTED}
    settings = {"data": {"provider": "simulated", "simulated": simulated}}
    if place.config_file.exists() or is_set_up(place):
        _refuse_other_home(place, described)
    make_home(place, SIGNATURE + yaml.safe_dump(settings), checkout=None)


def _refuse_other_home(place: Home, described: dict[str, int]) -> None:
    written = place.config_file.read_text() if place.config_file.exists() else ""
    if not written.startswith(SIGNATURE):
        raise ConfigError(
            f"{place.root} is a home, and not one of a demo.",
            remedy="Name a new folder with --home, or leave it out for demo/ in the current folder.",
            home=str(place.root),
        )
    found = (yaml.safe_load(written) or {}).get("data", {}).get("simulated", {})
    if {key: found.get(key) for key in described} != described:
        raise ConfigError(
            f"{place.config_file} already describes another market.",
            remedy="Name a new folder with --home, or remove this one to start over.",
            found=found,
        )

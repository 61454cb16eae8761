"""demo: simulate a market, train a champion and run sessions, offline, in a separate home. Running it again is safe.

The demo acts as the approver of every session but the last, with a temporary key, and executes the trades at the
embedded paper broker; the clock is set to the evening of each session. Approvals of a simulated market are refused by
every other broker. The last session is left for a person to review, as a real session would be.
"""

import logging
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import yaml

from flows.daily import daily_live
from flows.execute import execute_approved
from flows.weekly import weekly_champion
from tasks.approval.decisions import (
    add_approver,
    add_signature,
    examine,
    list_approvers,
    make_signature,
    revoke_approver,
)
from tasks.approval.keys import PrivateKey, create_key, public_key
from tasks.core.clock import clock_set_to, now
from tasks.core.errors import ConfigError
from tasks.core.homes.home import Home
from tasks.core.homes.opening import named_home, open_run, settings_of
from tasks.core.homes.run import Run
from tasks.core.homes.setup import is_set_up, make_home
from tasks.core.reading import read_text
from tasks.core.sessions import session_after, session_on, sessions_ending
from tasks.core.stage import timings
from tasks.data.task import refresh_market
from tasks.execution.running.in_progress import has_ended, is_begun
from tasks.models.registry.store import has_champion, read_production
from tasks.models.skill import stated_skill
from tasks.reporting.schema import Day

log = logging.getLogger(__name__)

SESSIONS_A_YEAR = 252
AFTER_CLOSE = timedelta(hours=1)
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
        _announce(1, days, "simulate the market and train a champion: the longest step")
        with demo_run(place, sessions[0], profile) as run:
            weekly_champion(run, quick=True)
    approver = DemoApprover(place)
    ran = []
    for number, session in enumerate(sessions[1:], 2):
        if not place.day_folder(session).exists():
            ending = "propose trades" if session == last else "propose trades, approve and execute them"
            _announce(number, days, f"session {session}: {ending}")
        ran.append(_run_session(place, session, profile, None if session == last else approver))
    return Demo(
        home=place.root,
        days=tuple(sessions[1:]),
        report=place.day_folder(last) / "report.html",
        fresh=sum(day is not None for day in ran),
        planted=_planted(place, profile),
        found=stated_skill(read_production(place).metadata.champion),
    )


class DemoApprover:
    """The approver of the demo: a name whose key exists only while the demo runs."""

    name = "Demo"

    def __init__(self, place: Home) -> None:
        self._place = place
        self._key: PrivateKey | None = None

    def approve(self, run: Run) -> None:
        """Sign the day."""
        proposal = examine(run, now())
        signature = make_signature(proposal, self.name, self._private(), reason="")
        add_signature(run, signature, now())

    def _private(self) -> PrivateKey:
        if self._key is None:
            self._key, reason = create_key(), "the demo runs"
            if any(one.name == self.name and not one.is_revoked for one in list_approvers(self._place)):
                revoke_approver(self._place, self.name, self.name, reason, now())
            add_approver(self._place, self.name, public_key(self._key), self.name, reason, now())
        return self._key


def _announce(step: int, days: int, what: str) -> None:
    log.info("Step %d of %d: %s", step, days + 1, what)


def _run_session(
    place: Home, session: date, profile: str | None, approver: DemoApprover | None
) -> Day | None:
    """Run one session unless it exists, and execute its trades; without an approver they wait for a person."""
    day = None
    with clock_set_to(_evening(session)):
        if not place.day_folder(session).exists():
            with demo_run(place, session, profile) as run, timings():
                day = daily_live(run)
            log.info("%s", day.summary)
        if approver is not None:
            _execute(place, session, profile, approver)
    return day


def _execute(place: Home, session: date, profile: str | None, approver: DemoApprover) -> None:
    """Approve the trades and send them in the evening, then fill them with the bars of the next session."""
    settings = settings_of(place, profile, environ={}).settings
    closed = session_on(session)
    run = Run(place, closed, _evening(session), settings)
    if has_ended(run):
        return
    if not is_begun(run):
        if not _proposes_trades(place, session):
            return
        approver.approve(run)
        execute_approved(run, dry_run=False, longest_wait=timedelta(0), sleep=_no_sleep)
    following = session_after(session)
    with clock_set_to(_evening(following)):
        with demo_run(place, following, profile) as later:
            refresh_market(later)
        carried = execute_approved(run, dry_run=False, longest_wait=timedelta(0), sleep=_no_sleep)
    log.info("%s: executed, %s", session, carried.progress.why)


def _proposes_trades(place: Home, session: date) -> bool:
    _, *trades = read_text(place.day_folder(session) / "trades.csv").splitlines()
    return bool(trades)


def _evening(session: date) -> datetime:
    closes_at = session_on(session).closes_at
    if closes_at is None:
        raise ValueError(f"{session} is not a session")
    return closes_at + AFTER_CLOSE


def _no_sleep(_: float) -> None:
    """Return at once: the demo's clock does not move."""


def demo_run(place: Home, session: date, profile: str | None) -> AbstractContextManager[Run]:
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
    written = read_text(place.config_file) if place.config_file.exists() else ""
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

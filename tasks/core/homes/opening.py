"""Open a run: which home, which session, which settings; alone in the home until it ends.

Everything a person can get wrong before the first stage is refused here, with nothing written yet.
"""

import os
import shlex
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from config.problems import InvalidSettings
from config.settings import LoadedSettings, load_settings
from tasks.core.atomic import remove_leftovers
from tasks.core.clock import now
from tasks.core.errors import ConfigError, TransientError
from tasks.core.homes.home import Home
from tasks.core.homes.lock import exclusive
from tasks.core.homes.run import Run
from tasks.core.homes.setup import is_set_up
from tasks.core.secrets import mask_logs
from tasks.core.sessions import EXCHANGE_TIME_ZONE, Session, last_closed_session, session_on

MOST_NAMED = 20
CODE = Path(__file__).parents[3]


@contextmanager
def open_run(
    *,
    home: Path | str | None = None,
    day: str | None = None,
    profile: str | None = None,
    doing: str,
    step_back: bool = False,
    at: datetime | None = None,
    environ: Mapping[str, str] = os.environ,
) -> Iterator[Run]:
    """Hand out the run of a session, and hold the home's lock while it goes on.

    `day` is YYYY-MM-DD, "today" (at the exchange), or None for the last session that has closed; the last two are
    meant at the instant `at`, by default now.
    With `step_back` a closed day means the session before it. Never makes a home (`afterclose init` does). From then
    on no log of this process holds a secret.
    """
    mask_logs()
    place = find_home(home, environ)
    settings = settings_of(place, profile, environ).settings
    session = session_named(day, at=at or now())
    if step_back and not session.is_open:
        session = _session_before(session)
    with exclusive(place.lock_file, doing=doing):
        _sweep(place)
        yield Run(place, session, _known_at(session), settings)


def find_home(home: Path | str | None, environ: Mapping[str, str] = os.environ) -> Home:
    """Return the home to work on. A place that is not a home is refused: a typing error must not become a new one."""
    place = named_home(home, environ)
    if not is_set_up(place):
        raise ConfigError(
            f"{place.root} is not an Afterclose home.",
            remedy=f"Make it one with `afterclose init {shlex.quote(str(place.root))}`, or name another with --home.",
            home=str(place.root),
        )
    return place


def named_home(home: Path | str | None, environ: Mapping[str, str] = os.environ) -> Home:
    """Return the place that is meant, whether or not it is a home yet. Creates nothing.

    That is, in this order: the one named, AFTERCLOSE_HOME, the current folder if it is a home, the checkout.
    Code that was installed as a package has no checkout: its own folder never becomes a home.
    """
    named = home or environ.get("AFTERCLOSE_HOME") or _default_home()
    if named is None:
        raise ConfigError(
            "No Afterclose home is named, and the current folder is not one.",
            remedy="Make one with `afterclose init DIR` and change into it, or name one: --home, AFTERCLOSE_HOME.",
        )
    root = Path(named).expanduser().absolute()
    if root.exists() and not root.is_dir():
        raise ConfigError(f"{root} is no folder.", remedy="Name a folder with --home.", home=str(root))
    return Home(root)


def _default_home() -> Path | None:
    here = Path()
    return here if Home(here).marker_file.exists() else checkout()


def checkout() -> Path | None:
    """Return the checkout that the code runs from; None when it was installed as a package."""
    try:
        project = (CODE / "pyproject.toml").read_text()
    except OSError:
        return None
    return CODE if 'name = "afterclose"' in project else None  # site-packages may hold another project's


def settings_of(home: Home, profile: str | None, environ: Mapping[str, str] = os.environ) -> LoadedSettings:
    """Load the home's settings; what is wrong with them becomes one error that lists it all."""
    try:
        return load_settings(
            home=home.root, profile=profile or environ.get("AFTERCLOSE_PROFILE") or None, environ=environ
        )
    except InvalidSettings as error:
        named = [f"\n  - {problem}" for problem in error.problems[:MOST_NAMED]]
        if len(error.problems) > MOST_NAMED:
            named.append(f"\n  - … and {len(error.problems) - MOST_NAMED} more.")
        raise ConfigError(
            "The settings cannot be used.",
            remedy=f"Mend what is listed; docs/configuration.md says what each key may be.{''.join(named)}",
            problems=[str(problem) for problem in error.problems],
        ) from error


def session_named(day: str | None, *, at: datetime) -> Session:
    """Return the session that a person means at the instant; refuse what is no date, or not yet over."""
    if day is None:
        return last_closed_session(at)
    today = at.astimezone(ZoneInfo(EXCHANGE_TIME_ZONE)).date()
    session = session_on(today if day == "today" else parsed_date(day))
    if session.day > today:
        raise ConfigError(
            f"{session} lies in the future: at the exchange it is {today}.",
            remedy="Name a session that has closed.",
            date=str(session),
        )
    if session.closes_at is not None and session.closes_at > at:
        closes = session.closes_at.astimezone(ZoneInfo(EXCHANGE_TIME_ZONE))
        raise TransientError(
            f"The session of {session} is not over: it closes at {closes:%H:%M} New York time.",
            remedy="Run again after the close, or leave --date out for the last session that has closed.",
            date=str(session),
        )
    return session


def parsed_date(day: str) -> date:
    """Read YYYY-MM-DD and nothing else."""
    try:
        parsed = date.fromisoformat(day)
    except ValueError:
        parsed = None
    if parsed is None or parsed.isoformat() != day:  # 20240614 and 2024-W24-5 are dates too, but not ours
        raise ConfigError(
            f"{day[:40]!r} is no date.",
            remedy="Write it as YYYY-MM-DD, for example 2024-06-14.",
            date=day[:40],
        )
    return parsed


def _session_before(session: Session) -> Session:
    return last_closed_session(_known_at(session))


def _known_at(session: Session) -> datetime:
    """Return the knowledge cut: the close; on a closed day the end of the day."""
    if session.closes_at is not None:
        return session.closes_at
    return datetime.combine(session.day + timedelta(days=1), time(), ZoneInfo(EXCHANGE_TIME_ZONE)).astimezone(
        UTC
    )


def _sweep(home: Home) -> None:
    """Remove what a killed run left behind. Only the holder of the lock may."""
    shutil.rmtree(home.work, ignore_errors=True)
    for folder in (home.root, home.lake.parent, home.lake):
        remove_leftovers(folder)
    for folder in (home.live, home.production, home.reports):
        remove_leftovers(folder)
        for inside in folder.glob("*/"):
            if not inside.is_symlink():
                remove_leftovers(inside)

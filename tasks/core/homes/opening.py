"""Open a run: resolve the home, session and settings, and hold the home's lock until it ends.

User errors are rejected here, before the first stage and before anything is written.
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
from tasks.core.homes.setup import is_set_up, unexpected_file
from tasks.core.masking import mask_logs
from tasks.core.reading import read_text
from tasks.core.sessions import (
    EXCHANGE_TIME_ZONE,
    Session,
    day_named,
    exchange_date,
    last_closed_session,
    session_on,
)

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
    """Yield the run of a session, holding the home's lock until the block ends.

    `day` is YYYY-MM-DD, "today" (at the exchange), or None for the last session that has closed; both are resolved
    at the instant `at`, by default now. With `step_back` a day on which the exchange is closed means the session
    before it. Never creates a home (`afterclose init` does). From the call on, secrets are masked in the logs of this
    process.
    """
    mask_logs()
    place = find_home(home, environ)
    settings = settings_of(place, profile, environ).settings
    session = session_named(day, at=at or now())
    if step_back and not session.is_open:
        session = _session_before(session)
    with exclusive(place.lock_file, doing=doing):
        _remove_leftovers(place)
        yield Run(place, session, _known_at(session), settings)


def find_home(home: Path | str | None, environ: Mapping[str, str] = os.environ) -> Home:
    """Return the home to work on. Raises ConfigError for any other directory: a typo must not create a home."""
    place = named_home(home, environ)
    if not is_set_up(place):
        named = home or environ.get("AFTERCLOSE_HOME")
        raise ConfigError(
            f"{place.root} is not an Afterclose home.",
            remedy=_home_remedy(place) if named else _default_home_remedy(),
            home=str(place.root),
        )
    return place


def _home_remedy(place: Home) -> str:
    found = unexpected_file(place, checkout=checkout())
    if found is None:
        return f"Create it with `afterclose init {shlex.quote(str(place.root))}`, or specify another with --home."
    return (
        f"It holds {found.relative_to(place.root)}, so it cannot become one. Specify another with --home, or "
        "create one in a new directory with `afterclose init DIR`."
    )


def _default_home_remedy() -> str:
    return (
        "It is the checkout, used because neither --home nor AFTERCLOSE_HOME is set and the current directory is not "
        "a home. Specify your home with --home, or create one with `afterclose init DIR`."
    )


def named_home(home: Path | str | None, environ: Mapping[str, str] = os.environ) -> Home:
    """Return the home as named, whether or not it has been set up. Creates nothing.

    In this order: the argument, AFTERCLOSE_HOME, the current directory if it is a home, the checkout.
    Code installed as a package has no checkout: its own directory never becomes a home.
    """
    named = home or environ.get("AFTERCLOSE_HOME") or _default_home()
    if named is None:
        raise ConfigError(
            "No Afterclose home was specified, and the current directory is not one.",
            remedy="Create one with `afterclose init DIR` and change into it, or specify one with --home or "
            "AFTERCLOSE_HOME.",
        )
    root = Path(named).expanduser().absolute()
    if root.exists() and not root.is_dir():
        raise ConfigError(
            f"{root} is not a directory.", remedy="Specify a directory with --home.", home=str(root)
        )
    return Home(root)


def _default_home() -> Path | None:
    here = Path()
    return here if Home(here).marker_file.exists() else checkout()


def checkout() -> Path | None:
    """Return the checkout that the code runs from; None if it was installed as a package."""
    try:
        project = read_text(CODE / "pyproject.toml")
    except OSError:
        return None
    return (
        CODE if 'name = "afterclose"' in project else None
    )  # site-packages may hold that of another project


def settings_of(home: Home, profile: str | None, environ: Mapping[str, str] = os.environ) -> LoadedSettings:
    """Load the home's settings. Raises one ConfigError that lists every problem."""
    try:
        return load_settings(
            home=home.root, profile=profile or environ.get("AFTERCLOSE_PROFILE") or None, environ=environ
        )
    except InvalidSettings as error:
        named = [f"\n  - {problem}" for problem in error.problems[:MOST_NAMED]]
        if len(error.problems) > MOST_NAMED:
            named.append(f"\n  - … and {len(error.problems) - MOST_NAMED} more.")
        raise ConfigError(
            "The settings are invalid.",
            remedy=f"Fix the settings below; docs/configuration.md describes each key.{''.join(named)}",
            problems=[str(problem) for problem in error.problems],
        ) from error


def session_named(day: str | None, *, at: datetime) -> Session:
    """Return the session for the day as `open_run` takes it. Raises ConfigError for an invalid or future date."""
    if day is None:
        return last_closed_session(at)
    today = exchange_date(at)
    session = session_on(today if day == "today" else parsed_date(day))
    if session.day > today:
        raise ConfigError(
            f"{session} is in the future: the date at the exchange is {today}.",
            remedy="Choose a session that has closed.",
            date=str(session),
        )
    if session.closes_at is not None and session.closes_at > at:
        closes = session.closes_at.astimezone(ZoneInfo(EXCHANGE_TIME_ZONE))
        raise TransientError(
            f"The session of {session} has not closed yet: it closes at {closes:%H:%M} New York time.",
            remedy="Run again after the close, or omit --date for the last session that has closed.",
            date=str(session),
        )
    return session


def parsed_date(day: str) -> date:
    """Parse YYYY-MM-DD only. Raises ConfigError for anything else."""
    parsed = day_named(day)
    if parsed is None:
        raise ConfigError(
            f"{day[:40]!r} is not a valid date.",
            remedy="Write it as YYYY-MM-DD, for example 2024-06-14.",
            date=day[:40],
        )
    return parsed


def _session_before(session: Session) -> Session:
    return last_closed_session(_known_at(session))


def _known_at(session: Session) -> datetime:
    """Return the as-of instant: the close; on a closed day the end of the day."""
    if session.closes_at is not None:
        return session.closes_at
    return datetime.combine(session.day + timedelta(days=1), time(), ZoneInfo(EXCHANGE_TIME_ZONE)).astimezone(
        UTC
    )


def _remove_leftovers(home: Home) -> None:
    """Remove the leftovers of a killed run. Only the holder of the lock may call this."""
    shutil.rmtree(home.work, ignore_errors=True)
    for folder in (
        home.root,
        home.lake.parent,
        home.lake,
        home.scores,
        home.backtests,
        home.placebos,
        home.paths,
        home.decisions,
        home.views,
        home.shadow,
    ):
        remove_leftovers(folder)
    for folder in (home.live, home.production, home.reports):
        remove_leftovers(folder)
        for inside in folder.glob("*/"):
            if not inside.is_symlink():
                remove_leftovers(inside)
                remove_leftovers(inside / "revisions")

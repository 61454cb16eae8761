"""State what an interrupted `daily` leaves to do."""

from flows.terminal import Options, with_home
from tasks.core.clock import now
from tasks.core.errors import AftercloseError
from tasks.core.homes.opening import find_home, session_named
from tasks.portfolio.holdings.record import published_sessions

DUE = "due"


def unpublished(options: Options, day: str | None) -> str:
    """Return the session that is not published yet and the command that publishes it; or that it is published."""
    try:
        home = find_home(options.home)
        session = session_named(None if day == DUE else day, at=now())
        if session.day in published_sessions(home):
            return f"{session} is published."
    except AftercloseError as error:
        return f"Nothing was published: {error.what}"
    return with_home(
        f"{session} is not published. Run it again: `afterclose daily --date {session}`.", options
    )

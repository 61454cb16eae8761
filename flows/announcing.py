"""Announce to people and to monitoring what a command did, and every change of the kill switch.

A notice is queued while the run is open, and delivered once the command has answered and the home's lock is free. A
failure to announce something is logged and goes no further.
"""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import copy_context
from functools import partial, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

from config.settings import Settings
from flows.terminal import Options
from tasks.core.clock import now
from tasks.core.errors import AftercloseError, TransientError
from tasks.core.homes.home import Home
from tasks.core.homes.opening import find_home, settings_of
from tasks.core.homes.run import Run
from tasks.core.sessions import last_closed_session
from tasks.reporting.schema import Day

if TYPE_CHECKING:
    from tasks.execution.running.carried import Carried
    from tasks.reporting.notify.announcer import Announcer
    from tasks.reporting.notify.schema import Notice
    from tasks.selection.schema import Promotion

P = ParamSpec("P")
R = TypeVar("R")

log = logging.getLogger(__name__)


_waiting: dict[tuple[Path | str | None, str | None], None] = {}  # homes whose news is to be posted


def posts_news(
    command: Callable[Concatenate[Options, P], R],
) -> Callable[Concatenate[Options, P], R]:
    """Declare that a command changes what is reported to people and monitoring: its news is posted after its output."""

    @wraps(command)
    def run(options: Options, /, *args: P.args, **kwargs: P.kwargs) -> R:
        note_news(options)
        return command(options, *args, **kwargs)

    return run


def note_news(options: Options) -> None:
    """Note that this command changes what is reported to people and monitoring about the home."""
    _waiting[options.home, options.profile] = None


def post_waiting_news() -> None:
    """Post the news of the commands of this process that declare some. Never raises."""
    while _waiting:
        (home, profile), _ = _waiting.popitem()
        post_news(home, profile)


def post_waiting_news_soon() -> None:
    """Post the waiting news in a thread of its own, for a server that must answer at once. Never raises."""
    threading.Thread(target=copy_context().run, args=(post_waiting_news,), daemon=True).start()


def forget_waiting_news() -> None:
    """Forget the news of commands that changed nothing."""
    _waiting.clear()


@contextmanager
def posted(home: Path | str | None, profile: str | None) -> Iterator[None]:
    """Post news after the block, also if it failed."""
    try:
        yield
    except Exception:
        post_news(home, profile)
        raise
    post_news(home, profile)


def post_news(home: Path | str | None, profile: str | None) -> None:
    """Announce changes of the kill switch, write the metrics, and deliver what is due. Never raises."""
    with suppress(AftercloseError):  # no home, or no valid settings: the command itself says so
        place = find_home(home)
        settings = settings_of(place, profile).settings
        for post in (_announce, _write_metrics):
            try:
                post(place, settings)
            except Exception as error:  # noqa: BLE001 - what a command did is not undone by a failure to tell of it
                log.warning("%s: %s: %s", post.__name__.strip("_"), type(error).__name__, error)


def _announce(home: Home, settings: Settings) -> None:
    if settings.notifications.has_channel:
        announcer = _announcer(home, settings)
        announcer.look_at_switch()
        announcer.deliver()


def _write_metrics(home: Home, settings: Settings) -> None:
    from tasks.reporting.telemetry.exposition import write_textfile
    from tasks.reporting.telemetry.parts import Place, read_samples

    write_textfile(home, read_samples(Place(home, settings, now())))


def _announcer(home: Home, settings: Settings) -> "Announcer":
    from tasks.reporting.notify.announcer import Announcer  # a slow import, not needed without recipients

    return Announcer(home, settings, now)


def announce(run: Run, describe: Callable[[], "Notice"]) -> None:
    """Queue a notice, if there are recipients. Never raises."""
    try:
        if run.settings.notifications.has_channel:
            _announcer(run.home, run.settings).say(describe())
    except Exception as error:  # noqa: BLE001 - see above
        log.warning("notifications: %s: %s", type(error).__name__, error)


@contextmanager
def announcing_failure(
    run: Run, doing: str, *, is_news: bool = True, is_tried_again: bool = False
) -> Iterator[None]:
    """Announce an error that ends the block, unless it is known already or transient and retried automatically."""
    try:
        yield
    except Exception as error:
        if is_news and not (is_tried_again and isinstance(error, TransientError)):
            announce_failure(run, doing, error)
        raise


def announce_failure(run: Run, doing: str, error: Exception) -> None:
    """Announce an error that ended a run."""
    announce(run, partial(_failure, run, doing, error))


def announce_day(run: Run, day: Day) -> None:
    """Announce the published day of the run, if it can still be approved: not a closed one, nor one of the past."""
    if day.folder is not None and is_current(run):
        announce(run, partial(_day, run))


def announce_selection(run: Run, promotion: "Promotion") -> None:
    """Announce which model the weekly run put or left in production."""
    announce(run, partial(_selection, run, promotion))


def announce_execution(run: Run, carried: "Carried") -> None:
    """Announce the outcome of the execution; a dry run is not announced."""
    if not carried.is_dry:
        announce(run, partial(_execution, run, carried))


def is_current(run: Run) -> bool:
    """Return whether the session of the run is the last one that has closed."""
    return run.session.day == last_closed_session(now()).day


def _day(run: Run) -> "Notice":
    from tasks.approval.day import published_day
    from tasks.approval.store import read_day
    from tasks.reporting.day.store import read_history
    from tasks.reporting.notify.notices.day import day_notice
    from tasks.reporting.notify.rendering.picture import equity_picture

    _, manifest, files = read_day(run.home, run.session)
    day = published_day(run.session.day, manifest, files)
    picture = equity_picture(read_history(run))
    return day_notice(run.home, day, is_simulated=run.settings.data.is_simulated, picture=picture)


def _failure(run: Run, doing: str, error: Exception) -> "Notice":
    from tasks.reporting.notify.notices.runs import failure_notice

    return failure_notice(run, doing, error, is_simulated=run.settings.data.is_simulated)


def _selection(run: Run, promotion: "Promotion") -> "Notice":
    from tasks.reporting.notify.notices.runs import selection_notice

    return selection_notice(run, promotion, is_simulated=run.settings.data.is_simulated)


def _execution(run: Run, carried: "Carried") -> "Notice":
    from tasks.reporting.notify.notices.execution import execution_notice

    return execution_notice(run.home, carried.document, is_simulated=run.settings.data.is_simulated)


def home_run(home: Path | str | None, profile: str | None) -> Run:
    """Return a run of the last closed session, for a command that is about no session."""
    place, session = find_home(home), last_closed_session(now())
    return Run(place, session, session.closes_at or now(), settings_of(place, profile).settings)

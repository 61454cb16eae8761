"""Read, trip and reset the kill switch. Only a named person ends a halt.

Each trip stays until a reset names it, so that a reset never acknowledges a later trip or one with another cause.
Anything but a plain "clear" means on: a missing or damaged file, an unknown state, `live/STOP`, or a trip that was
stored outside the home because the home could not be written to. State and history are one file, replaced atomically
under its own lock, which no run holds.
"""

import logging
import os
import shlex
import uuid
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import date, datetime
from pathlib import Path
from typing import Any

from tasks.core.accountability import require_name_and_reason
from tasks.core.atomic import LEFTOVER_SUFFIX, write_bytes, write_text
from tasks.core.errors import AftercloseError, ConfigError, StorageError
from tasks.core.homes.home import Home
from tasks.core.homes.lock import waiting
from tasks.core.reading import read_bytes
from tasks.core.text import instant_text, one_line
from tasks.safety.audit import record
from tasks.safety.kill_switch.halts_outside import (
    OUTSIDE,
    read_outside,
    remove_halt,
    remove_outside,
    write_outside,
)
from tasks.safety.kill_switch.switch_file import (
    BY_HAND,
    CLEAR,
    ON,
    PARSE_ERRORS,
    UNREADABLE,
    Event,
    Switch,
    Trip,
    as_stored,
    event_of,
    list_trips,
    parse_strictly,
    parse_switch,
    render_switch,
    unknown_switch,
)

log = logging.getLogger(__name__)

STOP = "STOP"
LOCK_WAIT_S = 5.0


def read_switch(home: Home) -> Switch:
    """Return the switch; an unreadable state means on. Never raises."""
    switch = _read_file(home.kill_switch_file)
    trips = list(switch.trips)
    if os.path.lexists(home.stop_file):
        stopped = Event(
            ON, STOP, "live/STOP exists, so somebody halted trading by hand.", None, cause=BY_HAND
        )
        trips.insert(0, Trip(STOP, stopped))
    trips += [Trip(name, _outside_event(kept)) for name, kept in read_outside(home)]
    return Switch(trips[0].event if trips else switch.event, switch.events, tuple(trips))


@contextmanager
def hold_switch(home: Home) -> Iterator[None]:
    """Hold the switch's lock while the block runs. Raises TransientError if another process does not release it."""
    with waiting(home.kill_switch_lock, seconds=LOCK_WAIT_S):
        yield


def trip_switch(
    home: Home, by: str, reason: str, at: datetime, *, cause: str = BY_HAND, session: date | None = None
) -> Switch:
    """Halt trading by any means available, then log it; a failure in between does not undo the halt.

    Earlier trips stay. Raises StorageError only if trading could not be halted at all.
    """
    day = None if session is None else session.isoformat()
    event = Event(ON, one_line(by), one_line(reason), instant_text(at), day, cause)
    problems = []
    try:
        with hold_switch(home):
            _write(home, (*_history(home), event))
    except (AftercloseError, OSError) as error:
        problems.append(_halt_otherwise(home, event, error))
    try:
        record(home, event="kill_switch_tripped", by=event.by, detail=event.reason, at=at)
    except (AftercloseError, OSError) as error:
        problems.append(f"Trading is halted, but the audit log has no row for it: {_what(error)}")
    for problem in problems:
        log.warning("%s", problem)
    standing = read_switch(home)
    return Switch(standing.event, standing.events, standing.trips, tuple(problems))


def reset_switch(
    home: Home, by: str, reason: str, at: datetime, *, trips: Collection[str] | None = None
) -> Switch:
    """Reset the named trips on behalf of a person; the switch is clear once none is left.

    Without names, resets the only trip; several must be named, because the person may not have seen the latest.
    Removes live/STOP if it is named. An unreadable switch file is retained under another name.
    """
    who, why = one_line(by), one_line(reason)
    require_name_and_reason("Resetting the kill switch", by=who, reason=why)
    with hold_switch(home):
        standing = read_switch(home)
        named = _named(home, standing, trips)
        detail = f"{why} (trip {', '.join(named)})" if named else why
        record(
            home, event="kill_switch_reset", by=who, detail=detail, at=at
        )  # log first: nothing is reset without a row
        if STOP in named:
            remove_halt(home.stop_file)
        remove_outside(home, named)
        events = _read_file(home.kill_switch_file).events
        kept = [trip.event for trip in standing.trips if trip.name in named and trip.name.startswith(OUTSIDE)]
        joined = [
            str(len(events) + place) for place in range(len(kept))
        ]  # trips from outside are added to the history
        _write(
            home, (*events, *kept, Event(CLEAR, who, why, instant_text(at), acknowledges=(*named, *joined)))
        )
    return read_switch(home)


def reset_command(home: Home, switch: Switch) -> str:
    """Return the command that resets all current trips, to be completed with name and reason."""
    trips = "".join(f" --trip {trip.name}" for trip in switch.trips)
    return f"afterclose kill-switch reset --home {shlex.quote(str(home.root))}{trips} --by NAME --reason TEXT"


def _named(home: Home, switch: Switch, trips: Collection[str] | None) -> tuple[str, ...]:
    standing = [trip.name for trip in switch.trips]
    if not trips:
        if len(standing) > 1:
            raise ConfigError(
                f"{len(standing)} trips are active: {list_trips(switch.trips)}.",
                remedy=f"Reset those that were investigated: {reset_command(home, switch)}",
                trips=standing,
            )
        return tuple(standing)
    if unknown := [name for name in trips if name not in standing]:
        raise ConfigError(
            f"There is no trip {', '.join(unknown)}; the kill switch is {switch.description}.",
            remedy="`afterclose kill-switch status` lists the trips.",
            trips=standing,
        )
    return tuple(name for name in standing if name in set(trips))


def _read_file(path: Path) -> Switch:
    try:
        if path.is_symlink():
            return unknown_switch("The kill switch file is a symbolic link.")
        return parse_switch(read_bytes(path))
    except FileNotFoundError:
        return unknown_switch("The kill switch file is missing.")
    except OSError as error:
        return unknown_switch(f"The kill switch file cannot be read: {error.strerror}.")


def _history(home: Home) -> tuple[Event, ...]:
    """Return the history that a new trip is added to; empty in a directory that never was a home."""
    is_new = not home.marker_file.exists() and not os.path.lexists(home.kill_switch_file)
    return () if is_new else _read_file(home.kill_switch_file).events


def _outside_event(kept: Mapping[str, Any] | None) -> Event:
    try:
        return event_of(dict(kept or {}))
    except PARSE_ERRORS:
        return Event(ON, "", "A trip stored outside the home cannot be read.", None, cause=UNREADABLE)


def _write(home: Home, events: tuple[Event, ...]) -> None:
    _retain_unreadable(home.kill_switch_file)
    write_text(home.kill_switch_file, render_switch(events))


def _halt_otherwise(home: Home, event: Event, error: Exception) -> str:
    """Halt by live/STOP, which needs no disk space, or else outside the home; return which, in words."""
    why = f"The kill switch file could not be written ({_what(error)})"
    try:
        home.live.mkdir(parents=True, exist_ok=True)
        home.stop_file.touch(exist_ok=False)  # an existing one may be about to be removed by a reset
    except OSError:
        kept = write_outside(home, as_stored(event))
        _withdraw_unpublished(home)
        if kept is None and not os.path.lexists(home.stop_file):
            raise StorageError(
                f"The kill switch could not be tripped: {_what(error)} No other location could be written to either.",
                remedy="Halt by hand: stop the schedule (end `afterclose serve` or the Prefect worker, remove the "
                "cron line), approve nothing, then free space or fix the permissions and trip it again.",
                path=str(home.kill_switch_file),
            ) from error
        return f"{why}. Trading is halted by {kept or home.stop_file} instead."
    _withdraw_unpublished(home)
    return f"{why}. Trading is halted by {home.stop_file} instead."


def _withdraw_unpublished(home: Home) -> None:
    """Rename the directory of a day about to be published, so that a run that hangs with the lock cannot publish it.

    A run reads the switch once more after it has created this directory, so it sees the halt or fails to publish.
    """
    with suppress(OSError):  # no day can be moved into a directory that cannot be listed
        for folder in list(home.live.glob(f".*{LEFTOVER_SUFFIX}")):
            with suppress(OSError):  # published or removed in between
                if folder.is_dir():
                    folder.rename(folder.with_name(f".withdrawn.{uuid.uuid4().hex}{LEFTOVER_SUFFIX}"))


def _what(error: Exception) -> str:
    return error.what if isinstance(error, AftercloseError) else f"{error}."


def _retain_unreadable(path: Path) -> None:
    """Copy an unreadable switch file to kill_switch.unreadable, for the investigation."""
    if path.is_file() and not path.is_symlink():
        content = read_bytes(path)
        try:
            parse_strictly(content)
        except PARSE_ERRORS:
            write_bytes(path.with_name(f"{path.stem}.unreadable"), content)

"""Know whether trading is halted, halt it, and let a named person end the halt. It never ends one by itself.

Everything that is not plainly "clear" is on: no file, a damaged file, an unknown word, `live/STOP` (fault 43).
State and history are one file, replaced whole: a crash leaves the old switch or the new one.
"""

import json
import os
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from tasks.core.atomic import write_bytes, write_text
from tasks.core.errors import ConfigError, StorageError
from tasks.core.home import Home
from tasks.safety.audit import record

CLEAR, ON = "clear", "on"


@dataclass(frozen=True)
class Event:
    """One tripping or resetting: what the switch became, through whom, why, and when."""

    state: str
    by: str
    reason: str
    at: str | None
    session: str | None = None  # the session whose figures tripped it; None when tripped by hand


@dataclass(frozen=True)
class Switch:
    """The switch as it stands. `events` is its history, oldest first, the present state last."""

    event: Event
    events: tuple[Event, ...]

    @property
    def is_on(self) -> bool:
        return self.event.state != CLEAR

    @property
    def says(self) -> str:
        """Return "clear", or in words who halted trading and why."""
        if not self.is_on:
            return CLEAR
        by = f" by {self.event.by}" if self.event.by else ""
        at = f" at {self.event.at}" if self.event.at else ""
        return f"on{by}{at}: {self.event.reason}"

    @property
    def acknowledged_through(self) -> date | None:
        """Return the latest session whose figures tripped the switch and were then reset by a person.

        Those figures were looked at: they do not trip it again.
        """
        if self.is_on:
            return None
        sessions = [event.session for event in self.events if event.session]
        return max(map(date.fromisoformat, sessions), default=None)


def read_switch(home: Home) -> Switch:
    """Return the switch; whatever cannot be read plainly is on. Never raises."""
    switch = _read_file(home.kill_switch_file)
    if os.path.lexists(home.stop_file):
        stopped = Event(ON, home.stop_file.name, "live/STOP stands: somebody halted trading by hand.", None)
        return Switch(stopped, switch.events)
    return switch


def parse_switch(content: bytes) -> Switch:
    """Understand the file's bytes; whatever is not exactly as it is written here is on."""
    try:
        record = json.loads(content)
        event = _event(record)
        events = tuple(_event(entry) for entry in record.get("history", []))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        return _unknown(f"The kill switch file cannot be understood ({type(error).__name__}).")
    return Switch(event, events or (event,))


def trip_switch(home: Home, by: str, reason: str, at: datetime, *, session: date | None = None) -> Switch:
    """Halt trading. A switch that is on stays as it was, and the new reason joins its history."""
    standing = _read_file(home.kill_switch_file)
    event = Event(
        ON, _one_line(by), _one_line(reason), _instant(at), None if session is None else session.isoformat()
    )
    shown = standing.event if standing.is_on and standing.event.at else event
    tripped = _write(home, Switch(shown, (*standing.events, event)))  # halted first, logged afterwards
    record(home, event="kill_switch_tripped", by=event.by, detail=event.reason, at=at)
    return tripped


def reset_switch(home: Home, by: str, reason: str, at: datetime) -> Switch:
    """End the halt in a person's name. Removes live/STOP; a file that could not be read is kept beside."""
    who, why = _one_line(by), _one_line(reason)
    if not who or not why:
        raise ConfigError(
            "The kill switch is reset only by a named person, with a reason.",
            remedy="Give both --by NAME and --reason TEXT.",
        )
    standing = _read_file(home.kill_switch_file)
    record(home, event="kill_switch_reset", by=who, detail=why, at=at)  # nothing is reset that is not logged
    _remove_stop_file(home.stop_file)
    event = Event(CLEAR, who, why, _instant(at))
    return _write(home, Switch(event, (*standing.events, event)))


def _read_file(path: Path) -> Switch:
    try:
        if path.is_symlink():
            return _unknown("The kill switch file is a symbolic link.")
        return parse_switch(path.read_bytes())
    except FileNotFoundError:
        return _unknown("The kill switch file is missing.")
    except OSError as error:
        return _unknown(f"The kill switch file cannot be read: {error.strerror}.")


def _event(record: dict[str, Any]) -> Event:
    state, by, reason = record["state"], record["by"], record["reason"]
    at, session = record.get("at"), record.get("session")
    if state not in (CLEAR, ON) or not isinstance(by, str) or not isinstance(reason, str):
        raise ValueError("not a state of the switch")
    if at is not None:
        datetime.fromisoformat(at)
    if session is not None:
        date.fromisoformat(session)
    return Event(state, by, reason, at, session)


def _unknown(reason: str) -> Switch:
    event = Event(ON, "", reason, None)
    return Switch(event, (event,))


def _write(home: Home, switch: Switch) -> Switch:
    path = home.kill_switch_file
    _keep_unreadable(path)
    record = asdict(switch.event) | {"history": [asdict(event) for event in switch.events]}
    write_text(path, json.dumps(record, indent=2) + "\n")
    return switch


def _keep_unreadable(path: Path) -> None:
    """Put bytes that nobody can understand beside the file, for whoever looks into what happened."""
    if path.is_file() and not path.is_symlink():
        content = path.read_bytes()
        if parse_switch(content).event.at is None and parse_switch(content).is_on:
            write_bytes(path.with_name(f"{path.stem}.unreadable"), content)


def _remove_stop_file(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise StorageError(
            f"{path} could not be removed: {error.strerror}.",
            remedy="Remove it by hand; until then the kill switch is on.",
            path=str(path),
        ) from error


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds")

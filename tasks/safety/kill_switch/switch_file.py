"""Parse and render live/kill_switch.json: the state and the full history of trips and resets.

Anything not in the exact format means on. kill_switch reads and writes the file.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from tasks.core.json_text import parse_json

CLEAR, ON = "clear", "on"
BY_HAND = "by_hand"
UNREADABLE = "unreadable"
RENAMED_CAUSES = {"six_week_sharpe": "sharpe_ratio"}  # in trips of earlier builds
REDUCING_CAUSES = frozenset(
    {"daily_loss", "position_limit", "sharpe_ratio", "volatility"}
)  # rules that halt new risk: sales are allowed
PARSE_ERRORS = (ValueError, KeyError, TypeError, AttributeError, RecursionError)


@dataclass(frozen=True)
class Event:
    """One trip or reset: the new state, by whom, why, and when."""

    state: str
    by: str
    reason: str
    at: str | None
    session: str | None = None  # the session whose data tripped it; None if tripped by hand
    cause: str = ""  # of a trip: by_hand, or the rule's name; empty in a file of an earlier release
    acknowledges: tuple[str, ...] | None = None  # of a reset: the trips it ended; None: all before it


@dataclass(frozen=True)
class Trip:
    """An active trip, which no reset has named yet. `name` identifies it in a reset."""

    name: str
    event: Event

    @property
    def description(self) -> str:
        """Who, when and why, for use within a sentence: without the reason's full stop."""
        by = f" by {self.event.by}" if self.event.by not in {"", self.name} else ""
        at = f" at {self.event.at}" if self.event.at else ""
        return f"{by}{at}: {self.event.reason.removesuffix('.')}"


@dataclass(frozen=True)
class Switch:
    """The current switch. `events` is the history in the file, oldest first."""

    event: Event
    events: tuple[Event, ...]
    trips: tuple[Trip, ...]
    problems: tuple[str, ...] = ()  # failures while the switch was tripped

    @property
    def is_on(self) -> bool:
        return bool(self.trips)

    @property
    def allows_reductions(self) -> bool:
        """Whether every active trip is by a rule that halts new risk: then a day of sales only may be published."""
        return self.is_on and all(trip.event.cause in REDUCING_CAUSES for trip in self.trips)

    @property
    def description(self) -> str:
        """ "clear", or who halted trading and why."""
        if len(self.trips) <= 1:
            return f"on{_continued(self.trips[0].description)}" if self.trips else CLEAR
        return f"on: {len(self.trips)} trips. {list_trips(self.trips)}"

    def acknowledged_through(self, cause: str) -> date | None:
        """Return the latest session whose trip for this cause was reset by a person; None if there is none.

        The data of that session does not trip the switch again for this cause.
        """
        active = {trip.name for trip in self.trips}
        sessions = [
            event.session
            for number, event in enumerate(self.events)
            if event.cause == cause and event.session and str(number) not in active
        ]
        return max(map(date.fromisoformat, sessions), default=None)


def list_trips(trips: Iterable[Trip]) -> str:
    """Return the trips in one line, each with its name; empty without any."""
    return "; ".join(f"trip {trip.name}{trip.description}" for trip in trips)


def _continued(description: str) -> str:
    """Return the description of a trip as the continuation of "on"."""
    return f", tripped{description}" if description.startswith((" by ", " at ")) else description


def parse_switch(content: bytes) -> Switch:
    """Parse the file's bytes; any other content means on."""
    try:
        return parse_strictly(content)
    except PARSE_ERRORS as error:
        return unknown_switch(f"The kill switch file cannot be parsed ({type(error).__name__}).")


def render_switch(events: tuple[Event, ...]) -> str:
    """Return the file's text for a history of events."""
    trips = active_trips(events)
    shown = trips[0].event if trips else events[-1]
    history = [as_stored(event) for event in events]
    return json.dumps(as_stored(shown) | {"history": history}, indent=2) + "\n"


def parse_strictly(content: bytes) -> Switch:
    """Return the switch; raise one of PARSE_ERRORS for any other content."""
    stored = parse_json(content)
    event = event_of(stored)
    events = tuple(event_of(entry) for entry in stored.get("history", [])) or (event,)
    trips = active_trips(events)
    if (event.state == ON) != bool(trips):
        raise ValueError("the state contradicts the history")
    return Switch(trips[0].event if trips else event, events, trips)


def active_trips(events: tuple[Event, ...]) -> tuple[Trip, ...]:
    """Return the trips that no later reset acknowledges. Their names are their positions in the history."""
    active: dict[str, Event] = {}
    for number, event in enumerate(events):
        if event.state == ON:
            active[str(number)] = event
        elif event.acknowledges is None:
            active.clear()
        else:
            for name in event.acknowledges:
                active.pop(name, None)
    return tuple(Trip(name, event) for name, event in active.items())


def event_of(stored: dict[str, Any]) -> Event:
    """Return one entry of the history; raise one of PARSE_ERRORS if a field is missing or has the wrong type."""
    state, by, reason = stored["state"], stored["by"], stored["reason"]
    at, session = stored.get("at"), stored.get("session")
    cause, acknowledges = stored.get("cause", ""), stored.get("acknowledges")
    texts = (by, reason, cause, *(acknowledges or ()))
    if state not in (CLEAR, ON) or not all(isinstance(text, str) for text in texts):
        raise ValueError("not a state of the switch")
    if acknowledges is not None and not isinstance(acknowledges, list):
        raise ValueError("not a list of trips")
    if at is not None:
        datetime.fromisoformat(at)
    if session is not None:
        date.fromisoformat(session)
    cause = RENAMED_CAUSES.get(cause, cause)
    return Event(state, by, reason, at, session, cause, None if acknowledges is None else tuple(acknowledges))


def unknown_switch(reason: str) -> Switch:
    """Return the switch for an unknown state: on, for the given reason."""
    event = Event(ON, "", reason, None, cause=UNREADABLE)
    return Switch(event, (event,), (Trip("0", event),))


def as_stored(event: Event) -> dict[str, Any]:
    """Return the event as a JSON object of the file."""
    return {
        name: value for name, value in asdict(event).items() if name != "acknowledges" or value is not None
    }

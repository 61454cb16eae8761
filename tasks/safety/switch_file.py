"""Understand and render what live/kill_switch.json holds: the state, and every trip and reset since the beginning.

Whatever is not exactly as it is written here is on. No disk: tasks/safety/kill_switch.py reads and writes the file.
"""

import json
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from tasks.core.json_text import parse_json

CLEAR, ON = "clear", "on"
BY_HAND = "by_hand"
UNREADABLE = "unreadable"
REDUCING_CAUSES = frozenset(
    {"daily_loss", "six_week_sharpe", "volatility"}
)  # rules about new risk: sales go through
NOT_UNDERSTOOD = (ValueError, KeyError, TypeError, AttributeError, RecursionError)


@dataclass(frozen=True)
class Event:
    """One trip or reset: what the switch became, through whom, why, and when."""

    state: str
    by: str
    reason: str
    at: str | None
    session: str | None = None  # the session whose figures tripped it; None when tripped by hand
    cause: str = ""  # of a trip: by_hand, or the rule's name; empty in a file of an earlier release
    acknowledges: tuple[str, ...] | None = None  # of a reset: the trips it ended; None: all before it


@dataclass(frozen=True)
class Trip:
    """A trip that no reset has named yet. `name` is what a reset calls it by."""

    name: str
    event: Event

    @property
    def says(self) -> str:
        """Return who, when and why, to stand within a sentence: the reason's own full stop would double it."""
        by = f" by {self.event.by}" if self.event.by else ""
        at = f" at {self.event.at}" if self.event.at else ""
        return f"{by}{at}: {self.event.reason.removesuffix('.')}"


@dataclass(frozen=True)
class Switch:
    """The switch as it stands. `events` is the file's history, oldest first."""

    event: Event
    events: tuple[Event, ...]
    trips: tuple[Trip, ...]
    problems: tuple[str, ...] = ()  # what did not go as it should while the switch was tripped

    @property
    def is_on(self) -> bool:
        return bool(self.trips)

    @property
    def lets_reductions_through(self) -> bool:
        """Tell whether every halt is a rule's, and about new risk: then a day of sales alone may be published."""
        return self.is_on and all(trip.event.cause in REDUCING_CAUSES for trip in self.trips)

    @property
    def says(self) -> str:
        """Return "clear", or in words who halted trading and why."""
        if len(self.trips) <= 1:
            return f"on{self.trips[0].says}" if self.trips else CLEAR
        told = "; ".join(f"{trip.name}{trip.says}" for trip in self.trips)
        return f"on: {len(self.trips)} trips. {told}"

    def acknowledged_through(self, cause: str) -> date | None:
        """Return the latest session whose figures tripped the switch for this cause and were then reset by a person.

        Those figures were looked at: they do not trip it again. Another cause's reset excuses nothing.
        """
        standing = {trip.name for trip in self.trips}
        sessions = [
            event.session
            for number, event in enumerate(self.events)
            if event.cause == cause and event.session and str(number) not in standing
        ]
        return max(map(date.fromisoformat, sessions), default=None)


def parse_switch(content: bytes) -> Switch:
    """Understand the file's bytes; whatever is not exactly as it is written here is on."""
    try:
        return understood(content)
    except NOT_UNDERSTOOD as error:
        return unknown_switch(f"The kill switch file cannot be understood ({type(error).__name__}).")


def render_switch(events: tuple[Event, ...]) -> str:
    """Return the file's text for a history."""
    trips = standing_trips(events)
    shown = trips[0].event if trips else events[-1]
    history = [as_stored(event) for event in events]
    return json.dumps(as_stored(shown) | {"history": history}, indent=2) + "\n"


def understood(content: bytes) -> Switch:
    """Return the switch; raise one of NOT_UNDERSTOOD for bytes that do not say how it stands."""
    stored = parse_json(content)
    event = event_of(stored)
    events = tuple(event_of(entry) for entry in stored.get("history", [])) or (event,)
    trips = standing_trips(events)
    if (event.state == ON) != bool(trips):
        raise ValueError("the state contradicts the history")
    return Switch(trips[0].event if trips else event, events, trips)


def standing_trips(events: tuple[Event, ...]) -> tuple[Trip, ...]:
    """Return the trips that no later reset acknowledges. A trip is called by its place in the history."""
    standing: dict[str, Event] = {}
    for number, event in enumerate(events):
        if event.state == ON:
            standing[str(number)] = event
        elif event.acknowledges is None:
            standing.clear()
        else:
            for name in event.acknowledges:
                standing.pop(name, None)
    return tuple(Trip(name, event) for name, event in standing.items())


def event_of(stored: dict[str, Any]) -> Event:
    """Return one entry of the history; raise one of NOT_UNDERSTOOD where a field is missing or of another type."""
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
    return Event(state, by, reason, at, session, cause, None if acknowledges is None else tuple(acknowledges))


def unknown_switch(reason: str) -> Switch:
    """Return the switch that is on because nobody can say how it stands."""
    event = Event(ON, "", reason, None, cause=UNREADABLE)
    return Switch(event, (event,), (Trip("0", event),))


def as_stored(event: Event) -> dict[str, Any]:
    """Return the event as the file holds it."""
    return {
        name: value for name, value in asdict(event).items() if name != "acknowledges" or value is not None
    }

"""The notice of a change of the kill switch, derived from its state and from what was announced before. Pure.

A trip by any means (a rule, a command, live/STOP, a file outside the home) is found by the next process that looks.
"""

from dataclasses import dataclass

from tasks.core.homes.home import Home
from tasks.core.ids import sha256_of_record
from tasks.core.text import counted
from tasks.reporting.notify.schema import Command, Kind, Notice, Tone
from tasks.reporting.notify.wording import plain
from tasks.safety.kill_switch.switch import reset_command
from tasks.safety.kill_switch.switch_file import CLEAR, ON, Event, Switch


@dataclass(frozen=True)
class Announced:
    """What was announced last. `number` counts the announcements: the same trip may happen twice."""

    number: int
    trips: tuple[str, ...]  # identities of the trips that were active
    events: int  # length of the history


def next_announced(before: Announced, switch: Switch) -> Announced:
    """Return what has been announced once the current state is."""
    return Announced(before.number + 1, _active(switch), len(switch.events))


def switch_notice(home: Home, before: Announced, switch: Switch) -> Notice | None:
    """Return the notice of what changed; None if nothing did."""
    active = _active(switch)
    is_new = any(trip not in before.trips for trip in active)
    passed = _tripped_and_reset(before, switch)
    if not is_new and not passed and set(active) == set(before.trips):
        return None
    subject, said = _words(before, switch, passed, is_new=is_new)
    return Notice(
        kind=Kind.KILL_SWITCH,
        key=f"{before.number} {' '.join(active)} {len(switch.events)}",
        tone=Tone.ALERT if switch.is_on or passed else Tone.INFO,
        subject=plain(subject),
        lead=(said, *([_meaning(switch)] if switch.is_on else [])),
        facts=tuple((f"Trip {trip.name}", plain(trip.description.strip(" :"))) for trip in switch.trips),
        commands=_commands(home, switch),
        data={
            "state": ON if switch.is_on else CLEAR,
            "trips": [plain(trip.description) for trip in switch.trips],
        },
    )


def _words(before: Announced, switch: Switch, passed: tuple[Event, ...], *, is_new: bool) -> tuple[str, str]:
    """Return the subject and the first sentence."""
    if switch.is_on and is_new:
        newest = switch.trips[-1].event
        return (
            f"KILL SWITCH ON: {newest.reason}",
            f"The kill switch of this home is {_stopped(switch.description)}",
        )
    if switch.is_on:
        left = counted(len(switch.trips), "trip")
        return (
            f"kill switch still on: {left} not reset",
            f"A trip was reset; {left} remain: the switch stays on.",
        )
    last = switch.events[-1]
    reset = (
        f"reset by {last.by}: {last.reason}" if last.state == CLEAR and last.by else "live/STOP was removed"
    )
    if before.trips:
        return f"kill switch off, {reset}", f"The kill switch of this home is clear: {_stopped(reset)}"
    reasons = "; ".join(_stopped(event.reason).rstrip(".") for event in passed)
    return (
        f"kill switch was tripped and {reset}",
        f"The kill switch was tripped ({reasons}) and {_stopped(reset)}",
    )


def _meaning(switch: Switch) -> str:
    if switch.allows_reductions:
        return "Nothing is bought until a named person resets it. Sells may still be proposed and sent."
    return (
        "No day is published and no order is sent until a named person resets it. Open orders are canceled."
    )


def _commands(home: Home, switch: Switch) -> tuple[Command, ...]:
    if not switch.is_on:
        return ()
    return (Command("When the cause is understood, reset it", reset_command(home, switch)),)


def _tripped_and_reset(before: Announced, switch: Switch) -> tuple[Event, ...]:
    """Return the trips of the history since then that were not announced and are no longer active."""
    known = {*before.trips, *_active(switch)}
    return tuple(
        event
        for event in switch.events[before.events :]
        if event.state == ON and _identity(event) not in known
    )


def _active(switch: Switch) -> tuple[str, ...]:
    return tuple(_identity(trip.event) for trip in switch.trips)


def _identity(event: Event) -> str:
    """Return the same text for a trip stored outside the home and for its later entry in the history."""
    return sha256_of_record([event.by, event.reason, event.at, event.cause])[:16]


def _stopped(text: str) -> str:
    return text if text.endswith(".") else f"{text}."

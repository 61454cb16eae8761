"""What is said, independent of the channel that carries it."""

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Literal

Standing = Literal["good", "note", "warn", "bad"]


class Kind(StrEnum):
    """What happened. Every kind but the first two can be switched off for each channel (`notifications.*.kinds`)."""

    KILL_SWITCH = "kill_switch"
    TEST = "test"
    DAY_PROPOSED = "day_proposed"
    DAY_BLOCKED = "day_blocked"
    NO_TRADES = "no_trades"
    EXECUTION_DONE = "execution_done"
    EXECUTION_WAITING = "execution_waiting"
    EXECUTION_NEEDS_PERSON = "execution_needs_person"
    CHAMPION_PROMOTED = "champion_promoted"
    CHAMPION_RETAINED = "champion_retained"
    RUN_FAILED = "run_failed"


ALWAYS = frozenset({Kind.KILL_SWITCH, Kind.TEST})


class Tone(StrEnum):
    """How urgent it is: a decision is awaited, something is wrong, or neither."""

    ACTION = "action"
    ALERT = "alert"
    INFO = "info"


@dataclass(frozen=True)
class Table:
    """Rows of text under headings. `left_out` rows are only in the attachment."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: tuple[int, ...] = ()  # columns that are aligned to the right
    left_out: int = 0
    rest_is_in: str = ""


@dataclass(frozen=True)
class Point:
    """One line of a list: how serious it is, in a word and as a color, and what it says."""

    mark: str
    standing: Standing
    words: str


@dataclass(frozen=True)
class Points:
    """A list under its heading."""

    title: str
    lines: tuple[Point, ...]


@dataclass(frozen=True)
class Command:
    """A command to type next, and what it does."""

    purpose: str
    line: str


@dataclass(frozen=True)
class Picture:
    """A PNG and its text alternative. `width` and `height` are in CSS pixels."""

    png: bytes
    description: str
    width: int
    height: int


@dataclass(frozen=True)
class Attachment:
    """A file of the day, unchanged."""

    name: str
    content: bytes
    subtype: str = "csv"  # of text/


@dataclass(frozen=True)
class Notice:
    """One message to everyone who subscribes to its kind. Its texts are plain and untrusted: channels escape them.

    Notices of equal kind and key are the same one, and are sent once.
    """

    kind: Kind
    key: str
    tone: Tone
    subject: str  # without the title in brackets: the decision in one line
    lead: tuple[str, ...]  # paragraphs: what happened, and what it means for the trades
    points: tuple[Points, ...] = ()  # what to read before the facts
    facts: tuple[tuple[str, str], ...] = ()
    table: Table | None = None
    commands: tuple[Command, ...] = ()
    picture: Picture | None = None
    attachments: tuple[Attachment, ...] = ()
    session: date | None = None
    is_simulated: bool = False
    data: dict[str, object] = field(default_factory=dict)  # the same figures, for the webhook's program

"""What the review page reads, and what it may do: records, and the callables that the application is given."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from tasks.approval.standing import Standing
from tasks.safety.switch_file import Switch


@dataclass(frozen=True)
class Reading:
    """A day as it is now. `seen` is the digest of everything that a signature would cover, "" if nothing can be."""

    session: date
    standing: Standing
    seen: str
    switch: Switch
    at: datetime
    has_execution: bool
    key_file: str  # of the person who runs the page
    next_step: str  # after an approval


@dataclass(frozen=True)
class DayLine:
    """One day in the history."""

    session: date
    state: str
    words: str
    trades: int | None  # None where the files cannot be read
    regime: str
    has_execution: bool


@dataclass(frozen=True)
class Signing:
    """What a person entered to approve. `passphrase` is called only once the key file was found sound."""

    by: str
    seen: str
    key_file: str
    overrule: str
    signature: str = field(repr=False)
    passphrase: Callable[[], str] = field(repr=False)


@dataclass(frozen=True)
class Actions:
    """What the application may do. Each raises AftercloseError with a message for a person."""

    read: Callable[[date], Reading]
    days: Callable[[], Sequence[DayLine]]
    approve: Callable[[date, Signing], None]
    reject: Callable[[date, str, str], None]  # by, reason
    switch: Callable[[], Switch]
    trip: Callable[[str, str], Switch]  # by, reason
    execution_page: Callable[[date], bytes | None]

"""What the review page reads, and what it may do: records, and the callables that the application is given."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from tasks.approval.standing import Standing
from tasks.reporting.day.executed import ExecutedDay
from tasks.reporting.day.filled_book import Limits
from tasks.reporting.day.name_histories import NameHistory
from tasks.safety.kill_switch.switch_file import Switch


@dataclass(frozen=True)
class Reading:
    """A day as it is now.

    `seen` is the digest of what a signature would cover and of the revisions; empty if nothing can be signed.
    """

    session: date
    standing: Standing
    seen: str
    switch: Switch
    at: datetime
    has_execution: bool
    executed: ExecutedDay | None  # None: no execution began, or its record cannot be read
    revisions: tuple[int, ...]  # numbers of those that were made
    key_file: str  # of the person who runs the page
    next_step: str  # after an approval


@dataclass(frozen=True)
class DayLine:
    """One day in the history."""

    session: date
    state: str
    headline: str  # the state in words; for an executed day, the outcome of the execution
    words: str
    trades: int | None  # None where the files cannot be read
    regime: str
    has_execution: bool


@dataclass(frozen=True)
class Asked:
    """Changes to a day's trades that a person tries out: lines struck, halved, and whether to re-optimize others."""

    strike: tuple[str, ...] = ()
    halve: tuple[str, ...] = ()
    solve: bool = False

    def __bool__(self) -> bool:
        return bool(self.strike or self.halve)


@dataclass(frozen=True)
class Figures:
    """A portfolio once its trades are filled. Fractions are of the equity."""

    trades: int
    cash_usd: float
    invested_frac: float
    turnover_frac: float
    cost_usd: float
    volatility_frac: float
    var_frac: float  # over one day
    sectors: Mapping[str, float]


@dataclass(frozen=True)
class Resized:
    """One line whose size the changes alter. Shares are signed: positive buys, negative sells, 0: no trade."""

    symbol: str
    before: int | None  # None: as published
    after: int


@dataclass(frozen=True)
class Effect:
    """What changes would do. `failed` are the checks that they would not pass: the name, and why in words."""

    before: Figures
    after: Figures
    limits: Limits
    resized: tuple[Resized, ...]
    failed: tuple[tuple[str, str], ...]
    way_out: str = ""  # what to do about them


@dataclass(frozen=True)
class Signing:
    """What a person entered to approve. `passphrase` is called only once the key file was found sound."""

    by: str
    seen: str
    revision: int
    key_file: str
    how: str  # another key file can be specified
    overrule: str
    signature: str = field(repr=False)
    passphrase: Callable[[], str] = field(repr=False)


@dataclass(frozen=True)
class Actions:
    """What the application may do. Each raises AftercloseError with a message for a person."""

    read: Callable[
        [date, int | None], Reading
    ]  # of a revision; 0: as published; None: as signed, else as published
    days: Callable[[], Sequence[DayLine]]
    history: Callable[[date, str], NameHistory | None]  # of a name; None where the lake has no data for it
    approve: Callable[[date, Signing], None]
    reject: Callable[[date, str, str], None]  # by, reason
    preview: Callable[[date, Asked], Effect]
    revise: Callable[
        [date, Asked, str, str, str], int
    ]  # by, reason, seen; returns the number of the revision
    switch: Callable[[], Switch]
    trip: Callable[[str, str], Switch]  # by, reason
    execution_page: Callable[[date], bytes | None]
    with_home: Callable[[str], str] = str  # commands in a text, so that they work in any directory

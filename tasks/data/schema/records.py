"""Records that the data slice passes on: the refreshed market, findings, and the panel that stages compute on."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Bucket:
    """A prefix of a bucket, `s3://bucket/prefix`. Credentials and endpoint come from the environment only."""

    uri: str

    def __str__(self) -> str:
        return self.uri


LakeLocation = Path | Bucket  # of a lake: only a name, cheap to pass on, safe to print
Matrix = NDArray[np.float64]  # sessions × symbols; NaN where there is no bar
Mask = NDArray[np.bool_]
Days = NDArray[np.datetime64]

SIMULATED = "simulated"  # the provider of the embedded market
NEWEST_SIMULATION = 2  # version of it that a new lake gets

Severity = Literal["note", "quarantine", "stop"]


@dataclass(frozen=True)
class PanelRules:
    """The settings that determine a panel: names of the levels, and the rules of the universe."""

    benchmark: str
    volatility_index: str
    min_price_usd: float
    min_dollar_volume_usd: float
    min_history_sessions: int
    quarantine_sessions: int


@dataclass(frozen=True)
class SnapshotRef:
    """Identifies the data that is known as of a session: equal ids mean equal data.

    `id` hashes content, not history: it depends neither on the number of refreshes nor on later rows.
    """

    id: str
    lake: LakeLocation
    session: date
    versions: dict[str, int]  # Delta version of each table
    rules: PanelRules | None = None  # None in tests that never read the panel


@dataclass(frozen=True)
class Finding:
    """One data problem of one symbol ('*': the whole session), with its evidence and the action taken."""

    symbol: str
    session: date
    rule: str
    severity: Severity
    evidence: str
    action: str


@dataclass(frozen=True)
class Market:
    """The market as of a session: what `refresh_market` returns."""

    snapshot: SnapshotRef
    provider: str
    new_bars: int
    restated_bars: int
    findings: tuple[Finding, ...]  # of this session, and older ones that keep a symbol in quarantine
    quarantined: tuple[str, ...]
    universe_size: int
    universe_gained: tuple[str, ...]
    universe_lost: tuple[str, ...]
    failovers: tuple[str, ...]  # which provider failed and why, in order of the attempts
    rewritten: tuple[str, ...] = ()  # tables whose history was changed or withdrawn, with examples

    @property
    def is_simulated(self) -> bool:
        """True when prices and names are not real; shown wherever they could be mistaken for real ones."""
        return self.provider == SIMULATED


@dataclass(frozen=True)
class Panel:
    """Aligned arrays over sessions × symbols, up to the session of the run and no later.

    Prices are total-return prices compounded forward from each listing (raw price × all split and dividend factors
    up to that row), so that a row never changes when later actions become known. `raw_close` is the unadjusted
    close; use it for money, never for returns.
    """

    sessions: Days
    symbols: NDArray[np.str_]  # as of the last session
    company: NDArray[np.str_]  # id by column, ascending: an order that no later rename changes
    open: Matrix
    high: Matrix
    low: Matrix
    close: Matrix
    volume: Matrix  # in shares of the listing day (splits undone)
    raw_close: Matrix
    dollar_volume: Matrix  # raw close × raw volume
    is_member: (
        Mask  # index member, priced, liquid, listed long enough and not in quarantine; trailing data only
    )
    market: NDArray[np.float64]  # benchmark total-return level, NaN where missing
    volatility_index: NDArray[np.float64]  # percent, NaN where missing
    sector: NDArray[np.str_]  # by symbol, the latest known; "Unknown" where none is
    sector_at: NDArray[
        np.int8
    ]  # sessions × symbols: a number for each sector as of that session, −1 where it had no date
    cap_class: NDArray[np.str_]  # large, mid, small; "" where there is no cap data
    name: NDArray[np.str_]  # company name, hostile until escaped
    fundamentals: dict[str, Matrix]  # latest value public by each session, forward filled
    risk_free: NDArray[np.float64]  # annual yield as a fraction, forward filled; 0 where unknown

"""What the data slice hands on: the refreshed market as a handle, findings, and the panel that stages compute on."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Bucket:
    """A prefix of a bucket, `s3://bucket/prefix`. Keys and addresses are the environment's, never the name's."""

    uri: str

    def __str__(self) -> str:
        return self.uri


Place = Path | Bucket  # where a lake is: a name and nothing else, cheap to hand on, safe to print
Matrix = NDArray[np.float64]  # sessions × symbols; NaN where there is no bar
Mask = NDArray[np.bool_]
Days = NDArray[np.datetime64]

SIMULATED = "simulated"  # the provider of the embedded market

Severity = Literal["note", "quarantine", "stop"]


@dataclass(frozen=True)
class PanelRules:
    """What of the settings decides how a panel is read: which levels stand for what, and who is in the universe."""

    benchmark: str
    volatility_index: str
    min_price_usd: float
    min_dollar_volume_usd: float
    min_history_sessions: int
    quarantine_sessions: int


@dataclass(frozen=True)
class SnapshotRef:
    """Names exactly the data that is known as of a session: equal ids, equal data.

    `id` hashes content, not history: it does not depend on how many refreshes led there, nor on later rows.
    """

    id: str
    lake: Place
    session: date
    versions: dict[str, int]  # Delta version of each table
    rules: PanelRules | None = None  # None in tests that never read the panel


@dataclass(frozen=True)
class Finding:
    """One thing wrong with one symbol (or the whole session, symbol '*'), with its evidence and what was done."""

    symbol: str
    session: date
    rule: str
    severity: Severity
    evidence: str
    action: str


@dataclass(frozen=True)
class Market:
    """What `refresh_market` hands on."""

    snapshot: SnapshotRef
    provider: str
    new_bars: int
    restated_bars: int
    findings: tuple[Finding, ...]  # of this session, and those that still keep a symbol in quarantine
    quarantined: tuple[str, ...]
    universe_size: int
    universe_gained: tuple[str, ...]
    universe_lost: tuple[str, ...]
    fall_throughs: tuple[str, ...]  # which provider failed and why, in order
    rewritten: tuple[str, ...] = ()  # which tables' history was changed or withdrawn, with examples

    @property
    def is_simulated(self) -> bool:
        """True when no price, name or result is real; said wherever a person or a program could take it for real."""
        return self.provider == SIMULATED


@dataclass(frozen=True)
class Panel:
    """Aligned arrays over sessions × symbols, cut at the session that is walked: nothing later is in it.

    Prices are total-return prices counted forward from each listing (raw × all split and dividend factors up to
    that row), so that a row never changes when later actions become known. `raw_close` is what was printed on
    the tape; use it for money, never for returns.
    """

    sessions: Days
    symbols: NDArray[np.str_]
    open: Matrix
    high: Matrix
    low: Matrix
    close: Matrix
    volume: Matrix  # shares, counted in the shares of the listing day (split factors undone)
    raw_close: Matrix
    dollar_volume: Matrix  # raw close × raw volume
    is_member: Mask  # index member, priced, liquid, old enough and not quarantined, on trailing data only
    market: NDArray[np.float64]  # benchmark total-return level, NaN where missing
    volatility_index: NDArray[np.float64]  # percent, NaN where missing
    sector: NDArray[np.str_]  # by symbol; "Unknown" where none is known
    cap_class: NDArray[np.str_]  # large, mid, small; "" where there is no cap data
    name: NDArray[np.str_]  # company name, hostile until escaped
    fundamentals: dict[str, Matrix]  # latest value public by each session, forward filled
    risk_free: NDArray[np.float64]  # annual yield as a fraction, forward filled; 0 where unknown

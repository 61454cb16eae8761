"""The state of the simulated companies: their parameters, and the status of each.

A slot holds one company, is empty for some weeks after its delisting, then holds another. So the number of slots is
constant, and every array is sessions × slots. The arrays belong to one simulation, which changes them in place.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tasks.simulation.naming import SECTORS
from tasks.simulation.parameters import SESSIONS_PER_YEAR, Parameters

Values = NDArray[np.float64]
Slots = NDArray[np.intp]

SECTOR_SHARE = np.array([0.14, 0.12, 0.14, 0.11, 0.05, 0.15, 0.07, 0.05, 0.06, 0.06, 0.05])
STYLES = 3
CAP_CLASSES = ("small", "mid", "large")
CAP_BOUNDS_USD = np.array([2e9, 10e9])  # between small, mid and large
NEVER = np.iinfo(np.int64).max // 2


class Status:
    """Status of a slot; plain integers, because arrays are compared with them."""

    EMPTY = 0
    TRADED = 1
    ACQUIRED = 2  # a merger is announced: it trades close to the offer until its delisting
    FAILING = 3  # bankruptcy is announced: it falls to near zero until its delisting


@dataclass
class Companies:
    """One value per slot. Volatility is daily, market caps are in USD."""

    count: int
    status: NDArray[np.int8] = field(init=False)
    timer: NDArray[np.int64] = field(init=False)  # sessions until the next change of status
    age: NDArray[np.int64] = field(init=False)  # sessions since listing; 0 on the first
    listing: NDArray[np.int64] = field(init=False)  # row of the symbol in the ledger
    sector: NDArray[np.intp] = field(init=False)
    beta: Values = field(init=False)
    beta_variance: float = field(init=False)  # across all slots
    styles: Values = field(init=False)  # styles × slots
    base_volatility: Values = field(init=False)
    volatility_shift: Values = field(init=False)  # slow log deviation of volatility from its base
    raw: Values = field(init=False)  # last price, before rounding
    shares: Values = field(init=False)
    log_turnover: Values = field(init=False)  # usual log turnover of a session, as a fraction of all shares
    attention: Values = field(init=False)  # slow log deviation of volume from its usual level
    dividend_yield: Values = field(init=False)  # annual; 0 for those that never pay
    split_above: Values = field(init=False)
    cap_class: NDArray[np.int64] = field(init=False)  # index into CAP_CLASSES, as last published
    is_member: NDArray[np.bool_] = field(init=False)
    member_since: NDArray[np.int64] = field(init=False)

    def __post_init__(self) -> None:
        for name in ("base_volatility", "volatility_shift", "raw", "shares", "log_turnover", "attention"):
            setattr(self, name, np.zeros(self.count))
        for name in ("beta", "dividend_yield", "split_above"):
            setattr(self, name, np.zeros(self.count))
        for name in ("age", "listing", "cap_class", "member_since"):
            setattr(self, name, np.zeros(self.count, dtype=np.int64))
        self.status = np.zeros(self.count, dtype=np.int8)
        self.timer = np.full(self.count, NEVER)
        self.sector = np.zeros(self.count, dtype=np.intp)
        self.is_member = np.zeros(self.count, dtype=np.bool_)
        self.styles = np.zeros((STYLES, self.count))

    @property
    def cap_usd(self) -> Values:
        return self.raw * self.shares

    @property
    def is_traded(self) -> NDArray[np.bool_]:
        """Return which slots have a bar."""
        traded: NDArray[np.bool_] = self.status != Status.EMPTY
        return traded


def first_companies(parameters: Parameters) -> Companies:
    """Fill every slot with a company that has been listed for a year."""
    companies = Companies(parameters.symbols)
    slots = np.arange(parameters.symbols)
    fill_slots(companies, slots, parameters.generator("first companies"), median_cap_usd=9e9)
    companies.age[:] = SESSIONS_PER_YEAR
    return companies


def fill_slots(
    companies: Companies, slots: Slots, draw: np.random.Generator, *, median_cap_usd: float = 5e9
) -> None:
    """Fill the slots with new companies, listed on this session."""
    count = len(slots)
    companies.status[slots] = Status.TRADED
    companies.timer[slots] = NEVER
    companies.age[slots] = 0
    companies.sector[slots] = draw.choice(len(SECTORS), size=count, p=SECTOR_SHARE / SECTOR_SHARE.sum())
    companies.beta[slots] = np.clip(draw.normal(1.0, 0.25, count), 0.4, 1.7)
    companies.beta_variance = float(np.var(companies.beta))
    companies.styles[:, slots] = draw.standard_normal((STYLES, count))
    annual = np.clip(0.26 * np.exp(0.22 * draw.standard_normal(count)), 0.15, 0.50)
    companies.base_volatility[slots] = annual / np.sqrt(SESSIONS_PER_YEAR)
    companies.volatility_shift[slots] = 0.17 * draw.standard_normal(count)
    companies.raw[slots] = np.clip(50 * np.exp(0.6 * draw.standard_normal(count)), 12, 250)
    cap = np.maximum(median_cap_usd * np.exp(1.1 * draw.standard_normal(count)), 3e8)
    companies.shares[slots] = np.round(cap / companies.raw[slots])
    companies.cap_class[slots] = np.searchsorted(CAP_BOUNDS_USD, cap)
    companies.log_turnover[slots] = np.log(0.006) + 0.35 * draw.standard_normal(count)
    companies.attention[slots] = 0.0
    pays = draw.random(count) < 0.7
    companies.dividend_yield[slots] = np.where(pays, draw.uniform(0.005, 0.04, count), 0.0)
    companies.split_above[slots] = np.exp(draw.uniform(np.log(160), np.log(800), count))

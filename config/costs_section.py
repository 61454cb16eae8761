"""The settings of the cost model: commission, dated fees, spread, impact and order types.

The defaults are in base.yaml, with the source of each. docs/costs.md explains the formulas.
"""

from datetime import date
from itertools import pairwise
from typing import Annotated, Literal, get_args

from pydantic import Field, field_validator, model_validator

from config.section import Fraction, NotNegative, Positive, Section

OrderType = Literal["market", "limit", "twap", "vwap", "moo", "moc"]
HALF_HOURS = 13  # of a full session, 09:30 to 16:00
ROUNDING = 1e-6

Curve = Annotated[tuple[Positive, ...], Field(min_length=HALF_HOURS, max_length=HALF_HOURS)]
Source = Annotated[str, Field(min_length=1)]


class SecFee(Section):
    """One rate of the SEC's Section 31 fee."""

    since: date
    """First trade date."""
    usd_per_million: NotNegative
    """Fee per million USD of sales."""
    source: Source
    """Notice that set the rate."""


class Taf(Section):
    """One rate of FINRA's trading activity fee."""

    since: date
    """First trade date."""
    usd_per_share: NotNegative
    """Fee per share sold."""
    max_usd: NotNegative
    """Maximum fee per sale."""
    source: Source
    """Notice that set the rate."""


class Fees(Section):
    """Regulatory fees on sales, by trade date."""

    sec: Annotated[tuple[SecFee, ...], Field(min_length=1)]
    """Rates of the SEC's Section 31 fee, oldest first; each applies until the next."""
    taf: Annotated[tuple[Taf, ...], Field(min_length=1)]
    """Rates of FINRA's trading activity fee, oldest first; each applies until the next."""
    before_first: Literal["first", "refuse"]
    """For sessions before the first rate: apply that rate, or refuse the session."""

    @field_validator("sec", "taf")
    @classmethod
    def _dates_ascend(cls, rates: tuple[SecFee | Taf, ...]) -> tuple[SecFee | Taf, ...]:
        for before, after in pairwise(rates):
            if after.since <= before.since:
                raise ValueError(
                    f"rates must be in order of date: {before.since} is followed by {after.since}"
                )
        return rates


class Spread(Section):
    """The half-spread of a name, estimated from its bars."""

    benchmark_half_bps: NotNegative
    """Half-spread of a name that trades 40 million USD a day at 2% daily volatility (Kyle and Obizhaeva 2016)."""
    volatility_exponent: Fraction
    """The half-spread grows with this power of volatility; 2/3 by market microstructure invariance."""
    volume_exponent: Fraction
    """The half-spread falls with this power of dollar volume; 1/3 by market microstructure invariance."""
    tick_usd: NotNegative
    """Smallest quoted spread in USD: the minimum price increment of Rule 612, Regulation NMS."""
    by_half_hour: Curve
    """Shape of the spread from 09:30 to 16:00; only the ratios count. Reverse J (McInish and Wood 1992)."""


class Impact(Section):
    """Market impact, as a multiple of daily volatility."""

    square_root: NotNegative
    """Coefficient of the square root of shares / average daily volume (Kyle and Obizhaeva 2016)."""
    linear: NotNegative
    """Coefficient of shares / volume of the order's window: half of 0.314 (Almgren et al. 2005)."""
    volume_by_half_hour: Curve
    """Fractions of the day's volume that trade from 09:30 to 16:00 outside the auctions. First: NYSE (2021)."""
    opening_auction_volume: Positive
    """Fraction of the day's volume that trades in the opening auction."""
    closing_auction_volume: Positive
    """Fraction of the day's volume that trades in the closing auction."""

    @model_validator(mode="after")
    def _the_day_is_complete(self) -> "Impact":
        total = self.opening_auction_volume + sum(self.volume_by_half_hour) + self.closing_auction_volume
        if abs(total - 1) > ROUNDING:
            raise ValueError(f"the fractions of the day's volume and the auctions sum to {total:g}, not 1")
        return self


class VolatilityIndex(Section):
    """The multiplier of volatility: the volatility index relative to its recent mean."""

    mean_sessions: Annotated[int, Field(ge=1, le=63)]
    """Number of sessions in the mean of the index; the daily volatility always covers 63 sessions."""
    min_multiplier: Positive
    """Lower bound of the index divided by its mean, by which volatility is multiplied."""
    max_multiplier: Annotated[float, Field(ge=1, allow_inf_nan=False)]
    """Upper bound of the same ratio."""


class Orders(Section):
    """The execution of orders, as far as it affects costs."""

    type: OrderType
    """Order type whose cost the day and the backtest estimate."""
    half_hour: Annotated[int, Field(ge=0, lt=HALF_HOURS)]
    """Half-hour of the session in which a market or limit order is sent; 0 is 09:30 to 10:00."""
    spread_paid_frac: dict[OrderType, Fraction]
    """Fraction of the half-spread that each order type pays. Auctions have one price and no spread."""

    @field_validator("spread_paid_frac")
    @classmethod
    def _each_type_has_a_fraction(cls, paid: dict[str, float]) -> dict[str, float]:
        missing = [name for name in get_args(OrderType) if name not in paid]
        if missing:
            raise ValueError(f"no fraction for {', '.join(missing)}")
        return paid


class Costs(Section):
    """The cost model of a trade."""

    multiple: Annotated[float, Field(ge=0, le=1000)]
    """Multiplies every cost estimate. 0: no costs; 2: doubled costs."""
    commission_per_share_usd: NotNegative
    """The broker's commission."""
    min_commission_usd: NotNegative
    """The broker's smallest commission per order."""
    fees: Fees
    spread: Spread
    impact: Impact
    volatility_index: VolatilityIndex
    orders: Orders

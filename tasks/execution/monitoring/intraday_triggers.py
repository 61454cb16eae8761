"""Which rules of the kill switch are broken while the exchange is open. Pure; the monitor then trips the switch."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from config.settings import Settings
from tasks.core.text import counted
from tasks.execution.brokers.base import BrokerAccount, BrokerPosition, Quote
from tasks.risk.ratios import net_return
from tasks.safety.kill_switch.switch_file import Switch
from tasks.safety.kill_switch.triggers import daily_loss_limit

SILENCE = timedelta(seconds=30)  # without an answer of the broker
PAST_SESSION = timedelta(minutes=15)  # after the end of its execution an order is canceled and looked up
DRIFT = Decimal("1.5")  # times portfolio.max_position_frac: prices move a position beyond it without a trade
ONCE_A_SESSION = frozenset({"daily_loss", "position_limit"})  # a person who reset it knows of it


@dataclass(frozen=True)
class Close:
    """The equity of record at the last close before today, dividends due included, and what flowed in since."""

    session: date
    equity_usd: float
    flows_since_usd: float


@dataclass(frozen=True)
class Sight:
    """What the monitor saw. `account` None: no answer; `is_open`: the exchange is."""

    at: datetime
    session: date
    is_open: bool
    account: BrokerAccount | None
    positions: Mapping[str, BrokerPosition]
    quotes: Mapping[str, Quote]
    receivable_cents: int  # dividends due, as booked
    past_session: tuple[str, ...]  # ids of orders that may be at the broker after the end of their execution
    close: Close | None  # None: no session has been run yet


@dataclass(frozen=True)
class Breach:
    """A rule that is broken: the cause of a trip, and the reason for a person."""

    cause: str
    why: str


def breaches(sight: Sight, settings: Settings) -> tuple[Breach, ...]:
    """Return every broken rule. Equity and positions are judged while the exchange is open and the books are final."""
    found = [*_past_session(sight)]
    if sight.is_open and sight.account is None:
        found.append(
            Breach("connectivity", f"The broker has not answered for {SILENCE.total_seconds():.0f} s.")
        )
    if sight.is_open and sight.account is not None and not sight.account.is_preliminary:
        found += [*_daily_loss(sight, sight.account, settings), *_positions(sight, sight.account, settings)]
    return tuple(found)


def new_breaches(found: tuple[Breach, ...], switch: Switch, session: date) -> tuple[Breach, ...]:
    """Return the breaches for which the switch is not tripped yet, and which no person has reset in this session."""
    active = {trip.event.cause for trip in switch.trips}
    return tuple(
        breach
        for breach in found
        if breach.cause not in active and not _is_acknowledged(breach, switch, session)
    )


def _is_acknowledged(breach: Breach, switch: Switch, session: date) -> bool:
    through = switch.acknowledged_through(breach.cause)
    return breach.cause in ONCE_A_SESSION and through is not None and through >= session


def _past_session(sight: Sight) -> Iterator[Breach]:
    if sight.past_session:
        orders = counted(len(sight.past_session), "order")
        yield Breach(
            "orders_past_session", f"{orders} may be open after the session: {sight.past_session[0]}."
        )


def _daily_loss(sight: Sight, account: BrokerAccount, settings: Settings) -> Iterator[Breach]:
    close = sight.close
    if close is None:
        return
    limit = daily_loss_limit(settings, close.session, sight.session)
    worth = (account.equity_cents + sight.receivable_cents) / 100
    loss = -net_return(worth, close.equity_usd, close.flows_since_usd)
    if not loss <= limit:
        yield Breach(
            "daily_loss", f"Lost {loss:.2%} since the close of {close.session}; the limit is {limit:.2%}."
        )


def _positions(sight: Sight, account: BrokerAccount, settings: Settings) -> Iterator[Breach]:
    limit = Decimal(str(settings.portfolio.max_position_frac)) * DRIFT
    equity = Decimal(account.equity_cents) / 100
    whys = []
    for symbol, position in sorted(sight.positions.items()):
        quote = sight.quotes.get(symbol)
        if position.shares < 0:
            whys.append(f"{position.shares:f} {symbol} are held")
        elif quote is not None and position.shares * quote.price > limit * equity:
            whys.append(f"{symbol} is more than {limit:.1%} of the equity of ${equity:,.2f}")
    if whys:
        yield Breach("position_limit", f"{'; '.join(whys)}.")

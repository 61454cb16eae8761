"""Why each trade has its size, as the page shows it: parts, contributions, survival and the name's own chart."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from tasks.reporting.day.inputs import DayInputs
from tasks.reporting.page.charts.name_chart import name_chart
from tasks.reporting.page.numerals import signed_usd
from tasks.reporting.page.sections.trades.trade_list import TradeLine
from tasks.trades.tickets.contributions import OTHERS
from tasks.trades.tickets.schema import Cause, Contribution, Ticket

CAUSES: dict[Cause, tuple[str, str]] = {
    "score": (
        "Score",
        "the effect of today's scores, everything else being as it is today; includes a change of champion",
    ),
    "drift": ("Drift", "prices moved the holding off its last target, or earlier trades were not filled"),
    "risk": ("Risk", "the estimated volatilities and correlations changed"),
    "regime": ("Regime", "the exposure cap, position sizes, what may be bought, or a stop changed"),
    "constraints": (
        "Constraints",
        "a quote, a quarantine, the volume, the kill switch's halt or a limit in the settings changed",
    ),
    "cash": ("Cash", "deposits and withdrawals"),
    "cost": ("Cost", "trading became cheaper or more expensive"),
}
MOST_IN_HEAD, OTHER = 3, "other"


@dataclass(frozen=True)
class PartLine:
    """One part. The bar begins at `left`; both are fractions of the widest ticket's bar."""

    cause: Cause
    label: str
    usd: float
    left: float
    width: float


@dataclass(frozen=True)
class FeatureLine:
    """One contribution. Bars are signed fractions of the ticket's largest one."""

    label: str
    value: float
    previous: float | None
    left: float
    width: float


@dataclass(frozen=True)
class WhyLine:
    """One trade explained."""

    symbol: str
    name: str
    side: str
    is_sale: bool
    signed_usd: float
    head: tuple[str, ...]  # the parts in words
    parts: tuple[PartLine, ...]
    zero: float  # where the bars begin
    features: tuple[FeatureLine, ...]
    survival: str
    is_fragile: bool
    chart: Markup | None


@dataclass(frozen=True)
class Why:
    """The section: `since` is the session compared with in words, empty without one."""

    since: str
    notes: tuple[str, ...]
    lines: tuple[WhyLine, ...]
    causes: dict[Cause, tuple[str, str]]


def why_each_trade(inputs: DayInputs, trades: Sequence[TradeLine]) -> Why:
    """Return why each trade has its size, in the order of trades.csv."""
    tickets = inputs.records.tickets
    lines = [
        _line(inputs, trade, ticket, number)
        for number, trade in enumerate(trades, start=1)
        if (ticket := tickets.of(trade.symbol)) is not None
    ]
    return Why(str(tickets.compared_with or ""), tickets.notes, tuple(lines), CAUSES)


def _line(inputs: DayInputs, trade: TradeLine, ticket: Ticket, number: int) -> WhyLine:
    history = inputs.names.get(ticket.symbol)
    parts, zero = parts_of(ticket)
    return WhyLine(
        symbol=ticket.symbol,
        name=trade.name,
        side=trade.side,
        is_sale=trade.is_sale,
        signed_usd=ticket.usd_cents / 100,
        head=head_words(ticket),
        parts=parts,
        zero=zero,
        features=features_of(ticket.contributions),
        survival=survival_words(ticket),
        is_fragile=ticket.is_fragile,
        chart=None if history is None else name_chart(ticket.symbol, history, key=f"name-{number}"),
    )


def parts_of(ticket: Ticket) -> tuple[tuple[PartLine, ...], float]:
    """Return the parts that are not zero, stacked from zero to either side, and the place of zero."""
    against = -sum(min(part.usd_cents, 0) for part in ticket.parts)
    whole = sum(abs(part.usd_cents) for part in ticket.parts) or 1
    left, right, found = against, against, []
    for part in ticket.parts:
        if not part.usd_cents:
            continue
        size = abs(part.usd_cents)
        start = right if part.usd_cents > 0 else left - size
        found.append(
            PartLine(part.cause, CAUSES[part.cause][0], part.usd_cents / 100, start / whole, size / whole)
        )
        left, right = (left, right + size) if part.usd_cents > 0 else (left - size, right)
    return tuple(found), against / whole


def head_words(ticket: Ticket) -> tuple[str, ...]:
    """Return the parts in whole dollars, the largest first: score +$1,200, drift −$300. They sum to the trade.

    Of more than three, the two largest are named; "other" is the sum of the rest.
    """
    largest = sorted(ticket.parts, key=lambda part: -abs(part.usd_cents))
    parts = [(CAUSES[part.cause][0].lower(), part.usd_cents) for part in largest if part.usd_cents]
    if len(parts) > MOST_IN_HEAD:
        rest = parts[MOST_IN_HEAD - 1 :]
        parts = [*parts[: MOST_IN_HEAD - 1], (OTHER, sum(cents for _, cents in rest))]
    dollars = _whole_dollars([cents for _, cents in parts])
    return tuple(f"{name} {signed_usd(usd)}" for (name, _), usd in zip(parts, dollars, strict=True) if usd)


def _whole_dollars(cents: Sequence[int]) -> list[int]:
    """Round each amount up or down to a whole dollar so that they sum to the rounded total."""
    dollars = [amount // 100 for amount in cents]
    missing = round(sum(cents) / 100) - sum(dollars)
    by_remainder = sorted(range(len(cents)), key=lambda place: -(cents[place] % 100))
    for place in by_remainder[:missing]:
        dollars[place] += 1
    return dollars


def features_of(contributions: Sequence[Contribution]) -> tuple[FeatureLine, ...]:
    """Return the contributions with their bars: `left` and `width` are fractions, zero is in the middle."""
    largest = max((abs(one.value) for one in contributions), default=0.0) or 1.0
    return tuple(
        FeatureLine(
            one.feature if one.feature == OTHERS else one.feature.replace("_", " "),
            one.value,
            one.previous,
            0.5 + min(one.value, 0.0) / largest / 2,
            abs(one.value) / largest / 2,
        )
        for one in contributions
    )


def survival_words(ticket: Ticket) -> str:
    """Return in how many reruns the trade persists, "" where that was not computed."""
    if ticket.survival is None:
        return ""
    said = f"Persists in {ticket.survival.persisted} of {ticket.survival.runs} reruns"
    return f"Fragile: {said[0].lower()}{said[1:]}" if ticket.is_fragile else said

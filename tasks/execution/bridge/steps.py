"""The bridge of one session: from the equity of the backtest's target to the equity at the broker, in cents.

Every line is followed through its shares: target → proposed → approved → ordered → filled. Each change in shares is
worth what those shares gained or lost between the price that the backtest assumes and the close; a change in the
price paid, or in costs, is worth its difference. Booked entries other than fills are steps of their own. What then
remains is named `unexplained` and is zero when the ledger and the broker agree.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from itertools import pairwise

from tasks.execution.reconciliation.identity import CARRIED
from tasks.ledger.entries import Entry

UNEXPLAINED = "unexplained"
CENTS_PER_USD = 100
OPENING = "opening"  # holds what the bridge begins with
TEXTS = {"fill": "fill of another execution"}


@dataclass(frozen=True)
class Line:
    """One name on its way. Shares are signed: positive to buy, negative to sell. Prices in USD.

    `causes`: why the shares changed on the way to a stage, e.g. {"approved": "struck"}; a stage without one is called
    by its own name.
    """

    symbol: str
    target: Decimal
    proposed: Decimal
    approved: Decimal
    ordered: Decimal
    filled: Decimal
    assumed_price: Decimal  # at which the backtest fills the target
    sent_price: Decimal | None  # current when its order was sent; None: never sent
    filled_cents: int  # signed change in cash from the fills, without fees
    assumed_cost_cents: int  # of the target's shares, in the backtest
    fee_cents: int  # paid
    close: Decimal
    causes: Mapping[str, str]


@dataclass(frozen=True)
class Step:
    """One row of the bridge. `symbol` "" is the sum that a reader compares: a stage, or cash of no name."""

    stage: str
    cause: str
    symbol: str
    cents: int


STAGES = ("target", "proposed", "approved", "ordered", "filled")
DEFAULT_CAUSES = {
    "proposed": "not proposed as targeted",
    "approved": "struck or changed",
    "ordered": "not ordered",
    "filled": "not filled",
}


def bridge(
    lines: Sequence[Line],
    entries: Iterable[Entry],
    closes: Mapping[str, Decimal],
    *,
    target_equity_cents: int,
    broker_equity_cents: int,
) -> tuple[Step, ...]:
    """Return the steps from the target's equity to the broker's, both at the session's close; their sum is exact.

    `target_equity_cents`: equity of the portfolio that `target_cents` values. `entries`: the ledger's entries for the
    session, without those of the lines' orders; their shares are valued at `closes` (whole cents), at zero without
    a close.
    Dividends due are not part of the broker's equity until they are paid.
    """
    steps = [*_line_steps(lines), *_entry_steps(entries, closes)]
    explained = target_equity_cents + sum(step.cents for step in steps)
    return (
        Step("target", "equity of the backtest's target", "", target_equity_cents),
        *steps,
        Step("broker", UNEXPLAINED, "", broker_equity_cents - explained),
        Step("broker", "equity of record", "", broker_equity_cents),
    )


def by_cause(steps: Iterable[Step]) -> tuple[Step, ...]:
    """Return the bridge with one row per stage and cause, in their order; rows of zero are left out, but the rest."""
    totals: defaultdict[tuple[str, str], int] = defaultdict(int)
    for step in steps:
        totals[step.stage, step.cause] += step.cents
    return tuple(
        Step(stage, cause, "", cents)
        for (stage, cause), cents in totals.items()
        if cents or stage in {"target", "broker"}
    )


def target_cents(before_cents: int, lines: Iterable[Line]) -> int:
    """Return the equity at the close had the target been filled as the backtest assumes.

    `before_cents`: cash and positions before the session's trades, the positions at the session's close.
    """
    return before_cents + sum(_gain(line, line.target) - line.assumed_cost_cents for line in lines)


def _line_steps(lines: Iterable[Line]) -> Iterator[Step]:
    for line in lines:
        for earlier, stage in pairwise(STAGES):
            change = _gain(line, getattr(line, stage)) - _gain(line, getattr(line, earlier))
            if getattr(line, stage) != getattr(line, earlier):
                yield Step(stage, line.causes.get(stage, DEFAULT_CAUSES[stage]), line.symbol, change)
        yield from _price_steps(line)
        if line.fee_cents != line.assumed_cost_cents:
            yield Step(
                "costs", "fees less assumed costs", line.symbol, line.assumed_cost_cents - line.fee_cents
            )


def _price_steps(line: Line) -> Iterator[Step]:
    """Split assumed price → paid price at the price current when the order was sent."""
    assumed = -_cents(line.filled * line.assumed_price)
    sent = assumed if line.sent_price is None else -_cents(line.filled * line.sent_price)
    if sent != assumed:
        yield Step(
            "price", line.causes.get("price", "moved until the order was sent"), line.symbol, sent - assumed
        )
    if line.filled_cents != sent:
        yield Step("price", "paid less current price", line.symbol, line.filled_cents - sent)


def _gain(line: Line, shares: Decimal) -> int:
    """Return what the shares gained from the assumed price to the close."""
    return _cents(shares * line.close) - _cents(shares * line.assumed_price)


def _entry_steps(entries: Iterable[Entry], closes: Mapping[str, Decimal]) -> Iterator[Step]:
    receivable = 0
    for entry in entries:
        if entry.kind == OPENING or _is_ours_alone(entry):
            continue
        receivable += entry.receivable_cents
        worth = _cents(entry.shares * closes.get(entry.symbol, Decimal(0)))
        cents = entry.cash_cents + entry.receivable_cents + worth
        if cents:
            cause = TEXTS.get(entry.kind, entry.kind.replace("_", " "))
            yield Step("account", cause, entry.symbol, cents)
    if receivable:
        yield Step("account", "receivable, not in the broker's equity", "", -receivable)


def _is_ours_alone(entry: Entry) -> bool:
    """Return whether the entry carries what a paper account ignores: no part of the broker's equity."""
    return entry.source.startswith(CARRIED)


def _cents(usd: Decimal) -> int:
    return int((usd * CENTS_PER_USD).to_integral_value(ROUND_HALF_EVEN))

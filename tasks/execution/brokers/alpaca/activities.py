"""Alpaca's activities as changes of our books: nothing is dropped, and what is not known is of kind "other"."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, BeforeValidator, Field

from tasks.core.masking import masked
from tasks.execution.brokers.alpaca.responses import Amount, MaybeAmount, MaybeText, Text, cents
from tasks.execution.brokers.alpaca.windows import NEW_YORK
from tasks.execution.brokers.alpaca.wire import unanswered
from tasks.execution.brokers.base import Activity, ActivityKind

FILL = "FILL"
TRADES = frozenset({"fill", "partial_fill"})  # of a FILL; a busted or corrected trade is none of them

KINDS: Mapping[str, ActivityKind] = {
    "DIV": "dividend",
    "DIVCGL": "dividend",  # capital gains, long term
    "DIVCGS": "dividend",  # short term
    "DIVFEE": "dividend",
    "DIVFT": "dividend",  # foreign tax withheld
    "DIVNRA": "dividend",  # non-resident withholding
    "DIVROC": "dividend",  # return of capital
    "DIVTW": "dividend",
    "DIVTXEX": "dividend",
    "DIVWH": "dividend",
    "INT": "interest",
    "INTNRA": "interest",
    "INTTW": "interest",
    "FEE": "fee",
    "CFEE": "fee",
    "PTC": "fee",  # pass-through charge
    "SPLIT": "split",
    "CIL": "cash_in_lieu",
    "MA": "merger",
}
TRANSFERS = frozenset({"CSD", "CSW", "JNLC", "TRANS", "ACATC"})  # of cash, by its sign
OF_CASH = frozenset({"dividend", "interest", "fee", "cash_in_lieu"})


def _day_of(value: object) -> object:
    """Alpaca's `date` is documented as a timestamp and sent as a day."""
    return value[:10] if isinstance(value, str) else value


class ActivityResponse(BaseModel):
    """An activity of any type."""

    id: Text
    activity_type: Text
    activity_sub_type: MaybeText = None
    type: MaybeText = None
    status: MaybeText = None
    symbol: MaybeText = None
    description: MaybeText = None
    order_id: MaybeText = None


class FillResponse(ActivityResponse):
    """A trade."""

    symbol: Text
    side: Text
    qty: Amount
    price: Amount
    transaction_time: AwareDatetime


class OtherResponse(ActivityResponse):
    """Everything else."""

    day: Annotated[date, BeforeValidator(_day_of), Field(alias="date")]
    net_amount: MaybeAmount = None
    qty: MaybeAmount = None


def fill_of(response: FillResponse, what: str) -> Activity:
    """Return a trade of somebody else; a busted or corrected one is a correction."""
    sign = {"buy": 1, "sell": -1, "sell_short": -1}.get(response.side)
    if sign is None:
        raise unanswered(what, f"unreadable: side of {response.id}")
    is_trade = response.type in TRADES or response.type is None
    return Activity(
        activity_id=response.id,
        kind="fill" if is_trade else "correction",
        symbol=response.symbol,
        shares=sign * abs(response.qty),
        cash_cents=-sign * cents(abs(response.qty) * response.price),
        session=response.transaction_time.astimezone(NEW_YORK).date(),
        note=masked(f"{response.type or 'fill'} at {response.price}"),
    )


def other_of(response: OtherResponse) -> Activity:
    """Return the change, with Alpaca's name for it in the note."""
    cash = response.net_amount or Decimal(0)
    kind = _kind(response, cash)
    # the quantity of a dividend is the shares that it was paid for, not a change
    shares = Decimal(0) if kind in OF_CASH else response.qty or Decimal(0)
    parts = (response.activity_type, response.activity_sub_type, response.status, response.description)
    return Activity(
        activity_id=response.id,
        kind=kind,
        symbol=response.symbol or "",
        shares=shares,
        cash_cents=cents(cash),
        session=response.day,
        note=masked(" ".join(part for part in parts if part))[:300],
    )


def _kind(response: OtherResponse, cash: Decimal) -> ActivityKind:
    if response.status == "correct":
        return "correction"
    if response.status not in (None, "executed"):
        return "other"  # canceled, or not known: whether it counts is for a person to say
    if response.activity_type in TRANSFERS:
        return "withdrawal" if cash < 0 else "deposit"
    return KINDS.get(response.activity_type, "other")

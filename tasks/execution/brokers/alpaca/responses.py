"""Read the required fields of Alpaca's responses. Unknown fields are ignored, optional ones may be missing or bad.

Amounts arrive as strings, prices of the data API as numbers; both become exact decimals.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AwareDatetime, BaseModel, BeforeValidator, Field, ValidationError, WrapValidator
from pydantic_core.core_schema import ValidatorFunctionWrapHandler

from tasks.core.masking import masked
from tasks.execution.brokers.alpaca.wire import unanswered
from tasks.execution.brokers.base import Asset, BrokerAccount, BrokerOrder, BrokerPosition, Quote, Status
from tasks.execution.schema import Side

UNKNOWN_TIME = datetime(1970, 1, 1, tzinfo=UTC)
TIGHT = Decimal("0.01")  # widest spread, as a share of the bid, whose middle is a price

STATUSES: Mapping[str, Status] = {
    "accepted": Status.OPEN,
    "accepted_for_bidding": Status.OPEN,
    "calculated": Status.OPEN,
    "done_for_day": Status.OPEN,
    "held": Status.OPEN,
    "new": Status.OPEN,
    "partially_filled": Status.OPEN,
    "pending_new": Status.OPEN,
    "pending_replace": Status.OPEN,
    "pending_review": Status.OPEN,
    "stopped": Status.OPEN,
    "suspended": Status.OPEN,
    "pending_cancel": Status.CANCELING,
    "filled": Status.FILLED,
    "canceled": Status.CANCELED,
    "replaced": Status.CANCELED,
    "expired": Status.EXPIRED,
    "rejected": Status.REJECTED,
}


def _as_text(value: object) -> object:
    """A number may be a string or a number, never a boolean; "" is none."""
    if isinstance(value, bool):
        raise ValueError("a boolean is not a number")  # noqa: TRY004 - pydantic reports no TypeError
    return None if value == "" else str(value) if isinstance(value, int | float) else value


def _none_if_bad(value: object, read: ValidatorFunctionWrapHandler) -> object:
    try:
        return read(value)
    except ValidationError:
        return None


Text = Annotated[str, Field(min_length=1)]
Amount = Annotated[Decimal, BeforeValidator(_as_text), Field(allow_inf_nan=False)]
MaybeAmount = Annotated[Amount | None, WrapValidator(_none_if_bad)]
MaybeText = Annotated[str | None, WrapValidator(_none_if_bad)]
MaybeTime = Annotated[AwareDatetime | None, WrapValidator(_none_if_bad)]
MaybeFlag = Annotated[bool | None, WrapValidator(_none_if_bad)]


class OrderResponse(BaseModel):
    """An order. What is filled and how it is must be readable; everything else may be missing."""

    id: Text
    client_order_id: MaybeText = None
    symbol: Text
    side: MaybeText = None
    position_intent: MaybeText = None
    qty: MaybeAmount = None
    notional: MaybeAmount = None
    filled_qty: Amount
    filled_avg_price: MaybeAmount = None
    status: Text
    created_at: MaybeTime = None
    submitted_at: MaybeTime = None
    replaced_by: MaybeText = None
    reject_reason: MaybeText = None


class PositionResponse(BaseModel):
    """A position. Only the symbol and the quantity are needed."""

    symbol: Text
    qty: Amount
    side: MaybeText = None
    cost_basis: MaybeAmount = None


class AccountResponse(BaseModel):
    """The account."""

    account_number: Text
    cash: Amount
    equity: Amount
    status: MaybeText = None
    multiplier: MaybeAmount = None
    non_marginable_buying_power: MaybeAmount = None
    long_market_value: MaybeAmount = None
    short_market_value: MaybeAmount = None
    trading_blocked: MaybeFlag = None
    account_blocked: MaybeFlag = None
    trade_suspended_by_user: MaybeFlag = None
    admin_configurations: Any = None


class AssetResponse(BaseModel):
    """A symbol that can or cannot be traded."""

    symbol: Text
    status: MaybeText = None
    tradable: bool


class ClockResponse(BaseModel):
    """The broker's time."""

    timestamp: AwareDatetime


class _Trade(BaseModel):
    t: AwareDatetime
    p: Amount


class _BidAsk(BaseModel):
    t: AwareDatetime
    bp: Amount
    ap: Amount


M = TypeVar("M", bound=BaseModel)


def read(model: type[M], row: object, what: str) -> M:
    """Return the row as the model; raise UnansweredError that names the fields that cannot be read."""
    try:
        return model.model_validate(row)
    except ValidationError as error:
        fields = {".".join(str(part) for part in each["loc"]) or "all" for each in error.errors()}
    raise unanswered(
        what, f"unreadable: {', '.join(sorted(fields))}"
    )  # without pydantic's error: it has the values


def read_list(model: type[M], rows: object, what: str) -> list[M]:
    """Return the rows; anything but a list is an unusable response, never an empty one."""
    if not isinstance(rows, list):
        raise unanswered(what, "not a list")
    return [read(model, row, what) for row in rows]


def order_of(response: OrderResponse, what: str) -> BrokerOrder:
    """Return the order. A status that is not known counts as open, with its name as the reason."""
    status = STATUSES.get(response.status)
    if response.filled_qty and response.filled_avg_price is None:
        raise unanswered(what, "unreadable: filled_avg_price")
    return BrokerOrder(
        order_id=response.client_order_id or response.id,
        symbol=response.symbol,
        side=_side(response, what),
        shares=_shares(response, what),
        status=status or Status.OPEN,
        filled_shares=response.filled_qty,
        filled_cents=cents(response.filled_qty * (response.filled_avg_price or Decimal(0))),
        fee_cents=0,  # fees are activities
        submitted_at=response.submitted_at or response.created_at or UNKNOWN_TIME,
        reason=masked(_reason(response, is_known=status is not None)),
    )


def positions_of(responses: Iterable[PositionResponse], what: str) -> dict[str, BrokerPosition]:
    """Return the positions by symbol, short ones negative."""
    found: dict[str, BrokerPosition] = {}
    for response in responses:
        if response.symbol in found:
            raise unanswered(what, f"two positions in {response.symbol}")
        shares = -abs(response.qty) if response.side == "short" else response.qty
        cost = None if response.cost_basis is None else cents(response.cost_basis)
        found[response.symbol] = BrokerPosition(response.symbol, shares, cost)
    return found


def account_of(
    response: AccountResponse, mode: Literal["paper", "live"], *, is_preliminary: bool
) -> BrokerAccount:
    """Return the account. In a margin account, unsettled proceeds may be spent."""
    cash = cents(response.cash)
    is_cash_account = response.multiplier is not None and response.multiplier <= 1
    settled = response.non_marginable_buying_power
    is_limited = is_cash_account and settled is not None
    return BrokerAccount(
        account=response.account_number,
        mode=mode,
        cash_cents=cash,
        settled_cash_cents=min(cash, cents(settled)) if is_limited and settled is not None else cash,
        equity_cents=cents(response.equity),
        only_closing=_is_only_closing(response.admin_configurations),
        is_blocked=bool(
            response.trading_blocked or response.account_blocked or response.trade_suspended_by_user
        )
        or response.status not in (None, "ACTIVE"),
        is_preliminary=is_preliminary,
    )


def assets_of(rows: object, what: str) -> dict[str, Asset]:
    """Return the assets by symbol, without those that cannot be read. Alpaca does not report halts here."""
    if not isinstance(rows, list):
        raise unanswered(what, "not a list")
    responses = [response for row in rows if (response := _maybe(AssetResponse, row)) is not None]
    return {response.symbol: _asset_of(response) for response in responses}


def quote_of(symbol: str, snapshot: object) -> Quote | None:
    """Return the middle of a tight quote, or else the latest trade; None if neither can be read."""
    row = snapshot if isinstance(snapshot, dict) else {}
    both = _maybe(_BidAsk, row.get("latestQuote"))
    if both and both.bp > 0 and both.bp <= both.ap <= both.bp * (1 + TIGHT):
        return Quote(symbol, (both.bp + both.ap) / 2, both.t)
    trade = _maybe(_Trade, row.get("latestTrade"))
    return Quote(symbol, trade.p, trade.t) if trade and trade.p > 0 else None


def cents(amount: Decimal) -> int:
    """Return dollars as cents, half to even."""
    return int((amount * 100).to_integral_value(ROUND_HALF_EVEN))


def _asset_of(response: AssetResponse) -> Asset:
    is_tradable = response.tradable and response.status in (None, "active")
    reason = "" if is_tradable else f"Alpaca does not trade it (status {response.status})"
    return Asset(response.symbol, is_tradable, is_halted=False, reason=reason)


def _maybe(model: type[M], row: object) -> M | None:
    try:
        return model.model_validate(row)
    except ValidationError:
        return None


def _side(response: OrderResponse, what: str) -> Side:
    match (response.side or response.position_intent or "").partition("_")[0]:
        case "buy":
            return "BUY"
        case "sell":
            return "SELL"
    raise unanswered(what, "unreadable: side")


def _shares(response: OrderResponse, what: str) -> Decimal:
    if response.qty is not None:
        return response.qty
    if response.notional is not None:  # by hand, in dollars: shares are known once they are filled
        return response.filled_qty
    raise unanswered(what, "unreadable: qty")


def _reason(response: OrderResponse, *, is_known: bool) -> str:
    if not is_known:
        return f"Alpaca's status {response.status!r} is not known"
    if response.status == "replaced":
        return f"replaced by {response.replaced_by}"
    if response.qty is None:
        return f"an order for {response.notional} dollars"
    return response.reject_reason or ("" if response.status in {"new", "filled"} else response.status)


def _is_only_closing(configurations: object) -> bool:
    """Alpaca lists its reasons for restricting an account to liquidation; the field is absent otherwise."""
    reasons = (
        configurations.get("restrict_to_liquidation_reasons") if isinstance(configurations, dict) else None
    )
    return any(reasons.values()) if isinstance(reasons, dict) else bool(reasons)

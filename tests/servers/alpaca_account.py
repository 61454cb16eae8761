"""A brokerage account at Alpaca: orders, positions, cash and activities, at a time that the test sets."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_DOWN, Decimal
from typing import Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from tasks.core.sessions import Session, session_after, session_on

NEW_YORK = ZoneInfo("America/New_York")
REOPENS = time(19, 0)  # orders for the auctions are taken again
OPG_ENDS = time(9, 28)
CLS_ENDS = timedelta(minutes=10)  # before the close
CENT = Decimal("0.01")
OPEN = frozenset({"accepted", "pending_new", "new", "partially_filled", "pending_cancel", "held"})
CASH_ONLY = frozenset({"DIV", "DIVNRA", "DIVROC", "CIL"})  # their quantity is what was paid for
DEAD = frozenset({"filled", "canceled", "expired", "rejected", "replaced"})

Behaviour = Literal["fills", "stuck", "partial", "rejected_later", "fills_after_cancel", "never_cancels"]


class Refusal(Exception):  # noqa: N818 - an answer of the server, not an error of the test
    """The account does not carry out a request."""

    def __init__(self, status: int, code: int, message: str, **fields: str) -> None:
        super().__init__(message)
        self.status, self.body = status, {"code": code, "message": message, **fields}


@dataclass
class Placed:
    """An order as the account keeps it."""

    id: str
    client_order_id: str
    symbol: str
    side: str
    qty: Decimal | None
    notional: Decimal | None
    type: str
    time_in_force: str
    limit_price: Decimal | None
    position_intent: str | None
    status: str
    created_at: datetime
    trades_at: datetime
    expires_at: datetime
    filled: Decimal = Decimal(0)
    value: Decimal = Decimal(0)  # of what is filled
    canceled_at: datetime | None = None

    @property
    def is_open(self) -> bool:
        return self.status in OPEN

    @property
    def rest(self) -> Decimal:
        return (self.qty or Decimal(0)) - self.filled

    def as_json(self) -> dict[str, Any]:
        """Return the order as the API does: numbers as strings."""
        average = (self.value / self.filled).quantize(Decimal("0.000001")) if self.filled else None
        return {
            "id": self.id,
            "client_order_id": self.client_order_id,
            "created_at": stamp(self.created_at),
            "updated_at": stamp(self.created_at),
            "submitted_at": stamp(self.created_at),
            "filled_at": stamp(self.trades_at) if self.status == "filled" else None,
            "expired_at": None,
            "canceled_at": stamp(self.canceled_at) if self.canceled_at else None,
            "failed_at": None,
            "replaced_at": None,
            "replaced_by": None,
            "replaces": None,
            "asset_id": str(UUID(int=abs(hash(self.symbol)))),
            "symbol": self.symbol,
            "asset_class": "us_equity",
            "notional": text(self.notional),
            "qty": text(self.qty),
            "filled_qty": text(self.filled),
            "filled_avg_price": text(average),
            "order_class": "",
            "order_type": self.type,
            "type": self.type,
            "side": self.side,
            "position_intent": self.position_intent,
            "time_in_force": self.time_in_force,
            "limit_price": text(self.limit_price),
            "stop_price": None,
            "status": self.status,
            "extended_hours": False,
            "legs": None,
            "trail_percent": None,
            "trail_price": None,
            "hwm": None,
            "subtag": None,
            "source": None,
        }


@dataclass
class AlpacaAccount:
    """The account. Everything that depends on time happens in `settle`, before each request."""

    now: datetime
    prices: dict[str, Decimal]
    cash: Decimal = Decimal(100_000)
    number: str = "PA3TESTTEST"
    multiplier: str = "1"
    positions: dict[str, Decimal] = field(default_factory=dict)
    costs: dict[str, Decimal] = field(default_factory=dict)
    orders: list[Placed] = field(default_factory=list)
    activities: list[dict[str, Any]] = field(default_factory=list)
    behaviours: dict[str, Behaviour] = field(default_factory=dict)
    untradable: set[str] = field(default_factory=set)
    unquoted: set[str] = field(default_factory=set)
    whole_only: set[str] = field(default_factory=set)  # not fractionable
    flags: dict[str, Any] = field(default_factory=dict)  # fields of the account's answer that differ
    refuses_day_orders_after_close: bool = False
    checks_id_first: bool = True  # or last: the order of Alpaca's checks is unknown
    wash_trade_status: Literal[403, 422, 200] = 403  # 200: opposite orders are taken
    opg_expires: bool = False
    fill_delay: timedelta = timedelta(0)
    numbers: int = 0

    # ---- what a request does

    def submit(self, fields: dict[str, Any]) -> Placed:
        """Place an order, or raise Refusal."""
        order = self._order(fields)
        checks: list[Callable[[Placed], None]] = [
            self._check_id,
            self._check_asset,
            self._check_window,
            self._check_fraction,
            self._check_wash_trade,
            self._check_intent,
            self._check_amount,
        ]
        if not self.checks_id_first:
            checks = [*checks[1:], checks[0]]
        for check in checks:
            check(order)
        self.orders.append(order)
        return order

    def cancel(self, order: Placed) -> None:
        """Take a request to cancel, or raise Refusal."""
        if order.status == "canceled":
            return
        if order.status in DEAD:
            raise Refusal(422, 42210000, f'order is already in "{order.status}" state')
        order.status, order.canceled_at = "pending_cancel", self.now

    def by_client_id(self, client_id: str) -> Placed | None:
        return next((order for order in self.orders if order.client_order_id == client_id), None)

    def settle(self) -> None:
        """Do what the market has done since the last request."""
        for order in self.orders:
            if order.is_open:
                self._settle(order)

    # ---- what happens besides

    def trade_by_hand(self, symbol: str, side: str, qty: int) -> Placed:
        """Place an order without an id, as the dashboard does, and without our checks."""
        self.numbers += 1
        fields = {"symbol": symbol, "side": side, "qty": str(qty), "type": "market", "time_in_force": "day"}
        order = self._order(fields | {"client_order_id": str(UUID(int=self.numbers + 2**64))})
        self.orders.append(order)
        return order

    def book(self, kind: str, cash: str, *, symbol: str = "", qty: str = "", **more: Any) -> dict[str, Any]:
        """Book a non-trade activity and its effect."""
        self.cash += Decimal(cash)
        if qty and kind not in CASH_ONLY:
            self._hold(symbol, Decimal(qty), Decimal(0))
        row = {
            "activity_type": kind,
            "date": str(self.now.astimezone(NEW_YORK).date()),
            "net_amount": cash,
            "status": "executed",
        }
        row |= {"symbol": symbol} if symbol else {}
        row |= {"qty": qty} if qty else {}
        return self._record(row | more)

    # ---- amounts

    @property
    def buying_power(self) -> Decimal:
        return self.cash * Decimal(self.multiplier) - sum(
            (self._cost(order) for order in self.orders if order.is_open and order.side == "buy"), Decimal(0)
        )

    @property
    def long_value(self) -> Decimal:
        return sum((qty * self.prices[symbol] for symbol, qty in self.positions.items()), Decimal(0))

    def available(self, symbol: str) -> Decimal:
        """Return the shares that no open sale holds."""
        return self.positions.get(symbol, Decimal(0)) - sum(
            (o.rest for o in self.orders if o.is_open and o.side == "sell" and o.symbol == symbol), Decimal(0)
        )

    # ---- how

    def _order(self, fields: dict[str, Any]) -> Placed:
        qty, notional = _amount(fields.get("qty")), _amount(fields.get("notional"))
        if qty is None and notional is None:
            raise Refusal(422, 40010001, "qty or notional is required")
        if qty is not None and notional is not None:
            raise Refusal(422, 40010001, "only one of qty or notional is accepted")
        limit, tif = _amount(fields.get("limit_price")), fields["time_in_force"]
        if limit is not None and limit != limit.quantize(CENT if limit >= 1 else Decimal("0.0001")):
            raise Refusal(
                422, 42210000, f"invalid limit_price {limit}. sub-penny increment does not fulfill minimum"
            )
        if fields["type"] == "limit" and limit is None:
            raise Refusal(422, 40010001, "limit orders require limit price")
        self.numbers += 1
        trades, expires, is_queued = self._life(tif)
        return Placed(
            id=str(UUID(int=self.numbers)),
            client_order_id=fields.get("client_order_id") or str(UUID(int=self.numbers + 2**65)),
            symbol=fields["symbol"],
            side=fields["side"],
            qty=qty,
            notional=notional,
            type=fields["type"],
            time_in_force=tif,
            limit_price=limit,
            position_intent=fields.get("position_intent"),
            status="accepted" if is_queued else "pending_new",
            created_at=self.now + timedelta(microseconds=self.numbers),
            trades_at=trades,
            expires_at=expires,
        )

    def _life(self, tif: str) -> tuple[datetime, datetime, bool]:
        """Return when an order accepted now trades, when it expires, and whether it waits until then."""
        today = session_on(self._local.date())
        if tif == "cls":
            is_today = today.closes_at is not None and self.now < today.closes_at
            closes = _close(today if is_today else session_on(session_after(today.day)))
            return closes, closes, True
        if (
            today.opens_at
            and today.closes_at
            and today.opens_at <= self.now < today.closes_at
            and tif == "day"
        ):
            return self.now, today.closes_at, False
        is_today = today.opens_at is not None and self.now < today.opens_at
        session = today if is_today else session_on(session_after(today.day))
        assert session.opens_at
        return session.opens_at, session.opens_at if tif == "opg" else _close(session), True

    @property
    def _local(self) -> datetime:
        return self.now.astimezone(NEW_YORK)

    def _settle(self, order: Placed) -> None:
        behaviour = self.behaviours.get(order.symbol, "fills")
        if order.status == "pending_cancel":
            self._settle_cancel(order, behaviour)
        elif behaviour == "rejected_later":
            order.status = "rejected"
        elif self.now >= order.trades_at + self.fill_delay:
            self._trade(order, behaviour)

    def _settle_cancel(self, order: Placed, behaviour: Behaviour) -> None:
        if behaviour == "fills_after_cancel" and self.now >= order.trades_at:
            self._fill(order, order.rest)
        elif behaviour != "never_cancels":
            order.status = "canceled"

    def _trade(self, order: Placed, behaviour: Behaviour) -> None:
        price = self.prices[order.symbol]
        limit = order.limit_price
        is_marketable = limit is None or (price <= limit if order.side == "buy" else price >= limit)
        is_dropped = self.opg_expires and order.time_in_force == "opg"
        if is_marketable and behaviour == "fills" and not is_dropped:
            if order.notional is not None:
                order.qty = (order.notional / price).quantize(Decimal("1e-9"), ROUND_DOWN)
            self._fill(order, order.rest)
        elif is_marketable and behaviour == "partial" and not order.filled:
            self._fill(order, Decimal(int(order.rest / 2)))
        elif order.status != "partially_filled":
            order.status = "new"
        if order.is_open and self.now >= order.expires_at:
            order.status = "expired"

    def _fill(self, order: Placed, shares: Decimal) -> None:
        price = self.prices[order.symbol]
        value = shares * price
        order.filled += shares
        order.value += value
        order.status = "partially_filled" if order.rest else "filled"
        sign = 1 if order.side == "buy" else -1
        self.cash -= (sign * value).quantize(CENT)
        self._hold(order.symbol, sign * shares, value)
        self._record(
            {
                "activity_type": "FILL",
                "cum_qty": text(order.filled),
                "leaves_qty": text(order.rest),
                "price": text(price),
                "qty": text(shares),
                "side": order.side,
                "symbol": order.symbol,
                "transaction_time": stamp(max(order.trades_at, order.created_at)),
                "order_id": order.id,
                "order_status": order.status,
                "type": "partial_fill" if order.rest else "fill",
            }
        )

    def _hold(self, symbol: str, shares: Decimal, value: Decimal) -> None:
        held = self.positions.pop(symbol, Decimal(0)) + shares
        cost = self.costs.pop(symbol, Decimal(0)) + (value if shares > 0 else Decimal(0))
        if held:
            self.positions[symbol], self.costs[symbol] = held, cost

    def _record(self, row: dict[str, Any]) -> dict[str, Any]:
        self.numbers += 1
        moment = self._local.strftime("%Y%m%d%H%M%S") + "000"
        row = {"id": f"{moment}::{UUID(int=self.numbers)}", **row}
        self.activities.append(row)
        return row

    def _cost(self, order: Placed) -> Decimal:
        if order.notional is not None:
            return order.notional
        price = order.limit_price or self.prices[order.symbol] + CENT  # the far side of the quote
        return order.rest * price

    # ---- checks

    def _check_id(self, order: Placed) -> None:
        if len(order.client_order_id) > 128:
            raise Refusal(422, 40010001, "client_order_id must be no more than 128 characters")
        if self.by_client_id(order.client_order_id) is not None:
            raise Refusal(422, 40010001, "client_order_id must be unique")

    def _check_asset(self, order: Placed) -> None:
        if order.symbol not in self.prices:
            raise Refusal(422, 42210000, f'asset "{order.symbol}" not found')
        if order.symbol in self.untradable:
            raise Refusal(422, 42210000, f'asset "{order.symbol}" is not tradable')
        if self.flags.get("trading_blocked"):
            raise Refusal(403, 40310000, "account is not authorized to trade")

    def _check_window(self, order: Placed) -> None:
        local, close = self._local, session_on(self._local.date()).closes_at
        clock = local.time()
        cls_ends = (close - CLS_ENDS).astimezone(NEW_YORK).time() if close else time(15, 50)
        if order.time_in_force == "opg" and OPG_ENDS <= clock < REOPENS:
            raise Refusal(403, 40310000, "opg orders must be submitted after 7:00pm and before 9:28am")
        if order.time_in_force == "cls" and cls_ends <= clock < REOPENS:
            raise Refusal(403, 40310000, "cls orders must be submitted after 7:00pm and before 3:50pm")
        if self.refuses_day_orders_after_close and close and close <= self.now and clock < REOPENS:
            raise Refusal(403, 40310000, "day orders cannot be submitted between the close and 7:00pm")

    def _check_fraction(self, order: Placed) -> None:
        is_fraction = order.qty is None or order.qty != order.qty.to_integral_value()
        if not is_fraction:
            return
        if order.symbol in self.whole_only:
            raise Refusal(403, 40310000, f'asset "{order.symbol}" is not fractionable')
        if order.time_in_force != "day":
            raise Refusal(422, 42210000, "fractional orders must be DAY orders")
        if order.notional is not None and order.notional != order.notional.quantize(CENT):
            raise Refusal(422, 42210000, "notional value must be limited to 2 decimal places")
        if order.notional is not None and order.notional < 1:
            raise Refusal(403, 40310000, "cost basis must be >= minimal amount of order 1")

    def _check_wash_trade(self, order: Placed) -> None:
        if self.wash_trade_status == 200:
            return
        for other in self.orders:
            if not other.is_open or other.symbol != order.symbol or other.side == order.side:
                continue
            buy, sell = (order, other) if order.side == "buy" else (other, order)
            crosses = (
                buy.limit_price is None or sell.limit_price is None or buy.limit_price >= sell.limit_price
            )
            if crosses:
                code = 40310000 if self.wash_trade_status == 403 else 42210000
                raise Refusal(
                    self.wash_trade_status,
                    code,
                    "potential wash trade detected. use complex orders",
                    existing_order_id=other.id,
                    reject_reason="opposite side market/stop order exists",
                )

    def _check_intent(self, order: Placed) -> None:
        held = self.positions.get(order.symbol, Decimal(0))
        if order.side == "buy":
            inferred = "buy_to_close" if held < 0 else "buy_to_open"
        else:
            inferred = "sell_to_close" if held > 0 else "sell_to_open"
        if order.position_intent not in (None, inferred):
            raise Refusal(
                422,
                42210000,
                f"position intent mismatch, inferred: {inferred}, specified: {order.position_intent}",
            )

    def _check_amount(self, order: Placed) -> None:
        held = self.positions.get(order.symbol, Decimal(0))
        if order.side == "buy" and (cost := self._cost(order)) > self.buying_power:
            raise Refusal(
                403,
                40310000,
                "insufficient buying power",
                buying_power=str(self.buying_power),
                cost_basis=str(cost),
            )
        left = self.available(order.symbol)
        if order.side == "sell" and held > 0 and (order.qty or Decimal(0)) > left:
            raise Refusal(
                403,
                40310000,
                f"insufficient qty available for order (requested: {order.qty}, available: {left})",
                available=str(left),
                existing_qty=str(held),
                held_for_orders=str(held - left),
                symbol=order.symbol,
            )


def stamp(at: datetime) -> str:
    """Return the instant as the API writes it: UTC with nanoseconds."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "000Z"


def text(number: Decimal | None) -> str | None:
    """Return the number as the API writes it."""
    return None if number is None else format(number.normalize(), "f")


def instant(day: date, clock: str) -> datetime:
    """Return the instant of a New York time, such as "09:30"."""
    return datetime.combine(day, time.fromisoformat(clock), NEW_YORK).astimezone(UTC)


def _amount(value: object) -> Decimal | None:
    return None if value is None else Decimal(str(value))


def _close(session: Session) -> datetime:
    assert session.closes_at
    return session.closes_at

"""A broker that misbehaves as scripted, while its own records stay correct.

Orders, positions, cash and the uniqueness of ids are in a SQLite file of its own, so that they survive a kill of the
client. What the broker does with an order depends only on the script and on the order's number: the first order that
it is asked for is number 1, whatever becomes of it. Time is injected. The broker is permissive where real ones are
not: it lets a client sell short and overspend, so that a client error shows in the account. With `holds` it
refuses, as real ones do, to let a person use the shares and the cash that open orders reserve (alpaca.md: "insufficient
qty available", "open buys reserve it"). `requests` and `orders` are the record of what really happened.
"""

import pickle
import sqlite3
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path
from typing import Literal

from tasks.core.errors import BrokerError
from tasks.execution.brokers.base import (
    Activity,
    ActivityKind,
    Asset,
    BrokerAccount,
    BrokerOrder,
    BrokerPosition,
    Quote,
    RefusedError,
    Status,
    ThrottledError,
    UnansweredError,
    UnauthorizedError,
)
from tasks.execution.schema import Order, Side

connect = sqlite3.connect  # the kill points replace the attribute, and must not see this file

LATE_S, THROTTLED_S, LOCKED_S = 40, 20, 600
FINAL = frozenset({Status.FILLED, Status.CANCELED, Status.EXPIRED, Status.REJECTED})

Reply = Literal[
    "accept",
    "accept and hang",  # the order stands; no answer
    "accept, resend, duplicate",  # a 504 that the client library sent again: refused, because the first one stands
    "accept, resend, refused",  # the same, but the second request fails another check first (its shares are held)
    "lose",  # the request never arrives; no answer
    "deliver late",  # no answer; the order is unknown for 40 seconds, and then it stands
    "throttle",
    "refuse",
    "refuse once",  # an opposite order of somebody else
    "unauthorized",  # this and every request of the next 10 minutes
]
Hand = Literal["", "sells", "buys", "sells something else", "cancels and sells"]
OnCancel = Literal["cancel", "fill", "expire", "cancel, then fill"]


@dataclass(frozen=True)
class Behavior:
    """What becomes of one order. `replies`: to the first, second … request for it; later ones are accepted."""

    replies: tuple[Reply, ...] = ()
    fill_frac: Decimal = Decimal(1)  # of its shares; the rest only if `rest_after_s`
    fill_after_s: int = 5
    rest_after_s: int | None = None
    reject_after_s: int | None = None
    on_cancel: OnCancel = "cancel"
    cancel_replies: tuple[Reply, ...] = ()
    stale_reads: int = 0  # look-ups after each change that answer the state before it
    flaps: bool = False  # and between them the new state
    unreadable_reads: int = 0  # look-ups after each change without a needed field
    fee_cents: int = 0
    hand: Hand = ""  # what a person does once it is accepted


@dataclass(frozen=True)
class Script:
    """Behaviors by order number; the one of 0 is everybody else's."""

    name: str
    behaviors: Mapping[int, Behavior] = field(default_factory=dict)
    quoted_from: Mapping[str, datetime] = field(default_factory=dict)  # before it, the symbol has no price
    stale_books: int = 0  # reads of positions and account after each change that answer the books before it

    def behavior(self, number: int) -> Behavior:
        return self.behaviors.get(number, self.behaviors.get(0, Behavior()))


HALF = Decimal("0.5")
# Every way in which a broker has been seen to misbehave. Those that end in the order filled in full come first.
FILLING = {
    "accepts": Behavior(),
    "fills slowly": Behavior(fill_after_s=150),
    "fills in two parts": Behavior(fill_frac=HALF, rest_after_s=60),
    "charges a fee": Behavior(fee_cents=35),
    "accepts, then hangs": Behavior(replies=("accept and hang",)),
    "accepts, then hangs, and look-ups say 404": Behavior(replies=("accept and hang",), stale_reads=2),
    "accepts, then 504, sent again: duplicate": Behavior(replies=("accept, resend, duplicate",)),
    "accepts, then 504, sent again: no shares": Behavior(replies=("accept, resend, refused",)),
    "resets before accepting": Behavior(replies=("lose",)),
    "resets before accepting, twice": Behavior(replies=("lose", "lose")),
    "delivers late": Behavior(replies=("deliver late",)),
    "429": Behavior(replies=("throttle",)),
    "429, then hangs": Behavior(replies=("throttle", "accept and hang")),
    "stale reads": Behavior(stale_reads=2),
    "new and old states in turn": Behavior(stale_reads=4, flaps=True),
    "field missing": Behavior(unreadable_reads=2),
}
ENDING_OTHERWISE = {
    "rejects at once": Behavior(replies=("refuse",)),
    "rejects later": Behavior(reject_after_s=3),
    "partial, then stuck": Behavior(fill_frac=HALF),
    "never fills": Behavior(fill_frac=Decimal(0)),
    "fill after the request to cancel": Behavior(fill_frac=HALF, on_cancel="fill"),
    "fill after canceled": Behavior(fill_frac=HALF, on_cancel="cancel, then fill"),
    "stuck in pending_cancel": Behavior(fill_frac=HALF, on_cancel="expire"),
    "cancel lost": Behavior(fill_frac=HALF, cancel_replies=("lose",)),
    "cancel throttled": Behavior(fill_frac=HALF, cancel_replies=("throttle",)),
    "cancel hangs": Behavior(fill_frac=HALF, cancel_replies=("accept and hang",)),
    "401 midway": Behavior(replies=("unauthorized",)),
    "wash trade": Behavior(replies=("refuse once",)),
}
BY_HAND = {
    "a person sells the same": Behavior(hand="sells"),
    "a person buys the same": Behavior(hand="buys"),
    "a person sells something else": Behavior(hand="sells something else"),
    "a person cancels ours and sells": Behavior(hand="cancels and sells"),
}


@dataclass
class Real:
    """An order as the broker really has it."""

    number: int
    order_id: str
    row: int  # -1: somebody else's
    symbol: str
    side: Side
    shares: int
    arrives_at: datetime
    behavior: Behavior
    status: Status = Status.OPEN
    is_here: bool = False  # False until it arrives, and forever if its id was taken by then
    filled_shares: int = 0
    filled_cents: int = 0
    fee_cents: int = 0
    cancel_at: datetime | None = None
    reason: str = ""
    story: list[BrokerOrder | None] = field(default_factory=lambda: [None])
    reads: int = 0

    @property
    def is_open(self) -> bool:
        return self.is_here and self.status not in FINAL

    @property
    def may_still_fill(self) -> bool:
        return self.is_open or not self.is_here

    def stated(self) -> BrokerOrder:
        return BrokerOrder(
            self.order_id,
            self.symbol,
            self.side,
            Decimal(self.shares),
            self.status,
            Decimal(self.filled_shares),
            self.filled_cents,
            self.fee_cents,
            self.arrives_at,
            self.reason,
        )


@dataclass(frozen=True)
class Request:
    """A request that changes something, as it arrived."""

    at: datetime
    kind: Literal["submit", "cancel"]
    order_id: str
    reply: str


@dataclass
class Truth:
    """Everything the broker knows."""

    cash_cents: int
    shares: dict[str, int]
    orders: list[Real] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    activities: list[Activity] = field(default_factory=list)
    books: list[tuple[dict[str, int], int]] = field(default_factory=list)  # after each change
    book_reads: int = 0
    numbers: dict[str, int] = field(default_factory=dict)  # of the ids that it was asked for
    asked: dict[str, int] = field(default_factory=dict)  # requests for each id
    throttled_until: datetime | None = None
    locked_until: datetime | None = None
    too_early: int = 0  # requests before the end of a Retry-After

    def move(self, symbol: str, shares: int, cents: int) -> None:
        self.cash_cents += cents
        self.shares[symbol] = self.shares.get(symbol, 0) + shares
        self.books.append(({name: held for name, held in self.shares.items() if held}, self.cash_cents))
        self.book_reads = 0


class ScriptedBroker:
    """One connection to the broker. Any number of them, in any number of processes, see the same truth."""

    name = "scripted"

    def __init__(
        self,
        file: Path,
        script: Script,
        *,
        clock: Callable[[], datetime],
        prices: Mapping[str, Decimal],
        opens: datetime,
        closes: datetime,
        has_unique_ids: bool = True,
        takes_from: datetime | None = None,
        account: str = "A1",
        holds: bool = False,
    ) -> None:
        self.script, self.clock, self.prices = script, clock, prices
        self.opens, self.closes, self.takes_from = opens, closes, takes_from
        self.unique, self.number, self.holds = has_unique_ids, account, holds
        self.file = file
        self.connection = connect(file, timeout=60, isolation_level=None)
        self.connection.execute("PRAGMA synchronous=OFF")  # it must survive a kill, not a power cut
        self.last: tuple[bytes, Truth] | None = None  # as this connection stored it

    @staticmethod
    def create(file: Path, *, cash_cents: int, shares: Mapping[str, int]) -> None:
        connection = connect(file, isolation_level=None)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE truth (id INTEGER PRIMARY KEY CHECK (id = 1), state BLOB NOT NULL)")
        truth = Truth(cash_cents, dict(shares), books=[(dict(shares), cash_cents)])
        connection.execute("INSERT INTO truth VALUES (1, ?)", [pickle.dumps(truth)])
        connection.close()

    def close(self) -> None:
        self.connection.close()

    # What a client may ask

    @property
    def has_unique_ids(self) -> bool:
        return self.unique

    def now(self) -> datetime:
        return self.clock()

    def account(self) -> BrokerAccount:
        with self._answering() as truth:
            shares, cash = self._book(truth)
            value = sum((self.prices[name] * held for name, held in shares.items()), Decimal(0))
            return BrokerAccount(
                self.number,
                "paper",
                cash,
                cash,
                cash + cents(value),
                only_closing=False,
                is_blocked=False,
                is_preliminary=False,
            )

    def positions(self) -> Mapping[str, BrokerPosition]:
        with self._answering() as truth:
            shares, _ = self._book(truth)
            return {name: BrokerPosition(name, Decimal(held)) for name, held in shares.items() if held}

    def open_orders(self) -> tuple[BrokerOrder, ...]:
        with self._answering() as truth:
            stated = [real.story[_version(real)] for real in truth.orders if real.is_here]
            return tuple(each for each in stated if each is not None and each.status not in FINAL)

    def order_ids(self, since: datetime) -> frozenset[str]:
        with self._answering() as truth:
            return frozenset(
                real.order_id for real in truth.orders if real.is_here and real.arrives_at > since
            )

    def order(self, order_id: str) -> BrokerOrder | None:
        with self._answering() as truth:
            real = next((each for each in truth.orders if each.order_id == order_id and each.is_here), None)
            if real is None:
                return None
            version = _version(real)
            real.reads += 1
            if real.reads <= real.behavior.unreadable_reads:
                raise UnansweredError("The answer has no status.", remedy="Ask again.")
            return real.story[version]

    def submit(self, order: Order) -> BrokerOrder:
        with self._answering(f"submit {order.order_id}") as truth:
            number = truth.numbers.setdefault(order.order_id, len(truth.numbers) + 1)
            behavior = self.script.behavior(number)
            truth.asked[order.order_id] = asked = truth.asked.get(order.order_id, 0) + 1
            reply = behavior.replies[asked - 1] if asked <= len(behavior.replies) else "accept"
            now = self.clock()
            if not self.opens_orders(now):
                reply = "refuse"
            elif self.unique and self._is_known(truth, order.order_id):
                reply = "duplicate"
            truth.requests.append(Request(now, "submit", order.order_id, reply))
            if reply.startswith("accept") or reply == "deliver late":
                late = timedelta(seconds=LATE_S if reply == "deliver late" else 0)
                truth.orders.append(
                    Real(
                        number,
                        order.order_id,
                        order.row,
                        order.symbol,
                        order.side,
                        order.shares,
                        now + late,
                        behavior,
                    )
                )
                self._settle(truth)
                self._by_hand(truth, order, behavior)
            elif reply == "throttle":
                truth.throttled_until = now + timedelta(seconds=THROTTLED_S)
            elif reply == "unauthorized":
                truth.locked_until = now + timedelta(seconds=LOCKED_S)
            _raise_for(reply)
            return truth.orders[-1].story[-1] or truth.orders[-1].stated()

    def cancel(self, order_id: str) -> None:
        with self._answering(f"cancel {order_id}") as truth:
            now = self.clock()
            replies = self.script.behavior(truth.numbers.get(order_id, 0)).cancel_replies
            asked = truth.asked[f"cancel {order_id}"] = truth.asked.get(f"cancel {order_id}", 0) + 1
            reply = replies[asked - 1] if asked <= len(replies) else "accept"
            truth.requests.append(Request(now, "cancel", order_id, reply))
            if reply == "throttle":
                truth.throttled_until = now + timedelta(seconds=THROTTLED_S)
            for real in truth.orders:
                is_it = real.order_id == order_id and real.is_open and real.cancel_at is None
                if is_it and reply.startswith("accept"):
                    real.cancel_at, real.status = now, Status.CANCELING
                    _tell(real)
            _raise_for(reply)

    def assets(self, symbols: Collection[str]) -> Mapping[str, Asset]:
        with self._answering():
            return {
                name: Asset(name, is_tradable=True, is_halted=False)
                for name in symbols
                if name in self.prices
            }

    def quotes(self, symbols: Collection[str]) -> Mapping[str, Quote]:
        with self._answering():
            now = self.clock()
            return {
                name: Quote(name, self.prices[name], now)
                for name in symbols
                if now >= self.script.quoted_from.get(name, now)
            }

    def activities(self, since: date) -> tuple[Activity, ...]:
        with self._answering() as truth:
            return tuple(each for each in truth.activities if each.session >= since)

    def takes(self, order: Order, at: datetime) -> datetime:
        first = self.takes_from or at
        return max(at, first) if at < self.closes else self.opens + timedelta(days=1)

    # What a test may do to it, and look at

    def opens_orders(self, at: datetime) -> bool:
        return at < self.closes and (self.takes_from is None or at >= self.takes_from)

    def trade_by_hand(self, symbol: str, shares: int) -> None:
        """Buy (or sell, if negative) as a person would at the broker's own page, at once."""
        with self._changing() as truth:
            self._trade(truth, symbol, shares)

    def order_by_hand(self, order_id: str, symbol: str, side: Side, shares: int) -> None:
        """Leave an order of somebody else open, which never fills."""
        with self._changing() as truth:
            real = Real(0, order_id, -1, symbol, side, shares, self.clock(), Behavior())
            truth.orders.append(real)
            self._arrive(truth, real)

    def act(self, kind: ActivityKind, symbol: str, *, shares: int = 0, cash_cents: int = 0) -> None:
        """Let a dividend, fee, split or the like change the books."""
        with self._changing() as truth:
            _hand(truth, symbol, shares, cash_cents, self.clock(), kind)

    def restate(self, order_id: str, *, shares: int = 0, cash_cents: int = 0) -> None:
        """Change the total that is stated for a filled order, and with it the books."""
        with self._changing() as truth:
            real = next(each for each in truth.orders if each.order_id == order_id)
            sign = 1 if real.side == "BUY" else -1
            real.filled_shares += shares
            real.filled_cents += cash_cents
            truth.move(real.symbol, sign * shares, -sign * cash_cents)
            _tell(real)
            real.reads = 99  # no look-up answers the state before it

    def truth(self) -> Truth:
        """Return everything, as of now."""
        with self._changing() as truth:
            copied: Truth = pickle.loads(pickle.dumps(truth))  # noqa: S301
            return copied

    # How it works

    @contextmanager
    def _changing(self) -> Iterator[Truth]:
        """Load the state, let the block change it, store it; also where the block raises an answer of the broker."""
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            before, truth = self._stored()
            self.last = None
            self._settle(truth)
            try:
                yield truth
            finally:
                after = pickle.dumps(truth)
                if after != before:
                    self.connection.execute("UPDATE truth SET state = ?", [after])
        except BrokerError:
            self.connection.execute("COMMIT")
            raise
        except BaseException:
            self.connection.execute("ROLLBACK")
            raise
        self.connection.execute("COMMIT")
        self.last = after, truth

    def _stored(self) -> tuple[bytes, Truth]:
        """Return the stored bytes and what they mean, which is known if no other process has stored since."""
        state = self.connection.execute("SELECT state FROM truth").fetchone()[0]
        return self.last if self.last is not None and self.last[0] == state else (state, pickle.loads(state))  # noqa: S301

    @contextmanager
    def _answering(self, change: str = "") -> Iterator[Truth]:
        with self._changing() as truth:
            now = self.clock()
            if truth.locked_until is not None and now < truth.locked_until:
                raise UnauthorizedError("The key is not accepted.", remedy="Check the key.")
            if change and truth.throttled_until is not None and now < truth.throttled_until:
                truth.too_early += 1
                _throttle((truth.throttled_until - now).total_seconds())
            yield truth

    def _is_known(self, truth: Truth, order_id: str) -> bool:
        return any(real.order_id == order_id and real.is_here for real in truth.orders)

    def _book(self, truth: Truth) -> tuple[dict[str, int], int]:
        truth.book_reads += 1
        is_stale = truth.book_reads <= self.script.stale_books and len(truth.books) > 1
        return truth.books[-2 if is_stale else -1]

    def _settle(self, truth: Truth) -> None:
        """Do everything that is due by now."""
        for real in truth.orders:
            self._arrive(truth, real)
            if real.is_here:
                self._live_on(truth, real)

    def _arrive(self, truth: Truth, real: Real) -> None:
        if not real.is_here and real.reason == "" and self.clock() >= real.arrives_at:
            if self.unique and self._is_known(truth, real.order_id):
                real.status, real.reason = Status.REJECTED, "its id was taken when it arrived"
                return
            real.is_here = True
            _tell(real)

    def _live_on(self, truth: Truth, real: Real) -> None:
        plan, now = real.behavior, self.clock()
        if real.row < 0:
            return
        start = max(real.arrives_at, self.opens)
        rejects_at = None if plan.reject_after_s is None else start + timedelta(seconds=plan.reject_after_s)
        if real.is_open and rejects_at is not None and now >= rejects_at:
            real.status, real.reason = Status.REJECTED, "insufficient buying power"
            _tell(real)
        fills_at = start + timedelta(seconds=plan.fill_after_s)
        if real.is_open and now >= fills_at and self._before_cancel(real, fills_at):
            self._fill(truth, real, int(real.shares * plan.fill_frac))
        if plan.rest_after_s is not None:
            rest_at = fills_at + timedelta(seconds=plan.rest_after_s)
            if real.is_open and now >= rest_at and self._before_cancel(real, rest_at):
                self._fill(truth, real, real.shares)
        if real.cancel_at is not None:
            self._end_canceling(truth, real, now)
        if real.is_open and now >= self.closes:
            real.status = Status.EXPIRED
            _tell(real)

    def _before_cancel(self, real: Real, at: datetime) -> bool:
        return at < self.closes and (real.cancel_at is None or at <= real.cancel_at)

    def _end_canceling(self, truth: Truth, real: Real, now: datetime) -> None:
        ends_at = (real.cancel_at or now) + timedelta(seconds=2)
        if now < ends_at:
            return
        if real.is_open and real.behavior.on_cancel == "fill":
            self._fill(truth, real, real.shares)
        elif real.is_open and real.behavior.on_cancel != "expire":
            real.status = Status.CANCELED
            _tell(real)
        is_late = real.behavior.on_cancel == "cancel, then fill" and real.status == Status.CANCELED
        if is_late and now >= ends_at + timedelta(seconds=3):
            self._fill(truth, real, real.shares, ends=False)

    def _fill(self, truth: Truth, real: Real, through: int, *, ends: bool = True) -> None:
        """Fill the order up to a total; cents are rounded at the total."""
        more = through - real.filled_shares
        if more <= 0:
            return
        total = cents(self.prices[real.symbol] * through)
        fee = real.behavior.fee_cents - real.fee_cents
        sign = 1 if real.side == "BUY" else -1
        truth.move(real.symbol, sign * more, -sign * (total - real.filled_cents) - fee)
        real.filled_shares, real.filled_cents, real.fee_cents = through, total, real.fee_cents + fee
        if ends and through == real.shares:
            real.status = Status.FILLED
        _tell(real)

    def _by_hand(self, truth: Truth, order: Order, behavior: Behavior) -> None:
        """Let a person interfere once, after the first acceptance of this order."""
        if not behavior.hand or f"hand {order.order_id}" in truth.asked:
            return
        truth.asked[f"hand {order.order_id}"] = 1
        held = truth.shares.get(order.symbol, 0)
        if behavior.hand == "cancels and sells" and truth.orders[-1].is_open:
            truth.orders[-1].status = Status.CANCELED
            _tell(truth.orders[-1])
        if behavior.hand == "sells something else":
            others = [name for name, shares in truth.shares.items() if shares > 1 and name != order.symbol]
            self._trade(truth, others[-1], -(truth.shares[others[-1]] // 2))
        else:
            self._trade(truth, order.symbol, 1 if behavior.hand == "buys" else -(held // 2))

    def _trade(self, truth: Truth, symbol: str, shares: int) -> None:
        """Trade for a person: with `holds`, as many shares as no open order of anybody needs."""
        if self.holds:
            shares = min(max(shares, -self._free_shares(truth, symbol)), self._affordable(truth, symbol))
        if shares:
            _hand(truth, symbol, shares, cents(self.prices[symbol] * -shares), self.clock())

    def _free_shares(self, truth: Truth, symbol: str) -> int:
        offered = (
            real.shares - real.filled_shares
            for real in truth.orders
            if real.is_open and real.symbol == symbol and real.side == "SELL"
        )
        return max(truth.shares.get(symbol, 0) - sum(offered), 0)

    def _affordable(self, truth: Truth, symbol: str) -> int:
        claims = (
            cents(self.prices[real.symbol] * (real.shares - real.filled_shares)) + real.behavior.fee_cents
            for real in truth.orders
            if real.is_open and real.side == "BUY"
        )
        return max((truth.cash_cents - sum(claims)) // cents(self.prices[symbol]), 0)


def cents(usd: Decimal) -> int:
    """Return whole cents, rounded half to even."""
    return int((usd * 100).quantize(Decimal(1), rounding=ROUND_HALF_EVEN))


def _version(real: Real) -> int:
    """Return which of its states the next look-up answers: the last, or the one before."""
    read = real.reads + 1 - real.behavior.unreadable_reads
    is_stale = 0 < read <= real.behavior.stale_reads and not (real.behavior.flaps and read % 2)
    return len(real.story) - (2 if is_stale else 1)


def _tell(real: Real) -> None:
    real.story.append(real.stated())
    real.reads = 0


def _hand(
    truth: Truth, symbol: str, shares: int, cash: int, at: datetime, kind: ActivityKind = "fill"
) -> None:
    truth.move(symbol, shares, cash)
    name = f"act-{len(truth.activities) + 1}"
    truth.activities.append(Activity(name, kind, symbol, Decimal(shares), cash, at.date()))


def _throttle(seconds: float) -> None:
    raise ThrottledError("Too many requests.", remedy="Wait.", retry_after_s=seconds)


def _raise_for(reply: str) -> None:
    """Raise the error that the client sees for the reply, if it is not an order."""
    if reply == "throttle":
        _throttle(THROTTLED_S)
    if reply == "unauthorized":
        raise UnauthorizedError("The key is not accepted.", remedy="Check the key.")
    if reply in {"accept and hang", "lose", "deliver late"}:
        raise UnansweredError("No answer in time.", remedy="Ask what became of it.")
    if reply in {"duplicate", "accept, resend, duplicate"}:
        is_first = reply == "duplicate"
        raise RefusedError(
            "client_order_id must be unique",
            remedy="Look it up.",
            code="40010001",
            duplicate=True,
            definite=is_first,
        )
    if reply == "accept, resend, refused":
        raise RefusedError(
            "insufficient qty available for order", remedy="Look it up.", code="40310000", definite=False
        )
    if reply == "refuse once":
        raise RefusedError("potential wash trade detected", remedy="Wait.", code="wash_trade")
    if reply == "refuse":
        raise RefusedError("The order is refused.", remedy="Look into it.", code="40310000")

"""A local Alpaca that trades: the trading API and the snapshots of the data API, with a journal and scripted faults."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from threading import RLock
from typing import Any
from urllib.parse import unquote

from werkzeug import Request, Response

from tasks.core.sessions import session_after, session_on, sessions_between
from tests.servers import base
from tests.servers.alpaca import KEYS, LIMITS
from tests.servers.alpaca_account import NEW_YORK, AlpacaAccount, Refusal, stamp, text
from tests.servers.base import Server, as_json

Respond = Callable[[], Response]
How = Callable[["AlpacaTradingServer", Request, Respond], Response]
CLOSED_STATUSES = frozenset({"filled", "canceled", "expired", "rejected", "replaced"})


@dataclass(frozen=True)
class Asked:
    """One request that arrived."""

    method: str
    path: str
    body: dict[str, Any]

    @property
    def writes(self) -> bool:
        return self.method not in {"GET", "HEAD"}


@dataclass
class Fault:
    """What happens to the n-th request (from 1, or to each with 0) with this method and this beginning of its path."""

    method: str
    path: str
    nth: int
    how: How
    seen: int = 0

    def applies(self, request: Request) -> bool:
        if request.method != self.method or not unquote(request.path).startswith(self.path):
            return False
        self.seen += 1
        return self.nth in (0, self.seen)


class AlpacaTradingServer(Server):
    """Serves one account. `journal` has every request that arrived; `made` the client ids of orders really placed."""

    def __init__(self, account: AlpacaAccount) -> None:
        super().__init__()
        self.account = account
        self.earlier = account  # before the latest request that wrote, if an answer is to be stale
        self.journal: list[Asked] = []
        self.made: list[str] = []
        self.faults: list[Fault] = []
        self.keys = dict(KEYS)
        self.halted = 0
        self._lock = RLock()

    # ---- for tests

    def script(self, method: str, path: str, how: How, *, nth: int = 1) -> None:
        """Let the n-th request from now on go wrong (0: each)."""
        self.faults.append(Fault(method, path, nth, how))

    def at(self, when: datetime) -> None:
        """Set the time."""
        with self._lock:
            self.account.now = when
            self.account.settle()

    def writes(self) -> list[Asked]:
        return [asked for asked in self.journal if asked.writes]

    # ---- the server

    def answer(self, request: Request) -> Response:
        path = unquote(request.path)
        body = request.get_json(silent=True) or {}
        with self._lock:
            self.asked.append(request.full_path)
            self.journal.append(Asked(request.method, path, body))
            fault = next((fault for fault in self.faults if fault.applies(request)), None)
        if fault is None:
            return self._locked(request)
        return fault.how(self, request, lambda: self._locked(request))

    def _locked(self, request: Request) -> Response:
        with self._lock:
            return self.respond(request)

    def respond(self, request: Request) -> Response:
        given = {name: request.headers.get(name.replace("_", "-")) for name in self.keys}
        if given != self.keys:
            return as_json({"message": "unauthorized."}, 401, LIMITS)
        if request.method != "GET" and any(fault.how is stale for fault in self.faults):
            self.earlier = deepcopy(self.account)
        self.account.settle()
        try:
            return self._route(self.account, request)
        except Refusal as refusal:
            return as_json(refusal.body, refusal.status, LIMITS)

    def _route(self, account: AlpacaAccount, request: Request) -> Response:
        path = unquote(request.path).removeprefix("/v2/")
        plain: dict[tuple[str, str], Callable[[AlpacaAccount, Request], object]] = {
            ("POST", "orders"): self._submit,
            ("GET", "orders"): _listed,
            ("GET", "orders:by_client_order_id"): _by_client_id,
            ("GET", "positions"): _positions,
            ("GET", "account"): _account,
            ("GET", "account/activities"): _activities,
            ("GET", "clock"): _clock,
            ("GET", "calendar"): _calendar,
            ("GET", "assets"): _assets,
            ("GET", "stocks/snapshots"): _snapshots,
        }
        if (request.method, path) in plain:
            return as_json(plain[request.method, path](account, request), 200, LIMITS)
        folder, _, name = path.partition("/")
        if folder == "assets":
            if name not in account.prices:
                raise Refusal(404, 40410000, f"asset not found for {name}")
            return as_json(_asset(account, name), 200, LIMITS)
        if folder == "orders":
            order = next((order for order in account.orders if order.id == name), None)
            if order is None:
                raise Refusal(404, 40410000, f"order not found for {name}")
            if request.method == "DELETE":
                account.cancel(order)
                return Response("", 204, LIMITS)
            return as_json(order.as_json(), 200, LIMITS)
        raise Refusal(404, 40410000, "endpoint not found.")

    def _submit(self, account: AlpacaAccount, request: Request) -> object:
        order = account.submit(request.get_json())
        self.made.append(order.client_order_id)
        return order.as_json()


# ---- faults


def before(answer: base.Trouble) -> How:
    """Answer so without carrying out the request."""
    return lambda _server, request, _respond: answer(request, Response(""))


def after(answer: base.Trouble) -> How:
    """Carry out the request, then answer so."""
    return lambda _server, request, respond: answer(request, respond())


def hang_before(server: AlpacaTradingServer, request: Request, _respond: Respond) -> Response:
    """Never answer, and do nothing."""
    return server.hang(request, Response(""))


def hang_after(server: AlpacaTradingServer, request: Request, respond: Respond) -> Response:
    """Carry out the request and never answer."""
    return server.hang(request, respond())


def stale(server: AlpacaTradingServer, request: Request, _respond: Respond) -> Response:
    """Answer from the state before the latest write."""
    try:
        return server._route(server.earlier, request)
    except Refusal as refusal:
        return as_json(refusal.body, refusal.status, LIMITS)


def edited(change: Callable[[Any], Any]) -> How:
    """Carry out the request and change the answer's JSON."""

    def how(_server: AlpacaTradingServer, _request: Request, respond: Respond) -> Response:
        wanted = respond()
        return as_json(change(wanted.get_json()), wanted.status_code, LIMITS)

    return how


UNAUTHORIZED = base.instead({"message": "unauthorized."}, 401)
THROTTLED = base.instead({"code": 42910000, "message": "rate limit exceeded"}, 429)
GATEWAY_TIMEOUT = base.instead("<html>504 Gateway Time-out</html>", 504)
SERVER_ERROR = base.instead({"code": 50010000, "message": "internal server error occurred"}, 500)


# ---- answers


def _listed(account: AlpacaAccount, request: Request) -> object:
    args = request.args
    limit = int(args.get("limit", 50))
    if limit > 500:
        raise Refusal(422, 42210000, "limit must be no more than 500")
    status = args.get("status", "open")
    rows = [
        order
        for order in account.orders
        if status == "all" or (order.status in CLOSED_STATUSES) == (status == "closed")
    ]
    if "after" in args:
        rows = [order for order in rows if order.created_at > datetime.fromisoformat(args["after"])]
    if "until" in args:
        rows = [order for order in rows if order.created_at < datetime.fromisoformat(args["until"])]
    if "symbols" in args:
        rows = [order for order in rows if order.symbol in args["symbols"].split(",")]
    if "side" in args:
        rows = [order for order in rows if order.side == args["side"]]
    rows.sort(key=lambda order: order.created_at, reverse=args.get("direction", "desc") == "desc")
    return [order.as_json() for order in rows[:limit]]


def _by_client_id(account: AlpacaAccount, request: Request) -> object:
    client_id = request.args["client_order_id"]
    order = account.by_client_id(client_id)
    if order is None:
        raise Refusal(404, 40410000, f"order not found for {client_id}")
    return order.as_json()


def _positions(account: AlpacaAccount, _request: Request) -> object:
    return [_position(account, symbol, shares) for symbol, shares in account.positions.items()]


def _position(account: AlpacaAccount, symbol: str, shares: Decimal) -> object:
    price, cost = account.prices[symbol], account.costs.get(symbol, Decimal(0))
    return {
        "asset_id": "0f3b9a4e-0000-4000-8000-000000000000",
        "symbol": symbol,
        "exchange": "NYSE",
        "asset_class": "us_equity",
        "asset_marginable": True,
        "qty": text(shares),
        "qty_available": text(account.available(symbol)),
        "avg_entry_price": text((cost / shares).quantize(Decimal("0.000001"))),
        "side": "long" if shares > 0 else "short",
        "market_value": text(shares * price),
        "cost_basis": text(cost),
        "current_price": text(price),
    }


def _account(account: AlpacaAccount, _request: Request) -> object:
    equity = account.cash + account.long_value
    return {
        "id": "a1b2c3d4-0000-4000-8000-000000000000",
        "account_number": account.number,
        "status": "ACTIVE",
        "crypto_status": "ACTIVE",
        "currency": "USD",
        "cash": text(account.cash),
        "buying_power": text(account.buying_power),
        "regt_buying_power": text(account.buying_power),
        "non_marginable_buying_power": text(min(account.cash, account.buying_power)),
        "portfolio_value": text(equity),
        "equity": text(equity),
        "last_equity": text(equity),
        "long_market_value": text(account.long_value),
        "short_market_value": "0",
        "multiplier": account.multiplier,
        "shorting_enabled": account.multiplier != "1",
        "trading_blocked": False,
        "transfers_blocked": False,
        "account_blocked": False,
        "trade_suspended_by_user": False,
        "created_at": "2024-01-02T15:04:05Z",
        "accrued_fees": "0",
        "admin_configurations": {},
        "user_configurations": None,
    } | account.flags


def _activities(account: AlpacaAccount, request: Request) -> object:
    args = request.args
    rows = [row for row in account.activities if _day(row) > args.get("after", "")]
    rows = [row for row in rows if _day(row) < args.get("until", "9999")]
    if "activity_types" in args:
        rows = [row for row in rows if row["activity_type"] in args["activity_types"].split(",")]
    rows.sort(key=lambda row: row["id"], reverse=args.get("direction", "desc") == "desc")
    token = args.get("page_token")
    begin = 1 + next(place for place, row in enumerate(rows) if row["id"] == token) if token else 0
    return rows[begin : begin + min(int(args.get("page_size", 100)), 100)]


def _day(row: dict[str, Any]) -> str:
    if "date" in row:
        return str(row["date"])
    return str(datetime.fromisoformat(row["transaction_time"]).astimezone(NEW_YORK).date())


def _clock(account: AlpacaAccount, _request: Request) -> object:
    local = account.now.astimezone(NEW_YORK)
    today = session_on(local.date())
    following = session_on(session_after(local.date()))
    is_before = today.opens_at is not None and account.now < today.opens_at
    is_open = bool(today.opens_at and today.closes_at and today.opens_at <= account.now < today.closes_at)
    is_before_close = is_before or is_open
    opens = today.opens_at if is_before else following.opens_at
    closes = today.closes_at if is_before_close else following.closes_at
    assert opens
    assert closes
    return {
        "timestamp": local.strftime("%Y-%m-%dT%H:%M:%S.%f") + "123" + local.isoformat()[-6:],
        "is_open": is_open,
        "next_open": opens.astimezone(NEW_YORK).isoformat(),
        "next_close": closes.astimezone(NEW_YORK).isoformat(),
    }


def _calendar(_account: AlpacaAccount, request: Request) -> object:
    first, last = (date.fromisoformat(request.args[name]) for name in ("start", "end"))
    sessions = [session_on(day.item()) for day in sessions_between(first, last)]
    return [
        {
            "date": str(session.day),
            "open": f"{session.opens_at.astimezone(NEW_YORK):%H:%M}",
            "close": f"{session.closes_at.astimezone(NEW_YORK):%H:%M}",
        }
        for session in sessions
        if session.opens_at and session.closes_at
    ]


def _assets(account: AlpacaAccount, _request: Request) -> object:
    return [_asset(account, symbol) for symbol in sorted(account.prices)]


def _asset(account: AlpacaAccount, symbol: str) -> object:
    return {
        "id": "0f3b9a4e-0000-4000-8000-000000000000",
        "class": "us_equity",
        "exchange": "NYSE",
        "symbol": symbol,
        "name": f"{symbol} Inc",
        "status": "active",
        "tradable": symbol not in account.untradable,
        "marginable": True,
        "shortable": True,
        "easy_to_borrow": True,
        "fractionable": symbol not in account.whole_only,
    }


def _snapshots(account: AlpacaAccount, request: Request) -> object:
    at = stamp(account.now - timedelta(seconds=1))
    cent = 0.01
    return {
        symbol: {
            "latestTrade": {"t": at, "x": "V", "p": float(account.prices[symbol]), "s": 100},
            "latestQuote": {
                "t": at,
                "bp": round(float(account.prices[symbol]) - cent, 4),
                "bs": 1,
                "ap": round(float(account.prices[symbol]) + cent, 4),
                "as": 1,
            },
        }
        for symbol in request.args["symbols"].split(",")
        if symbol in account.prices and symbol not in account.unquoted
    }

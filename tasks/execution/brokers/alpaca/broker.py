"""The broker `alpaca`: one account, on paper or live."""

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

from tasks.core.clock import stopwatch
from tasks.execution.brokers.alpaca.activities import (
    FILL,
    ActivityResponse,
    FillResponse,
    OtherResponse,
    fill_of,
    other_of,
)
from tasks.execution.brokers.alpaca.responses import (
    UNKNOWN_TIME,
    AccountResponse,
    ClockResponse,
    OrderResponse,
    PositionResponse,
    account_of,
    assets_of,
    order_of,
    positions_of,
    quote_of,
    read,
    read_list,
)
from tasks.execution.brokers.alpaca.windows import is_preliminary, takes_from
from tasks.execution.brokers.alpaca.wire import REQUEST_S, AlpacaWire, ResponseError, unanswered
from tasks.execution.brokers.base import (
    Activity,
    Asset,
    BrokerAccount,
    BrokerOrder,
    BrokerPosition,
    Quote,
    RefusedError,
    UnauthorizedError,
)
from tasks.execution.schema import Order

PAGE, ACTIVITY_PAGE = 500, 100  # the most that Alpaca returns
MOST_SPLITS = 40  # of the time span of a listing, until every part fits into a page
MOST_ACTIVITY_PAGES = 1_000
SYMBOLS_AT_ONCE = 100
ASSETS_MAX_AGE_S = 300.0
ORDERS_BEFORE = timedelta(days=7)  # a fill of today may be of an older order; still older ones are looked up
MICROSECOND = timedelta(microseconds=1)
NOT_FOUND = 404
DUPLICATE, WASH_TRADE = "client_order_id must be unique", "wash trade"
PAPER_NUMBER = "PA"  # account numbers of paper accounts begin with it
TIME_IN_FORCE = {"market": "day", "limit": "day", "at_open": "opg", "at_close": "cls"}


class AlpacaBroker:
    """An account at Alpaca. `is_ours` tells which client ids are of this home's orders."""

    name = "alpaca"
    has_unique_ids = True  # for the account and forever, also once the order is dead

    def __init__(
        self,
        mode: Literal["paper", "live"] = "paper",
        *,
        is_ours: Callable[[str], bool],
        trading_url: str | None = None,
        data_url: str | None = None,
        request_s: float = REQUEST_S,
    ) -> None:
        self._mode: Literal["paper", "live"] = mode
        self._is_ours = is_ours
        self._wire = AlpacaWire(
            is_paper=mode == "paper", trading_url=trading_url, data_url=data_url, request_s=request_s
        )
        self._ids: dict[str, str] = {}  # Alpaca's id of an order, by the client's
        self._assets: tuple[float, Mapping[str, Asset]] | None = None  # and when they were read
        self._short: Mapping[str, Decimal] = {}  # shares short when positions were read last, by symbol

    def now(self) -> datetime:
        return read(ClockResponse, self._get("clock"), "GET /v2/clock").timestamp

    def account(self) -> BrokerAccount:
        response = self._account()
        return account_of(response, self._mode, is_preliminary=is_preliminary(self.now()))

    def positions(self) -> Mapping[str, BrokerPosition]:
        what = "GET /v2/positions"
        responses = read_list(PositionResponse, self._get("positions"), what)
        if not responses:
            self._refuse_unless_flat(what)
        found = positions_of(responses, what)
        self._short = {symbol: -each.shares for symbol, each in found.items() if each.shares < 0}
        return found

    def open_orders(self) -> tuple[BrokerOrder, ...]:
        return tuple(order_of(response, "GET /v2/orders") for response in self._listed("open"))

    def order_ids(self, since: datetime) -> frozenset[str]:
        return frozenset(response.client_order_id or response.id for response in self._listed("all", since))

    def order(self, order_id: str) -> BrokerOrder | None:
        response = self._by_client_id(order_id)
        return None if response is None else order_of(response, "GET /v2/orders:by_client_order_id")

    def submit(self, order: Order) -> BrokerOrder:
        what = "POST /v2/orders"
        try:
            row = self._wire.post("/orders", self._fields(order))
        except ResponseError as error:
            raise _refused(order, error) from None
        response = read(OrderResponse, row, what)
        if response.client_order_id != order.order_id:
            raise unanswered(what, "a different order was returned")
        self._ids[order.order_id] = response.id
        return order_of(response, what)

    def cancel(self, order_id: str) -> None:
        known = self._ids.get(order_id)
        if known is None:
            response = self._by_client_id(order_id)
            if response is None:
                return  # there is nothing to cancel; whether it still arrives is for the caller to ask
            known = response.id
        try:
            self._wire.delete(f"/orders/{known}")
        except ResponseError as error:
            if error.status not in {NOT_FOUND, 422}:  # 422: already filled, expired or rejected
                raise _unexpected("DELETE /v2/orders", error) from None

    def assets(self, symbols: Collection[str]) -> Mapping[str, Asset]:
        listed = self._all_assets()
        return {symbol: listed[symbol] for symbol in symbols if symbol in listed}

    def quotes(self, symbols: Collection[str]) -> Mapping[str, Quote]:
        found: dict[str, Quote] = {}
        ordered = sorted(symbols)
        for begin in range(0, len(ordered), SYMBOLS_AT_ONCE):
            portion = ordered[begin : begin + SYMBOLS_AT_ONCE]
            for symbol, snapshot in self._snapshots(portion).items():
                quote = quote_of(symbol, snapshot)
                if quote is not None and symbol in portion:
                    found[symbol] = quote
        return found

    def activities(self, since: date) -> tuple[Activity, ...]:
        what = "GET /v2/account/activities"
        rows = self._activity_rows(since, what)
        kinds = [read(ActivityResponse, row, what) for row in rows]
        fills = [
            read(FillResponse, row, what) for row, kind in zip(rows, kinds, strict=True) if _is_fill(kind)
        ]
        foreign = self._foreign({fill.order_id for fill in fills if fill.order_id}, since)
        found = [fill_of(fill, what) for fill in fills if fill.order_id is None or fill.order_id in foreign]
        found += [
            other_of(read(OtherResponse, row, what))
            for row, kind in zip(rows, kinds, strict=True)
            if not _is_fill(kind)
        ]
        recent = [activity for activity in found if activity.session >= since]
        return tuple(sorted(recent, key=lambda activity: (activity.session, activity.activity_id)))

    def takes(self, order: Order, at: datetime) -> datetime:
        return takes_from(order, at)

    # ---- one request

    def _get(self, path: str, **parameters: str | int) -> Any:
        try:
            return self._wire.get(f"/{path}", **parameters)
        except ResponseError as error:
            raise _unexpected(f"GET /v2/{path}", error) from None

    def _by_client_id(self, order_id: str) -> OrderResponse | None:
        what = "GET /v2/orders:by_client_order_id"
        try:
            row = self._wire.get("/orders:by_client_order_id", client_order_id=order_id)
        except ResponseError as error:
            if error.status == NOT_FOUND and error.code == "40410000":
                return None
            raise _unexpected(what, error) from None
        response = read(OrderResponse, row, what)
        if order_id not in {response.client_order_id, response.id}:
            raise unanswered(what, "a different order was returned")
        self._ids[order_id] = response.id
        return response

    def _all_assets(self) -> Mapping[str, Asset]:
        """Return all assets that are active: megabytes, so that they are read every few minutes only."""
        if self._assets is None or stopwatch() - self._assets[0] > ASSETS_MAX_AGE_S:
            what = "GET /v2/assets"
            rows = self._get("assets", status="active", asset_class="us_equity")
            self._assets = (stopwatch(), assets_of(rows, what))
        return self._assets[1]

    def _account(self) -> AccountResponse:
        response = read(AccountResponse, self._get("account"), "GET /v2/account")
        if self._mode == "live" and response.account_number.startswith(PAPER_NUMBER):
            raise UnauthorizedError(
                f"Live trading is configured, but {response.account_number} is a paper account.",
                remedy="Set the keys of the live account, or trade on paper.",
            )
        return response

    def _refuse_unless_flat(self, what: str) -> None:
        """Positions are empty: accept that only if the account agrees."""
        account = self._account()
        if account.long_market_value or account.short_market_value:
            raise unanswered(what, "no positions, but the account reports a value for some")

    def _fields(self, order: Order) -> dict[str, str]:
        fields = {
            "symbol": order.symbol,
            "qty": str(order.shares),
            "side": order.side.lower(),
            "type": "limit" if order.timing == "limit" else "market",
            "time_in_force": TIME_IN_FORCE[order.timing],
            "client_order_id": order.order_id,
            "position_intent": self._intent(order),
        }
        if order.limit_price is not None:
            fields["limit_price"] = format(order.limit_price, "f")
        return fields

    def _intent(self, order: Order) -> str:
        """A sale never opens a short position; a purchase is refused if there is one that we do not know of."""
        if order.is_sale:
            return "sell_to_close"
        return "buy_to_close" if order.symbol in self._short else "buy_to_open"

    def _snapshots(self, symbols: list[str]) -> dict[str, object]:
        what = "GET /v2/stocks/snapshots"
        try:
            # without `feed`, Alpaca uses the best one that the account may read
            rows = self._wire.get_data("/stocks/snapshots", symbols=",".join(symbols))
        except ResponseError as error:
            raise _unexpected(what, error) from None
        if not isinstance(rows, dict):
            raise unanswered(what, "not an object")
        return rows

    # ---- many pages

    def _listed(self, status: str, after: datetime | None = None) -> Iterable[OrderResponse]:
        """Return all orders of a listing. It has no pages: a span of time with too many is split in two."""
        what = "GET /v2/orders"
        spans: list[tuple[datetime | None, datetime | None]] = [(after, None)]
        found: dict[str, OrderResponse] = {}
        asked = 0
        while spans:
            begin, end = spans.pop()
            asked += 1
            if asked > MOST_SPLITS:
                raise unanswered(what, f"more than {PAGE} orders at the same time")
            bounds = {"after": begin, "until": end}
            given = {name: at.isoformat() for name, at in bounds.items() if at is not None}
            responses = read_list(
                OrderResponse, self._get("orders", status=status, limit=PAGE, direction="asc", **given), what
            )
            found |= {response.id: response for response in responses}
            if len(responses) >= PAGE:
                times = sorted(each.created_at or each.submitted_at or UNKNOWN_TIME for each in responses)
                middle = times[len(times) // 2]
                # both bounds are exclusive: the halves overlap, so that no order falls between them
                spans += [(begin, middle + MICROSECOND), (middle - MICROSECOND, end)]
        return found.values()

    def _activity_rows(self, since: date, what: str) -> list[Any]:
        """Return the rows of all pages, somewhat older ones included: whether `after` excludes its day is unclear."""
        fixed: dict[str, str | int] = {
            "after": str(since - timedelta(days=2)),
            "direction": "asc",
            "page_size": ACTIVITY_PAGE,
        }
        found: dict[str, Any] = {}
        token: dict[str, str] = {}
        for _ in range(MOST_ACTIVITY_PAGES):
            page = self._get("account/activities", **fixed, **token)
            rows = {
                each.id: row for each, row in zip(read_list(ActivityResponse, page, what), page, strict=True)
            }
            if not rows:
                return list(found.values())
            if rows.keys() <= found.keys():
                raise unanswered(what, "the same page twice")
            found |= rows
            token = {"page_token": [*rows][-1]}
        raise unanswered(what, "too many pages")

    def _foreign(self, ids: set[str], since: date) -> set[str]:
        """Return those of Alpaca's order ids whose orders are not ours."""
        unknown = ids - set(self._ids.values())
        if not unknown:
            return set()
        begin = datetime.fromisoformat(f"{since - ORDERS_BEFORE}T00:00:00+00:00")
        clients = {each.id: each.client_order_id or each.id for each in self._listed("all", begin)}
        for order_id in unknown - clients.keys():
            response = read(OrderResponse, self._get(f"orders/{order_id}"), "GET /v2/orders/{id}")
            clients[order_id] = response.client_order_id or response.id
        return {order_id for order_id in unknown if not self._is_ours(clients[order_id])}


def _is_fill(response: ActivityResponse) -> bool:
    return response.activity_type == FILL


def _refused(order: Order, error: ResponseError) -> RefusedError:
    """Return the refusal. It is definite: the session sends each request once."""
    is_duplicate = DUPLICATE in error.message
    code = "wash_trade" if WASH_TRADE in error.message else error.code or str(error.status)
    return RefusedError(
        f"Alpaca rejected {order.side} {order.shares} {order.symbol}: {error.message} ({error.status}).",
        remedy="Read Alpaca's reason; other orders are not affected.",
        code=code,
        duplicate=is_duplicate,
    )


def _unexpected(what: str, error: ResponseError) -> Exception:
    return unanswered(what, f"{error.status} {error.code} {error.message}".strip())

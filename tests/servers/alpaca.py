"""A local Alpaca: keys in headers, pages over all symbols, bars stamped with New York's midnight."""

from datetime import timedelta
from typing import Any

import pandas as pd
from werkzeug import Request, Response

from tasks.data.providers.base import Delivery
from tests.servers.base import Server, as_json

KEYS = {"APCA_API_KEY_ID": "PKTESTTESTTEST", "APCA_API_SECRET_KEY": "a-planted-alpaca-secret"}
LIMITS = {"X-RateLimit-Limit": "200", "X-RateLimit-Remaining": "199", "X-RateLimit-Reset": "1700000000"}
PAID_AFTER = timedelta(days=14)


class AlpacaServer(Server):
    """Serves the delivery, `page` rows at a time."""

    def __init__(self, delivery: Delivery, *, page: int = 1_000) -> None:
        super().__init__()
        self.delivery = delivery
        self.page = page
        self.closed = delivery.bars["session"].max().tz_localize("America/New_York")
        self.events: dict[str, list[dict[str, Any]]] = _events(delivery)

    def respond(self, request: Request) -> Response:
        given = {name: request.headers.get(name.replace("_", "-")) for name in KEYS}
        if given != KEYS:
            return as_json({"message": "unauthorized."}, 401, LIMITS)
        routes = {
            "/v2/stocks/bars": self._bars,
            "/v1/corporate-actions": self._corporate_actions,
            "/v2/assets": self._assets,
        }
        return routes[request.path](request)

    def _bars(self, request: Request) -> Response:
        args = request.args
        start, end = (pd.Timestamp(args[name]) for name in ("start", "end"))
        if args["feed"] == "sip" and end > self.closed:
            return as_json({"message": "subscription does not permit querying recent SIP data"}, 403, LIMITS)
        assert (args["timeframe"], args["asof"]) == ("1Day", "-")
        rows = [
            (row.symbol, row)
            for row in _shares(self.delivery, adjusted=args["adjustment"] == "all").itertuples()
            if row.symbol in args["symbols"].split(",") and start <= row.stamp <= end
        ]
        page, token = self._page(rows, request)
        bars: dict[str, list[dict[str, Any]]] = {}
        for symbol, row in page:
            bars.setdefault(symbol, []).append(
                {
                    "t": row.stamp.tz_convert("UTC").strftime("%Y-%m-%dT%H:%M:%SZ"),
                    "o": row.open,
                    "h": row.high,
                    "l": row.low,
                    "c": row.close,
                    "v": int(row.volume),
                    "n": 100,
                    "vw": row.close,
                }
            )
        return as_json({"bars": bars, "next_page_token": token}, 200, LIMITS)

    def _corporate_actions(self, request: Request) -> Response:
        args = request.args
        symbols, types = args["symbols"].split(","), args["types"].split(",")
        rows = [
            (kind, event)
            for kind, events in self.events.items()
            for event in events
            if kind.removesuffix("s") in types
            and {event.get(name) for name in ("symbol", "old_symbol", "new_symbol", "acquiree_symbol")}
            & {*symbols}
            and args["start"] <= event["process_date"] <= args["end"]
        ]
        page, token = self._page(rows, request)
        found: dict[str, list[dict[str, Any]]] = {}
        for kind, event in page:
            found.setdefault(kind, []).append(event)
        return as_json({"corporate_actions": found, "next_page_token": token}, 200, LIMITS)

    def _assets(self, request: Request) -> Response:
        assert dict(request.args) == {"status": "active", "asset_class": "us_equity"}
        names = sorted(self.delivery.bars["symbol"].unique())
        assets = [{"symbol": name, "exchange": "NYSE", "tradable": True} for name in names]
        others = [
            {"symbol": "HALTED", "exchange": "NYSE", "tradable": False},
            {"symbol": "FUND", "exchange": "ARCA", "tradable": True},
        ]
        return as_json(assets + others, 200, LIMITS)

    def _page(self, rows: list[Any], request: Request) -> tuple[list[Any], str | None]:
        begin = int(request.args.get("page_token") or 0)
        end = begin + min(self.page, int(request.args["limit"]))
        return rows[begin:end], str(end) if end < len(rows) else None


def _shares(delivery: Delivery, *, adjusted: bool) -> pd.DataFrame:
    """Return bars of the shares and of the benchmark fund, by symbol and then by time."""
    fund = (
        delivery.levels[delivery.levels["name"] == "SPY"]
        .rename(columns={"name": "symbol"})
        .assign(volume=1e7)
    )
    fund = fund.assign(close=fund["adj_close"]) if adjusted else fund
    both = pd.concat([delivery.bars, fund.drop(columns="adj_close")]).sort_values(["symbol", "session"])
    return both.assign(stamp=both["session"].dt.tz_localize("America/New_York"))


def _events(delivery: Delivery) -> dict[str, list[dict[str, Any]]]:
    events: dict[str, list[dict[str, Any]]] = {"cash_dividends": [], "forward_splits": []}
    for row in delivery.actions.itertuples():
        day = row.session.date()
        common = {"symbol": row.symbol, "ex_date": str(day)}
        if row.dividend:
            paid = str(day + PAID_AFTER)
            rest = {"rate": row.dividend, "special": False, "foreign": False, "process_date": paid}
            events["cash_dividends"].append(common | rest)
        if row.split != 1:
            rest = {"new_rate": row.split, "old_rate": 1, "process_date": str(day)}
            events["forward_splits"].append(common | rest)
    return events

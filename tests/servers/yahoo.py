"""A local Yahoo: a crumb, then charts adjusted to today's shares with their events, 404 for an unknown name."""

from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pandas as pd
from werkzeug import Request, Response

from tasks.data.providers.base import Delivery
from tests.servers.base import Server, as_json

OPENING = pd.Timedelta(hours=9, minutes=30)
META = {
    "currency": "USD",
    "instrumentType": "EQUITY",
    "exchangeTimezoneName": "America/New_York",
    "timezone": "EDT",
    "gmtoffset": -14400,
    "dataGranularity": "1d",
    "validRanges": ["1d", "max"],
    "priceHint": 2,
}


class YahooServer(Server):
    """Serves the delivery."""

    def __init__(self, delivery: Delivery) -> None:
        super().__init__()
        levels = delivery.levels.rename(columns={"name": "symbol"}).assign(volume=0.0)
        rows = pd.concat([delivery.bars, levels])
        both = rows.merge(delivery.actions, on=["symbol", "session"], how="left").sort_values("session")
        both["adj_close"] = both["adj_close"].fillna(both["close"])
        self.days = both.fillna({"dividend": 0.0, "split": 1.0})

    def respond(self, request: Request) -> Response:
        if request.path.startswith("/v10/finance/quoteSummary/"):  # the library looks up unknown names there
            return as_json({"quoteSummary": {"result": None, "error": {"code": "Not Found"}}}, 404)
        if not request.path.startswith("/v8/finance/chart/"):
            return Response("crumb", mimetype="text/plain")
        name = request.path.rpartition("/")[2]
        mine = self.days[self.days["symbol"] == name]
        if mine.empty:
            error = {"code": "Not Found", "description": "No data found, symbol may be delisted"}
            return as_json({"chart": {"result": None, "error": error}}, 404)
        return as_json({"chart": {"result": [_chart(name, mine, request.args)], "error": None}})

    def browser(self) -> Any:
        """Return a session that reaches this server under Yahoo's addresses."""
        from curl_cffi.requests import Session

        here = self.url

        class Browser(Session):
            def request(self, method: str, url: str, **how: Any) -> Any:
                return super().request(method, here + (urlsplit(url).path or "/"), **how)

        return Browser(impersonate="chrome")


def _chart(name: str, mine: pd.DataFrame, args: Any) -> dict[str, Any]:
    later = mine["split"][::-1].cumprod()[::-1].shift(-1, fill_value=1.0)  # Yahoo adjusts to today's shares
    stamps = _epoch(mine["session"])
    first, last = int(args.get("period1", 0)), int(args.get("period2", 2**40))
    keep = (stamps >= first) & (stamps < last)

    def listed(values: Any) -> list[float]:
        return [float(value) for value in np.asarray(values)[keep]]

    dividends = {
        str(stamp): {"amount": amount, "date": int(stamp)}
        for stamp, amount, kept in zip(stamps, mine["dividend"] / later, keep, strict=True)
        if amount and kept
    }
    splits = {
        str(stamp): {"date": int(stamp), "numerator": split, "denominator": 1.0, "splitRatio": f"{split:g}:1"}
        for stamp, split, kept in zip(stamps, mine["split"], keep, strict=True)
        if split != 1 and kept
    }
    quote = {figure: listed(mine[figure] / later) for figure in ("open", "high", "low", "close")}
    quote["volume"] = listed(mine["volume"] * later)
    return {
        "meta": META | {"symbol": name},
        "timestamp": [int(stamp) for stamp in stamps[keep]],
        "events": {"dividends": dividends, "splits": splits},
        "indicators": {"quote": [quote], "adjclose": [{"adjclose": listed(mine["adj_close"] / later)}]},
    }


def _epoch(sessions: pd.Series) -> Any:
    opened = (sessions + OPENING).dt.tz_localize("America/New_York").dt.tz_convert(None)
    return opened.to_numpy().astype("datetime64[s]").astype("int64")

"""A local Tiingo: a token in the header, one symbol's days at a time, 404 for an unknown name."""

import pandas as pd
from werkzeug import Request, Response

from tasks.data.providers.base import Delivery
from tests.servers.base import Server, as_json

KEYS = {"TIINGO_API_KEY": "a-planted-tiingo-token"}


class TiingoServer(Server):
    """Serves the delivery."""

    def __init__(self, delivery: Delivery) -> None:
        super().__init__()
        fund = delivery.levels[delivery.levels["name"] == "SPY"].rename(columns={"name": "symbol"})
        rows = pd.concat([delivery.bars, fund.assign(volume=1e7)])
        both = rows.merge(delivery.actions, on=["symbol", "session"], how="left")
        self.days = both.assign(adj_close=both["adj_close"].fillna(both["close"]))

    def respond(self, request: Request) -> Response:
        if request.headers.get("Authorization") != f"Token {KEYS['TIINGO_API_KEY']}":
            return as_json({"detail": "Invalid token."}, 401)
        _, _, _, ticker, _ = request.path.split("/")
        mine = self.days[self.days["symbol"] == ticker.replace("-", ".")]
        if mine.empty:
            return as_json({"detail": f"Error: Ticker '{ticker}' not found"}, 404)
        first, last = (pd.Timestamp(request.args[name]) for name in ("startDate", "endDate"))
        return as_json(
            [
                {
                    "date": f"{row.session.date()}T00:00:00.000Z",
                    "open": row.open,
                    "high": row.high,
                    "low": row.low,
                    "close": row.close,
                    "volume": int(row.volume),
                    "adjClose": row.adj_close,
                    "divCash": 0.0 if pd.isna(row.dividend) else row.dividend,
                    "splitFactor": 1.0 if pd.isna(row.split) else row.split,
                }
                for row in mine[mine["session"].between(first, last)].sort_values("session").itertuples()
            ]
        )

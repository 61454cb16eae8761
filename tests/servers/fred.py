"""A local FRED: observations as text, a full stop for a holiday, 400 for an unknown key."""

from datetime import date, timedelta

import pandas as pd
from werkzeug import Request, Response

from tasks.core.sessions import sessions_ending
from tasks.data.providers.base import Delivery
from tests.servers.base import Server, as_json

KEYS = {"FRED_API_KEY": "aplantedfredkey00000000000000000"}
HOLIDAY = date(2024, 5, 27)


class FredServer(Server):
    """Serves the yields and the volatility index of the delivery."""

    def __init__(self, delivery: Delivery) -> None:
        super().__init__()
        bills = delivery.riskfree
        index = delivery.levels[delivery.levels["name"] == "^VIX"]
        # the yield known on a session is that of the session before
        self.series = {
            "DTB3": {
                _before(day): value for day, value in zip(bills["session"], bills["yield_pct"], strict=True)
            },
            "VIXCLS": {
                day.date(): value for day, value in zip(index["session"], index["close"], strict=True)
            },
        }

    def respond(self, request: Request) -> Response:
        args = request.args
        if args.get("api_key") != KEYS["FRED_API_KEY"]:
            what = "Bad Request.  The value for variable api_key is not registered."
            return as_json({"error_code": 400, "error_message": what}, 400)
        first, last = (date.fromisoformat(args[f"observation_{edge}"]) for edge in ("start", "end"))
        values = {HOLIDAY: ".", **self.series[args["series_id"]]}
        observations = [
            {
                "realtime_start": "2024-06-17",
                "realtime_end": "2024-06-17",
                "date": str(day),
                "value": str(value),
            }
            for day, value in sorted(values.items())
            if first <= day <= last
        ]
        return as_json({"units": "lin", "count": len(observations), "observations": observations})


def _before(session: pd.Timestamp) -> date:
    day: date = sessions_ending(session.date() - timedelta(days=1), 1)[0].item()
    return day

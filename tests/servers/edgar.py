"""EDGAR as it answers: the numbers of companies, then each one's register; 403 for whoever hides who they are."""

from werkzeug import Request, Response

from tasks.data.providers.base import Delivery
from tests.servers.base import Server, as_json

KEYS = {"EDGAR_IDENTITY": "Jane Doe jane@example.com"}
CRUDE_PETROLEUM = "1311"


class EdgarServer(Server):
    """Serves the companies of the delivery, all of them in oil."""

    def __init__(self, delivery: Delivery) -> None:
        super().__init__()
        self.names = dict(enumerate(delivery.listings["symbol"], start=1_000))

    def respond(self, request: Request) -> Response:
        if request.headers["User-Agent"] != KEYS["EDGAR_IDENTITY"]:
            return Response("<html>Undeclared Automated Tool</html>", 403, mimetype="text/html")
        if request.path == "/files/company_tickers.json":
            rows = [
                {"cik_str": number, "ticker": name.replace(".", "-"), "title": f"{name} INC"}
                for number, name in self.names.items()
            ]
            return as_json({str(place): row for place, row in enumerate(rows)})
        name = self.names[int(request.path[-len("0000000000.json") :].removesuffix(".json"))]
        return as_json({"name": f"{name} INC", "sic": CRUDE_PETROLEUM, "tickers": [name], "filings": {}})

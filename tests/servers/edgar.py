"""A local EDGAR: CIK numbers, submissions, company facts; 403 without a User-Agent that names the caller."""

from datetime import date
from typing import Any, NamedTuple

from werkzeug import Request, Response

from tasks.data.providers.base import Delivery
from tests.servers.base import Server, as_json

KEYS = {"EDGAR_IDENTITY": "Jane Doe jane@example.com"}
CRUDE_PETROLEUM = "1311"


class Report(NamedTuple):
    """A quarterly or annual report; earnings decide the other figures."""

    form: str
    period: str
    start: str
    end: str
    filed: str
    earnings: float


REPORTS = (
    Report("10-Q", "Q1", "2023-01-01", "2023-03-31", "2023-05-04", 10),
    Report("10-Q", "Q2", "2023-04-01", "2023-06-30", "2023-08-03", 11),
    Report("10-Q", "Q3", "2023-07-01", "2023-09-30", "2023-11-02", 12),
    Report("10-K", "FY", "2023-01-01", "2023-12-31", "2024-02-15", 46),
    Report("10-Q", "Q1", "2024-01-01", "2024-03-31", "2024-05-02", 14),
)


class EdgarServer(Server):
    """Serves the companies of the delivery, all in the oil industry, with the same reports."""

    def __init__(self, delivery: Delivery, reports: tuple[Report, ...] = REPORTS) -> None:
        super().__init__()
        self.names = dict(enumerate(delivery.listings["symbol"], start=1_000))
        self.reports = reports
        self.sales = "Revenues"
        self.missing_facts = False

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
        return self._facts() if "companyfacts" in request.path else self._register(name)

    def _register(self, name: str) -> Response:
        filings = [("8-K", "2024-06-12"), *((report.form, report.filed) for report in self.reports)]
        recent = {"form": [form for form, _ in filings], "filingDate": [day for _, day in filings]}
        return as_json({"name": f"{name} INC", "sic": CRUDE_PETROLEUM, "filings": {"recent": recent}})

    def _facts(self) -> Response:
        if self.missing_facts:
            return as_json({"message": "no such key"}, 404)
        facts: dict[str, dict[str, Any]] = {}

        def tell(tag: str, unit: str, report: Report, value: float, **period: str) -> None:
            about = {"form": report.form, "fp": report.period, "filed": report.filed, "accn": report.filed}
            reported = facts.setdefault(tag, {"units": {}})["units"].setdefault(unit, [])
            reported.append({"val": value, **period, **about})

        for report in self.reports:
            own = {"start": report.start, "end": report.end}
            before = {"start": _year_before(report.start), "end": _year_before(report.end)}
            so_far = {"start": f"{report.end[:4]}-01-01", "end": report.end}
            others = [(before, 0.5)] + ([(so_far, 3.0)] if so_far != own else [])
            for period, share in (*others, (own, 1.0)):  # a report repeats other periods
                tell("NetIncomeLoss", "USD", report, share * report.earnings, **period)
                tell(self.sales, "USD", report, share * report.earnings * 10, **period)
                tell("EarningsPerShareBasic", "USD/shares", report, share * report.earnings / 5, **period)
                tell("StockholdersEquity", "USD", report, share * 100, end=period["end"])
            tell("Assets", "USD", report, 300, end=report.end)
        return as_json({"cik": 1, "facts": {"us-gaap": facts, "dei": {}}})


def _year_before(day: str) -> str:
    then = date.fromisoformat(day)
    return then.replace(year=then.year - 1).isoformat()

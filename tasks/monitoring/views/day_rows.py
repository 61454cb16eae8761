"""Turn a published day into rows of the views. Pure: bytes that agree with the manifest in, rows out."""

import csv
import io
import math
from collections.abc import Mapping
from datetime import date
from typing import Any

from tasks.approval.day import PublishedDay
from tasks.core.json_text import parse_json
from tasks.monitoring.views.catalog import DAYS, DRIFT, IC, REGIMES, TRADES, WEIGHTS
from tasks.monitoring.views.schema import Row, View

Rows = Mapping[str, list[Row]]


def rows_of_day(day: PublishedDay) -> Rows:
    """Return the rows of each view of days. Raises KeyError, TypeError or ValueError for an unknown form of a file."""
    signals, log = parse_json(day.files["signals.json"]), parse_json(day.files["monitoring_log.json"])
    trades = list(enumerate(_cells(day.files["trades.csv"], TRADES), start=1))
    return {
        "days": [_day_row(day, signals, log, trades=len(trades))],
        "scores": [
            (day.session, symbol, float(one["score"]), int(one["rank"]))
            for symbol, one in signals["scores"].items()
        ],
        "weights": [(day.session, *cells) for cells in _cells(day.files["portfolio_weights.csv"], WEIGHTS)],
        "trades": [(day.session, number, *cells) for number, cells in trades],
        "checks": [
            (
                day.session,
                one["name"],
                one["outcome"],
                _text(one["value"]),
                _text(one["limit"]),
                _text(one["detail"]),
            )
            for one in log["checks"]
        ],
        "risk_limits": [
            (day.session, one["name"], *map(_number, (one["value"], one["limit"], one["used"])), one["state"])
            for one in log["risk_assessment"]["limits"]
        ],
        **_health_rows(day, log),
        "regimes": [
            (
                day.session,
                log["regime"]["state"],
                _number(log["regime"]["exposure_cap"]),
                *(_number(log["regime"]["inputs"].get(name)) for name in REGIMES.names[3:]),
            )
        ],
    }


def _health_rows(day: PublishedDay, log: Any) -> Rows:
    """Return the rows of monitoring; none for a day of an earlier release."""
    health = log.get("health") or {}
    measures = DRIFT.names[2:]
    return {
        "alerts": [
            (
                day.session,
                one["name"],
                _number(one["value"]),
                _number(one["limit"]),
                one["detail"],
                "yes" if one["retrain"] else "",
            )
            for one in log.get("alerts", ())
        ],
        "ic": [_ic_row(one) for one in health.get("realised", ())],
        "drift": [
            (day.session, one["column"], *(one[name] for name in measures)) for one in health.get("drift", ())
        ],
    }


def _ic_row(one: Any) -> Row:
    days = (date.fromisoformat(one["session"]), date.fromisoformat(one["measured_on"]))
    return (*days, *(one[name] for name in IC.names[2:-5]), *map(_number, one["quantiles"]))


def unreadable_row(session: object, digest: str, problem: str) -> Row:
    """Return the row in `days` of a day that cannot be read."""
    known = {"session": session, "manifest_sha256": digest, "problem": problem}
    return tuple(known.get(name) for name in DAYS.names)


def _day_row(day: PublishedDay, signals: Any, log: Any, *, trades: int) -> Row:
    quality, health = log["data_quality"], log["model_health"]
    cells = {
        "session": day.session,
        "status": log["status"],
        "regime": signals["regime"]["state"],
        "model": signals["model"]["name"],
        "model_sha256": signals["model"]["hash"],
        "optimizer": signals["decided_from"]["optimizer"],
        "snapshot": signals["snapshot"],
        "equity_usd": day.equity_cents / 100,
        "cost_usd": day.cost_cents / 100,
        "trades": trades,
        "scored": int(health["scored"]),
        "universe": int(quality["universe_size"]),
        "quarantined": len(quality["quarantined"]),
        "parity": log["parity"]["state"],
        "kill_switch": _text(log["kill_switch"]),
        "provider": quality["provider"],
        "manifest_sha256": day.manifest_sha256,
        "problem": "",
    }
    return tuple(cells[name] for name in DAYS.names)


def _cells(content: bytes, view: View) -> list[Row]:
    """Return the rows of a CSV file with the columns of the view that it has, in the view's order."""
    rows = csv.DictReader(io.StringIO(content.decode(), newline=""))
    columns = [column for column in view.columns if column.name in (rows.fieldnames or ())]
    return [
        tuple(_number(row[one.name]) if one.kind == "number" else _unquoted(row[one.name]) for one in columns)
        for row in rows
    ]


def _unquoted(cell: str) -> str:
    """Undo the apostrophe before what a spreadsheet would take for a formula: a view is not a spreadsheet."""
    return cell.removeprefix("'")


def _number(value: Any) -> float | None:
    if value is None or value == "":
        return None
    number = float(value)
    return number if math.isfinite(number) else None


def _text(value: Any) -> str:
    return "" if value is None else str(value)

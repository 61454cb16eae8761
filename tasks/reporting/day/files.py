"""Render the day's data files: records and frames in, bytes out. Equal inputs give equal bytes.

Accesses no disk, and does not decide whether a day may be published.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import pandas as pd

from tasks.approval.day import DUE
from tasks.backtest.parity.recorded import DECIDED_FROM, decided_from
from tasks.portfolio.schema import Portfolio
from tasks.reporting.day.assessed import assessment_record
from tasks.reporting.day.cells import csv_bytes, csv_cell
from tasks.reporting.day.contributors import worth_of
from tasks.reporting.day.inputs import DayInputs, Records
from tasks.reporting.day.ledger import TRADE_PLACES, WEIGHT_COLUMNS, WEIGHT_PLACES, Places, printed_number
from tasks.reporting.day.parity import parity_record
from tasks.risk.assessment import Assessment
from tasks.safety.schema import Checks
from tasks.trades.schema import TRADE_COLUMNS
from tasks.trades.tickets.record import ticket_records

SCHEMA_VERSION = 1
TIMINGS_FILE = "manifest.json"
UNUSUAL = "unusual"
FIRST_SCREEN = "first_screen"


def trades_csv(trades: pd.DataFrame) -> bytes:
    """Write trades.csv in the order of the frame."""
    return csv_bytes(TRADE_COLUMNS, _rows(trades, TRADE_COLUMNS, TRADE_PLACES))


def weights_csv(weights: pd.DataFrame) -> bytes:
    """Write portfolio_weights.csv in the order of the frame."""
    return csv_bytes(WEIGHT_COLUMNS, _rows(weights, WEIGHT_COLUMNS, WEIGHT_PLACES))


def signals_json(inputs: DayInputs) -> bytes:
    """Write the champion, the data, and every score with its rank."""
    champion = inputs.records.scores.champion
    compared = inputs.records.compared
    ranked = inputs.frames.scores.sort_index()
    scores = {
        str(symbol): {"score": round(float(score), 10), "rank": int(rank), "exact": float(score).hex()}
        for symbol, score, rank in zip(ranked.index, ranked["score"], ranked["rank"], strict=True)
    }
    return json_bytes(
        {
            "schema_version": SCHEMA_VERSION,
            "date": str(inputs.run.session),
            "model": {"name": champion.name, "hash": champion.model_sha256},
            "snapshot": inputs.records.market.snapshot.id,
            "regime": {
                "state": inputs.records.regime.state,
                "exposure_cap": inputs.records.regime.exposure_cap,
            },
            DECIDED_FROM: decided_from(compared.day, basis=compared.basis),
            "scores": scores,
        }
    )


def monitoring_json(
    inputs: DayInputs, assessment: Assessment, unusual: Mapping[str, int], first_screen: Mapping[str, Any]
) -> bytes:
    """Write the day's health figures, except those that depend on how often the day was run (new bars).

    `unusual`: what the report lists that a later session may have too, and on how many sessions in a row.
    `first_screen`: what the report says before an approval; the mail repeats it.
    """
    records = inputs.records
    market, champion, checks = records.market, records.scores.champion, records.checks
    return json_bytes(
        {
            "schema_version": SCHEMA_VERSION,
            "date": str(inputs.run.session),
            "status": _status(records),
            "kill_switch": checks.kill_switch,
            "checks": check_records(checks),
            "model_health": asdict(champion)
            | {"scored": records.scores.scored, "left_out": records.scores.left_out},
            "regime": {
                "state": records.regime.state,
                "exposure_cap": records.regime.exposure_cap,
                "inputs": records.regime.inputs,
                "notes": records.regime.notes,
            },
            "portfolio": portfolio_record(records.portfolio),
            "data_quality": {
                "provider": market.provider,
                "universe_size": market.universe_size,
                "universe_gained": market.universe_gained,
                "universe_lost": market.universe_lost,
                "quarantined": market.quarantined,
                "findings": [asdict(finding) for finding in market.findings],
                "failovers": market.failovers,
                "rewritten": market.rewritten,
            },
            "risk_model": {"shrinkage": records.risk.shrinkage.intensity, "notes": records.risk.notes},
            "risk_assessment": assessment_record(assessment),
            DUE: round(records.portfolio.book.receivable_usd * 100),
            "worth_by_name_cents": worth_of(records.portfolio.book),
            "parity": parity_record(records.compared.parity),
            UNUSUAL: dict(unusual),
            FIRST_SCREEN: dict(first_screen),
            **_health(records),
            "timings": TIMINGS_FILE,
        }
    )


def check_records(checks: Checks) -> list[dict[str, Any]]:
    """Return every check with its outcome as plain data."""
    return [
        {
            "name": check.name,
            "outcome": "passed" if check.passed else "failed",
            "value": check.value,
            "limit": check.limit,
            "detail": check.detail,
        }
        for check in checks.checks
    ]


def portfolio_record(portfolio: Portfolio) -> dict[str, Any]:
    """Return how the target portfolio was found, and its risk, as plain data."""
    return {
        "method": portfolio.method,
        "ladder": [asdict(step) for step in portfolio.ladder],
        "risk": portfolio.risk,
        "notes": portfolio.notes,
    }


def tickets_json(inputs: DayInputs) -> bytes:
    """Write why each trade has its size, in the order of trades.csv."""
    head = {"schema_version": SCHEMA_VERSION, "date": str(inputs.run.session)}
    return json_bytes(head | ticket_records(inputs.records.tickets))


def json_bytes(record: Any) -> bytes:
    """Write plain data as JSON for people and programs: sorted, indented, ASCII; NaN becomes null."""
    text = json.dumps(_plain(record), sort_keys=True, indent=2, allow_nan=False, ensure_ascii=True)
    return f"{text}\n".encode()


def _health(records: Records) -> dict[str, Any]:
    """Return what monitoring measured, and its alerts; an alert does not change the status."""
    if records.health is None:
        return {"health": None, "alerts": []}
    measured = asdict(records.health)
    alerts = measured.pop("alerts")
    return {"health": measured, "alerts": alerts}


def _status(records: Records) -> str:
    if records.is_blocked:
        return "blocked"
    return "reductions_only" if records.checks.reductions_only else "published"


def _rows(frame: pd.DataFrame, columns: tuple[str, ...], places: Places) -> list[list[str]]:
    return [
        [
            printed_number(line[name], places[name]) if name in places else csv_cell(as_text(line[name]))
            for name in columns
        ]
        for line in frame.to_dict("records")
    ]


def as_text(value: object) -> str:
    """Return a cell of a text column; missing or false values are empty."""
    if value is None or value is False or (isinstance(value, float) and math.isnan(value)):
        return ""
    return "yes" if value is True else str(value)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, bool | int | str) or value is None:
        return value
    if isinstance(value, float):
        return round(float(value), 10) if math.isfinite(value) else None
    return str(value)

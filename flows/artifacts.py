"""What the Prefect UI shows of a run: tables and links. Pure: flows/deployments.py creates the artifacts."""

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tasks.core.json_text import parse_json
from tasks.core.reading import read_bytes, read_text

Table = list[dict[str, Any]]
TRADE_COLUMNS = ("side", "symbol", "shares", "price", "notional", "action", "reason")
CHECK_COLUMNS = ("name", "value", "limit", "outcome")
ORDER_COLUMNS = ("side", "symbol", "shares", "filled_shares", "average_price", "state", "reason")


def trades_table(folder: Path) -> Table:
    """Return the trades of a published day, in the order of trades.csv."""
    rows = csv.DictReader(io.StringIO(read_text(folder / "trades.csv"), newline=""))
    return [_chosen(row, TRADE_COLUMNS) for row in rows]


def checks_table(folder: Path) -> Table:
    """Return the checks of a published day, failed ones first."""
    checks = parse_json(read_bytes(folder / "monitoring_log.json"))["checks"]
    return [
        _chosen(check, CHECK_COLUMNS)
        for check in sorted(checks, key=lambda check: check["outcome"] != "failed")
    ]


def orders_table(document: Mapping[str, Any]) -> Table:
    """Return the orders of an execution."""
    return [_chosen(order, ORDER_COLUMNS) for order in document["orders"]]


def _chosen(row: Mapping[str, Any], columns: tuple[str, ...]) -> dict[str, Any]:
    return {column: row[column] for column in columns}

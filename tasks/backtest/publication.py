"""Publish a backtest as a directory of CSVs, a manifest with their hashes, and a report.

The directory appears complete or not at all, under the id of what was backtested. One that was changed is an error.
"""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tasks.backtest.combination import Combination
from tasks.backtest.metrics.curve import Curve
from tasks.backtest.metrics.figures import Figure
from tasks.backtest.metrics.tables import per_month, per_regime, per_year, worst_drawdowns
from tasks.backtest.money import CENTS_PER_USD
from tasks.backtest.walk import Walk
from tasks.core.atomic import make_folder, replace_folder, write_bytes
from tasks.core.errors import StorageError
from tasks.core.ids import canonical_json, sha256_of_bytes, sha256_of_file
from tasks.core.json_text import parse_json

SCHEMA_VERSION = 1
MANIFEST_FILE, REPORT_FILE = "manifest.json", "report.html"
DRAWDOWNS_LISTED = 10


def tables_of(course: Walk, curve: Curve, figures: Mapping[str, Figure]) -> dict[str, pd.DataFrame]:
    """Return the tables of a backtest by file name."""
    measured = pd.DataFrame(
        [(name, *figure) for name, figure in figures.items()],
        columns=["figure", "value", "sessions", "standing"],
    )
    return {
        "figures.csv": measured,
        "equity.csv": _equity(course, curve),
        "trades.csv": _trades(course),
        "years.csv": per_year(curve).reset_index(),
        "months.csv": per_month(curve).reset_index(),
        "regimes.csv": per_regime(curve).reset_index(),
        "drawdowns.csv": worst_drawdowns(curve, count=DRAWDOWNS_LISTED).reset_index(drop=True),
    }


def publish(
    place: Path,
    tables: Mapping[str, pd.DataFrame],
    page: bytes,
    combination: Combination,
    identity: Mapping[str, Any],
    figures: Mapping[str, Figure],
) -> dict[str, Any]:
    """Write the directory; return the manifest."""
    files = {
        name: table.to_csv(index=False, float_format="%.10g", date_format="%Y-%m-%d").encode()
        for name, table in tables.items()
    }
    files[REPORT_FILE] = page
    manifest = {
        "schema_version": SCHEMA_VERSION,
        "combination": {name: _plain(value) for name, value in asdict(combination).items()},
        "identity": dict(identity),
        "figures": {name: _figure(figure) for name, figure in figures.items()},
        "sha256": {name: sha256_of_bytes(content) for name, content in sorted(files.items())},
    }
    make_folder(place.parent)
    with replace_folder(place) as new:
        for name, content in files.items():
            write_bytes(new / name, content)
        write_bytes(new / MANIFEST_FILE, (canonical_json(manifest) + "\n").encode())
    return manifest


def read_published(place: Path) -> dict[str, Any] | None:
    """Return the manifest of a published backtest; None if there is none. Raises StorageError if it was changed."""
    if not place.exists():
        return None
    try:
        manifest: dict[str, Any] = parse_json((place / MANIFEST_FILE).read_bytes())
        is_whole = manifest["schema_version"] == SCHEMA_VERSION and all(
            sha256_of_file(place / name) == sha256 for name, sha256 in manifest["sha256"].items()
        )
        _ = manifest["combination"], manifest["figures"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        is_whole = False
    if not is_whole:
        raise StorageError(
            f"{place} is not a whole backtest: a file is missing or was changed.",
            remedy="Delete or move the directory, then run the backtest again.",
            path=str(place),
        )
    return manifest


def _equity(course: Walk, curve: Curve) -> pd.DataFrame:
    """Return one row per session; money in USD, exact to the cent."""
    by_session = {
        "equity": course.equity,
        "cash": course.cash,
        "receivable": course.receivable,
        "positions": course.position.sum(axis=1),
        "price_pnl": course.price_pnl.sum(axis=1),
        "dividends": course.dividends.sum(axis=1),
        "interest": course.interest,
        "costs": course.costs.sum(axis=1),
        "borrow": course.borrow.sum(axis=1),
    }
    money = {f"{name}_usd": [_usd(cents) for cents in column.tolist()] for name, column in by_session.items()}
    rates = {
        "exposure": curve.exposure,
        "turnover": np.concatenate([[np.nan], curve.turnover]),
        "benchmark_return": curve.benchmark,
        "regime": curve.regime,
    }
    return pd.DataFrame({"session": _days(course.sessions), **money, **rates})


def _trades(course: Walk) -> pd.DataFrame:
    """Return one row per company and session with fills; the cost of a session's fills is in one sum."""
    row, company = np.nonzero(course.buys | course.sells)
    bought = course.buys[row, company]
    sold = course.sells[row, company]
    return pd.DataFrame(
        {
            "session": _days(course.sessions[row]),
            "company": course.company[company],
            "side": np.where(bought > 0, "BUY", "SELL"),
            "shares": np.where(bought > 0, bought, sold),
            "price_usd": [_usd(cents) for cents in course.fill_price[row, company].tolist()],
            "cost_usd": [_usd(cents) for cents in course.costs[row, company].tolist()],
        }
    )


def _usd(cents: int) -> str:
    return f"{'-' if cents < 0 else ''}{abs(cents) // CENTS_PER_USD}.{abs(cents) % CENTS_PER_USD:02}"


def _days(sessions: np.ndarray) -> list[str]:
    return [str(day) for day in sessions.astype("datetime64[D]")]


def _figure(figure: Figure) -> dict[str, Any]:
    value = None if np.isnan(figure.value) else float(figure.value)
    return {"value": value, "sessions": figure.sessions, "standing": figure.standing}


def _plain(value: object) -> Any:
    return value if isinstance(value, int) else str(value)

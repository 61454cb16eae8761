"""Publish a backtest as a directory of CSVs, a manifest with their hashes, and a report.

The directory appears complete or not at all, under the id of what was backtested. One that was changed is an error.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tasks.backtest.accounting.money import CENTS_PER_USD
from tasks.backtest.combination import Combination
from tasks.backtest.halts import Trip, counts
from tasks.backtest.metrics.bootstrap import Interval
from tasks.backtest.metrics.figures import SHORT_SESSIONS, Figure
from tasks.backtest.metrics.tables import per_month, per_regime, per_year, rolling, worst_drawdowns
from tasks.backtest.metrics.worst_days import WorstDay
from tasks.backtest.tear_sheet import TearSheet
from tasks.backtest.walk import Walk
from tasks.core.atomic import make_folder, replace_folder, write_bytes
from tasks.core.errors import StorageError
from tasks.core.ids import canonical_json, sealed, sha256_of_bytes, sha256_of_file, unsealed
from tasks.core.json_text import parse_json
from tasks.core.reading import read_bytes
from tasks.core.text import percent

SCHEMA_VERSION = 1
MANIFEST_FILE, REPORT_FILE = "manifest.json", "report.html"
DRAWDOWNS_LISTED = 10
NO_INTERVAL = Interval(float("nan"), float("nan"), 0)
NO_FIGURE = Figure(float("nan"), 0, "withheld")
FIGURE_COLUMNS = (
    *("figure", "value", "sessions", "standing", "low", "high"),
    *("equal_weight", "benchmark", "above_equal_weight_low", "above_equal_weight_high"),
)


def tables_of(sheet: TearSheet) -> dict[str, pd.DataFrame]:
    """Return the tables of a backtest by file name."""
    curve = sheet.curve
    return {
        "figures.csv": _figures(sheet),
        "equity.csv": _equity(sheet),
        "trades.csv": _trades(sheet.course),
        "round_trips.csv": sheet.trips.assign(pnl_usd=sheet.trips["pnl_usd"].round(2)),
        "attribution.csv": _attribution(sheet.attribution),
        "sectors.csv": sheet.sectors.reset_index(),
        "rolling.csv": rolling(curve, window=SHORT_SESSIONS).reset_index(),
        "worst_days.csv": pd.DataFrame([_worst_day(day) for day in sheet.worst_days]),
        "halts.csv": pd.DataFrame(sheet.halts, columns=Trip._fields),
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
    sheet: TearSheet,
) -> dict[str, Any]:
    """Write the directory; return the manifest."""
    files = {
        name: table.to_csv(index=False, float_format="%.10g", date_format="%Y-%m-%d").encode()
        for name, table in tables.items()
    }
    files[REPORT_FILE] = page
    record = {
        "combination": {name: _plain(value) for name, value in asdict(combination).items()},
        "identity": dict(identity),
        "figures": {name: _figure(figure) for name, figure in sheet.figures.items()},
        "halts": counts(sheet.halts),
        "methods": dict(sorted(sheet.methods.items())),
        "basis": {name: value for name, value in asdict(sheet.basis).items() if name != "coverage"},
    }
    return publish_files(place, files, record)


def publish_files(place: Path, files: Mapping[str, bytes], record: Mapping[str, Any]) -> dict[str, Any]:
    """Write the directory with a manifest of the record and the hashes of the files; return the manifest.

    The manifest is sealed, since its figures are printed without computing them again.
    """
    manifest = {
        "schema_version": SCHEMA_VERSION,
        **record,
        "sha256": {name: sha256_of_bytes(content) for name, content in sorted(files.items())},
    }
    make_folder(place.parent)
    with replace_folder(place) as new:
        for name, content in files.items():
            write_bytes(new / name, content)
        write_bytes(new / MANIFEST_FILE, (canonical_json(sealed(manifest)) + "\n").encode())
    return manifest


def read_published(
    place: Path, required: Iterable[str] = ("combination", "figures")
) -> dict[str, Any] | None:
    """Return the manifest of a published backtest; None if there is none. Raises StorageError if it was changed."""
    if not place.exists():
        return None
    try:
        manifest: dict[str, Any] = unsealed(parse_json(read_bytes(place / MANIFEST_FILE)))
        is_whole = manifest["schema_version"] == SCHEMA_VERSION and all(
            sha256_of_file(place / name) == sha256 for name, sha256 in manifest["sha256"].items()
        )
        _ = [manifest[name] for name in required]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        is_whole = False
    if not is_whole:
        raise StorageError(
            f"{place} is not a complete backtest: a file is missing or was changed.",
            remedy="Delete or move the directory, then run the backtest again.",
            path=str(place),
        )
    return manifest


def _figures(sheet: TearSheet) -> pd.DataFrame:
    """Return one row per figure: of the portfolio with its 95% interval, of equal weight and of the benchmark.

    The last two columns are the interval of the difference between the portfolio's figure and equal weight's.
    """
    rows = []
    for name, figure in {**sheet.figures, **sheet.distribution, **sheet.trip_figures}.items():
        own, above = sheet.intervals.get(name, NO_INTERVAL), sheet.above_equal_weight.get(name, NO_INTERVAL)
        others = (
            each.get(name, NO_FIGURE).value for each in (sheet.equal_weight_figures, sheet.benchmark_figures)
        )
        rows.append((name, *figure, own.low, own.high, *others, above.low, above.high))
    return pd.DataFrame(rows, columns=list(FIGURE_COLUMNS))


def _attribution(cents: pd.DataFrame) -> pd.DataFrame:
    """Return the attribution of each session's change in equity in USD, exact to the cent."""
    written = {f"{name}_usd": [_usd(value) for value in column.tolist()] for name, column in cents.items()}
    return pd.DataFrame({"session": _days(cents.index.to_numpy()), **written})


def _worst_day(day: WorstDay) -> dict[str, Any]:
    """Return the day as a row; its parts as fractions of the previous equity."""
    own = {"session": day.session, "return": day.return_frac, "benchmark_return": day.benchmark}
    lost = ", ".join(f"{name} {percent(share, 2)}" for name, share in day.names)
    why = {"largest_part": day.largest_part, "largest_losses": lost}
    return {**own, "regime": day.regime, "exposure": day.exposure, **day.parts, **why}


def _equity(sheet: TearSheet) -> pd.DataFrame:
    """Return one row per session; money in USD, exact to the cent."""
    course, curve = sheet.course, sheet.curve
    by_session = {
        "equity": course.equity,
        "cash": course.cash,
        "receivable": course.receivable,
        "positions": course.invested,
        "price_pnl": course.price_pnl.sum(axis=1),
        "dividends": course.dividends.sum(axis=1),
        "interest": course.interest,
        "costs": course.costs.sum(axis=1),
        "borrow": course.borrow.sum(axis=1),
        "equal_weight_equity": np.rint(sheet.equal_weight.equity_usd * CENTS_PER_USD).astype(np.int64),
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

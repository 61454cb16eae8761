"""A home with many published days, an executed ledger and their decisions, written without running a day."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path

import numpy as np

from tasks.core.homes.home import Home
from tasks.core.homes.setup import set_up
from tasks.core.ids import sha256_of_bytes
from tasks.core.sessions import session_after, sessions_ending
from tasks.execution import journal
from tasks.ledger.database import opened, transaction
from tasks.ledger.entries import Entry
from tasks.ledger.opening import Opening, begin_ledger
from tasks.ledger.store import append
from tasks.safety.audit import record
from tests.approval_days import trades_csv
from tests.builders import FRIDAY

SECTORS = ("Energy", "Financials", "Health Care", "Industrials", "Technology")
STATES = ("BULL", "BULL", "NEUTRAL", "BEAR")
EQUITY_USD = 1_000_000
STATISTIC = {"entry": "next_open", "horizon_sessions": 5, "controls": ["sector"]}
DRIFT = {
    "column": "momentum_1m",
    "psi": 0.3,
    "ks": 0.2,
    "js": 0.1,
    "largest_psi": 0.2,
    "present": 1.0,
    "present_in_training": 0.9,
}
REALISED = {
    "model": "lightgbm",
    "model_sha256": "c" * 64,
    "horizon_sessions": 5,
    "names": 40,
    "ic": 0.04,
    "rank_ic": 0.05,
    "neutral_ic": 0.06,
    "quantiles": [-0.02, -0.01, 0.0, 0.01, 0.02],
    "expected": 0.05,
    "expected_error": 0.01,
    "expected_sessions": 500,
}
ALERT = {"name": "skill_63", "value": 0.01, "limit": 0.02, "detail": "It fell.", "retrain": True}


def symbols_named(count: int) -> list[str]:
    return [f"S{number:02d}" for number in range(count)]


def make_days(
    root: Path, *, sessions: int = 5, symbols: int = 8, last: date = FRIDAY, scores: np.ndarray | None = None
) -> Home:
    """Create the home with days in live/ and their performance history. `scores`: sessions × symbols."""
    home = Home(root)
    set_up(home)
    names, rng = symbols_named(symbols), np.random.default_rng(3)
    days = sessions_ending(last, sessions).astype(object).tolist()
    values = rng.normal(0, 0.02, (sessions, symbols)) if scores is None else scores
    for number, day in enumerate(days):
        write_day(home, day, names, values[number], regime=STATES[number // 40 % len(STATES)])
    returns = rng.normal(0.0003, 0.008, sessions)
    write_history(home, days, returns)
    return home


def write_day(
    home: Home, day: date, names: Sequence[str], scores: np.ndarray, *, regime: str = "BULL"
) -> Path:
    """Write the folder of a day: the ten best names are held in equal parts, two are traded."""
    return write_files(home, day, files_of_day(day, names, scores, regime=regime))


def write_files(home: Home, day: date, files: Mapping[str, bytes]) -> Path:
    """Write the folder of a day with a manifest that lists the files."""
    manifest = {
        "schema_version": 1,
        "session": str(day),
        "status": "published",
        "inputs": dict.fromkeys(("snapshot", "champion", "features", "config", "positions"), "5" * 64),
        "versions": {"code": "c" * 64},
        "sha256": {name: sha256_of_bytes(content) for name, content in files.items()},
        "timings": {},
    }
    folder = home.day_folder(day)
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in {**files, "manifest.json": json.dumps(manifest).encode()}.items():
        (folder / name).write_bytes(content)
    return folder


def files_of_day(
    day: date, names: Sequence[str], scores: np.ndarray, *, regime: str = "BULL"
) -> dict[str, bytes]:
    best = np.argsort(-scores, kind="stable")
    ranks = np.empty(len(names), dtype=int)
    ranks[best] = np.arange(1, len(names) + 1)
    held = [names[place] for place in best[:10]]
    cash = EQUITY_USD - 9_000 * len(held)
    weights = [f"{name},0.0090000000,0.0090000000,90,100.0000,{_sector(name)},0.1" for name in sorted(held)]
    weights.append(f"CASH,{cash / EQUITY_USD:.10f},{cash / EQUITY_USD:.10f},{cash}.00,1.0000,,")
    heading = "symbol,weight,current_weight,shares,price,sector,score"
    trades = trades_csv(
        f"{held[1]},SELL,10,100.0000,1000.00,-0.00100000,0.10,0.40,REDUCE,score fell,,MARKET",
        f"{held[0]},BUY,20,100.0000,2000.00,0.00200000,0.10,0.90,INCREASE,score rose,,MARKET",
    )
    return {
        "trades.csv": trades,
        "portfolio_weights.csv": ("\n".join([heading, *weights]) + "\n").encode(),
        "signals.json": json.dumps(_signals(day, names, scores, ranks, regime)).encode(),
        "monitoring_log.json": json.dumps(_log(day, len(names), regime)).encode(),
        "report.html": b"<!doctype html>\n",
    }


def _sector(name: str) -> str:
    return SECTORS[int(name[1:]) % len(SECTORS)]


def _signals(
    day: date, names: Sequence[str], scores: np.ndarray, ranks: np.ndarray, regime: str
) -> Mapping[str, object]:
    return {
        "date": str(day),
        "model": {"name": "lightgbm", "hash": "c" * 64},
        "snapshot": "5" * 64,
        "regime": {"state": regime, "exposure_cap": 1.0},
        "scores": {
            name: {"score": round(float(score), 10), "rank": int(rank), "exact": float(score).hex()}
            for name, score, rank in zip(names, scores, ranks, strict=True)
        },
        "decided_from": {
            "basis": "b",
            "optimizer": "hrp",
            "ranks": True,
            "score_to_return": (0.01).hex(),
            "volatility_pct": (15.0).hex(),
            "reductions_only": False,
            "data": "d",
        },
    }


def _log(day: date, scored: int, regime: str) -> Mapping[str, object]:
    check = {"outcome": "passed", "value": "0 found", "limit": "0", "detail": ""}
    inputs = {"trend": 0.1, "volatility_pct": 15.0, "breadth": 0.6, "correlation": 0.2, "drawdown": -0.05}
    return {
        "date": str(day),
        "status": "published",
        "kill_switch": "clear",
        "checks": [{"name": f"check_{number}", **check} for number in range(30)],
        "model_health": {
            "name": "lightgbm",
            "model_sha256": "c" * 64,
            "statistic": STATISTIC,
            "metrics": {"neutral_ic": 0.05, "neutral_ic_se": 0.01, "sessions": 500.0, "hit_rate": 0.53},
            "scored": scored,
            "left_out": 0,
        },
        "regime": {"state": regime, "exposure_cap": 1.0, "inputs": inputs, "notes": []},
        "data_quality": {"provider": "files", "universe_size": scored, "quarantined": []},
        "risk_assessment": {
            "limits": [{"name": "var_1d", "value": 0.02, "limit": 0.025, "used": 0.8, "state": "within"}]
        },
        "parity": {"state": "equal"},
        "health": {"drift": [DRIFT], "realised": [REALISED | {"session": str(day), "measured_on": str(day)}]},
        "alerts": [ALERT],
    }


def write_history(home: Home, days: Sequence[date], returns: np.ndarray) -> None:
    """Write performance_history.csv with these daily returns."""
    equity = EQUITY_USD * np.cumprod(1 + returns)
    rows = [
        f"{day},{worth:.2f},{change:.8f},{STATES[number // 40 % len(STATES)]},0.1,12.50,0.9,{change / 2:.8f}"
        for number, (day, worth, change) in enumerate(zip(days, equity, returns, strict=True))
    ]
    heading = "date,equity,daily_return,regime,turnover,cost,exposure,benchmark_return"
    home.performance_file.parent.mkdir(parents=True, exist_ok=True)
    home.performance_file.write_text("\n".join([heading, *rows]) + "\n")


def execute_days(home: Home, days: Sequence[date], names: Sequence[str]) -> None:
    """Approve each day and fill its two orders on the next session, as an execution would have booked them."""
    begin_ledger(home, Opening((), EQUITY_USD * 100, days[0], "0" * 64, by="Ann Lee"), at=_evening(days[0]))
    with opened(home) as connection:
        journal.prepare(connection)
        with transaction(connection):
            append(connection, [entry for day in days for entry in _fills(day, names)])
            for day in days:
                _store_orders(connection, day, names)
    for day in days:
        record(
            home,
            event="day_approved",
            by="Ann Lee",
            detail=f"{day}, approval {'a' * 64}, 1 of 1 signed",
            at=_evening(day),
        )


def _evening(day: date) -> datetime:
    return datetime.combine(day, time(22), UTC)


def _order_id(day: date, row: int) -> str:
    return f"ac-{day:%Y%m%d}-{row}"


def _fills(day: date, names: Sequence[str]) -> list[Entry]:
    fills, session = ((1, "SELL", -10, 99_900), (0, "BUY", 20, -200_300)), session_after(day)
    return [
        Entry(
            kind="fill",
            source=f"{_order_id(day, row)}:{abs(shares)}",
            session=session,
            at=_evening(session),
            symbol=names[place],
            shares=Decimal(shares),
            cash_cents=cents,
            fee_cents=100,
            order_id=_order_id(day, row),
        )
        for row, (place, _, shares, cents) in enumerate(fills)
    ]


def store_execution(
    connection: sqlite3.Connection,
    day: date,
    lines: Sequence[tuple[str, str, int]],
    *,
    stage: str = "finished",
) -> None:
    """Store an ended execution of these approved lines: symbol, side, shares."""
    at = _evening(day).isoformat()
    approved = [
        {"symbol": symbol, "side": side, "shares": str(shares), "price": "100"}
        for symbol, side, shares in lines
    ]
    terms = json.dumps({"broker": "paper", "lines": approved})
    fields = (
        str(day),
        "a" * 64,
        "paper",
        "paper",
        str(session_after(day)),
        terms,
        at,
        stage,
        "2 filled",
        at,
    )
    connection.execute("INSERT INTO executions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", fields)


def _store_orders(connection: sqlite3.Connection, day: date, names: Sequence[str]) -> None:
    at = _evening(day).isoformat()
    store_execution(connection, day, [(names[1], "SELL", 10), (names[0], "BUY", 20)])
    for row, (place, side, shares) in enumerate(((1, "SELL", 10), (0, "BUY", 20))):
        cells = (
            _order_id(day, row),
            str(day),
            row,
            0,
            names[place],
            side,
            shares,
            "market",
            None,
            "filled",
            1,
        )
        connection.execute(
            f"INSERT INTO orders ({journal.ORDER_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
            (*cells, "filled", at),
        )

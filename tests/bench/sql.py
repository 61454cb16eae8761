"""Time the ten questions of docs/sql.md over five years of days with 500 names, each on views opened for it.

The home is made once, in bench/: a random walk in the lake, 1,260 days in live/, two fills for each.
"""

import dataclasses
import statistics
import time
from pathlib import Path

import numpy as np
import pytest

from tasks.core.homes.home import Home
from tasks.core.sessions import sessions_ending
from tasks.data.providers.base import Delivery
from tasks.monitoring.store import open_views
from tests.bench.table import Row, table
from tests.builders import FRIDAY, make_settings
from tests.deliveries import make_delivery, refresh
from tests.doc_blocks import blocks
from tests.monitored_days import execute_days, make_days, symbols_named

SESSIONS, SYMBOLS, RUNS = 1_260, 500, 3
HOME = Path(__file__).parents[2] / "bench" / "sql-500x5y"
GOAL = "1 s"


def measure() -> dict[str, str]:
    """Return the table: one row per question, and one for reading the days for the first time."""
    home, settings = _home(), make_settings()
    rows = []
    if not home.views.exists():
        seconds, processor = _timed(home, settings, "SELECT count(*) FROM scores")
        rows.append(_row("1,260 days read for the first time", seconds, processor, goal="–"))
    questions = [block.text for block in blocks("sql") if block.page == "docs/sql.md"]
    for number, question in enumerate(questions, start=1):
        runs = [_timed(home, settings, question) for _ in range(RUNS)]
        seconds, processor = (statistics.median(figures) for figures in zip(*runs, strict=True))
        rows.append(_row(f"question {number} of docs/sql.md", seconds, processor, goal=GOAL))
    return {
        "SQL queries, five years of days with 500 names": table(
            rows, figures=("processor time", "elapsed time")
        )
    }


def _timed(home: Home, settings: object, question: str) -> tuple[float, float]:
    started, used = time.perf_counter(), time.process_time()
    with open_views(home, settings) as views:
        views.ask(question)
    return time.perf_counter() - started, time.process_time() - used


def _row(work: str, seconds: float, processor: float, *, goal: str) -> Row:
    return Row(work, f"{processor:.2f} s", f"{seconds:.2f} s", "–", goal)


def _home() -> Home:
    if (HOME / "ready").exists():
        return Home(HOME / "home")
    home = make_days(HOME / "home", sessions=SESSIONS, symbols=SYMBOLS)
    days = sessions_ending(FRIDAY, SESSIONS).astype(object).tolist()
    execute_days(home, days, symbols_named(SYMBOLS))
    with pytest.MonkeyPatch.context() as patch:
        refresh(patch, home.root, _market())
    (HOME / "ready").touch()
    return home


def _market() -> Delivery:
    """Return the bars at prices that are far apart: the lake refuses a session that changes the order of names."""
    delivery = make_delivery(sessions=SESSIONS, symbols=SYMBOLS)
    prices = ["open", "high", "low", "close"]
    factor = np.tile(np.geomspace(0.2, 50, SYMBOLS), SESSIONS)[:, None]
    bars = delivery.bars.assign(
        **dict(zip(prices, (delivery.bars[prices].to_numpy() * factor).T, strict=True))
    )
    return dataclasses.replace(delivery, bars=bars)

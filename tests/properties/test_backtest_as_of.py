"""A backtest to a session has the same bytes regardless of later data (issue 13, done when 4; fault 144).

Ten companies are backtested with the daily run's decision to session 95 of 120, with all that is published: tables and
report. Then later rows are removed, replaced by noise, or renames, sector changes, restatements, late actions, a
delisting and a new company are added that became known after session 95.
"""

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from tasks.backtest.combination import Combination, run_combination, run_equal_weight
from tasks.backtest.halts import Halts
from tasks.backtest.publication import publish, tables_of
from tasks.backtest.regimes import regimes_of
from tasks.backtest.signals import regime_path, signals_of
from tasks.backtest.tear_sheet import tear_sheet_of
from tasks.backtest.world import World, until
from tasks.data.schema.records import SnapshotRef
from tasks.reporting.tearsheet.page import render_tear_sheet
from tests.builders import make_settings
from tests.unit.backtest.stored import DAYS, world

NAMES = tuple("ABCDEFGHIJ")
SESSIONS, FIRST, LAST = 120, 60, 95
SETTINGS = make_settings(
    **{"risk.window_sessions": 40, "portfolio.max_positions": 5, "safety.max_entry_buys_frac": 1.0}
)
COMBINATION = Combination(
    "momentum", "min_volatility", DAYS[FIRST].item(), DAYS[LAST].item(), "next_open", every_sessions=1
)
SECTORS = ("Energy", "Health", "Tech", "Zinc")


def closes(*, seed_after: int = 3) -> dict[str, dict[int, float]]:
    """Return random walks; another seed changes what comes after session 95 alone."""
    steps = np.random.default_rng(3).normal(0, 0.01, (SESSIONS, len(NAMES)))
    if seed_after != 3:
        steps[LAST + 1 :] = np.random.default_rng(seed_after).normal(
            0, 0.2, (SESSIONS - LAST - 1, len(NAMES))
        )
    level = 50 * np.exp(np.cumsum(steps, axis=0))
    return {name: dict(enumerate(np.round(level[:, place], 2))) for place, name in enumerate(NAMES)}


def market(bars, *, sessions=SESSIONS, **later) -> World:
    """Return the world of these bars; `later` are rows of tables beside those that every market has."""
    rows = {
        "levels": [
            {"name": name, "session": day, "close": level, "growth": growth}
            for day in range(sessions)
            for name, level, growth in (("VIX", 15.0, 1.0), ("SPY", 100.0, 1 + 0.01 * np.sin(day)))
        ],
        "listings": [
            {"symbol": name, "available_date": 0, "sector": SECTORS[place % 4]}
            for place, name in enumerate(NAMES)
        ],
        "actions": [{"symbol": "A", "session": 70, "dividend": 0.4, "split": 2.0, "factor": 2.02}],
    }
    both = {name: [*rows.get(name, ()), *later.get(name, ())] for name in {*rows, *later}}
    seen = {
        name: {day: close for day, close in column.items() if day < sessions} for name, column in bars.items()
    }
    return world(seen, sessions=sessions, volume=1e6, **both)


def scores_of(made: World) -> np.ndarray:
    columns = [np.random.default_rng(list(name.encode())).normal(size=SESSIONS) for name in made.company]
    return np.column_stack(columns)[: len(made.sessions)]


def published(made: World, place: Path) -> dict[str, bytes]:
    """Return the files of the backtest to session 95."""
    made = until(made, LAST)
    whole = SnapshotRef("", Path(), date(2024, 1, 1), {})  # without rules: regimes of the world's own rows
    regime = regime_path(regimes_of(whole, made, SETTINGS.regime), SETTINGS.regime)
    folds = [{"first": "2024-01-01", "skill": {"neutral_ic": 0.03, "neutral_ic_t": 3.0}}]
    signals = signals_of(
        made,
        scores_of(made),
        folds,
        regime.allowed,
        kind="lightgbm",
        optimizer=COMBINATION.optimizer,
        models=SETTINGS.models,
    )
    halts = Halts(made, SETTINGS, regime.volatility_pct, after=COMBINATION.after_halt)
    course = run_combination(made, signals, SETTINGS, COMBINATION, halts)
    equal = run_equal_weight(made, signals, SETTINGS, COMBINATION)
    sheet = tear_sheet_of(course, equal, made, regime.states, coverage=(), seed=1, halts=halts.trips)
    page = render_tear_sheet(sheet, COMBINATION, identity="x", is_simulated=False)
    publish(place, tables_of(sheet), page, COMBINATION, {"id": "x"}, sheet)
    assert sheet.basis.fills > 50
    return {file.name: file.read_bytes() for file in place.iterdir()}


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return published(market(closes()), tmp_path_factory.mktemp("plain") / "b")


def later_rows() -> dict[str, list[dict[str, object]]]:
    """Return rows that became known after session 95, most of them about sessions before."""
    bar = dict.fromkeys(("open", "high", "low", "close"), 77.0)
    return {
        "renames": [{"session": 98, "old": "C", "new": "CNEW"}],
        "listings": [
            {"symbol": "A", "available_date": 97, "sector": "Zinc"},
            {"symbol": "B", "available_date": 80, "sector": "Amber", "known": 97},
        ],
        "amendments": [{"symbol": "D", "session": 90, **bar, "volume": 5.0, "known": 97}],
        "actions": [
            {"symbol": "E", "session": 85, "dividend": 1.0, "split": 3.0, "factor": 3.1, "known": 99},
            {"symbol": "F", "session": 100, "dividend": 0.0, "split": 0.1, "factor": 0.1},
        ],
        "findings": [{"symbol": "G", "session": 94, "rule": "spike", "severity": "quarantine", "known": 96}],
        "delistings": [{"symbol": "H", "session": 94, "kind": "merger", "last_price": 1.0, "known": 97}],
        "riskfree": [{"session": 50, "yield_pct": 9.0, "known": 97}],
        "members": [{"symbol": name, "start": 0, "known": 100} for name in NAMES[:3]],
    }


def test_later_rows_removed(plain, tmp_path):
    assert published(market(closes(), sessions=LAST + 1), tmp_path / "b") == plain


@pytest.mark.parametrize("seed", [11, 12])
def test_later_rows_replaced_by_noise(plain, tmp_path, seed):
    assert published(market(closes(seed_after=seed)), tmp_path / "b") == plain


def test_later_news_added(plain, tmp_path):
    bars = closes()
    renamed = {day: bars["C"].pop(day) for day in range(98, SESSIONS)}
    bars |= {"CNEW": renamed, "AAA": dict.fromkeys(range(100, SESSIONS), 20.0)}

    assert published(market(bars, **later_rows()), tmp_path / "b") == plain


def test_the_same_news_known_in_time_are_another_backtest(plain, tmp_path):
    """The comparison sees such rows: known from session 60 on, they change what is published."""
    early = {
        name: [{**row, "known": 60, "session": min(row.get("session", 60), 60)} for row in rows]
        for name, rows in later_rows().items()
        if name in {"amendments", "actions", "findings"}
    }

    assert published(market(closes(), **early), tmp_path / "b") != plain

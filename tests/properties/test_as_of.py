"""A read as of a session equals that of a lake that never received a later day (D4, D9).

Two lakes of one simulated market, with its splits, delistings, renames and restatements: one is filled at a stroke, the
other goes from session to session and is read at each, while it knows nothing else.
"""

import random
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pytest

from tasks.core.homes.home import Home
from tasks.core.homes.run import Run
from tasks.core.sessions import session_on, sessions_between
from tasks.data.panel.reader import read_panel
from tasks.data.schema.records import Market, Panel
from tasks.data.task import refresh_market
from tests.builders import make_settings
from tests.homes import LAST_SESSION

pytestmark = pytest.mark.slice

SETTINGS = make_settings(
    **{
        "data.simulated.symbols": 50,
        "data.simulated.first_session": "2021-06-01",
        "data.universe.min_history_sessions": 21,
    }
)
DAYS = sessions_between(SETTINGS.data.simulated.first_session, LAST_SESSION)


@dataclass(frozen=True)
class Read:
    """The data of one lake as of a session."""

    market: Market
    panel: Panel


def read_as_of(home: Path, day: np.datetime64) -> Read:
    session = session_on(day.item())
    assert session.closes_at is not None
    market = refresh_market(Run(Home(home), session, session.closes_at, SETTINGS))
    return Read(market, read_panel(market.snapshot, window=None))


def of_symbol(panel: Panel, symbol: str) -> dict[str, np.ndarray]:
    """Return every value of one symbol in the panel, and those of the market."""
    column = panel.symbols.tolist().index(symbol)
    figures = {**asdict(panel), **panel.fundamentals}
    del figures["fundamentals"]
    return {
        name: value[:, column]
        if value.ndim == 2
        else value[column]
        if len(value) == len(panel.symbols)
        else value
        for name, value in figures.items()
    }


def compare(folder: Path, *, sessions: int, symbols: int) -> int:
    """Compare so many symbols at so many sessions; return how many pairs were equal."""
    rng = random.Random(4)
    days = np.sort(np.array(rng.sample(DAYS[30:-1].tolist(), sessions), dtype="datetime64[D]"))
    then = [read_as_of(folder / "walking", day) for day in days]
    read_as_of(folder / "whole", DAYS[-1])
    pairs = 0
    for day, before in zip(days, then, strict=True):
        now = read_as_of(folder / "whole", day)

        assert now.market.snapshot.id == before.market.snapshot.id
        assert now.market.findings == before.market.findings
        assert now.panel.symbols.tolist() == before.panel.symbols.tolist()
        for symbol in rng.sample(now.panel.symbols.tolist(), symbols):
            expected = of_symbol(before.panel, symbol)
            for name, value in of_symbol(now.panel, symbol).items():
                np.testing.assert_array_equal(value, expected[name], err_msg=f"{name} of {symbol} on {day}")
            pairs += 1
    return pairs


def test_a_read_as_of_a_session_knows_nothing_of_later_days(tmp_path):
    assert compare(tmp_path, sessions=2, symbols=15) == 30


@pytest.mark.prove
def test_1000_reads_as_of_a_session_know_nothing_of_later_days(tmp_path):
    assert compare(tmp_path, sessions=25, symbols=40) == 1000

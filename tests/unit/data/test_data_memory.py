"""issue 10, done when 4: what an import of gigabytes may hold at once, counted in bytes a row on a small one."""

import tracemalloc
from datetime import date

import numpy as np
import pandas as pd

from tasks.core.sessions import sessions_ending
from tasks.data.gates.bars.shapes import check_shapes
from tasks.data.gates.bars.stale import check_stale
from tasks.data.gates.bars.values import check_bars
from tasks.data.gates.price_moves import BarHistory
from tasks.data.lake.digest import COVERED, session_digests
from tasks.data.schema.tables import OHLCV, empty_table

NAMES, SESSIONS = 400, 250
DAYS = sessions_ending(date(2024, 6, 14), SESSIONS)


def bytes_a_row(work):
    """Return the peak of what the work allocates, for each of the bars it works on."""
    tracemalloc.start()
    work()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / (NAMES * SESSIONS)


def make_frame():
    rng = np.random.default_rng(0)
    close = np.round(50 * np.exp(rng.normal(0, 0.01, (NAMES, SESSIONS)).cumsum(axis=1)), 2).ravel()
    return pd.DataFrame(
        {
            "symbol": pd.Categorical(np.repeat([f"N{place:03d}" for place in range(NAMES)], SESSIONS)),
            "session": np.tile(DAYS.astype("datetime64[s]"), NAMES),
            "open": close,
            "high": close + 1.0,
            "low": close - 1.0,
            "close": close,
            "volume": rng.uniform(1e6, 2e6, close.size).round(),
        }
    )


def test_bars_are_checked_one_rule_and_one_column_at_a_time():
    frame = make_frame()

    assert bytes_a_row(lambda: check_bars(frame, DAYS)) < 45  # five columns have 40


def test_a_session_is_hashed_without_the_bytes_of_all_the_others():
    tables = {**{name: empty_table(name) for name in COVERED}, "bars": make_frame()}

    assert bytes_a_row(lambda: session_digests(tables)) < 50  # the bytes that are hashed have 72


def test_shapes_are_checked_with_few_copies():
    frame = make_frame()
    bars = BarHistory(
        code=frame["symbol"].cat.codes.to_numpy().astype(np.int64),
        day=np.tile(np.arange(SESSIONS), NAMES),
        **{name: frame[name].to_numpy() for name in OHLCV},
        factor=np.ones(len(frame)),
        was_set_aside=np.zeros(len(frame), dtype=bool),
        is_new=np.ones(len(frame), dtype=bool),
    )

    assert (
        bytes_a_row(lambda: [*check_stale(bars), *check_shapes(bars)]) < 60
    )  # seven columns, of which two stay with the bars

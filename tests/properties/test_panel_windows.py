"""A window cut from the panel that a run retained equals a fresh read of that window, bit for bit.

The simulated market has splits, dividends, delistings, renames, restatements, index spells and filings.
"""

from dataclasses import asdict, replace

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tasks.core.homes.home import Home
from tasks.core.homes.run import Run
from tasks.core.sessions import session_on
from tasks.data.panel import reader
from tasks.data.panel.reader import keep_prices, read_panel, read_prices
from tasks.data.schema.records import Panel, SnapshotRef
from tasks.data.task import refresh_market
from tests.builders import make_settings
from tests.homes import LAST_SESSION

pytestmark = pytest.mark.slice

SETTINGS = make_settings(
    **{
        "data.simulated.symbols": 60,
        "data.simulated.first_session": "2021-09-01",
        "data.universe.min_history_sessions": 21,
    }
)
DAY, FEATURES, REGIME = 2, 253, 515  # sessions that stages of a day read with default settings


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> SnapshotRef:
    session = session_on(LAST_SESSION)
    assert session.closes_at is not None
    home = Home(tmp_path_factory.mktemp("windows"))
    return refresh_market(Run(home, session, session.closes_at, SETTINGS)).snapshot


@pytest.fixture(autouse=True)
def nothing_retained():
    yield
    reader._kept.clear()


def assert_same_bytes(one: Panel, other: Panel) -> None:
    expected = asdict(other)
    for name, value in asdict(one).items():
        pairs = (
            {name: (value, expected[name])}
            if name != "fundamentals"
            else {item: (value[item], expected[name].get(item)) for item in value.keys() | expected[name]}
        )
        for field, (found, wanted) in pairs.items():
            assert found.dtype == wanted.dtype, field
            assert found.shape == wanted.shape, field
            assert found.tobytes() == wanted.tobytes(), field


def fresh(snapshot: SnapshotRef, window: int) -> Panel:
    reader._kept.clear()
    return read_panel(snapshot, window=window)


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(kept=st.integers(1, REGIME), window=st.integers(1, REGIME))
@example(kept=REGIME, window=FEATURES)
@example(kept=REGIME, window=DAY)
@example(kept=REGIME, window=REGIME)
@example(kept=FEATURES, window=REGIME)
@example(kept=10_000, window=FEATURES)
def test_a_cut_equals_a_fresh_read_of_its_window(kept, window, snapshot):
    expected = fresh(snapshot, window)

    keep_prices(snapshot, window=kept)

    assert_same_bytes(read_panel(snapshot, window=window), expected)
    assert_same_bytes(read_prices(snapshot, window=window), replace(expected, fundamentals={}))


def test_the_market_has_what_could_differ_between_a_cut_and_a_fresh_read(snapshot):
    late, whole = fresh(snapshot, FEATURES), fresh(snapshot, REGIME)

    assert set(late.symbols) < set(whole.symbols)  # some names have left
    factor = late.close / late.raw_close
    assert (np.nanmax(factor[0]) > 1).any()  # adjustments from before the window
    assert (np.nanmax(factor, axis=0) > np.nanmin(factor, axis=0)).any()  # and within it
    assert 0 < late.is_member[0].sum() < len(late.symbols)
    assert (late.is_member[0] != late.is_member[-1]).any()
    assert len(np.unique(late.sector_at[0])) > 1
    assert all(np.isfinite(values[0]).any() for values in late.fundamentals.values())
    assert late.fundamentals

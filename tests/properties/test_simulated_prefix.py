"""A market simulated to a later session begins with the market simulated to an earlier one."""

from datetime import date, timedelta
from functools import cache

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.data.providers.base import Delivery
from tasks.data.schema.columns import COLUMNS
from tasks.simulation.parameters import Parameters
from tasks.simulation.provider import SimulatedProvider
from tasks.simulation.truth import simulate

FIRST, LAST = date(2020, 1, 2), date(2020, 12, 31)
VERSIONS = (1, 2)
PARAMETERS = {
    version: Parameters(
        seed=12, symbols=120, first_session=FIRST, information_coefficient=0.05, version=version
    )
    for version in VERSIONS
}


@cache
def whole(version):
    return simulate(PARAMETERS[version], LAST)


DAYS = st.integers(0, (LAST - FIRST).days).map(lambda days: FIRST + timedelta(days=days))
DATED_BY = {
    "bars": "session",
    "actions": "session",
    "levels": "session",
    "members": "start",
    "listings": "available_date",
    "fundamentals": "available_date",
    "riskfree": "session",
    "renames": "session",
    "delistings": "session",
}


def fetch(version, after, through):
    return SimulatedProvider(PARAMETERS[version]).fetch(after=after, through=through)


def known_at(delivery: Delivery, table: str, day: date) -> pd.DataFrame:
    """Return the rows of a later delivery as they stood at the close of the day."""
    frame = delivery.table(table)
    frame = frame[frame[DATED_BY[table]] <= pd.Timestamp(day)]
    if table == "members":
        later = frame["end"] > pd.Timestamp(day)
        frame = frame.assign(end=frame["end"].mask(later))
    return in_order(frame)


def in_order(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.sort_values(list(frame.columns)).reset_index(drop=True)


@pytest.mark.parametrize("version", VERSIONS)
@settings(max_examples=4)
@given(through=DAYS)
def test_what_was_known_on_a_day_never_changes(version, through):
    then = fetch(version, None, through)

    for table in COLUMNS:
        pd.testing.assert_frame_equal(
            in_order(then.table(table)), known_at(whole(version).delivery, table, through), check_exact=True
        )


@pytest.mark.parametrize("version", VERSIONS)
@settings(max_examples=4)
@given(through=DAYS)
def test_the_truth_of_a_shorter_history_is_the_beginning_of_a_longer_one(version, through):
    short, long = simulate(PARAMETERS[version], through).truth, whole(version).truth
    rows, symbols = len(short.regime), short.expected.columns

    assert short.regime.equals(long.regime[:rows])
    own = ("own", "own_overnight") if version > 1 else ()
    for name in ("expected", "returns", "half_spread_bps", *own):
        beginning = getattr(long, name)[symbols].iloc[:rows]
        assert np.array_equal(getattr(short, name).to_numpy(), beginning.to_numpy(), equal_nan=True)


@pytest.mark.parametrize("version", VERSIONS)
@settings(max_examples=3)
@given(days=st.lists(DAYS, min_size=2, max_size=2, unique=True).map(sorted))
def test_two_fetches_bring_what_one_brings(version, days):
    first, second = days
    one = fetch(version, None, second)
    halves = fetch(version, None, first), fetch(version, first, second)

    for table in ("bars", "actions", "levels", "fundamentals", "riskfree"):
        together = pd.concat([half.table(table) for half in halves], ignore_index=True)
        pd.testing.assert_frame_equal(in_order(together), in_order(one.table(table)), check_exact=True)


@settings(max_examples=6)
@given(
    seed=st.integers(0, 2**31),
    symbols=st.integers(20, 40),
    strength=st.floats(0, 0.3),
    first=st.dates(date(1990, 1, 2), date(2030, 1, 1)),
    version=st.sampled_from(VERSIONS),
)
def test_any_parameters_give_sound_bars(seed, symbols, strength, first, version):
    provider = SimulatedProvider(Parameters(seed, symbols, first, strength, version=version))

    bars = provider.fetch(after=None, through=first + timedelta(days=60)).bars

    assert np.isfinite(bars[["open", "high", "low", "close", "volume"]]).all().all()
    assert (bars["low"] <= bars[["open", "close"]].min(axis=1)).all()
    assert (bars["high"] >= bars[["open", "close"]].max(axis=1)).all()
    assert bars["session"].between(pd.Timestamp(first), pd.Timestamp(first + timedelta(days=60))).all()

"""A market simulated to a later session begins with the market simulated to an earlier one."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.data.providers.base import Delivery
from tasks.data.schema.columns import COLUMNS
from tasks.simulation.parameters import Parameters
from tasks.simulation.provider import SimulatedProvider
from tasks.simulation.truth import simulate

FIRST, LAST = date(2020, 1, 2), date(2020, 12, 31)
PARAMETERS = Parameters(seed=12, symbols=150, first_session=FIRST, information_coefficient=0.05)
WHOLE = simulate(PARAMETERS, LAST)
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


def fetch(after, through):
    return SimulatedProvider(PARAMETERS).fetch(after=after, through=through)


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


@settings(max_examples=6)
@given(through=DAYS)
def test_what_was_known_on_a_day_never_changes(through):
    then = fetch(None, through)

    for table in COLUMNS:
        pd.testing.assert_frame_equal(
            in_order(then.table(table)), known_at(WHOLE.delivery, table, through), check_exact=True
        )


@settings(max_examples=5)
@given(through=DAYS)
def test_the_truth_of_a_shorter_history_is_the_beginning_of_a_longer_one(through):
    short = simulate(PARAMETERS, through).truth
    rows, symbols = len(short.regime), short.expected.columns

    assert short.regime.equals(WHOLE.truth.regime[:rows])
    for name in ("expected", "returns", "half_spread_bps"):
        whole = getattr(WHOLE.truth, name)[symbols].iloc[:rows]
        assert np.array_equal(getattr(short, name).to_numpy(), whole.to_numpy(), equal_nan=True)


@settings(max_examples=3)
@given(days=st.lists(DAYS, min_size=2, max_size=2, unique=True).map(sorted))
def test_two_fetches_bring_what_one_brings(days):
    first, second = days
    one = fetch(None, second)
    halves = fetch(None, first), fetch(first, second)

    for table in ("bars", "actions", "levels", "fundamentals", "riskfree"):
        together = pd.concat([half.table(table) for half in halves], ignore_index=True)
        pd.testing.assert_frame_equal(in_order(together), in_order(one.table(table)), check_exact=True)


@settings(max_examples=6)
@given(
    seed=st.integers(0, 2**31),
    symbols=st.integers(20, 40),
    strength=st.floats(0, 0.3),
    first=st.dates(date(1990, 1, 2), date(2030, 1, 1)),
)
def test_any_parameters_give_sound_bars(seed, symbols, strength, first):
    provider = SimulatedProvider(Parameters(seed, symbols, first, strength))

    bars = provider.fetch(after=None, through=first + timedelta(days=60)).bars

    assert np.isfinite(bars[["open", "high", "low", "close", "volume"]]).all().all()
    assert (bars["low"] <= bars[["open", "close"]].min(axis=1)).all()
    assert (bars["high"] >= bars[["open", "close"]].max(axis=1)).all()
    assert bars["session"].between(pd.Timestamp(first), pd.Timestamp(first + timedelta(days=60))).all()

"""However a history comes in, at a stroke or in overlapping pieces, corrected in between or not, it is the same (D4).

Issue 10, line 7: the first row of an overlap that was restated lost its growth, and a day of ten percent with it.
"""

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.core.sessions import sessions_ending
from tasks.data.panel.level_growth import level_rows
from tasks.data.panel.reader import read_panel
from tasks.data.providers.base import Delivery
from tasks.data.schema.columns import EVERY_TABLE, Table
from tasks.data.schema.tables import empty_table
from tests.builders import FRIDAY
from tests.deliveries import Served, cut, days_of, make_delivery, refresh, typed

pytestmark = pytest.mark.slice

LENGTH = 12
DAYS = sessions_ending(FRIDAY, LENGTH).astype("datetime64[s]")


def history(close: np.ndarray, adjusted: np.ndarray) -> pd.DataFrame:
    """Return a benchmark of these closes and total-return levels, one a session."""
    figures = dict.fromkeys(("open", "high", "low", "close"), close)
    frame = pd.DataFrame({"name": "SPY", "session": DAYS[: len(close)], **figures, "adj_close": adjusted})
    return typed("levels", frame)


def stored_with(stored: pd.DataFrame, delivered: pd.DataFrame) -> pd.DataFrame:
    """Return the table as last seen after the delivery was taken in."""
    both = pd.concat([stored, level_rows(delivered, stored)], ignore_index=True)
    return both.drop_duplicates(["name", "session"], keep="last").sort_values("session", ignore_index=True)


def in_pieces(*pieces: pd.DataFrame) -> np.ndarray:
    """Return the growth of each session after all pieces were taken in."""
    stored = empty_table("levels").drop(columns="known")
    for piece in pieces:
        stored = stored_with(stored, piece)
    return stored["growth"].to_numpy()


moves = st.lists(st.floats(-0.3, 0.4), min_size=LENGTH, max_size=LENGTH)
rows = st.integers(1, LENGTH - 2)


@given(moves, st.floats(0.5, 1.5), rows, st.integers(1, 6), st.integers(0, 3))
def test_growth_is_the_same_in_overlapping_pieces_with_restated_rows(moves, change, after, overlap, more):
    close = 100.0 * np.exp(np.cumsum(moves))
    begin = max(after + 1 - overlap, 0)
    corrected = close.copy()
    corrected[begin : begin + 1 + more] *= change  # the first row of the overlap, and some after it
    first, second = history(close, close * 0.9), history(corrected, corrected * 0.9)

    found = in_pieces(first.iloc[: after + 1], second.iloc[begin:])

    np.testing.assert_array_equal(found, in_pieces(second))


@given(moves, st.floats(0.5, 1.5), rows, st.integers(1, 6), st.floats(0.97, 0.999), st.floats(0.97, 0.999))
def test_growth_is_the_same_when_the_source_rebases_with_every_distribution(
    moves, change, after, overlap, earlier, later
):
    close = 100.0 * np.exp(np.cumsum(moves))
    begin = max(after + 1 - overlap, 0)
    before, since = np.ones(LENGTH), np.ones(LENGTH)
    before[: begin // 2] *= earlier  # a distribution before the overlap, and one in its middle or after it
    since *= before
    since[: (begin + LENGTH) // 2] *= later
    ex = (begin + LENGTH) // 2
    known = before if ex > after else since
    corrected = close.copy()
    corrected[begin] *= change
    first, second = history(close, close * known), history(corrected, corrected * since)

    found = in_pieces(first.iloc[: after + 1], second.iloc[begin:])

    np.testing.assert_allclose(found, in_pieces(second), rtol=1e-12)


@given(moves, st.sets(rows, min_size=1, max_size=4))
def test_sessions_inserted_late_count_once(moves, absent):
    close = 100.0 * np.exp(np.cumsum(moves))
    whole = history(close, close * 0.9)
    gappy = whole.drop(index=sorted(absent))

    for late in (whole, whole.iloc[sorted(absent)]):
        found = in_pieces(gappy, late)

        np.testing.assert_allclose(found, in_pieces(whole), rtol=1e-12)


@given(moves, rows, st.floats(0.9, 0.99))
def test_a_late_distribution_raises_the_level_once(moves, ex, paid):
    close = 100.0 * np.exp(np.cumsum(moves))
    factor = np.ones(LENGTH)
    factor[:ex] = paid

    found = in_pieces(history(close, close), history(close, close * factor))

    np.testing.assert_allclose(found, in_pieces(history(close, close * factor)), rtol=1e-12)


def test_noise_of_a_source_that_rounds_changes_nothing():
    close = np.linspace(100.0, 120.0, LENGTH)
    stored = stored_with(empty_table("levels").drop(columns="known"), history(close, np.round(close, 2)))

    rebased = history(close, np.round(close * 0.987, 2))

    assert level_rows(rebased, stored).empty


class Overlapping(Served):
    """Delivers bars and levels of the last ten sessions again, as the sources in the network do."""

    def __init__(self, everything: Delivery, since: date) -> None:
        super().__init__(everything)
        self.since = pd.Timestamp(since)

    def fetch(self, *, after: date | None, through: date, tables: frozenset[Table] = EVERY_TABLE) -> Delivery:
        whole = cut(self.everything, after=None, through=through).only(tables)
        bars, levels = (frame[frame["session"] >= self.since] for frame in (whole.bars, whole.levels))
        return replace(whole, bars=bars.reset_index(drop=True), levels=levels.reset_index(drop=True))


@pytest.mark.parametrize("row", [-8, pytest.param(-5, marks=pytest.mark.prove), -2])
def test_panel_is_the_same_when_the_first_row_of_the_overlap_was_restated(row, tmp_path, monkeypatch):
    right = make_delivery(symbols=30)
    days = days_of(right)
    paid = typed(
        "actions",
        pd.DataFrame([("S04", days[row], 1.0, 1.0)], columns=["symbol", "session", "dividend", "split"]),
    )
    right = replace(right, actions=pd.concat([right.actions, paid], ignore_index=True))
    bars, levels = right.bars.copy(), right.levels.copy()
    bars.loc[bars["session"] == pd.Timestamp(days[row]), ["open", "high", "low", "close"]] *= 0.95
    levels.loc[
        levels["session"] == pd.Timestamp(days[row]), ["open", "high", "low", "close", "adj_close"]
    ] *= 0.9
    wrong = replace(right, bars=bars, levels=levels)
    refresh(monkeypatch, tmp_path / "pieces", wrong, days[-2])

    corrected = refresh(monkeypatch, tmp_path / "pieces", Overlapping(right, days[row]))
    whole = refresh(monkeypatch, tmp_path / "whole", right)

    panels = [read_panel(market.snapshot, window=None) for market in (corrected, whole)]
    for name in ("open", "close", "volume", "raw_close", "market", "volatility_index", "risk_free"):
        np.testing.assert_array_equal(*(getattr(panel, name) for panel in panels), err_msg=name)
    assert corrected.snapshot.id == whole.snapshot.id

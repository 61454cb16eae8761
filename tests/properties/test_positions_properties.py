"""Positions through splits and halts are counted once, whatever is duplicated or split (issue 10, part 2)."""

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.core.errors import SafetyError
from tasks.data.panel.companies import company_index
from tasks.portfolio.holdings.book import value_book
from tasks.portfolio.holdings.events import events_of
from tasks.portfolio.holdings.positions import Position, Positions, parse_positions
from tasks.portfolio.quotes import quotes
from tests.builders import FRIDAY, make_panel

PANEL = make_panel(sessions=70, symbols=3)
BARS = ("open", "high", "low", "close", "raw_close", "volume", "dollar_volume")
lines = st.dictionaries(
    st.sampled_from(["AAA", "BBB", "CCC", "CASH"]), st.integers(0, 10**6), min_size=1, max_size=4
)


# issue 10, part 2: a second CASH line, or any second line of a name, never wins
@given(lines, st.integers(0, 10**6), st.data())
def test_a_name_or_cash_that_stands_twice_is_refused_wherever_it_stands(held, shares, data):
    rows = [f"{symbol},{count}" for symbol, count in held.items()]
    twice = data.draw(st.sampled_from(sorted(held)))
    rows.insert(data.draw(st.integers(0, len(rows))), f"{twice},{shares}")

    with pytest.raises(SafetyError, match=f"{twice} is listed twice"):
        parse_positions("\n".join(["symbol,shares", *rows]) + "\n", path="p.csv")


# issue 10, part 2: the split of a halted name is applied once, on whichever side of the halt it falls
@given(
    ratio=st.sampled_from([2.0, 4.0, 1.5, 0.5, 0.1]),
    split=st.integers(-8, -1),
    last_bar=st.integers(-8, -1),
    held_at=st.integers(-10, -1),
)
def test_a_split_changes_the_value_of_a_holding_neither_before_during_nor_after_a_halt(
    ratio, split, last_bar, held_at
):
    places = np.arange(-len(PANEL.sessions), 0)
    raw = PANEL.raw_close.copy()
    raw[:, 1] = np.where(places < split, 100.0, 100.0 / ratio)
    bars = {name: raw if name == "raw_close" else getattr(PANEL, name).copy() for name in BARS}
    for values in bars.values():
        values[places > last_bar, 1] = np.nan
    session = PANEL.sessions[split].astype("datetime64[D]").item()
    actions = pd.DataFrame({"symbol": ["S001"], "session": pd.to_datetime([session]), "split": [ratio]})
    lives = pd.DataFrame({"symbol": ["S001"], "first": pd.to_datetime([date(2023, 1, 3)])})
    renames = pd.DataFrame({"old": [], "new": [], "session": pd.to_datetime([])})
    events = events_of(actions.assign(dividend=0.0), company_index(lives, renames))
    since = PANEL.sessions[held_at].astype("datetime64[D]").item()

    book = value_book(
        Positions((Position("S001", 1000.0, since),), 1.0),
        quotes(replace(PANEL, **bars), quarantined=(), splits=events.splits),
        session=FRIDAY,
        events=events,
    )

    before_split = held_at < split
    assert book.holdings[0].shares == pytest.approx(1000 * (ratio if before_split else 1))
    assert book.holdings[0].value_usd == pytest.approx(100_000 * (1 if before_split else 1 / ratio), abs=10.0)

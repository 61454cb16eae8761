"""Bars on their way to the disk: a stream of years is the table, and a frame that is in order is not copied."""

import numpy as np
import pandas as pd

from tasks.data.gates.context_rows import in_order, kept
from tasks.data.lake.types import to_arrow, year_by_year


def make_bars(*days):
    rows = [(symbol, day) for symbol in ("BBB", "AAA") for day in days]
    frame = pd.DataFrame(rows, columns=["symbol", "session"]).astype({"session": "datetime64[s]"})
    figures = {name: np.arange(len(rows)) + 1.0 for name in ("open", "high", "low", "close", "volume")}
    return frame.assign(symbol=frame["symbol"].astype("category"), **figures)


def test_bars_of_many_years_are_streamed_one_year_at_a_time():
    """issue 10, done when 4: whoever writes an import holds one year of it."""
    frame = make_bars("2024-01-02", "2022-12-30", "2023-06-01", "2023-06-02")

    batches = list(year_by_year(frame, 7))

    assert [set(batch["year"].to_pylist()) for batch in batches] == [{2022}, {2023}, {2024}]


def test_the_stream_of_years_is_the_table():
    frame = make_bars("2024-01-02", "2022-12-30", "2023-06-01", "2023-06-02")

    assert year_by_year(frame, 7).read_all().equals(to_arrow(frame, "bars", 7))
    assert year_by_year(frame.iloc[:0], 7).read_all().equals(to_arrow(frame.iloc[:0], "bars", 7))


def test_a_frame_is_copied_only_where_rows_move_or_go():
    """issue 10, done when 4: a copy of an import is gigabytes."""
    frame = make_bars("2024-01-02", "2024-01-03")

    assert in_order(frame, np.arange(4)) is frame
    assert in_order(frame, np.array([3, 2, 1, 0])).equals(frame.iloc[::-1])
    assert kept(frame, np.ones(4, dtype=bool)) is frame
    assert kept(frame, frame["symbol"] == "AAA")["symbol"].tolist() == ["AAA", "AAA"]

"""Bars in the types of the lake: written as a stream of years, equal to the whole table."""

import numpy as np
import pandas as pd

from tasks.data.lake.types import stream_by_year, to_arrow


def make_bars(*days):
    rows = [(symbol, day) for symbol in ("BBB", "AAA") for day in days]
    frame = pd.DataFrame(rows, columns=["symbol", "session"]).astype({"session": "datetime64[s]"})
    figures = {name: np.arange(len(rows)) + 1.0 for name in ("open", "high", "low", "close", "volume")}
    return frame.assign(symbol=frame["symbol"].astype("category"), **figures)


def test_bars_of_many_years_are_streamed_one_year_at_a_time():
    """issue 10, done when 4: writing an import holds one year in memory."""
    frame = make_bars("2024-01-02", "2022-12-30", "2023-06-01", "2023-06-02")

    batches = list(stream_by_year(frame, 7))

    assert [set(batch["year"].to_pylist()) for batch in batches] == [{2022}, {2023}, {2024}]


def test_the_stream_of_years_is_the_table():
    frame = make_bars("2024-01-02", "2022-12-30", "2023-06-01", "2023-06-02")

    assert stream_by_year(frame, 7).read_all().equals(to_arrow(frame, "bars", 7))
    assert stream_by_year(frame.iloc[:0], 7).read_all().equals(to_arrow(frame.iloc[:0], "bars", 7))

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.data.gates.baselines import rows_by_session, session_median, trailing_median


@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.integers(0, 30), st.one_of(st.floats(-9, 9), st.just(np.nan))),
        unique_by=lambda row: row[:2],
        min_size=1,
        max_size=40,
    )
)
def test_the_usual_value_is_the_median_over_the_names_sessions_before(rows):
    code, day, values = (
        np.array(column) for column in zip(*sorted(rows, key=lambda row: row[:2]), strict=True)
    )

    result = trailing_median(values, code, day, np.arange(len(code)), sessions=7, min_count=2)

    for row, value in enumerate(result):
        window = values[(code == code[row]) & (day < day[row]) & (day >= day[row] - 7)]
        window = window[np.isfinite(window)]
        expected = np.median(window) if len(window) >= 2 else np.nan
        assert value == pytest.approx(expected, nan_ok=True)


def test_a_sessions_median_is_that_of_all_names():
    day, values = np.array([1, 2, 1, 2, 1]), np.array([1.0, 5.0, 2.0, np.nan, 9.0])

    np.testing.assert_array_equal(session_median(day, values), [2, 5, 2, 5, 2])
    assert pd.isna(session_median(np.array([1]), np.array([np.nan]))[0])


@given(
    st.lists(
        st.tuples(st.integers(0, 12_000), st.one_of(st.floats(-9, 9), st.sampled_from([np.nan, np.inf]))),
        max_size=40,
    )
)
def test_a_sessions_median_is_to_the_bit_what_pandas_takes_for_it(rows):
    day = np.array([row[0] % 5 * 3_000 for row in rows], dtype=np.int64)
    values = np.array([row[1] for row in rows], dtype=np.float64)

    expected = pd.Series(values).groupby(day).transform("median").to_numpy()

    np.testing.assert_array_equal(session_median(day, values), expected)


def test_the_rows_of_a_session_come_together_sessions_and_rows_in_order():
    day = np.array([11_580, 2, 11_580, 7, 2])

    assert [rows.tolist() for rows in rows_by_session(day)] == [[1, 4], [3], [0, 2]]
    assert rows_by_session(day[:0]) == []

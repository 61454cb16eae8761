"""Trailing sums depend on the rows of their window alone, bit for bit."""

import numpy as np
import pytest

from tasks.regime.rolling import window_sum


@pytest.mark.parametrize("shape", [(50,), (50, 1), (50, 7), (3, 2), (0, 4), (0,)])
@pytest.mark.parametrize("window", [1, 5, 60])
def test_each_row_adds_its_window_from_the_latest_row_on(shape, window):
    values = np.random.default_rng(1).normal(size=shape)
    values[np.random.default_rng(2).random(shape) < 0.1] = np.nan
    known = np.nan_to_num(values, nan=0.0)

    sums = window_sum(values, window)

    assert sums.shape == shape
    for row in range(len(values)):
        added = np.zeros(shape[1:])
        for earlier in range(row, max(-1, row - window), -1):
            added = added + known[earlier]
        assert np.array_equal(sums[row], added)


def test_earlier_rows_change_no_bit():
    values = np.random.default_rng(3).normal(size=(90, 5))

    assert window_sum(values, 20)[60:].tobytes() == window_sum(values[41:], 20)[19:].tobytes()

import numpy as np
import pytest

from tests.bench.agreement import differences, largest_difference, whole_windows
from tests.bench.market import generated
from tests.bench.rivals.qlib_store import ALPHA158, PYTHON, STORE, words, write_store

NAN = np.nan


@pytest.fixture(scope="module")
def panel():
    return generated(symbols=6, sessions=200)


@pytest.mark.prove
@pytest.mark.skipif(not PYTHON.exists(), reason="Qlib is not installed: make qlib")
def test_alpha158_has_the_values_of_qlib_itself(panel, tmp_path):
    write_store(tmp_path, panel)

    found = differences(tmp_path, panel)

    assert len(found) == 158
    assert max(found.values()) < 1e-4, found  # Qlib keeps bars and values as float32


def test_qlibs_store_holds_each_symbols_bars_from_its_first_on(panel, tmp_path):
    write_store(tmp_path, panel)
    column = np.argmax(np.argmin(np.isnan(panel.close), axis=0))

    first, *stored = np.fromfile(
        tmp_path / STORE / "features" / panel.symbols[column].lower() / "close.day.bin", "<f4"
    )

    assert first > 0
    np.testing.assert_equal(stored, panel.close[int(first) :, column].astype(np.float32))


def test_qlib_is_asked_by_its_own_names(tmp_path):
    *_, names, how, runs = words(tmp_path, ("a158_kmid", "a158_roc_5", "a158_vwap_0"), "scratch", 3)

    assert (names, how, runs) == ("KMID,ROC5,VWAP0", "scratch", "3")
    assert len(ALPHA158) == 158


def test_a_difference_is_measured_against_the_value_or_the_typical_one():
    ours, theirs = np.array([[2.2, 0.1, 1.0, NAN]]), np.array([[2.0, 0.0, 1.0, NAN]])
    everywhere = np.ones(ours.shape, dtype=bool)

    assert largest_difference(ours, theirs, everywhere) == pytest.approx(0.1)
    assert largest_difference(ours, theirs, np.array([[False, False, True, True]])) == 0


def test_a_value_on_one_side_alone_is_infinitely_far():
    assert largest_difference(np.array([[NAN]]), np.array([[1.0]]), np.array([[True]])) == np.inf


def test_a_window_with_a_missing_bar_is_not_whole(panel):
    whole = whole_windows(panel, 5)

    present = ~np.isnan(panel.close)
    expected = [[row >= 4 and present[row - 4 : row + 1, c].all() for c in range(6)] for row in range(200)]
    np.testing.assert_equal(whole, expected)

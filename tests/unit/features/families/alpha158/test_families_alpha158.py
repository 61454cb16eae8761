"""Our Alpha158 against Qlib's: every sentence of docs/alpha158.md has its test here."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tasks.features.compute import compute_raw
from tasks.features.families.alpha158.alpha158 import FEATURES
from tests.builders import make_panel
from tests.unit.features.reference import bars_of
from tests.unit.features.reference_alpha158 import QLIB, WINDOWS

WHOLE = make_panel(sessions=130, symbols=4)
BY_NAME = {feature.name: feature for feature in FEATURES}
LEVEL_CORRELATIONS = [f"a158_corr_{d}" for d in WINDOWS]

OF_ONE_BAR = "KMID KLEN KMID2 KUP KUP2 KLOW KLOW2 KSFT KSFT2 OPEN0 HIGH0 LOW0 VWAP0"
OF_WINDOWS = """
ROC MA STD BETA RSQR RESI MAX MIN QTLU QTLD RANK RSV IMAX IMIN IMXD
CORR CORD CNTP CNTN CNTD SUMP SUMN SUMD VMA VSTD WVMA VSUMP VSUMN VSUMD
"""


def words(text):
    return re.findall(r"\w+", text)


def ours(name, panel):
    (values,) = compute_raw(panel, [BY_NAME[name]])
    return values


def qlibs(name, panel):
    return QLIB[name](bars_of(panel)).to_numpy(dtype=float)


def whole_windows(name):
    return slice(BY_NAME[name].window - 1, None)


def with_volume(row, value):
    volume = WHOLE.volume.copy()
    volume[row] = value
    return replace(WHOLE, volume=volume)


def test_the_set_is_qlibs_in_its_order():
    of_windows = [f"{name}{d}" for name in words(OF_WINDOWS) for d in (5, 10, 20, 30, 60)]

    names = [feature.name.removeprefix("a158_").replace("_", "").upper() for feature in FEATURES]

    assert names == words(OF_ONE_BAR) + of_windows
    assert len(names) == 158


@pytest.mark.parametrize("name", [name for name in BY_NAME if name not in LEVEL_CORRELATIONS])
def test_over_a_whole_window_a_value_is_qlibs(name):
    rows = whole_windows(name)

    values, expected = ours(name, WHOLE)[rows], qlibs(name, WHOLE)[rows]

    assert np.isfinite(values).all()
    np.testing.assert_allclose(values, expected, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(("fewest_shares", "apart"), [(1e4, 2e-5), (1e6, 2e-7)])
@pytest.mark.parametrize("name", LEVEL_CORRELATIONS)
def test_the_correlation_with_log_volume_is_qlibs_but_for_the_share_it_adds(name, fewest_shares, apart):
    panel = replace(WHOLE, volume=WHOLE.volume / WHOLE.volume.min() * fewest_shares)
    rows = whole_windows(name)

    values, expected = ours(name, panel)[rows], qlibs(name, panel)[rows]

    np.testing.assert_allclose(values, expected, rtol=0, atol=apart)


def test_what_does_not_move_has_qlibs_values_and_0_where_it_has_none():
    still = {name: np.full_like(WHOLE.close, 42.0) for name in ("open", "high", "low", "close", "volume")}
    panel = replace(WHOLE, **still)
    without = set()

    for name in BY_NAME:
        expected = qlibs(name, panel)[whole_windows(name)]
        without |= {name.split("_")[1]} if np.isnan(expected).any() else set()
        np.testing.assert_allclose(
            ours(name, panel)[whole_windows(name)], np.nan_to_num(expected), rtol=1e-6, atol=1e-9
        )

    assert without == {"rsqr", "corr", "cord"}


def test_what_hardly_moves_has_a_value_where_qlib_has_none():
    hardly = 42 + 1e-6 * np.arange(130.0)[:, None] * np.ones(4)
    panel = replace(WHOLE, close=hardly)

    np.testing.assert_allclose(ours("a158_rsqr_5", panel)[4:], 1.0, rtol=1e-6)
    assert np.isnan(qlibs("a158_rsqr_5", panel)).all()


@pytest.mark.parametrize("name", ["a158_vma_5", "a158_vstd_5"])
def test_volume_against_a_day_without_trades_is_missing_where_qlib_has_trillions(name):
    panel = with_volume(100, 0.0)

    values = ours(name, panel)

    assert np.isnan(values[100]).all()
    assert np.isfinite(values[101:]).all()
    assert (qlibs(name, panel)[100] > 1e12).all()


def test_a_day_without_trades_does_not_count_in_the_correlation_with_log_volume():
    panel = with_volume(100, 0.0)
    others = [98, 99, 101, 102]
    expected = [np.corrcoef(panel.close[others, s], np.log(panel.volume[others, s]))[0, 1] for s in range(4)]

    values = ours("a158_corr_5", panel)[102]

    np.testing.assert_allclose(values, expected, rtol=1e-6)
    assert (np.abs(values - qlibs("a158_corr_5", panel)[102]) > 1e-3).any()


def test_a_change_from_a_day_without_trades_does_not_count_as_in_qlib():
    panel = with_volume(100, 0.0)

    values = ours("a158_cord_5", panel)[101:]

    np.testing.assert_allclose(values, qlibs("a158_cord_5", panel)[101:], rtol=1e-6)


def test_a_part_of_a_window_has_no_value_where_qlib_has_one():
    assert np.isnan(ours("a158_ma_20", WHOLE)[:19]).all()
    assert np.isfinite(qlibs("a158_ma_20", WHOLE)[:19]).all()


def test_a_missing_bar_does_not_count_where_qlib_takes_it_for_no_rise():
    close = np.arange(1.0, 131.0)[:, None] * np.ones(4)
    close[100] = np.nan
    panel = replace(WHOLE, close=close)

    assert (ours("a158_cntp_10", panel)[105] == 1.0).all()
    assert (qlibs("a158_cntp_10", panel)[105] == 0.8).all()


def test_a_missing_bar_is_not_an_extreme_where_qlib_takes_it_for_one():
    high = np.arange(1.0, 131.0)[:, None] * np.ones(4)
    high[100] = np.nan
    panel = replace(WHOLE, high=high)

    assert (ours("a158_imax_5", panel)[102] == 1.0).all()
    assert (qlibs("a158_imax_5", panel)[102] == 3 / 5).all()


def test_a_window_short_of_four_fifths_has_no_value_where_qlib_has_one():
    close = WHOLE.close.copy()
    close[99:101] = np.nan
    panel = replace(WHOLE, close=close)

    assert np.isnan(ours("a158_ma_5", panel)[101]).all()
    assert np.isfinite(qlibs("a158_ma_5", panel)[101]).all()


def test_the_typical_price_stands_in_for_the_volume_weighted_one():
    typical = (WHOLE.high + WHOLE.low + WHOLE.close) / 3

    np.testing.assert_allclose(ours("a158_vwap_0", WHOLE), typical / WHOLE.close, rtol=1e-6)


def test_the_page_names_features_that_there_are():
    page = (Path(__file__).parents[5] / "docs" / "alpha158.md").read_text()
    named = set(re.findall(r"a158_\w+", page))

    assert named
    assert named <= set(BY_NAME)

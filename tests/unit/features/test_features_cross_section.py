import numpy as np
import pytest

from tasks.features.cross_section import rank, sector_neutral, transformed, zscore

NAN = np.nan


def session(*values):
    return np.array([values], dtype=np.float32)


def same(one, two):
    return np.array_equal(one, two, equal_nan=True)


def test_ranks_run_from_zero_to_one_and_skip_missing_values():
    assert same(rank(session(5, NAN, -1, 2)), session(1, NAN, 0, 0.5))


def test_equal_values_share_their_mean_rank():
    assert same(rank(session(1, 1, 0, 2)), session(0.5, 0.5, 0, 1))
    assert same(rank(session(7, 7, 7)), session(0.5, 0.5, 0.5))
    assert same(rank(session(0.0, -0.0, 1)), session(0.25, 0.25, 1))


def test_a_single_value_stands_in_the_middle():
    assert same(rank(session(3, NAN)), session(0.5, NAN))


def test_a_session_without_values_has_no_ranks():
    assert np.isnan(rank(session(NAN, NAN))).all()
    assert np.isnan(zscore(session(NAN, NAN))).all()


@pytest.mark.parametrize("seed", range(3))
def test_ranks_equal_those_of_pandas(seed):
    import pandas as pd

    rng = np.random.default_rng(seed)
    values = np.round(rng.normal(0, 3, (40, 50)), 1).astype(np.float32)
    values[rng.random(values.shape) < 0.2] = NAN

    frame = pd.DataFrame(values)
    expected = frame.rank(axis=1).sub(1).div(frame.count(axis=1) - 1, axis=0)
    np.testing.assert_allclose(rank(values), expected, rtol=1e-6)


def test_scores_have_mean_zero_and_deviation_one():
    scored = zscore(np.random.default_rng(0).normal(5, 2, (3, 200)).astype(np.float32))

    assert scored.mean(axis=1) == pytest.approx(0, abs=1e-6)
    assert scored.std(axis=1, ddof=1) == pytest.approx(1, rel=1e-6)


def test_an_outlier_is_drawn_in():
    values = np.arange(200, dtype=np.float32)[None, :]
    values[0, -1] = 1e9

    assert zscore(values).max() < 2


def test_equal_values_score_zero():
    assert same(zscore(session(4, 4, NAN)), session(0, 0, NAN))


def test_a_sector_is_measured_from_its_own_median():
    sector = np.array(["Energy", "Energy", "Energy", "Tech", "Tech"])

    assert same(sector_neutral(session(1, 2, 9, 4, 8), sector), session(-1, 0, 7, -2, 2))


def test_only_members_are_compared():
    members, sector = np.array([[True, False, True]]), np.array(["a", "a", "a"])

    assert same(transformed(session(3, 99, 1), "rank", members, sector), session(1, NAN, 0))
    assert same(transformed(session(3, 99, 1), "none", members, sector), session(3, NAN, 1))
    assert same(transformed(session(3, 99, 1), "sector_rank", members, sector), session(1, NAN, 0))


@pytest.mark.parametrize("transform", ["rank", "zscore", "sector_rank", "none"])
def test_a_panel_without_symbols_has_no_values(transform):
    nobody = np.empty((3, 0), dtype=np.float32)

    assert transformed(nobody, transform, np.empty((3, 0), dtype=bool), np.array([], dtype=str)).shape == (
        3,
        0,
    )

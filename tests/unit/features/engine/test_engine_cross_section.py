import numpy as np
import pytest

from tasks.features.engine.cross_section import Peers, neutral, rank, sector_neutral, transformed, zscore

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
    sector = np.array([[0, 0, 0, 1, 1]], dtype=np.int8)

    assert same(sector_neutral(session(1, 2, 9, 4, 8), sector), session(-1, 0, 7, -2, 2))


def test_a_name_is_measured_in_the_sector_that_it_had_in_the_session():
    values = np.tile(session(1, 2, 9, 4, 8), (3, 1))
    sector = np.array([[0, 0, 0, 1, 1], [0, 0, 1, 1, 1], [0, 0, 0, 1, 1]], dtype=np.int8)

    measured = sector_neutral(values, sector)

    assert same(measured[[0, 2]], np.tile(session(-1, 0, 7, -2, 2), (2, 1)))
    assert same(measured[1:2], session(-0.5, 0.5, 1, -4, 0))


def test_names_without_a_dated_sector_are_compared_with_each_other():
    peers = Peers(np.ones((1, 4), bool), np.array([[-1, -1, 0, 0]], dtype=np.int8), np.arange(4))

    np.testing.assert_allclose(neutral(session(1, 3, 10, 30), peers), session(-1, 1, -10, 10))
    assert same(sector_neutral(session(1, 3, 10, 30), peers.sector), session(-1, 1, -10, 10))


def peers_of(is_member, sector, *, size=None, beta=None):
    """Return peers; `sector` names the sector of each symbol, on every session."""
    numbers = np.unique(np.array(sector, dtype=str), return_inverse=True)[1].astype(np.int8)
    by_session = np.tile(numbers, (len(is_member), 1))
    return Peers(np.array(is_member), by_session, np.arange(len(sector)), size, beta)


def test_only_members_are_compared():
    peers = peers_of([[True, False, True]], ["a", "a", "a"])

    assert same(transformed(session(3, 99, 1), "rank", peers), session(1, NAN, 0))
    assert same(transformed(session(3, 99, 1), "none", peers), session(3, NAN, 1))
    assert same(transformed(session(3, 99, 1), "sector_rank", peers), session(1, NAN, 0))
    assert same(transformed(session(3, 99, 1), "neutral_rank", peers), session(1, NAN, 0))


def rough_session(seed, symbols=80):
    """Return ranks with gaps, and peers in four sectors of which some have no known size or beta."""
    rng = np.random.default_rng(seed)
    size, beta, values = rng.random((3, 1, symbols)).astype(np.float32)
    values += (2 * size - beta).astype(np.float32)
    values[0, :5], size[0, 5:9], beta[0, 8:12] = NAN, NAN, NAN
    peers = peers_of(
        np.ones((1, symbols), bool), rng.choice(["a", "b", "c", "d"], symbols), size=size, beta=beta
    )
    return values, peers


@pytest.mark.parametrize("seed", range(3))
def test_neutral_values_are_the_residuals_of_a_plain_regression(seed):
    values, peers = rough_session(seed)
    here = ~np.isnan(values[0])
    sector = peers.sector[0]
    dummies = (sector[:, None] == np.unique(sector)).astype(float)
    columns = [dummies]
    for figure in (peers.size[0], peers.beta[0]):
        centred = np.zeros(len(figure))
        for number in np.unique(sector):
            known = (sector == number) & here & ~np.isnan(figure)
            centred[known] = figure[known] - figure[known].mean(dtype=float)
        columns.append(centred[:, None])
    x, y = np.hstack(columns)[here], values[0, here].astype(float)

    residual = y - x @ np.linalg.lstsq(x, y, rcond=None)[0]

    np.testing.assert_allclose(neutral(values, peers)[0, here], residual, atol=1e-6)
    assert np.isnan(neutral(values, peers)[0, ~here]).all()


def test_neutral_values_do_not_move_with_size_or_beta_any_more():
    values, peers = rough_session(7)
    left = neutral(values, peers)[0]
    here = np.isfinite(left) & np.isfinite(peers.size[0]) & np.isfinite(peers.beta[0])

    assert abs(np.corrcoef(values[0, here], peers.size[0, here])[0, 1]) > 0.5
    assert abs(np.corrcoef(left[here], peers.size[0, here])[0, 1]) < 0.1
    assert abs(np.corrcoef(left[here], peers.beta[0, here])[0, 1]) < 0.1


def test_without_size_and_beta_only_the_sector_is_taken_out():
    peers = peers_of([[True] * 4], ["a", "a", "b", "b"])

    np.testing.assert_allclose(neutral(session(1, 3, 10, 30), peers), session(-1, 1, -10, 10))


def test_a_factor_that_says_the_same_as_the_other_is_left_out():
    size = session(0, 1, 2, 3)
    peers = peers_of([[True] * 4], ["a"] * 4, size=size, beta=2 * size)

    residual = session(0.2, -0.1, -0.4, 0.3)  # of the line 0.8 + 1.3 × size

    np.testing.assert_allclose(neutral(session(1, 2, 3, 5), peers), residual, atol=1e-6)


@pytest.mark.parametrize("transform", ["rank", "zscore", "sector_rank", "neutral_rank", "none"])
def test_a_panel_without_symbols_has_no_values(transform):
    nobody = np.empty((3, 0), dtype=np.float32)

    assert transformed(nobody, transform, peers_of(np.empty((3, 0), dtype=bool), [])).shape == (3, 0)

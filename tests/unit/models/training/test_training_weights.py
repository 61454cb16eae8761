from dataclasses import replace
from types import SimpleNamespace
from typing import get_args

import numpy as np
import pytest

from config.sections import Candidate, Models
from tasks.models.training import fold_by_fold as training
from tasks.models.training.fold_by_fold import fit
from tasks.models.training.walkforward import Window, make_folds
from tasks.models.training.weights import Scheme, sample_weights, session_weights, time_decay, uniqueness
from tests.builders import make_settings
from tests.unit.models.datasets import make_data


def int_rows(*rows):
    """Return sessions, symbols and label ends of rows given as (session, symbol, end)."""
    sessions, symbols, ends = np.array(rows).T
    return sessions, symbols, ends.astype(np.int32)


def weights_of(rows, scheme, half_life=252):
    return sample_weights(*rows, scheme=scheme, half_life_sessions=half_life)


def plain_uniqueness(sessions, symbols, ends):
    found = []
    for session, symbol, end in zip(sessions, symbols, ends, strict=True):
        shares = [
            1 / ((symbols == symbol) & (sessions < day) & (day <= ends)).sum()
            for day in range(session + 1, end + 1)
        ]
        found.append(np.mean(shares))
    return found


def rough_rows(seed):
    rng = np.random.default_rng(seed)
    kept = rng.random((40, 6)) < 0.8
    sessions, symbols = np.nonzero(kept)
    sessions = 100 + 5 * sessions
    return sessions, symbols, (sessions + rng.integers(1, 22, len(sessions))).astype(np.int32)


def test_every_session_weighs_the_same_and_the_mean_weight_is_one():
    weights = session_weights(np.array([1, 1, 1, 6]))

    assert weights.tolist() == pytest.approx([2 / 3, 2 / 3, 2 / 3, 2])


def test_a_row_of_a_half_life_ago_weighs_half():
    assert time_decay(np.array([0, 252, 504]), 252).tolist() == [0.25, 0.5, 1.0]


def test_labels_that_share_half_of_their_sessions_are_three_quarters_unique():
    sessions, symbols, ends = int_rows((0, 0, 10), (5, 0, 15), (0, 1, 10), (20, 0, 30))

    assert uniqueness(sessions, symbols, ends).tolist() == pytest.approx([0.75, 0.75, 1, 1])


def test_labels_end_to_end_overlap_with_nobody():
    assert uniqueness(*int_rows((0, 0, 5), (5, 0, 10), (10, 0, 15))).tolist() == [1, 1, 1]


@pytest.mark.parametrize("seed", range(5))
def test_uniqueness_is_what_its_plain_reference_says(seed):
    rows = rough_rows(seed)

    np.testing.assert_allclose(uniqueness(*rows), plain_uniqueness(*rows), rtol=1e-9)


def test_combined_weights_are_the_product_of_all():
    sessions, symbols, ends = rows = rough_rows(1)

    weights = weights_of(rows, "combined", half_life=50)

    product = session_weights(sessions) * time_decay(sessions, 50) * uniqueness(sessions, symbols, ends)
    np.testing.assert_allclose(weights, product / product.mean())


@pytest.mark.parametrize("scheme", get_args(Scheme))
def test_the_mean_weight_is_one_and_none_is_zero(scheme):
    weights = weights_of(rough_rows(2), scheme)

    assert weights.mean() == pytest.approx(1)
    assert weights.min() > 0


@pytest.mark.parametrize("scheme", get_args(Scheme))
def test_no_rows_have_no_weights(scheme):
    nothing = np.array([], dtype=int)

    assert weights_of((nothing, nothing, nothing.astype(np.int32)), scheme).size == 0


@pytest.mark.parametrize("scheme", get_args(Scheme))
def test_weights_do_not_depend_on_the_order_of_the_rows(scheme):
    rows = rough_rows(3)
    order = np.random.default_rng(0).permutation(len(rows[0]))

    shuffled = weights_of(tuple(each[order] for each in rows), scheme)

    np.testing.assert_allclose(shuffled, weights_of(rows, scheme)[order], rtol=1e-12)


def test_the_settings_allow_the_schemes_that_there_are_and_ship_equal_ones():
    assert Models.model_fields["sample_weights"].annotation == Scheme
    assert make_settings().models.sample_weights == "equal"
    assert make_settings().models.half_life_sessions == 252


@pytest.fixture
def weights_handed_on(monkeypatch):
    """Return the weights that models are fitted with, in order."""
    seen = []
    model = SimpleNamespace(fit=lambda _x, _y, weights: seen.append(weights))
    monkeypatch.setattr(training, "make_model", lambda *_, **__: model)
    return seen


def fit_with(data, rows, scheme):
    overrides = {"models.sample_weights": scheme, "models.half_life_sessions": 20}
    candidate = Candidate(name="any", kind="lightgbm", parameters={})
    fit(candidate, data, rows, make_settings(**overrides).models, seed=1)


def first_fold():
    data = make_data()
    window = Window(train=200, least_train=50, test=60, folds=2, embargo=5)
    fold = make_folds(data.sampled, last=395, origin=0, label_sessions=21, window=window)[0]
    return data, fold, data.training_rows(fold.train, fold.closed)


@pytest.mark.parametrize("scheme", ["time_decay", "uniqueness", "combined"])
def test_a_fold_weighs_its_own_training_rows_as_if_there_were_no_others(weights_handed_on, scheme):
    data, _, rows = first_fold()
    by_row = ("sessions", "symbols", "x", "target", "label_end", "forward")
    alone = replace(data, **{name: getattr(data, name)[rows] for name in by_row})

    fit_with(data, rows, scheme)
    fit_with(alone, np.arange(len(rows)), scheme)

    whole, part = weights_handed_on
    np.testing.assert_array_equal(whole, part)
    assert np.ptp(whole) > 0.1


def test_now_is_the_last_session_that_the_fold_learns(weights_handed_on):
    data, fold, rows = first_fold()

    fit_with(data, rows, "time_decay")

    learned = data.sessions[rows]
    decayed = session_weights(learned) * 0.5 ** ((learned.max() - learned) / 20)
    np.testing.assert_allclose(weights_handed_on[0], decayed / decayed.mean())
    assert learned.max() < fold.test[0] <= data.sessions.max()

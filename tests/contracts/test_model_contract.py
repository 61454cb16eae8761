"""What every kind of model must do. A new kind is covered by being registered."""

import pickle

import numpy as np
import pandas as pd
import pytest

from tasks.core.errors import ModelError
from tasks.models.kinds.registry import KINDS, make_model
from tests.champions import ALL_KINDS, FEATURES, fit_anew, make_fitted, make_frame, make_rows

pytestmark = pytest.mark.parametrize("kind", ALL_KINDS)


def scores_of(fitted, frame=None):
    return fitted.score(make_frame() if frame is None else frame)


def reloaded(fitted):
    model = make_model(fitted.kind, FEATURES, {}, seed=99)
    model.load(fitted.model.dump())
    return type(fitted)(fitted.kind, FEATURES, model)


def test_equal_fits_give_equal_bytes(kind):
    once, again = fit_anew(kind), fit_anew(kind)

    assert once.model.dump() == again.model.dump()


def test_a_kind_declares_whether_its_scores_depend_on_the_seed(kind):
    scores = [scores_of(fit_anew(kind, seed=seed)) for seed in (3, 4)]

    assert scores[0].equals(scores[1]) != KINDS[kind].uses_seed


def test_a_stored_model_scores_bit_for_bit_as_before(kind):
    fitted = make_fitted(kind)

    pd.testing.assert_series_equal(scores_of(reloaded(fitted)), scores_of(fitted), check_exact=True)


def test_scores_do_not_depend_on_the_other_rows(kind):
    fitted, frame = make_fitted(kind), make_frame()

    alone = scores_of(fitted, frame.iloc[[7]])

    assert alone.iloc[0] == scores_of(fitted, frame).iloc[7]


def test_fitting_changes_neither_rows_nor_target(kind):
    x, y = make_rows(), np.linspace(-0.5, 0.5, 600)
    x_before, y_before = x.copy(), y.copy()

    make_model(kind, FEATURES, {}, seed=1).fit(x, y, np.ones(len(y)))

    np.testing.assert_array_equal(x, x_before)
    np.testing.assert_array_equal(y, y_before)


def test_a_row_with_a_gap_is_scored_with_a_number(kind):
    frame = make_frame()
    frame.loc["S003"] = [0.7, 0.5, np.nan]

    assert np.isfinite(scores_of(make_fitted(kind), frame)["S003"])


def test_a_row_of_gaps_alone_is_left_out_where_scores_mean_something(kind):
    frame = make_frame()
    frame.loc["S003"] = np.nan

    scores = scores_of(make_fitted(kind), frame)

    assert ("S003" in scores.index) != KINDS[kind].ranks


def test_another_order_of_features_is_refused(kind):
    with pytest.raises(ModelError, match="in another order"):
        scores_of(make_fitted(kind), make_frame()[list(reversed(FEATURES))])


def test_a_missing_feature_is_refused_by_name(kind):
    with pytest.raises(ModelError, match="without momentum_1m"):
        scores_of(make_fitted(kind), make_frame().drop(columns="momentum_1m"))


def test_an_unknown_feature_is_refused_by_name(kind):
    with pytest.raises(ModelError, match="with unknown features moon_phase"):
        scores_of(make_fitted(kind), make_frame().assign(moon_phase=1.0))


def test_learners_order_rows_as_their_target_did(kind):
    frame = make_frame()

    scores = scores_of(make_fitted(kind), frame)

    if KINDS[kind].ranks:
        assert scores.corr(frame["distance_52w_high"], method="spearman") > 0.8
    else:
        assert scores.min() == scores.max()


def test_a_learner_says_which_features_its_scores_came_from(kind):
    fitted, rows = make_fitted(kind), make_rows(200, seed=5)

    parts = fitted.model.importance(rows)

    if KINDS[kind].learns:
        assert fitted.model.importance_by
        assert parts.shape == (len(FEATURES),)
        assert parts.min() >= 0
        assert parts.sum() == pytest.approx(1)
        assert parts[0] > 0.8  # the target was made from the first feature
        np.testing.assert_array_equal(reloaded(fitted).model.importance(rows), parts)
    else:
        assert parts is None


def test_contributions_and_the_score_without_them_sum_to_each_score(kind):
    fitted, rows = make_fitted(kind), make_rows(200, seed=5)
    rows[3, 1] = np.nan

    parts = fitted.model.contributions(rows)

    if kind in {"random_forest", "equal_weight"}:
        assert parts is None
        assert fitted.contributions(make_frame()) is None
        return
    assert parts.shape == (200, len(FEATURES) + 1)
    np.testing.assert_allclose(parts.sum(axis=1), fitted.model.predict(rows), rtol=1e-5, atol=1e-7)
    assert np.abs(parts[:, 0]).sum() > 0.8 * np.abs(parts[:, :-1]).sum()  # the target was made from it
    np.testing.assert_array_equal(reloaded(fitted).model.contributions(rows), parts)
    by_name = fitted.contributions(make_frame())
    assert tuple(by_name.columns) == FEATURES
    assert by_name.index.equals(make_frame().index)
    assert fitted.contributions(make_frame().iloc[:0]).empty


def test_bytes_are_not_a_pickle_and_carry_the_declared_suffix(kind):
    content = make_fitted(kind).model.dump()

    with pytest.raises((pickle.UnpicklingError, EOFError, ValueError, KeyError, IndexError)):
        pickle.loads(content)  # noqa: S301 - our own bytes; the point is that it fails
    assert KINDS[kind].suffix in {"cbm", "ubj", "txt", "skops", "json"}


@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 0.98])
def test_truncated_bytes_are_refused_and_do_not_end_the_process(kind, share):
    content = make_fitted(kind).model.dump()

    with pytest.raises(ModelError, match="is no"):
        make_model(kind, FEATURES, {}, seed=1).load(content[: int(share * len(content))])


def test_the_bytes_of_every_other_kind_are_refused(kind):
    for other in ALL_KINDS:
        if other != kind:
            with pytest.raises(ModelError, match="is no"):
                make_model(kind, FEATURES, {}, seed=1).load(make_fitted(other).model.dump())


def test_an_unfitted_learner_says_so(kind):
    model = make_model(kind, FEATURES, {}, seed=1)

    if KINDS[kind].learns:
        with pytest.raises(ModelError, match="has not been trained"):
            model.predict(make_rows(3))
        with pytest.raises(ModelError, match="has not been trained"):
            model.importance(make_rows(3))
        with pytest.raises(ModelError, match="has not been trained"):
            model.dump()

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tasks.models.kinds.registry import make_model
from tasks.models.training.feature_checks import check_features, correlations
from tasks.models.training.fitted import Fitted
from tests.builders import make_settings
from tests.unit.models.datasets import make_data

LIMITS = make_settings().models.feature_checks
FEW_TREES = {"rounds": 20}  # enough to rank six features; SHAP values of 100 trees take most of a test's time


def fitted_on(data, kind="lightgbm"):
    model = make_model(kind, data.features, FEW_TREES if kind == "lightgbm" else {}, seed=1)
    model.fit(data.x, data.target, np.ones(len(data.x)))
    return model


def checked(data, *, kind="lightgbm", limits=LIMITS, seed=1, rows=None):
    """Return the table, indexed by feature, of a model that learned all rows."""
    model = fitted_on(data, kind)
    looked_at = np.arange(len(data.x)) if rows is None else rows
    table = check_features(data, looked_at, Fitted(kind, data.features, model), limits, seed=seed)
    return table.set_index("feature")


def market(*, names=60, features=6, seed=0):
    return make_data(names=names, features=features, seed=seed)


def with_column(data, number, values):
    x = data.x.copy()
    x[:, number] = values
    return replace(data, x=x)


def ranks_by_session(values, data):
    return pd.Series(values).groupby(data.sessions).rank(pct=True).to_numpy()


def test_features_that_foretell_nothing_are_kept_one_by_one():
    table = checked(market())

    assert table["recommendation"].tolist() == ["keep"] * 6
    assert table["group"].tolist() == [0] * 6
    assert table["present_frac"].tolist() == [1.0] * 6


def test_importance_adds_up_to_one_and_the_feature_that_was_learned_ranks_first():
    data = market()
    data = replace(data, target=data.x[:, 2].astype(float) - 0.5)

    table = checked(data)

    assert table["importance"].sum() == pytest.approx(1)
    assert table["importance_rank"].idxmin() == "feature_2"
    assert sorted(table["importance_rank"]) == [1, 2, 3, 4, 5, 6]


def test_a_rule_has_no_importance():
    data = market()
    data = replace(data, features=("distance_52w_high", *data.features[1:]))

    table = checked(data, kind="momentum_52_week")

    assert table["importance"].isna().all()
    assert table["importance_rank"].isna().all()


def test_a_feature_that_never_varies_or_is_never_there_is_dead():
    data = with_column(with_column(market(), 1, 0.3), 4, np.nan)

    table = checked(data)

    assert table["recommendation"].tolist() == ["keep", "drop: dead", "keep", "keep", "drop: dead", "keep"]
    assert table["present_frac"].tolist() == [1, 1, 1, 1, 0, 1]


def test_variance_is_that_of_what_is_present():
    data = market()
    data = with_column(data, 0, np.where(np.arange(len(data.x)) % 2, np.nan, data.x[:, 0]))

    table = checked(data)

    assert table["variance"]["feature_0"] == pytest.approx(np.nanvar(data.x[:, 0].astype(float)))
    assert table["present_frac"]["feature_0"] == 0.5


def test_of_two_that_say_the_same_the_more_important_is_kept():
    data = market()
    data = with_column(data, 3, 1 - data.x[:, 1])
    data = replace(data, target=data.x[:, 3].astype(float) - 0.5)

    table = checked(data)

    more, less = ("feature_3", "feature_1")
    if table["importance"][less] > table["importance"][more]:
        more, less = less, more
    assert table["group"].tolist() == [0, 1, 0, 1, 0, 0]
    assert table["recommendation"][more] == "keep"
    assert table["recommendation"][less] == f"drop: duplicates {more}"


def test_the_one_that_is_more_often_there_is_kept_where_nothing_else_tells():
    data = replace(market(), features=("a", "b", "c", "distance_52w_high", "e", "f"))
    data = with_column(data, 1, np.where(np.arange(len(data.x)) % 3, data.x[:, 4], np.nan))

    table = checked(data, kind="momentum_52_week")

    assert table["recommendation"][["b", "e"]].tolist() == ["drop: duplicates e", "keep"]


def test_an_important_feature_with_gaps_is_kept_before_a_whole_double():
    data = market()
    gaps = np.arange(len(data.x)) % 3 == 0
    data = with_column(data, 1, np.where(gaps, np.nan, data.x[:, 0]))
    data = replace(data, target=np.where(gaps, 0.4, -0.4))  # that it is missing tells everything

    table = checked(data)

    assert table["importance"].idxmax() == "feature_1"
    assert table["recommendation"][["feature_0", "feature_1"]].tolist() == [
        "drop: duplicates feature_1",
        "keep",
    ]


def test_a_dead_feature_is_nobodys_double():
    data = market()

    table = checked(with_column(data, 1, 0.5 + 1e-4 * data.x[:, 0]))

    assert table["variance"]["feature_1"] > 0
    assert table["group"].tolist() == [0] * 6
    assert table["recommendation"][["feature_0", "feature_1"]].tolist() == ["keep", "drop: dead"]


def test_a_chain_is_one_group_but_only_what_a_kept_feature_says_is_called_a_double_of_it():
    data = replace(market(), features=("a", "middle", "b", "distance_52w_high", "e", "f"))
    step = 0.21 * (data.x[:, 4:6] - 0.5)
    data = with_column(data, 1, data.x[:, 0] + step[:, 0])
    data = with_column(data, 2, data.x[:, 1] + step[:, 1] + step[:, 0])
    correlation = np.abs(correlations(data.x))
    between = (max(correlation[0, 2], 0.8) + min(correlation[0, 1], correlation[1, 2])) / 2

    table = checked(
        data, kind="momentum_52_week", limits=LIMITS.model_copy(update={"max_correlation": between})
    )

    assert table["group"][["a", "middle", "b"]].tolist() == [1, 1, 1]
    assert table["recommendation"][["a", "middle", "b"]].tolist() == ["keep", "drop: duplicates a", "keep"]


@pytest.mark.parametrize("share", [1.0, 0.6, 0.3])
def test_a_planted_leak_is_found_even_under_noise(share):
    data = market(names=100)
    noise = np.random.default_rng(5).random(len(data.x))
    leak = share * ranks_by_session(data.forward, data) + (1 - share) * noise

    table = checked(with_column(data, 2, leak))

    assert table["recommendation"].tolist() == ["keep", "keep", "look: possible look-ahead", *["keep"] * 3]


def test_a_leak_with_its_sign_turned_and_with_gaps_is_found():
    data = market(names=100)
    gaps = np.random.default_rng(5).random(len(data.x)) < 0.4

    table = checked(with_column(data, 2, np.where(gaps, np.nan, -data.forward)))

    assert table["rank_ic"]["feature_2"] == pytest.approx(-1)
    assert table["recommendation"]["feature_2"] == "look: possible look-ahead"


def test_a_lucky_streak_is_not_an_accusation():
    data = market(names=100)
    follows = (
        np.arange(len(data.x)) // 100 % 8 < 5
    )  # in five sessions of eight it is the return, else its opposite

    table = checked(with_column(data, 2, np.where(follows, data.forward, -data.forward)))

    assert table["rank_ic"]["feature_2"] == pytest.approx(0.25, abs=0.01)
    assert 1 < table["rank_ic_t"]["feature_2"] < 5
    assert table["recommendation"]["feature_2"] == "keep"


def test_a_few_sessions_accuse_nobody():
    data = market(names=100)
    few = np.arange(100 * 19)

    table = checked(with_column(data, 2, data.forward), rows=few)

    assert table["rank_ic"]["feature_2"] == pytest.approx(1)
    assert table["recommendation"]["feature_2"] == "keep"


def test_only_the_rows_that_are_handed_in_are_looked_at():
    data = market()
    first = np.arange(len(data.x) // 2)
    spoiled = data.x.copy()
    spoiled[len(first) :] = 0.5

    once, again = (
        checked(data, rows=first),
        check_features(
            replace(data, x=spoiled),
            first,
            Fitted("lightgbm", data.features, fitted_on(data)),
            LIMITS,
            seed=1,
        ),
    )

    pd.testing.assert_frame_equal(once.reset_index(), again)


def test_a_sample_is_the_same_for_the_same_seed_and_another_for_another():
    data = market()
    small = LIMITS.model_copy(update={"sample_rows": 500})

    one, same, other = (checked(data, limits=small, seed=seed) for seed in (1, 1, 2))

    pd.testing.assert_frame_equal(one, same)
    assert (one["variance"] != other["variance"]).all()


def test_no_rows_at_all_are_not_a_reason_to_fail():
    data = market()

    table = check_features(
        data, np.array([], dtype=int), Fitted("lightgbm", data.features, fitted_on(data)), LIMITS, seed=1
    )

    assert table["recommendation"].tolist() == ["drop: dead"] * 6


def test_correlations_are_those_of_pandas():
    x = np.random.default_rng(3).normal(5, 1, (400, 7)).astype(np.float32)
    x[:, 1] = 1000 + x[:, 0]
    x[:, 2] = -x[:, 0] + x[:, 3]
    x[np.random.default_rng(4).random(x.shape) < 0.2] = np.nan
    x[:, 6] = 2.0

    found = correlations(x)

    expected = pd.DataFrame(x.astype(float)).corr().fillna(0).to_numpy()
    np.testing.assert_allclose(found, expected, atol=1e-6)

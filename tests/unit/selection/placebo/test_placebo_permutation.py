import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tasks.core.sessions import sessions_ending
from tasks.features.schema import FeatureMatrix
from tasks.selection.placebo.permutation import permuted, sources
from tests.builders import FRIDAY


def matrix(sessions=6, symbols=9, seed=0):
    values = np.random.default_rng(seed).random((2, sessions, symbols)).astype(np.float32)
    names = np.array([f"S{i}" for i in range(symbols)])
    return FeatureMatrix(sessions_ending(FRIDAY, sessions), names, ("one", "other"), values, "f" * 64)


@given(st.sets(st.integers(0, 19), min_size=1), st.permutations(range(20)))
def test_the_members_exchange_their_features_and_keep_to_the_order_where_they_can(members, order):
    inside, order = np.array(sorted(members)), np.array(order)

    found = sources(inside, order)

    assert sorted(found) == sorted(inside)
    follows = np.isin(order[inside], inside)
    assert (found[follows] == order[inside][follows]).all()


def test_each_session_has_the_same_features_as_before_on_other_names():
    features = matrix()
    is_member = np.random.default_rng(1).random((6, 9)) < 0.7

    found = permuted(features, is_member, seed=3)

    columns = found.values.transpose(1, 2, 0), features.values.transpose(1, 2, 0)
    for session, (after, before) in enumerate(zip(*columns, strict=True)):
        inside = is_member[session]
        assert {tuple(row) for row in after[inside]} == {tuple(row) for row in before[inside]}
        assert (after[~inside] == before[~inside]).all()
    assert (found.values != features.values).any()


def test_a_name_gets_the_features_of_the_same_name_in_every_session():
    features = matrix()

    found = permuted(features, np.ones((6, 9), dtype=bool), seed=3)

    givers = {
        tuple(np.flatnonzero(features.values[0, session] == found.values[0, session, 4]))
        for session in range(6)
    }
    assert len(givers) == 1


def test_the_features_that_are_given_are_not_changed_and_seeds_differ():
    features, is_member = matrix(), np.ones((6, 9), dtype=bool)
    before = features.values.copy()

    found = [permuted(features, is_member, seed=seed).values for seed in (1, 1, 2)]

    assert (features.values == before).all()
    assert (found[0] == found[1]).all()
    assert (found[0] != found[2]).any()

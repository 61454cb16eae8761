import numpy as np
import pandas as pd
import pytest

from tasks.portfolio.caps import cap_book, cap_exposure, cap_group, cap_pairs, cap_positions, round_down
from tasks.portfolio.explanation import limit_names
from tasks.portfolio.frame import limits_for
from tasks.portfolio.limits import Group, Limits, Pair, breaches, correlated_pairs
from tests.builders import make_settings

FIRST_TWO = np.array([True, True, False])


def make_limits(*, position=1.0, exposure=1.0, groups=(), pairs=()):
    return Limits(position, exposure, tuple(groups), tuple(pairs))


def test_excess_over_the_position_cap_stays_in_cash():
    weights = np.array([0.50, 0.30, 0.20])

    capped = cap_positions(weights, 0.25)

    assert capped.tolist() == [0.25, 0.25, 0.20]


def test_a_heavy_sector_shrinks_in_proportion_and_the_others_stay():
    weights = np.array([0.40, 0.20, 0.10])

    capped = cap_group(weights, Group("sector Technology", FIRST_TWO, 0.30))

    assert capped == pytest.approx([0.20, 0.10, 0.10])


def test_the_smaller_of_two_correlated_pairs_gives_way():
    weights = np.array([0.10, 0.12, 0.05])

    capped = cap_pairs(weights, (Pair(0, 1, 0.9),), 0.15)

    assert capped == pytest.approx([0.03, 0.12, 0.05])


def test_correlated_pairs_that_fit_into_one_position_are_left_alone():
    weights = np.array([0.06, 0.07])

    assert cap_pairs(weights, (Pair(0, 1, 0.99),), 0.15).tolist() == weights.tolist()


@pytest.mark.parametrize(("regime_limit", "exposure"), [(1.0, 0.9), (0.3, 0.3), (0.0, 0.0)])
def test_exposure_never_exceeds_what_the_regime_allows(regime_limit, exposure):
    capped = cap_exposure(np.array([0.6, 0.3]), regime_limit)

    assert capped.sum() == pytest.approx(exposure)


def test_an_empty_portfolio_stays_empty():
    cuts = cap_book(np.array([]), make_limits())

    assert cuts[-1].size == 0


def test_every_cut_is_reported_with_its_limit():
    limits = make_limits(position=0.4, exposure=0.5, groups=[Group("sector Energy", FIRST_TWO, 0.3)])

    cuts = cap_book(np.array([0.5, 0.1, 0.4]), limits)

    by_limit = dict(zip(limit_names(limits), cuts[1:-1].sum(axis=1), strict=True))
    assert by_limit["the position limit of 40%"] == pytest.approx(0.9)
    assert by_limit["the limit of 30% for sector Energy"] == pytest.approx(0.7)
    assert by_limit["the exposure limit of 50%"] == pytest.approx(0.5)


@pytest.mark.parametrize("weight", [0.15, 0.3, 0.1, 0.07, 1.0, 0.0])
def test_rounding_down_leaves_a_round_weight_as_it_is(weight):
    assert round_down(np.array([weight]))[0] == weight


def test_rounding_never_rounds_up():
    weights = np.random.default_rng(3).random(1000)

    assert (round_down(weights) <= weights + 1e-13).all()


def test_names_of_unknown_sector_count_as_one_sector():
    limits = limits_for(
        pd.DataFrame({"sector": ["Unknown", None, "Energy"], "cap_class": ["", None, ""]}),
        None,
        exposure_cap=1.0,
        settings=make_settings().portfolio,
    )

    assert breaches(np.array([0.15, 0.15, 0.0]), limits) == ()
    assert breaches(np.array([0.15, 0.15001, 0.0]), limits) == ("position", "sector Unknown")


def test_names_without_cap_data_stand_outside_the_cap_classes():
    limits = limits_for(
        pd.DataFrame({"sector": ["A", "B"], "cap_class": ["", "small"]}),
        None,
        exposure_cap=1.0,
        settings=make_settings().portfolio,
    )

    assert breaches(np.array([0.15, 0.05]), limits) == ()
    assert breaches(np.array([0.15, 0.06]), limits) == ("cap class small",)


def test_exposure_beyond_the_regime_is_a_breach():
    assert breaches(np.array([0.2, 0.2]), make_limits(exposure=0.3)) == ("exposure",)


def test_correlated_pairs_are_the_pairs_above_the_limit_and_unknown_ones_are_none():
    correlation = np.array([[1.0, 0.8, np.nan], [0.8, 1.0, 0.7], [np.nan, 0.7, 1.0]])

    assert correlated_pairs(correlation, limit=0.7) == (Pair(0, 1, 0.8),)


def test_of_two_equal_correlated_pairs_the_second_gives_way():
    capped = cap_pairs(np.array([0.10, 0.10]), (Pair(0, 1, 0.99),), 0.15)

    assert capped == pytest.approx([0.10, 0.05])


def test_correlated_pairs_come_closest_first():
    correlation = np.array([[1.0, 0.8, 0.95], [0.8, 1.0, 0.9], [0.95, 0.9, 1.0]])

    assert correlated_pairs(correlation, limit=0.7) == (Pair(0, 2, 0.95), Pair(1, 2, 0.9), Pair(0, 1, 0.8))


def test_no_regime_allows_more_than_the_whole_portfolio():
    names = pd.DataFrame({"sector": ["A"], "cap_class": [""]})

    assert limits_for(names, None, exposure_cap=1.5, settings=make_settings().portfolio).max_exposure == 1.0


def test_a_cut_for_a_pair_is_reported_as_such():
    limits = make_limits(position=0.15, pairs=[Pair(0, 1, 0.9)])

    cuts = cap_book(np.array([0.1, 0.1]), limits)

    by_limit = dict(zip(limit_names(limits), cuts[1:-1].sum(axis=1), strict=True))
    assert by_limit["the position limit of 15%"] == pytest.approx(0.2)
    assert by_limit["the limit on correlated pairs"] == pytest.approx(0.15)


def test_a_name_in_two_heavy_groups_is_cut_by_both():
    groups = [Group("sector Energy", FIRST_TWO, 0.3), Group("cap class small", ~FIRST_TWO | FIRST_TWO, 0.2)]

    cuts = cap_book(np.array([0.3, 0.2, 0.1]), make_limits(groups=groups))

    assert cuts[-1] == pytest.approx([0.09, 0.06, 0.05])

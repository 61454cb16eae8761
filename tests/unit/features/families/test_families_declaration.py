from functools import partial

from tasks.features.engine.feature import Feature
from tasks.features.engine.inputs import INPUTS
from tasks.features.families.declaration import Family
from tasks.features.registry import FAMILIES, FEATURES

feature = Family("gaps")


def gap(open_, close, *, window):
    return open_ / close - window


def test_parameters_name_the_inputs_and_what_is_bound_is_none_of_them():
    function = partial(gap, window=3)

    declared = feature("gap_3", function, 3, "open / close − 3")

    assert declared == Feature("gap_3", "gaps", function, ("open", "close"), 3, "open / close − 3", "rank", 1)


def test_inputs_that_are_given_stand_for_the_parameters():
    declared = feature("gap_3", gap, 3, "high / low − 3", "none", inputs=("high", "low"), version=2)

    assert (declared.inputs, declared.transform, declared.version) == (("high", "low"), "none", 2)


def test_every_feature_takes_inputs_that_exist():
    assert {name for declared in FEATURES for name in declared.inputs} <= set(INPUTS)


def test_a_file_holds_one_family_and_says_what_it_means():
    families = [{declared.family for declared in module.FEATURES} for module in FAMILIES]

    assert [len(names) for names in families] == [1] * len(FAMILIES)
    assert len(set.union(*families)) == len(FAMILIES)
    assert all(module.__doc__ for module in FAMILIES)

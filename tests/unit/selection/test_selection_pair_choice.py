"""Which pair of model and optimizer the selection folds select."""

from dataclasses import replace
from datetime import date

import pytest

from tasks.selection.net.statement import pairs_section, stated_pair
from tasks.selection.pair_choice import select_pair, thresholds_met
from tasks.selection.schema import PairResult, Pairs
from tests.builders import make_settings
from tests.champions import NET

SETTINGS = make_settings().selection
NAN = float("nan")


def pair(model, optimizer, score, **figures):
    return PairResult(model, optimizer, replace(NET.candidate, score=score, **figures))


def pairs(*results):
    return Pairs(date(2023, 1, 3), date(2023, 7, 5), 126, results, NET.equal_weight)


def selected(*results, settings=SETTINGS, incumbent=None):
    found = select_pair(pairs(*results), settings, incumbent=incumbent).selected
    return (found.model, found.optimizer) if found else None


def test_the_pair_with_the_largest_weighted_score_is_selected():
    assert selected(
        pair("blend", "max_sharpe", 0.4), pair("blend", "hrp", 0.55), pair("ridge", "hrp", 0.7)
    ) == ("ridge", "hrp")


def test_near_ties_go_to_the_simpler_model_then_to_the_incumbents_optimizer_then_to_the_first():
    near = [pair("blend", "max_sharpe", 0.52), pair("blend", "hrp", 0.55), pair("ridge", "hrp", 0.6)]

    assert selected(*near) == ("blend", "max_sharpe")
    assert selected(*near, incumbent=("blend", "hrp")) == ("blend", "hrp")
    assert selected(*near, incumbent=("ridge", "hrp")) == ("blend", "max_sharpe")
    assert selected(pair("blend", "max_sharpe", 0.4), *near[1:], incumbent=("blend", "max_sharpe")) == (
        "blend",
        "hrp",
    )


def test_a_pair_exactly_a_tenth_below_the_largest_score_is_still_a_near_tie():
    assert selected(pair("blend", "hrp", 0.5), pair("ridge", "hrp", 0.6)) == ("blend", "hrp")
    assert selected(pair("blend", "hrp", 0.499), pair("ridge", "hrp", 0.6)) == ("ridge", "hrp")


def test_a_pair_that_fails_an_enforced_threshold_is_selected_only_if_all_do():
    strict = SETTINGS.model_copy(update={"enforced_thresholds": ("turnover",)})
    busy = pair("blend", "max_sharpe", 0.9, turnover_month=0.41)
    calm = pair("blend", "hrp", 0.5, turnover_month=0.4)

    assert selected(busy, calm) == ("blend", "max_sharpe")
    assert selected(busy, calm, settings=strict) == ("blend", "hrp")
    assert selected(busy, settings=strict) == ("blend", "max_sharpe")  # the gates decide


def test_a_pair_that_failed_or_has_no_sharpe_ratio_is_not_selected():
    failed = PairResult("blend", "max_sharpe", None, "no solution")
    short = pair("blend", "hrp", 0.9, sharpe=NAN)

    assert selected(failed, short, pair("ridge", "hrp", 0.1)) == ("ridge", "hrp")
    assert selected(failed, short) is None


@pytest.mark.parametrize(
    ("figures", "missed"),
    [
        ({}, set()),
        ({"sharpe": 0.99}, {"sharpe"}),
        ({"max_drawdown": -0.21}, {"max_drawdown"}),
        ({"calmar": 0.49, "turnover_month": 0.41}, {"calmar", "turnover"}),
        ({"sharpe": NAN, "calmar": NAN}, {"sharpe", "calmar"}),
    ],
)
def test_the_thresholds_are_those_of_the_settings(figures, missed):
    met = thresholds_met(replace(NET.candidate, **figures), SETTINGS)

    assert {name for name, is_met in met.items() if not is_met} == missed


def test_the_sentence_of_a_near_tie_names_the_pair_with_the_largest_score():
    other = pair("blend", "hrp", 0.81)
    found = select_pair(pairs(pair("blend", "max_sharpe", 0.78), other), SETTINGS, incumbent=None)

    text = "\n".join(pairs_section(found))

    assert found.tied_with == other
    assert "(weighted score 0.78; near tie: preferred to blend with hrp)" in text
    assert "| 0.78 (selected) |" in text
    assert "| 0.81 |" in text


def test_a_pair_that_is_preferred_to_one_of_the_same_score_is_not_near_a_larger_one():
    same = pairs(pair("blend", "max_sharpe", 0.7), pair("blend", "hrp", 0.7))

    found = select_pair(same, SETTINGS, incumbent=("blend", "hrp"))

    assert (found.selected.optimizer, found.tied_with) == ("hrp", None)
    assert "near tie" not in "\n".join(pairs_section(found))


def test_the_report_has_every_pair_and_the_equal_weighted_universe():
    found = pairs(pair("blend", "max_sharpe", 0.4), PairResult("blend", "hrp", None, "no solution"))
    found = select_pair(found, SETTINGS, incumbent=None)

    text = "\n".join(pairs_section(found))

    assert (
        "Of 2 pairs of model and optimizer on the selection folds, blend with max_sharpe was selected" in text
    )
    assert "| blend | max_sharpe | none | 1.20 | −15.0% | 1.10 | 35.0% | 100.0% | 0.40 (selected) |" in text
    assert "| blend | hrp | failed: no solution |" in text
    assert "| equal weight |  |  | 0.60 | −22.0% |" in text
    assert "No optimizers were compared" in "\n".join(pairs_section(None))
    assert stated_pair(pairs(pair("blend", "hrp", 0.9, sharpe=NAN))) == ""


def test_the_report_says_by_which_method_the_decisions_of_a_pair_were_made():
    own = replace(pair("blend", "max_sharpe", 0.78), decisions=126, fallbacks={"hrp": 63})
    found = select_pair(pairs(own), SETTINGS, incumbent=None)

    text = "\n".join(pairs_section(found))

    assert "| blend | max_sharpe | hrp 63 of 126 |" in text
    assert "Most of its decisions" not in text
    mostly = replace(own, fallbacks={"hrp": 64})
    found = select_pair(pairs(mostly), SETTINGS, incumbent=None)
    assert stated_pair(found).endswith("Most of its decisions were made by another method (hrp 64 of 126).")

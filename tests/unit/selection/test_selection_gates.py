from dataclasses import replace
from math import nan

import pytest

from tasks.selection.gates import (
    gates_section,
    leak_gate,
    looks_gate,
    net_gates,
    overfitting_gate,
    placebo_gate,
    placebo_missing,
    placebo_section,
    require_gates,
    statistical_gates,
)
from tasks.selection.schema import Choice, Gate, Looks, Placebo
from tasks.selection.statistics.sequential import look_threshold
from tests.builders import make_settings
from tests.champions import DEFLATION, EVIDENCE, FRIDAY, LIMITS, NET, make_metrics, make_result

SETTINGS = make_settings().selection
STRICT = make_settings(
    **{
        "selection.enforced_thresholds": ["sharpe", "max_drawdown", "calmar", "turnover"],
        "selection.max_spa_p_value": 0.05,
        "selection.max_overfitting": 0.5,
    }
).selection
CHOSEN = Choice(make_result("lightgbm"), "It was best.")


def outcome(gates):
    return {gate.name: gate.passed for gate in gates}


def of(**figures):
    """Return the net gates of a candidate with these figures."""
    return net_gates(replace(NET, candidate=replace(NET.candidate, **figures)), STRICT)


@pytest.mark.parametrize(
    ("name", "figure", "met", "missed"),
    [
        ("Sharpe ratio after costs", "sharpe", 1.0, 0.99),
        ("largest drawdown", "max_drawdown", -0.20, -0.201),
        ("Calmar ratio", "calmar", 0.5, 0.49),
        ("monthly turnover", "turnover_month", 0.40, 0.401),
        ("Sharpe ratio above that of equal weight, after costs", "sharpe", 0.61, 0.60),
    ],
)
def test_the_thresholds_are_those_of_b5(name, figure, met, missed):
    assert outcome(of(**{figure: met}))[name]
    assert not outcome(of(**{figure: missed}))[name]
    assert not outcome(of(**{figure: nan}))[name]


def test_a_p_value_above_its_limit_fails():
    for p_value, passed in ((0.05, True), (0.051, False), (nan, False)):
        gates = net_gates(replace(NET, p_value=p_value), STRICT)
        assert outcome(gates)["p-value of that difference (SPA)"] == passed


def test_the_shipped_profile_requires_only_to_beat_equal_weight():
    gates = net_gates(replace(NET, candidate=replace(NET.candidate, sharpe=0.7, calmar=0.1)), SETTINGS)

    assert [gate.name for gate in gates if gate.required] == [
        "Sharpe ratio above that of equal weight, after costs"
    ]
    assert require_gates(CHOSEN, gates) == CHOSEN
    assert all(gate.required for gate in of())


@pytest.mark.parametrize(
    ("threshold", "gate"),
    [
        ("sharpe", "Sharpe ratio after costs"),
        ("max_drawdown", "largest drawdown"),
        ("calmar", "Calmar ratio"),
        ("turnover", "monthly turnover"),
    ],
)
def test_each_threshold_is_enforced_on_its_own(threshold, gate):
    settings = make_settings(
        **{"selection.enforced_thresholds": [threshold], "selection.must_beat_equal_weight": False}
    ).selection

    assert [each.name for each in net_gates(NET, settings) if each.required] == [gate]


def test_a_choice_that_fails_required_gates_is_stopped_and_every_one_is_named():
    gates = of(sharpe=0.5, calmar=0.1)

    stopped = require_gates(CHOSEN, gates)

    assert stopped.result is None
    assert stopped.reason.startswith("No candidate is promoted: Sharpe ratio above that of equal weight")
    assert stopped.reason.endswith(". It was best.")
    assert "Calmar ratio: 0.10 (required: ≥ 0.5)" in stopped.reason
    assert "after costs: 0.50 (required: > 0.60)" in stopped.reason
    assert "drawdown" not in stopped.reason


def test_gates_let_no_candidate_pass_that_was_not_chosen():
    nothing = Choice(None, "Nothing was found.")

    assert require_gates(nothing, of()) == nothing


# F8, fault 104
def test_fault_104_a_suspected_leak_stops_the_promotion_and_is_named():
    gate = leak_gate(["tomorrow", "next_week"], SETTINGS)

    stopped = require_gates(CHOSEN, [gate])

    assert stopped.result is None
    assert "possible look-ahead: tomorrow, next_week" in stopped.reason
    assert leak_gate([], SETTINGS).passed
    assert require_gates(CHOSEN, [replace(gate, required=False)]) == CHOSEN


def test_the_probability_of_overfitting_is_a_gate_where_it_has_a_limit():
    assert not overfitting_gate(0.9, SETTINGS).required
    assert overfitting_gate(0.5, STRICT).passed
    assert not overfitting_gate(0.51, STRICT).passed
    assert not overfitting_gate(nan, STRICT).passed  # a check that cannot run has failed


@pytest.mark.parametrize(
    ("sessions", "elapsed", "threshold"),
    [
        (504, 0, "2.00"),
        (504, 5, "2.83"),
        (504, 130, "2.92"),
        (504, 1260, "3.29"),
        (426, 130, "2.97"),
        (100, 130, "3.39"),
    ],
)
def test_the_more_looks_were_taken_and_the_fewer_sessions_each_has_the_higher_the_t_that_is_required(
    sessions, elapsed, threshold
):
    examined = make_result("lightgbm", t=2.5)
    examined = replace(examined, confirmation=examined.confirmation | {"sessions": sessions})

    gate = looks_gate(examined, Looks(FRIDAY, elapsed, is_champion=False), 2.0, SETTINGS)

    assert gate.required
    assert gate.limit == f"t ≥ {threshold}"
    assert gate.passed == (elapsed == 0)
    assert gate.name.endswith("first look")
    assert elapsed == 0 or f"{elapsed:,} sessions after" in gate.name


@pytest.mark.parametrize(("below", "passed"), [(0.0, True), (1e-9, False)])
def test_a_look_at_its_threshold_passes(below, passed):
    threshold = look_threshold(130, window=504, level=SETTINGS.max_false_promotions, least=2.0)
    examined = make_result(
        "lightgbm", confirmation=make_metrics(neutral_ic_t=threshold - below, sessions=504)
    )

    assert looks_gate(examined, Looks(FRIDAY, 130, is_champion=False), 2.0, SETTINGS).passed == passed


def test_the_champion_itself_is_not_a_new_discovery():
    gate = looks_gate(make_result("lightgbm", t=2.1), Looks(FRIDAY, 300, is_champion=True), 2.0, SETTINGS)

    assert not gate.required
    assert "in production already" in gate.value


def test_without_a_limit_on_false_promotions_looks_are_shown_only():
    free = make_settings(**{"selection.max_false_promotions": 1.0}).selection

    assert not looks_gate(make_result("l"), Looks(FRIDAY, 300, is_champion=False), 2.0, free).required


def test_a_place_among_the_placebo_runs_is_a_gate_where_it_has_a_limit():
    strict = make_settings(**{"selection.max_placebo_p_value": 0.05}).selection
    best, second = Placebo(3.0, (1.0,) * 19), Placebo(3.0, (*(1.0,) * 18, 3.1))

    assert not placebo_gate(second, SETTINGS).required
    assert placebo_gate(best, strict).passed
    assert not placebo_gate(second, strict).passed
    assert placebo_gate(second, strict).value == "0.10 of 19 runs"
    assert not placebo_missing(strict).passed


def test_a_placebo_run_as_good_as_the_candidate_counts_against_it():
    equal = Placebo(3.0, (3.0, 1.0, 1.0))

    assert equal.p_value == 0.5
    assert "exceeds 2 of 3 placebo runs" in "\n".join(placebo_section(equal))


def test_the_place_among_the_placebo_runs_is_reported():
    text = "\n".join(placebo_section(Placebo(3.0, (1.0, 3.1, -0.5))))

    assert "t = 3.00 on the confirmation folds exceeds 2 of 3 placebo runs (p-value 0.50)" in text
    assert "Their t: 3.10, 1.00, −0.50." in text
    assert placebo_section(None) == []


def test_the_statistical_tests_are_stated_with_value_and_limit():
    single = make_result("best_feature", kind="best_feature", learns=False, t=2.5)
    examined = make_result("lightgbm", t=3.0, train_test_gap=0.051)

    gates = statistical_gates(examined, [examined, single], DEFLATION, LIMITS)

    found = {gate.name: (gate.value, gate.limit, gate.passed) for gate in gates}
    assert found == {
        "neutral IC on the confirmation folds": ("0.0200, t = 3.00", "t ≥ 2", True),
        "better than the best single feature": ("t = 3.00", "t > 2.50", True),
        "gap between training and test": ("5.1 points", "≤ 5 points", False),
        "deflated Sharpe ratio": ("0.991", "≥ 0.95", True),
    }


def test_a_figure_at_its_limit_passes_but_that_of_the_best_single_feature_must_be_exceeded():
    examined = make_result("lightgbm", t=LIMITS.min_t_statistic, train_test_gap=LIMITS.max_train_test_gap)
    single = make_result("best_feature", kind="best_feature", learns=False, t=LIMITS.min_t_statistic)
    deflation = replace(DEFLATION, evidence=replace(EVIDENCE, deflated=LIMITS.min_deflated_sharpe))

    assert outcome(statistical_gates(examined, [examined, single], deflation, LIMITS)) == {
        "neutral IC on the confirmation folds": True,
        "better than the best single feature": False,
        "gap between training and test": True,
        "deflated Sharpe ratio": True,
    }


def test_a_rule_is_not_compared_with_the_best_single_feature():
    single = make_result("best_feature", kind="best_feature", learns=False)

    names = [gate.name for gate in statistical_gates(single, [single], DEFLATION, LIMITS)]

    assert "better than the best single feature" not in names


def test_a_deflated_ratio_below_its_limit_or_without_evidence_fails():
    examined = make_result("lightgbm")
    low = replace(DEFLATION, evidence=replace(EVIDENCE, deflated=0.9499))

    for deflation in (low, replace(DEFLATION, evidence=None)):
        gate = statistical_gates(examined, [examined], deflation, LIMITS)[-1]
        assert (gate.name, gate.passed) == ("deflated Sharpe ratio", False)


def test_the_section_has_a_row_for_each_gate():
    lines = gates_section(
        [
            Gate("one", "1", "≥ 2", passed=False),
            Gate("two", "3", "≥ 2", passed=True),
            Gate("three", "4", "≤ 1", passed=False, required=False),
        ],
        "lightgbm",
    )

    assert lines[0].startswith("For lightgbm")
    assert lines[-3:] == [
        "| one | 1 | ≥ 2 | **failed** |",
        "| two | 3 | ≥ 2 | passed |",
        "| three | 4 | ≤ 1 | not met (not required) |",
    ]
    assert gates_section((), None) == ["No candidate is eligible: no gate was applied."]


def test_a_leak_stops_nothing_where_the_settings_do_not_ask_for_it():
    allowed = make_settings(**{"selection.stop_on_leak": False}).selection

    assert not leak_gate(["tomorrow"], allowed).required
    assert leak_gate(["tomorrow"], SETTINGS).required


def test_without_a_limit_the_deflated_sharpe_ratio_is_not_required():
    free = replace(LIMITS, min_deflated_sharpe=0.0)
    examined = make_result("lightgbm")

    gates = {gate.name: gate for gate in statistical_gates(examined, [examined], DEFLATION, free)}
    assert not gates["deflated Sharpe ratio"].required


def test_a_week_without_a_choice_keeps_its_reason_whatever_the_gates_say():
    nobody = Choice(None, "Nobody was eligible.")

    assert require_gates(nobody, [Gate("any", "0", "1", passed=False)]) == nobody

"""Whether a day may be published: what its checks and the kill switch say together."""

import pytest

from tasks.safety.schema import Check, Checks


def check(*, passed, is_met_rule=False):
    return Check("a", passed, "", "", "", is_met_rule)


PASSED, FAILED, MET = check(passed=True), check(passed=False), check(passed=False, is_met_rule=True)


@pytest.mark.parametrize(
    ("checks", "switch", "reductions_only", "may_be_published"),
    [
        ((PASSED, PASSED), "clear", False, True),
        ((PASSED, FAILED), "clear", False, False),
        ((PASSED, MET), "clear", False, False),
        ((PASSED, PASSED), "on", False, False),  # a halt, whatever the checks say
        ((PASSED, PASSED), "on", True, True),
        ((PASSED, MET), "on", True, True),  # sales under a rule that halts new risk
        ((MET, FAILED), "on", True, False),
    ],
)
def test_a_day_is_published_if_all_passed_without_a_halt_or_sells_under_a_halt_of_new_risk(
    checks, switch, reductions_only, may_be_published
):
    assert Checks(checks, switch, reductions_only).may_be_published is may_be_published

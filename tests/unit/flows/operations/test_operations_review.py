"""The preview of a revision as the review page shows it."""

import pytest

from flows.operations.decisions.review import effect_of
from flows.operations.decisions.revision import (
    ChangedLine,
    CheckLine,
    RevisedLine,
    RevisionPreview,
)
from tasks.reporting.day.filled_book import BookFigures, Limits

BOOK = BookFigures(1000.0, 0.9, 0.2, 12.0, 0.25, 90.0, 0.02, {"Energy": 0.5})
LIMITS = Limits(50, 1.0, 40.0, 0.3, 0.025, {"Energy": 0.4})


def preview(*, checks=(), may_be_approved=True, way_out=""):
    line = RevisedLine("NEW", "BUY", 5, 10.0, 50.0, "OPEN", "")
    return RevisionPreview(
        session="2024-06-14",
        lines=(line, line),
        removed=("GONE",),
        changed=(ChangedLine("NEW", 0, 5), ChangedLine("CUT", 10, 5)),
        before=BOOK,
        after=BOOK,
        limits=LIMITS,
        checks=checks,
        may_be_approved=may_be_approved,
        way_out=way_out,
    )


def test_trades_are_counted_before_and_after():
    effect = effect_of(preview())

    assert (effect.before.trades, effect.after.trades) == (2, 2)
    assert [(one.symbol, one.before, one.after) for one in effect.resized] == [
        ("NEW", 0, 5),
        ("CUT", 10, 5),
        ("GONE", None, 0),
    ]
    assert effect.failed == ()
    assert (effect.after.var_frac, effect.limits) == (0.02, LIMITS)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("sector_limit", "Energy 31.00% of the target (limit ≤ 30.00%)"),
        ("costs", "Energy 31.00% (limit ≤ 30.00%)"),
    ],
)
def test_a_failed_limit_of_the_target_says_that_it_is_not_of_the_portfolio_after_the_trades(name, words):
    check = CheckLine(name, "Energy 31.00%", "≤ 30.00%", passed=False)

    assert effect_of(preview(checks=(check,), may_be_approved=False)).failed == ((name, words),)


def test_what_does_not_pass_is_named_and_a_halt_too():
    cash = CheckLine("cash", "\N{MINUS SIGN}$5.00 left", "≥ 0", passed=False)
    cases = CheckLine("after_limits", "1 found", "within limits", passed=False, detail="large caps 71%")

    assert effect_of(preview(checks=(cash, cases), may_be_approved=False)).failed == (
        ("cash", "\N{MINUS SIGN}$5.00 left (limit ≥ 0)"),
        ("after_limits", "large caps 71%"),
    )
    assert effect_of(preview(may_be_approved=False, way_out="undo it")).way_out == "undo it"
    assert effect_of(preview(may_be_approved=False)).failed == (("kill_switch", "it is on"),)


def test_a_check_that_states_a_figure_keeps_it_although_it_has_a_detail():
    costs = CheckLine("costs", "$50", "≤ $40", passed=False, detail="of 3 trades")

    assert effect_of(preview(checks=(costs,), may_be_approved=False)).failed == (
        ("costs", "$50 (limit ≤ $40)"),
    )

"""What is advised about a revision that may not be made."""

from flows.operations.decisions.revision import CheckLine, way_out
from flows.revision import Changes

HEAVY = CheckLine("position_limit", "6%", "≤ 5%", passed=False, detail="AAA, ZZZ")
CASH = CheckLine("cash", "-5 USD", "≥ 0", passed=False)


def test_solving_again_is_advised_once():
    assert "solve" in way_out(Changes(("AAA",)), [HEAVY])
    assert "solve" not in way_out(Changes(("AAA",), solve=True), [HEAVY])


def test_what_solving_cannot_repair_ends_with_the_changes_to_undo_or_a_rejection():
    said = "Re-optimizing the other trades does not remedy this: undo the change of {}, or reject the day."

    assert way_out(Changes(("AAA",), ("BBB",), solve=True), [HEAVY]) == said.format("AAA")
    assert way_out(Changes(("AAA",), ("BBB",), solve=True), [CASH]) == said.format("AAA or BBB")


def test_a_halt_is_looked_up_first():
    assert "`afterclose kill-switch status`" in way_out(Changes(("AAA",), solve=True), [])

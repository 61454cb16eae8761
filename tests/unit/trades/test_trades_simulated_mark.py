"""The mark of a simulated market is in the file with every trade, and is not repeated on pages."""

import pytest

from tasks.trades.simulated_mark import mark_simulated, without_mark


@pytest.mark.parametrize("note", ["rank 6 of 12 by score", ""])
def test_a_marked_reason_is_shown_without_its_mark(note: str) -> None:
    """The trades stage appends the weights to the note and begins the reason with a capital."""
    marked = f"{mark_simulated(note)}; target weight from 2% to 3%."

    assert marked.startswith("Simulated market; ")
    assert without_mark(marked) == (
        "Rank 6 of 12 by score; target weight from 2% to 3%." if note else "Target weight from 2% to 3%."
    )


def test_a_reason_without_the_mark_is_unchanged() -> None:
    assert without_mark("exit") == "exit"

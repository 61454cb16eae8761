import numpy as np

from tasks.regime.rules import BULL, CRASH
from tests.documentation.regime_record import rewrite, sharpe_difference_band, transitions


def test_the_interval_of_a_difference_contains_zero_for_equal_returns_and_excludes_it_for_clearly_better_ones():
    plain = np.random.default_rng(2).normal(0.0003, 0.01, 1000)

    assert sharpe_difference_band(plain, plain) == (0.0, 0.0)
    assert sharpe_difference_band(plain, plain + 0.002)[0] > 0


def test_the_transition_matrix_counts_which_state_followed_which():
    table = transitions(np.array([BULL, BULL, CRASH, BULL]))

    assert "| BULL | 3 | 1 | 0 | 0 | 1 |" in table
    assert "| CRASH | 1 | 0 | 0 | 0 | 1 |" in table


def test_only_the_tables_between_the_markers_are_rewritten():
    page = (
        "a <!-- choice: begin --> old <!-- choice: end --> b <!-- record: begin --> keep <!-- record: end -->"
    )

    changed = rewrite(page, "choice", "new")

    assert "old" not in changed
    assert "new" in changed
    assert changed.endswith("<!-- record: begin --> keep <!-- record: end -->")

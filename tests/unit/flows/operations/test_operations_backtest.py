"""What the command `backtest` prints about decisions that the optimizer did not make."""

import pytest

from flows.operations.research.backtest import _fallbacks
from flows.operations.research.matrix import _result


@pytest.mark.parametrize(
    ("methods", "said"),
    [
        ({"max_sharpe": 900, "cash": 20}, ""),  # what the regime sells is not a fallback
        (
            {"max_sharpe": 899, "hrp": 1_200, "hold": 1, "cash": 20},
            "1,201 of 2,120 decisions without max_sharpe (hrp 1,200, hold 1)",
        ),
    ],
)
def test_the_decisions_of_fallback_methods_are_counted_by_method(methods, said):
    assert _fallbacks(methods, "max_sharpe") == said


@pytest.mark.parametrize(("fallbacks", "is_said"), [(0, False), (1_234, True)])
def test_a_matrix_counts_them_over_all_combinations(tmp_path, fallbacks, is_said):
    terms = {"first": "2020-01-02", "last": "2020-12-31"}
    matrix = {"failed": [], "combinations": ["a", "b"], "terms": terms, "best": []}

    result = _result(
        {"matrix": matrix | {"fallbacks": fallbacks, "decisions": 5_000}}, tmp_path / "id", kept=0
    )

    line = "A fallback method set the weights of 1,234 of 5,000 decisions"
    assert (line in result.text) == is_said
    assert result.document["fallbacks"] == fallbacks

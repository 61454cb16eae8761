"""What the command `backtest` prints about decisions that the optimizer did not make."""

import pytest

from flows.operations.research.backtest import _default_model, _fallbacks
from flows.operations.research.matrix import _result
from tasks.core.homes.home import Home
from tasks.models.registry.store import read_champion
from tests.champions import put_into_production
from tests.homes import blank


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


def test_a_backtest_without_a_model_says_which_it_uses_and_which_is_the_champion(tmp_path):
    home = Home(blank(tmp_path))
    why = "Without --model, the first of models.candidates is used: rank_blend."

    assert _default_model(home, "rank_blend") == why
    put_into_production(home)
    champion = read_champion(home).name
    assert _default_model(home, "rank_blend") == f"{why} The champion is {champion}."
    assert _default_model(home, champion).endswith(f"is used: {champion}. It is the champion.")
    (home.production / "champion_metadata.json").write_text("{")
    assert _default_model(home, "rank_blend") == f"{why} The champion cannot be read."

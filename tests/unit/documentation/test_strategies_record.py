import pandas as pd

from tests.documentation.strategies_record import FIGURES, MARKER, PAGE, intervals, table

COLUMNS = (
    "value",
    "low",
    "high",
    "equal_weight",
    "benchmark",
    "above_equal_weight_low",
    "above_equal_weight_high",
)


def figures(sharpe, cagr):
    values = {"sharpe": sharpe, "cagr": cagr, "max_drawdown": -0.5, "calmar": 0.2, "turnover": 3.0}
    frame = pd.DataFrame({name: pd.Series(values) for name in COLUMNS})
    frame.loc["turnover", "benchmark"] = float("nan")
    return frame


def test_each_rule_is_shown_without_and_with_the_regime_and_its_change():
    shown = table(
        {
            ("momentum_52_week", False): figures(0.9, 0.12),
            ("momentum_52_week", True): figures(0.7, 0.08),
            ("equal_weight", False): figures(0.9, 0.09),
            ("equal_weight", True): figures(0.9, 0.10),
        }
    )

    rows = [line.strip("| ").split(" | ") for line in shown.splitlines()]
    assert rows[2][1:] == ["0.90", "12.0%", "−50.0%", "0.20", "3.00", "yes"]
    assert rows[3][-1] == "no"
    assert rows[4][1:3] == ["−0.20", "−4.0 points"]
    assert [row[-1] for row in rows[5:7]] == ["no", "yes"]
    assert rows[-1][len(FIGURES)] == "–"


def test_the_intervals_are_those_of_the_sharpe_ratio():
    some = figures(-0.25, 0.0)
    of_all = {(rule, on): some for rule in ("momentum_52_week", "equal_weight") for on in (False, True)}

    assert intervals(of_all).splitlines()[2].endswith("| −0.25 to −0.25 | −0.25 to −0.25 |")


def test_the_page_has_the_place_of_the_tables():
    page = PAGE.read_text()

    assert page.count(f"<!-- {MARKER}: begin -->") == page.count(f"<!-- {MARKER}: end -->") == 1

from datetime import date

import pandas as pd
import pytest

from tasks.data.gates.reconcile import reconcile
from tests.deliveries import make_bars

MONDAY = date(2024, 6, 10)


def closes(*values: float) -> list[pd.DataFrame]:
    """Return one bar a source, among others in which all agree."""
    alike = [(name, MONDAY, 20.0) for name in ("B", "C", "D")]
    return [make_bars(("A", MONDAY, value), *alike) for value in values]


def check(ours: float, *theirs: float):
    bars, *others = closes(ours, *theirs)
    return reconcile(bars, dict(zip(("two", "three", "four"), others, strict=False)), ours="one")


@pytest.mark.parametrize("theirs", [(100.9,), (99.1, 120.0), (150.0, 100.0)])
def test_a_bar_that_another_source_has_within_one_percent_is_confirmed(theirs):
    result = check(100.0, *theirs)

    assert result.findings.empty
    assert result.bars["close"].tolist() == [100.0, 20.0, 20.0, 20.0]
    assert len(result.confirmed) == 4


def test_two_sources_that_differ_are_reported_and_ours_is_stored():
    result = check(100.0, 101.1)

    (finding,) = result.findings.itertuples()
    assert (finding.rule, finding.severity) == ("sources_differ", "quarantine")
    assert finding.evidence == "close one 100, two 101.1"
    assert result.bars["close"].tolist() == [100.0, 20.0, 20.0, 20.0]
    assert result.confirmed.get_level_values("symbol").tolist() == ["B", "C", "D"]


@pytest.mark.parametrize(("theirs", "median"), [((110.0, 130.0), 110.0), ((110.0, 110.5), 110.0)])
def test_of_three_sources_of_which_none_agrees_with_ours_the_median_is_stored(theirs, median):
    result = check(100.0, *theirs)

    assert result.bars[["open", "high", "low", "close"]].to_numpy()[0].tolist() == [median] * 4
    assert "median" in result.findings["action"].iloc[0]


def test_a_high_that_differs_is_named_in_the_evidence():
    alike = ("B", MONDAY, 20.0)
    ours = make_bars(("A", MONDAY, 100, 150, 99, 101, 1000), alike)
    theirs = make_bars(("A", MONDAY, 100, 102, 99, 101, 1000), alike)

    findings = reconcile(ours, {"two": theirs}, ours="one").findings

    assert findings["evidence"].tolist() == ["high one 150, two 102"]


def test_a_bar_that_no_other_source_has_is_unchanged():
    bars = make_bars(("A", MONDAY, 100.0), ("B", MONDAY, 50.0))

    result = reconcile(bars, {"two": make_bars(("A", MONDAY, 100.0))}, ours="one")

    assert result.findings.empty
    assert result.confirmed.tolist() == [("A", pd.Timestamp(MONDAY))]


def test_a_source_with_another_convention_is_ignored_and_reported():
    bars = make_bars(*((f"S{i}", MONDAY, 50.0) for i in range(10)))
    undone = bars.assign(**{name: bars[name] / 2 for name in ("open", "high", "low", "close")})

    result = reconcile(bars, {"two": undone, "three": bars}, ours="one")

    assert result.findings.empty
    assert result.ignored == ("two uses a different convention from one: 10 of 10 bars differ",)
    assert len(result.confirmed) == 10

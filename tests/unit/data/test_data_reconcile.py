from dataclasses import replace
from datetime import date

import pandas as pd
import pytest

from tasks.core.errors import TransientError
from tasks.data import task
from tasks.data.reconcile import reconcile
from tests.builders import FRIDAY
from tests.deliveries import Served, days_of, make_bars, make_delivery, refresh, scaled

MONDAY = date(2024, 6, 10)


def closes(*values: float) -> list[pd.DataFrame]:
    """Return one bar a source, among others in which all agree."""
    alike = [(name, MONDAY, 20.0) for name in ("B", "C", "D")]
    return [make_bars(("A", MONDAY, value), *alike) for value in values]


def judge(ours: float, *theirs: float):
    bars, *others = closes(ours, *theirs)
    return reconcile(bars, dict(zip(("two", "three", "four"), others, strict=False)), ours="one")


@pytest.mark.parametrize("theirs", [(100.9,), (99.1, 120.0), (150.0, 100.0)])
def test_a_bar_that_another_source_has_within_one_percent_is_confirmed(theirs):
    result = judge(100.0, *theirs)

    assert result.findings.empty
    assert result.bars["close"].tolist() == [100.0, 20.0, 20.0, 20.0]
    assert len(result.confirmed) == 4


def test_two_sources_that_differ_are_told_and_ours_is_stored():
    result = judge(100.0, 101.1)

    (finding,) = result.findings.itertuples()
    assert (finding.rule, finding.severity) == ("sources_differ", "quarantine")
    assert finding.evidence == "close one 100, two 101.1"
    assert result.bars["close"].tolist() == [100.0, 20.0, 20.0, 20.0]
    assert result.confirmed.get_level_values("symbol").tolist() == ["B", "C", "D"]


@pytest.mark.parametrize(("theirs", "median"), [((110.0, 130.0), 110.0), ((110.0, 110.5), 110.0)])
def test_of_three_sources_of_which_none_agrees_with_ours_the_median_is_stored(theirs, median):
    result = judge(100.0, *theirs)

    assert result.bars[["open", "high", "low", "close"]].to_numpy()[0].tolist() == [median] * 4
    assert "median" in result.findings["action"].iloc[0]


def test_a_high_that_differs_is_told_as_such():
    alike = ("B", MONDAY, 20.0)
    ours = make_bars(("A", MONDAY, 100, 150, 99, 101, 1000), alike)
    theirs = make_bars(("A", MONDAY, 100, 102, 99, 101, 1000), alike)

    findings = reconcile(ours, {"two": theirs}, ours="one").findings

    assert findings["evidence"].tolist() == ["high one 150, two 102"]


def test_a_bar_that_nobody_else_has_is_left_as_it_is():
    bars = make_bars(("A", MONDAY, 100.0), ("B", MONDAY, 50.0))

    result = reconcile(bars, {"two": make_bars(("A", MONDAY, 100.0))}, ours="one")

    assert result.findings.empty
    assert result.confirmed.tolist() == [("A", pd.Timestamp(MONDAY))]


def test_a_source_that_counts_otherwise_is_left_out_and_told():
    bars = make_bars(*((f"S{i}", MONDAY, 50.0) for i in range(10)))
    undone = bars.assign(**{name: bars[name] / 2 for name in ("open", "high", "low", "close")})

    result = reconcile(bars, {"two": undone, "three": bars}, ours="one")

    assert result.findings.empty
    assert result.ignored == ("two counts otherwise than one: 10 of 10 bars differ",)
    assert len(result.confirmed) == 10


def compared(patch, home, ours, *theirs):
    patch.setattr(task, "make_second_opinions", lambda _run: theirs)
    return refresh(patch, home, ours)


class Second(Served):
    name = "second"


class Down(Served):
    name = "down"

    def fetch(self, **_):
        raise TransientError("down answers nothing.", remedy="Wait.")


def test_a_session_is_compared_with_a_second_source(tmp_path, monkeypatch):
    base = make_delivery(symbols=30)

    market = compared(monkeypatch, tmp_path, scaled(base, "S03", FRIDAY, 1.04), Second(base))

    assert [(one.symbol, one.rule) for one in market.findings] == [("S03", "sources_differ")]
    assert market.quarantined == ("S03",)


def test_a_great_move_that_a_second_source_has_too_is_believed(tmp_path, monkeypatch):
    base = make_delivery(symbols=30)
    moved = scaled(base, "S03", days_of(base)[-1], 1.4)

    alone = refresh(monkeypatch, tmp_path / "alone", moved)
    together = compared(monkeypatch, tmp_path / "together", moved, Second(moved))

    assert alone.quarantined == ("S03",)
    assert together.quarantined == ()
    assert [one.rule for one in together.findings] == ["large_move"]
    assert "another source has it too" in together.findings[0].evidence


def test_a_second_source_that_fails_is_told_and_the_day_goes_on(tmp_path, monkeypatch):
    base = make_delivery(symbols=30)

    market = compared(monkeypatch, tmp_path, base, Down(replace(base)))

    assert market.new_bars == 30
    assert any("down" in reason for reason in market.fall_throughs)

"""A refresh compares its bars with those of other sources."""

from dataclasses import replace

from tasks.core.errors import TransientError
from tasks.data.intake import second_opinions
from tasks.data.providers.cascade import Cascade
from tests.builders import FRIDAY
from tests.deliveries import Served, days_of, make_delivery, refresh, scaled


def compared(patch, home, ours, *theirs):
    patch.setattr(second_opinions, "make_second_opinions", lambda _run: theirs)
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
    assert "another source confirms it" in together.findings[0].evidence


def test_a_source_is_not_compared_with_bars_that_it_delivered_itself(tmp_path, monkeypatch):
    base = make_delivery(symbols=30)
    first, fallback = Down(base), Second(scaled(base, "S03", FRIDAY, 10.0))
    first.name = "simulated"

    market = compared(
        monkeypatch, tmp_path, Cascade([first, fallback], levels=[]), Second(fallback.everything)
    )

    assert [(one.symbol, one.rule) for one in market.findings] == [("S03", "unit_error")]
    assert "bars could not be compared with second: it delivered them." in market.failovers


def test_a_second_source_that_fails_is_reported_and_the_day_continues(tmp_path, monkeypatch):
    base = make_delivery(symbols=30)

    market = compared(monkeypatch, tmp_path, base, Down(replace(base)))

    assert market.new_bars == 30
    assert any("down" in reason for reason in market.failovers)

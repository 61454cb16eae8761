"""The chart of one name: small, with its content in words, and harmless whatever the name is called."""

from xml.etree import ElementTree as ET

import numpy as np

from tasks.core.sessions import sessions_ending
from tasks.reporting.day.name_histories import NameHistory
from tasks.reporting.page.charts.name_chart import name_chart
from tests.builders import FRIDAY

SESSIONS = sessions_ending(FRIDAY, 253)
CLOSE = np.linspace(50.0, 100.0, 253)


def drawn(symbol="ABC", **changed):
    return name_chart(symbol, NameHistory(**{"sessions": SESSIONS, "close": CLOSE, **changed}), key="name-1")


def parts(svg, name):
    return [one for one in ET.fromstring(svg) if one.get("class") == name]  # noqa: S314 - our own


def test_the_title_says_what_the_chart_shows():
    week = tuple(SESSIONS[-5:].tolist())
    svg = drawn(held=week, percentiles={week[-1]: 0.96})
    title = ET.fromstring(svg)[0].text  # noqa: S314 - our own

    assert title == (
        "ABC: $100.00, +100.0% since 14 June 2023. Held on 5 published sessions, first on 10 June 2024."
        " Score better than 96% of names on 14 June 2024."
    )
    assert len(parts(svg, "held")) == 1
    assert len(parts(svg, "score")) == 1


def test_interrupted_holdings_are_two_shades_and_gaps_are_bridged():
    close = CLOSE.copy()
    close[100:110] = np.nan
    svg = drawn(close=close, held=(SESSIONS[10].item(), SESSIONS[20].item()))

    assert len(parts(svg, "held")) == 2
    assert "nan" not in svg


def test_a_chart_is_small_and_one_without_two_closes_is_none():
    assert len(drawn()) < 3_000
    assert drawn(close=np.full(253, np.nan)) is None
    assert drawn(close=np.full(253, 7.0)) is not None  # a price that does not move


def test_a_hostile_symbol_is_text():
    svg = drawn("<script>alert(1)</script>\u202e")

    assert "<script" not in svg
    assert "\u202e" not in svg

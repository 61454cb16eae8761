import re

import numpy as np
import pytest

from tasks.core.sessions import sessions_ending
from tasks.reporting.page.charts.canvas import Line, runs
from tasks.reporting.page.charts.drawings import (
    cone_chart,
    drawdown_chart,
    lines_chart,
    losses_chart,
    regime_chart,
    scores_chart,
)
from tasks.reporting.page.charts.figures import (
    MOST_POINTS,
    StateChange,
    drawdown_figure,
    state_changes,
    stretch_ends,
)
from tasks.reporting.page.performance import Performance
from tests.builders import FRIDAY
from tests.unit.reporting.reading import figure

SESSIONS = sessions_ending(FRIDAY, 60)
LEVEL = np.linspace(100, 120, 60)


def words_in(svg):
    return re.findall(r"<text[^>]*>([^<]*)</text>", svg)


@pytest.mark.parametrize(
    ("draw", "inputs"),
    [
        (regime_chart, (SESSIONS, ["BULL"] * 60, LEVEL)),
        (drawdown_chart, (SESSIONS, LEVEL / 120 - 1)),
        (lines_chart, ("lines", "Lines", SESSIONS, [Line("one", LEVEL, "accent", (3.0, 2.0))])),
        (scores_chart, (LEVEL, LEVEL[:9])),
        (losses_chart, (LEVEL / 120 - 1, 0.1, 0.15)),
        (cone_chart, (SESSIONS, [Line("one", LEVEL, "ink")], [LEVEL - 2, LEVEL - 1, LEVEL, LEVEL + 1], [20])),
    ],
)
def test_equal_inputs_draw_equal_charts(draw, inputs):
    first, second = (draw(*inputs, "words") for _ in range(2))

    assert first == second


def test_a_hostile_description_is_escaped():
    sessions = sessions_ending(FRIDAY, 3)

    chart = drawdown_chart(sessions, np.array([0.0, -0.01, 0.0]), "<script>x</script>")

    assert "<script>" not in chart.wide
    assert "&lt;script&gt;" in chart.wide


def test_stretches_of_one_state_are_found():
    assert runs(["BULL", "BULL", "BEAR", "BULL"]) == [(0, 1, "BULL"), (2, 2, "BEAR"), (3, 3, "BULL")]


def test_a_market_without_any_level_still_has_its_ribbon():
    chart = regime_chart(sessions_ending(FRIDAY, 30), ["BEAR"] * 30, np.full(30, np.nan), "words")

    assert "var(--bear)" in chart.wide


@pytest.mark.parametrize("spread", [0.001, 0.4, 30.0])
def test_marks_up_the_side_are_distinguished(spread):
    sessions = sessions_ending(FRIDAY, 5)
    values = 100 + spread * np.array([0.0, 0.4, 0.2, 0.9, 1.0])

    chart = lines_chart("k", "t", sessions, [Line("Portfolio", values, "accent")], "d")
    marks = [word for word in words_in(chart.wide) if re.fullmatch(r"[\d,.]+", word)]

    assert len(marks) >= 2
    assert len(marks) == len(set(marks))


def test_lines_that_end_together_keep_their_names_apart():
    sessions = sessions_ending(FRIDAY, 5)
    values = np.linspace(100, 101, 5)

    chart = lines_chart(
        "k", "t", sessions, [Line("Portfolio", values, "accent"), Line("Benchmark", values, "muted")], "d"
    )
    heights = [float(y) for y in re.findall(r'y="([\d.]+)"[^>]*>\s?(?:Book|Benchmark)<', chart.wide)]

    assert {word.strip() for word in words_in(chart.wide)} >= {"Portfolio", "Benchmark"}
    assert len(heights) != 2 or abs(heights[0] - heights[1]) > 10


def test_a_lone_chosen_score_is_drawn():
    chart = scores_chart(np.array([0.1, 0.2, 0.9]), np.array([0.9]), "words")

    assert "var(--accent)" in chart.narrow


def test_the_settings_of_a_machine_do_not_change_a_chart():
    import matplotlib as mpl

    sessions, level = sessions_ending(FRIDAY, 30), np.linspace(100, 120, 30)
    plain = regime_chart(sessions, ["BULL"] * 30, level, "words")

    with mpl.rc_context(
        {"font.size": 30, "lines.linewidth": 9, "svg.fonttype": "path", "savefig.pad_inches": 3}
    ):
        assert regime_chart(sessions, ["BULL"] * 30, level, "words") == plain


@pytest.mark.parametrize("count", [1, 2, 500, 501, 5_000])
def test_a_long_history_is_thinned_to_its_first_its_last_and_even_places_between(count):
    ends = stretch_ends(count)

    assert len(ends) == min(count, MOST_POINTS)
    assert ends[0] == 0
    assert ends[-1] == count - 1


def test_a_long_drawdown_keeps_its_deepest_point():
    sessions = sessions_ending(FRIDAY, 2_000)
    drawdown = np.zeros(2_000)
    drawdown[777] = -0.5
    book = Performance(sessions, drawdown + 100, None, drawdown, 0.0, 0.0, 0.0, 0.0, 0.0, -0.5, 0.0)

    marks = [figure(word) for word in words_in(drawdown_figure(book).chart.wide) if word.endswith("%")]
    assert min(marks) < -0.4


@pytest.mark.parametrize(("count", "label"), [(5, "14 Jun"), (252, "Jan 2024"), (1_500, "2020")])
def test_the_axis_of_time_is_marked_by_days_months_or_years(count, label):
    chart = drawdown_chart(sessions_ending(FRIDAY, count), np.zeros(count), "words")

    assert label in words_in(chart.wide)


def test_every_year_is_named_on_the_axis_also_where_no_january_is_marked():
    chart = drawdown_chart(sessions_ending(FRIDAY, 489), np.zeros(489), "words")  # from July 2022

    marks = [word for word in words_in(chart.wide) if word[:3] in ("Aug", "Dec", "Apr")]
    assert marks == ["Aug", "Dec", "Apr 2023", "Aug", "Dec", "Apr 2024"]


def test_the_changes_between_states_are_counted():
    states = ["BULL", "BULL", "NEUTRAL", "BULL", "NEUTRAL", "BEAR"]

    assert state_changes(states) == (
        StateChange("BULL", "NEUTRAL", 2),
        StateChange("NEUTRAL", "BULL", 1),
        StateChange("NEUTRAL", "BEAR", 1),
    )
    assert state_changes(["BULL", "BULL"]) == ()

"""The book's past against oracles: return from equity, drawdown from what was known by then, benchmark chained."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.reporting.day.cells import fixed
from tasks.reporting.day.history import parse_history, render_history, with_row
from tasks.reporting.page.charts.figures import performance_figure
from tasks.reporting.page.performance import Performance, performance
from tasks.reporting.page.sections.account.returns import periods, rows_with

MONDAY = date(2024, 6, 3)
LEVELS = st.lists(st.integers(50, 200).map(float), min_size=2, max_size=8)
EXAMPLES = settings(max_examples=25, deadline=None)


def history_of(equity, benchmark, order=None) -> pd.DataFrame:
    """Write a row for each day in the given order, each with its returns since the row before it at that time."""
    history = parse_history(None, path="h")
    for day in range(len(equity)) if order is None else order:
        session = MONDAY + timedelta(days=day)
        earlier = [int((date.fromisoformat(d) - MONDAY).days) for d in history["date"]]
        before = max((other for other in earlier if other < day), default=None)
        row = {
            "date": session.isoformat(),
            "equity": fixed(equity[day], 2),
            "daily_return": fixed(0.0 if before is None else equity[day] / equity[before] - 1, 8),
            "benchmark_return": fixed(0.0 if before is None else benchmark[day] / benchmark[before] - 1, 8),
            "cost": "1.50",
        }
        history = with_row(history, row)
    return parse_history(render_history(history), path="h")


def measure(history: pd.DataFrame) -> Performance:
    return performance(history.iloc[:-1], history.iloc[-1].to_dict())


def test_returns_compound():
    measured = measure(history_of([100.0, 110.0, 121.0], [50.0, 55.0, 44.0]))

    assert measured.book == pytest.approx([100, 110, 121])
    assert measured.total_return == pytest.approx(0.21)
    assert measured.benchmark == pytest.approx([100, 110, 88])
    assert measured.total_benchmark == pytest.approx(-0.12)
    assert measured.day_return == pytest.approx(0.10)
    assert measured.day_benchmark == pytest.approx(-0.20)
    assert measured.cost_usd == 4.5


def test_a_first_day_has_no_past():
    measured = measure(history_of([100.0], [50.0]))

    assert not measured.has_past
    assert measured.total_return == measured.max_drawdown == measured.day_return == 0
    assert measured.benchmark is None


def test_a_drawdown_is_measured_from_the_highest_close_until_then_and_not_from_a_later_one():
    measured = measure(history_of([100.0, 90.0, 99.0, 150.0], [50.0] * 4))

    assert measured.drawdown == pytest.approx([0, -0.10, -0.01, 0])
    assert measured.max_drawdown == pytest.approx(-0.10)


# issue 10, line 7
def test_a_session_that_comes_in_between_is_not_counted_twice():
    equity, benchmark = [100.0, 120.0, 132.0], [50.0, 60.0, 66.0]

    measured = measure(history_of(equity, benchmark, order=[0, 2, 1]))

    assert measured.total_return == pytest.approx(0.32)
    assert measured.total_benchmark == pytest.approx(0.32, abs=1e-7)


# issue 10, line 7
@given(st.lists(st.tuples(st.floats(50, 200), st.floats(50, 200)), min_size=2, max_size=9), st.randoms())
@EXAMPLES
def test_the_past_does_not_depend_on_the_order_in_which_sessions_were_run(levels, random):
    equity, benchmark = ([round(one, 2) for one in each] for each in zip(*levels, strict=True))
    later = list(range(1, len(equity)))
    random.shuffle(later)

    measured = measure(history_of(equity, benchmark, [0, *later]))

    assert measured.book == pytest.approx(100 * np.array(equity) / equity[0], rel=1e-9)
    assert measured.total_return == pytest.approx(equity[-1] / equity[0] - 1)
    assert measured.total_benchmark == pytest.approx(benchmark[-1] / benchmark[0] - 1, abs=1e-6)


# issue 10, line 7
def test_a_new_first_session_leaves_the_benchmark_since_it_unknown():
    measured = measure(history_of([100.0, 120.0, 132.0], [50.0, 60.0, 66.0], order=[1, 2, 0]))

    assert measured.total_return == pytest.approx(0.32)
    assert np.isnan(measured.total_benchmark)


@given(LEVELS)
@EXAMPLES
def test_a_drawdown_at_a_session_is_the_same_whatever_comes_after_it(levels):
    rows = history_of(levels, levels)
    whole = measure(rows)
    for count in range(2, len(levels)):
        until_then = measure(rows.iloc[:count])

        assert until_then.drawdown.tolist() == whole.drawdown[:count].tolist()
        assert until_then.max_drawdown >= whole.max_drawdown


@given(LEVELS)
@EXAMPLES
def test_the_deepest_drawdown_is_the_worst_loss_between_any_two_sessions(levels):
    worst = min(later / earlier - 1 for i, earlier in enumerate(levels) for later in levels[i:])

    assert measure(history_of(levels, levels)).max_drawdown == pytest.approx(worst, abs=1e-12)


def test_a_benchmark_that_is_never_known_is_not_drawn():
    history = history_of([100.0, 110.0], [50.0, 55.0]).assign(benchmark_return="")

    measured = measure(history)

    assert measured.benchmark is None
    assert np.isnan(measured.total_benchmark)


def test_the_second_day_is_compared_with_the_first():
    measured = measure(history_of([100.0, 90.0], [50.0, 55.0]))

    assert measured.has_past
    assert measured.last_before == MONDAY
    assert (measured.day_return, measured.day_benchmark) == pytest.approx((-0.10, 0.10))
    assert measured.total_benchmark == pytest.approx(0.10)
    assert measured.sessions.tolist() == [MONDAY, MONDAY + timedelta(days=1)]


def test_a_benchmark_return_that_is_missing_once_leaves_the_level_unknown_from_then_on():
    history = history_of([100.0, 110.0, 121.0, 121.0], [50.0, 55.0, 44.0, 55.0])
    history.loc[2, "benchmark_return"] = ""

    measured = measure(history)

    assert measured.benchmark == pytest.approx([100, 110, np.nan, np.nan], nan_ok=True)
    assert np.isnan(measured.total_benchmark)
    assert measured.day_benchmark == pytest.approx(0.25)
    assert measured.benchmark_words == "known only until 2024-06-04"


def test_the_page_states_one_return_of_a_benchmark_with_a_missing_row():
    """The table of periods, the cone and the chart compare the portfolio with the same benchmark, or with none."""
    history = history_of([100.0, 110.0, 121.0], [50.0, 55.0, 44.0])
    history.loc[1, "benchmark_return"] = ""
    rows = rows_with(history.iloc[:-1], history.iloc[-1].to_dict())

    measured = measure(history)

    table = {one.key: one.benchmark for one in periods(rows)}
    assert np.isnan([table["start"], measured.total_benchmark]).all()
    assert table["day"] == pytest.approx(measured.day_benchmark)


def test_a_benchmark_that_is_known_at_first_is_drawn_until_then():
    history = history_of([100.0, 110.0, 121.0, 121.0], [50.0, 55.0, 44.0, 55.0])
    history.loc[2, "benchmark_return"] = ""

    figure = performance_figure(measure(history))

    assert "the benchmark: known only until 2024-06-04" in figure.caption


def test_a_first_day_has_no_benchmark_to_compare_with():
    measured = measure(history_of([100.0], [50.0]))

    assert np.isnan([measured.day_benchmark, measured.total_benchmark]).all()


def test_the_days_flow_is_the_change_of_the_net_flows_and_nothing_on_a_first_day():
    history = history_of([100.0, 110.0, 121.0], [50.0] * 3).assign(net_flows=["100.00", "300.50", "250.25"])

    assert measure(history).day_flow_usd == -50.25
    assert measure(history.iloc[:2]).day_flow_usd == 200.5
    assert measure(history.iloc[:1]).day_flow_usd == 0


def test_the_first_flow_of_a_home_without_a_ledger_so_far_is_the_flow_of_its_day():
    history = history_of([100.0, 110.0, 121.0], [50.0] * 3)
    row = history.iloc[-1].to_dict() | {"net_flows": "250.25", "receivable": "0.00"}

    assert performance(history.iloc[:-1], row).day_flow_usd == 250.25

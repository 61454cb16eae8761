"""Charts of a tear sheet: what is drawn and what its words say."""

import re

import numpy as np
import pandas as pd
import pytest

from tasks.reporting.page.charts.canvas import Line
from tasks.reporting.page.numerals import usd
from tasks.reporting.tearsheet import figures
from tasks.reporting.tearsheet.charts import level_marks, periods_chart, underwater_chart
from tests.unit.reporting.tearsheet.sheets import make_sheet


@pytest.fixture(scope="module")
def sheet():
    return make_sheet()


def words_in(svg):
    return [word.strip() for word in re.findall(r"<text[^>]*>([^<]*)</text>", svg)]


def days(first, last):
    return np.arange(first, last, dtype="datetime64[D]")


def test_the_attribution_names_every_part_and_their_sum(sheet):
    figure = figures.attribution_figure(sheet)

    change = sheet.curve.equity_usd[-1] - sheet.curve.equity_usd[0]
    assert f"They sum to the change in equity, {usd(change)}" in figure.caption
    assert {"Market", "Timing", "Cost", "Change"} <= set(words_in(figure.chart.wide))


def test_turnover_and_costs_by_month_sum_to_those_of_the_curve(sheet):
    turnover, costs = figures.turnover_figure(sheet), figures.costs_figure(sheet)

    groups, _ = figures.period_groups(sheet.curve.sessions[1:])
    monthly = np.bincount(groups, weights=sheet.curve.turnover)
    assert f"Median month {np.median(monthly):.1%}" in turnover.caption
    assert "In total $1,200" in costs.caption  # 2 dollars in each of 600 sessions


def test_periods_are_months_or_quarters_and_begin_with_their_first_session():
    few, many = days("2024-01-15", "2024-04-10"), days("2010-01-15", "2024-04-10")

    groups, firsts = figures.period_groups(few)
    assert firsts.tolist() == days("2024-01-15", "2024-01-16").tolist() + [
        np.datetime64(day).item() for day in ("2024-02-01", "2024-03-01", "2024-04-01")
    ]
    assert np.bincount(groups).tolist() == [17, 29, 31, 9]
    assert figures.period_name(many) == "quarter"
    assert len(figures.period_groups(many)[1]) == 58


def test_rolling_figures_need_more_than_252_sessions():
    assert figures.rolling_sharpe_figure(make_sheet(252)) is None
    assert figures.rolling_sharpe_figure(make_sheet(300)) is not None
    assert figures.rolling_beta_figure(make_sheet(252)) is None


def test_the_rolling_beta_ends_at_that_of_the_last_252_sessions(sheet):
    own, market = sheet.curve.returns[-252:], sheet.curve.benchmark[-252:]
    beta = np.cov(own, market)[0, 1] / np.var(market, ddof=1)

    assert f"at the end {beta:.2f}" in figures.rolling_beta_figure(sheet).caption


def test_years_above_the_benchmarks_are_counted(sheet):
    caption = figures.years_figure(sheet).caption

    assert re.match(r"(\d|no) years? with a gain, (\d|no) years? above equal weight, .* of 3\.", caption)


def test_sectors_are_ordered_by_their_mean_exposure(sheet):
    figure = figures.sectors_figure(sheet)
    names = [word for word in words_in(figure.chart.wide) if word in {"Energy", "Unknown"}]

    assert "Largest over all sessions: Unknown 40.0%, Energy 20.0%" in figure.caption
    assert "the darkest cell is 60.0% of equity" in figure.caption
    assert names == ["Unknown", "Energy"]


def test_nothing_held_is_not_a_picture_of_sectors(sheet):
    assert figures.sectors_figure(make_sheet(sectors=pd.DataFrame(index=sheet.sectors.index))) is None


def test_few_trips_are_not_drawn(sheet):
    assert figures.trip_figures(make_sheet(trips=sheet.trips.iloc[:4])) == ()
    profit, time = figures.trip_figures(sheet)
    assert profit.caption == "Profit of 8 closed round trips after costs, in USD."
    assert time.caption == "Sessions held: median 23, longest 103."


def test_the_drawdowns_of_all_curves_are_said(sheet):
    caption = figures.underwater_figure(sheet).caption

    deepest = abs(sheet.figures["max_drawdown"].value)
    assert f"Portfolio −{deepest:.1%}" in caption
    assert "Equal weight" in caption
    assert "Benchmark" in caption


def test_names_of_lines_that_all_end_at_the_top_stay_below_it():
    depth = np.array([-0.2, -0.1, 0.0])
    others = [Line(name, depth, "gold") for name in ("Equal weight", "Benchmark")]

    chart = underwater_chart(days("2024-06-03", "2024-06-06"), depth, others, "d")

    texts = re.findall(r"<text([^>]*)>\s*(?:Portfolio|Equal weight|Benchmark)\s*<", chart.wide)
    heights = sorted(float(re.search(r'(?: y="|translate\([\d.]+ )([\d.]+)', each)[1]) for each in texts)
    assert len(heights) == 3
    assert heights[0] > 5
    assert min(np.diff(heights)) > 12


def test_a_short_first_year_is_not_named():
    groups, periods = figures.period_groups(days("2020-12-15", "2024-01-01"))

    chart = periods_chart("k", "t", periods, np.ones(groups[-1] + 1), usd, "d", scale=1)

    assert [word for word in words_in(chart.wide) if re.fullmatch(r"20\d\d", word)] == [
        "2021",
        "2022",
        "2023",
    ]


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (80.0, 420.0, [100, 150, 200, 300]),
        (90.0, 125.0, [90, 100, 110, 120]),
        (50.0, 12_000.0, [50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000]),
    ],
)
def test_levels_are_marked_with_round_numbers(low, high, expected):
    marks = level_marks(low, high)

    assert marks == pytest.approx(expected)

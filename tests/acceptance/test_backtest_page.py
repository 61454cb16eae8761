"""The tear sheet as a page: one file that fetches nothing, legible without pictures, whole for a short history."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tasks.reporting.tearsheet.page import render_tear_sheet
from tasks.risk.ratios import max_drawdown
from tests.unit.backtest.metrics.curves import make_curve, noise
from tests.unit.reporting.example_day import HOSTILE_SCRIPT
from tests.unit.reporting.reading import Report, figure
from tests.unit.reporting.tearsheet.sheets import COMBINATION, build_sheet, make_sheet


def rendered(sheet, **changes):
    given = {"identity": "0123456789abcdef", "is_simulated": False, **changes}
    return render_tear_sheet(sheet, COMBINATION, **given)


@pytest.fixture(scope="module")
def html():
    return rendered(make_sheet())


@pytest.fixture(scope="module")
def report(html):
    return Report(html)


def test_the_page_is_one_file_that_fetches_nothing(html, report):
    text = html.decode()
    policy = next(tag for tag in report.tags if tag[1].get("http-equiv") == "Content-Security-Policy")

    assert "default-src 'none'" in policy[1]["content"]
    assert not re.search(r"https?:|//\w+\.|@import|src=|<link|<script|url\((?!#)", text)
    assert len(html) < 700_000


def test_the_first_words_are_sessions_fills_costs_and_survivorship(report):
    head = report.text[: report.text.index("Figures Compared")]

    assert "600 sessions, 1,234 fills, $1,000 of costs" in head
    assert "1,234 fills of $2,000,000 in total cost $1,000: 5.0 bps of the amount traded" in head
    assert "only 98 of 100 members of the index had a price at the end of 2022" in head
    assert "safety checks of the daily run are not applied, except the halt rules that stop new risk" in head
    assert "rebalanced every 5 sessions" in head


def test_each_chart_has_a_title_and_a_description_and_a_caption_of_its_own(html, report):
    charts = re.findall(r'<svg class="wide".*?</svg>', html.decode(), re.DOTALL)
    titles = [re.search(r"<title[^>]*>(.*?)</title>", chart)[1] for chart in charts]
    descriptions = [re.search(r"<desc[^>]*>(.*?)</desc>", chart)[1] for chart in charts]

    assert len(charts) == sum(tag == "figcaption" for tag, _ in report.tags) == len(set(titles)) == 13
    assert all(len(description) > 30 for description in descriptions)


def test_ids_are_unique(report):
    ids = [attributes["id"] for _, attributes in report.tags if "id" in attributes]

    assert len(ids) == len(set(ids))


def test_every_table_has_a_name(report):
    regions = [attributes for tag, attributes in report.tags if attributes.get("class") == "scroll"]

    assert all(region["aria-label"] and region["tabindex"] == "0" for region in regions)
    assert len(regions) == sum(tag == "table" for tag, _ in report.tags)


def test_a_backtest_without_the_regime_is_marked(html):
    without = render_tear_sheet(
        make_sheet(), replace(COMBINATION, uses_regime=False), identity="x", is_simulated=False
    )

    assert b"no regime limits" in without
    assert b"no regime limits" not in html


def test_a_simulated_market_is_marked(html):
    assert b"Prices, companies and results are invented" not in html
    assert b"Prices, companies and results are invented" in rendered(make_sheet(), is_simulated=True)


def test_the_crises_within_the_span_are_shown_next_to_the_benchmark_and_no_others(html):
    curve = make_sheet(700).curve
    equal_weight = make_curve(noise(700, seed=8), benchmark=curve.benchmark, regime=curve.regime)
    sheet = make_sheet(700, equal_weight=equal_weight)

    section = rendered(sheet).decode().partition("Past crises</h2>")[2].partition("</section>")[0]

    _, row = Report(section.encode()).rows["compact"]
    assert row[:3] == ["Inflation and interest rates", "2022-01-03", "2022-10-12"]
    days = sheet.curve.sessions.astype(str).tolist()
    first, last = days.index("2022-01-03"), days.index("2022-10-12")
    own = sheet.curve.equity_usd[last] / sheet.curve.equity_usd[first] - 1
    market = np.prod(1 + sheet.curve.benchmark[first + 1 : last + 1]) - 1
    equal = sheet.equal_weight.equity_usd[last] / sheet.equal_weight.equity_usd[first] - 1
    deepest = [max_drawdown(each.equity_usd[first : last + 1]) for each in (sheet.curve, sheet.benchmark)]
    shown = [figure(cell.replace("+", "")) for cell in row[3:9]]
    assert shown == pytest.approx([own, equal, market, own - market, *deepest], abs=0.0006)
    assert row[9] == "90%"  # BULL until the middle of the 700 sessions, in February 2023
    assert b"Past crises" not in html  # 600 sessions begin in February 2022
    assert b"Past crises" not in rendered(sheet, is_simulated=True)


def test_a_short_history_is_marked_and_its_annualised_figures_are_withheld():
    report = Report(rendered(make_sheet(40)))

    rows = {row[0]: row for row in report.rows["figures"][1:]}
    assert rows["CAGR"][1] == "– withheld"
    assert rows["Total return"][1].endswith("short")
    assert "Fewer than 252 sessions" in report.text
    assert "Rolling Sharpe ratio and beta need more than 252 sessions" in report.text


def test_figures_of_round_trips_are_marked_by_the_number_of_trips(report):
    assert "Hit rate 50.0% 8 closed trips, short" in report.text


def test_a_portfolio_that_never_traded_is_a_page():
    empty = make_sheet().trips.iloc[:0]
    sectors = pd.DataFrame(index=pd.DatetimeIndex(make_sheet().curve.sessions))

    text = Report(rendered(make_sheet(trips=empty, sectors=sectors, worst_days=()))).text

    assert "The portfolio was in cash in every session" in text
    assert "No session ended with a loss" in text
    assert "Largest gains" not in text


def test_an_unknown_benchmark_is_a_page_without_its_line():
    sheet = make_sheet(benchmark=None, benchmark_figures={})

    html = rendered(sheet).decode()

    assert "Equal weight" in html
    equity = re.search(r'<svg class="wide" [^>]*aria-labelledby="equity-wide.*?</svg>', html, re.DOTALL)[0]
    assert "Benchmark" not in re.sub(r"<desc.*?</desc>", "", equity)


def test_a_hostile_symbol_is_only_text():
    html = rendered(make_sheet(symbols=(HOSTILE_SCRIPT, "B", "C")))

    assert HOSTILE_SCRIPT in Report(html).text
    assert "script" not in {tag for tag, _ in Report(html).tags}


def test_equal_sheets_give_equal_bytes(html):
    assert rendered(build_sheet()) == html


def test_the_worst_days_come_with_their_reasons(report):
    sheet = make_sheet()
    worst = sheet.worst_days[0]

    assert f"{worst.session} {worst.regime}" in report.text
    assert "Largest losses: AAA" in report.text
    assert worst.return_frac == pytest.approx(float(np.min(sheet.curve.returns)))

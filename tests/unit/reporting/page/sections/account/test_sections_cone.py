from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from tasks.reporting.page.performance import performance
from tasks.reporting.page.sections.account.cone import cone_figure, cone_of
from tests.unit.reporting.example_day import make_inputs

NET = {"net_cagr": 0.20, "net_volatility": 0.15, "net_sessions": 520.0}


def champion(**metrics):
    known = make_inputs().records.scores.champion
    return replace(known, metrics=known.metrics | metrics)


def book():
    inputs = make_inputs()
    row = {
        "date": str(inputs.run.session.day),
        "equity": "1000000.00",
        "benchmark_return": "0.001",
        "cost": "1",
    }
    return performance(inputs.history, row)


def test_the_cone_opens_from_the_level_at_the_first_session_of_the_model():
    measured = book()
    promoted = measured.sessions[100].item()

    cone = cone_of(measured, champion(**NET), (measured.sessions[3].item(), promoted))

    assert cone.first == 100
    assert np.isnan(cone.middle[:100]).all()
    assert cone.low[100] == cone.high[100] == measured.book[100]
    passed = len(measured.sessions) - 1 - 100
    assert cone.middle[-1] == pytest.approx(measured.book[100] * 1.2 ** (passed / 252))
    spread = 0.15 * (passed / 252) ** 0.5
    assert np.log(cone.high[-1] / cone.middle[-1]) == pytest.approx(1.6448536 * spread)
    assert np.log(cone.middle[-1] / cone.lower[-1]) == pytest.approx(0.6744898 * spread)


def test_a_model_without_net_figures_has_no_cone_and_the_caption_says_so():
    measured, known = book(), champion()

    assert cone_of(measured, known, ()) is None
    assert "There is no cone" in cone_figure(measured, known, ()).caption


@pytest.mark.parametrize(("cagr", "place"), [(-0.9, "above the 90% range"), (9.0, "below the 90% range")])
def test_the_caption_says_where_in_the_cone_the_account_is(cagr, place):
    caption = cone_figure(book(), champion(**(NET | {"net_cagr": cagr})), ()).caption

    assert f"the portfolio is {place}" in caption
    assert "520 out-of-sample sessions after costs" in caption


def test_promotions_are_named_and_the_first_day_has_no_figure():
    measured = book()
    day = measured.sessions[50].item()

    assert f"Promotions (dotted lines): {day}." in cone_figure(measured, champion(**NET), (day,)).caption
    alone = performance(
        make_inputs(empty=True).history,
        {"date": "2024-06-14", "equity": "1.00", "cost": "0", "benchmark_return": ""},
    )
    assert cone_figure(alone, champion(**NET), (date(2024, 6, 14),)) is None

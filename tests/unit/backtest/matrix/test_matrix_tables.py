"""The tables of a matrix have no empty cell and no NaN, whatever happened."""

import io
import json
import re
from datetime import date

import numpy as np
import pandas as pd
import pytest

from tasks.backtest.combination import Combination
from tasks.backtest.matrix.outcome import Outcome
from tasks.backtest.matrix.publication import DETAILS_FILE, MATRIX_FILE, REGIMES_FILE, files_of
from tasks.backtest.matrix.tables import best, measure_outcome, measure_totals
from tasks.backtest.walk import Totals
from tasks.reporting.page.matrix import LINE_COLOURS, matrix_picture, render_matrix
from tests.unit.backtest.stored import DAYS, flat, world

SESSIONS = 100
MATRIX_COLUMNS = [
    *("model", "optimizer", "regime_adaptation", "outcome", "first", "last", "sessions", "decisions"),
    *("fallbacks", "total_return", "cagr", "volatility", "sharpe", "sortino", "max_drawdown", "calmar"),
    *("turnover", "cost_frac", "win_rate", "exposure", "beta", "alpha", "benchmark_return"),
    *("benchmark_cagr", "id"),
]
REGIME_COLUMNS = [
    *("model", "optimizer", "regime_adaptation", "regime", "sessions", "total_return", "benchmark_return"),
    *("volatility", "sharpe", "max_drawdown", "turnover", "win_rate", "exposure", "standing"),
]


@pytest.fixture(scope="module")
def market():
    levels = [
        {"name": "SPY", "session": day, "close": 100.0 + day, "growth": 1 + 1 / (99 + day)}
        for day in range(SESSIONS)
    ]
    return world({"A": flat(last=SESSIONS - 1)}, sessions=SESSIONS, levels=levels)


def outcome(optimizer, *, drift=0.001, sessions=SESSIONS, reason="", uses_regime=True, methods=None):
    last = DAYS[sessions - 1].item()
    combination = Combination("momentum", optimizer, date(2024, 1, 1), last, "next_open", 5, uses_regime)
    steps = np.random.default_rng(1).normal(drift, 0.01, sessions)
    equity = np.round(1e8 * np.exp(np.cumsum(steps))).astype(np.int64)
    half = equity // 2
    totals = Totals(DAYS[:sessions], equity, half, half // 10, half // 20, half // 10_000)
    used = {optimizer: 19, "cash": 1} if methods is None else methods
    return Outcome(f"id-{optimizer}", combination, None if reason else totals, used, reason)


def measured(market, *outcomes):
    states = np.where(np.arange(SESSIONS) < 80, "BULL", "CRASH")
    return [measure_outcome(each, market, states) for each in outcomes]


def equal_weight(market, sessions=SESSIONS):
    states = np.full(SESSIONS, "BULL")
    return measure_totals(outcome("hrp", drift=0.0005, sessions=sessions).totals, market, states)


def written(market, *outcomes):
    terms = {"first": "2024-01-01"}
    files = files_of(measured(market, *outcomes), equal_weight(market), {"momentum": "s"}, terms, b"png")
    tables = {name: pd.read_csv(io.BytesIO(files[name])) for name in (MATRIX_FILE, REGIMES_FILE)}
    return tables[MATRIX_FILE], tables[REGIMES_FILE], json.loads(files[DETAILS_FILE])


OUTCOMES = (
    outcome("hrp"),
    outcome("max_sharpe", drift=0.002, methods={"hrp": 7, "max_sharpe": 12, "cash": 1}),
    outcome("min_volatility", reason="The portfolio\nis worth nothing."),
)


def test_the_matrix_has_a_row_per_combination_with_these_columns(market):
    matrix, _, _ = written(market, *OUTCOMES)

    assert matrix.columns.tolist() == MATRIX_COLUMNS
    assert matrix["optimizer"].tolist() == ["hrp", "max_sharpe", "min_volatility"]
    assert matrix["outcome"].tolist() == ["measured", "measured", "The portfolio is worth nothing."]
    assert matrix["sessions"].tolist() == [99, 99, 0]
    assert matrix["decisions"].tolist() == [20, 20, 20]
    assert matrix["fallbacks"].tolist() == [0, 7, 0]


def test_no_cell_is_empty_or_not_a_number(market):
    short = outcome("equal_weight", sessions=30)  # its annual figures are withheld

    for outcomes in (OUTCOMES, OUTCOMES[2:], (short, OUTCOMES[2])):
        matrix, regimes, details = written(market, *outcomes)

        assert not matrix.isna().any().any()
        assert not regimes.isna().any().any()
        assert "NaN" not in json.dumps(details)
    assert matrix["sharpe"].tolist() == ["withheld", "withheld"]


def test_a_matrix_without_failures_has_numbers_in_its_columns(market):
    matrix, _, _ = written(market, *OUTCOMES[:2])

    figures = matrix.loc[:, "total_return":"benchmark_cagr"]
    assert (figures.dtypes == np.float64).all()


def test_the_cost_of_a_year_is_that_of_its_sessions_over_the_equity_before(market):
    matrix, _, _ = written(market, OUTCOMES[0])

    totals = OUTCOMES[0].totals
    assert matrix["cost_frac"][0] == pytest.approx(252 * (totals.costs[1:] / totals.equity[:-1]).mean())


def test_the_regime_breakdown_has_a_row_per_combination_and_state(market):
    _, regimes, _ = written(market, *OUTCOMES, outcome("hrp", uses_regime=False))

    assert regimes.columns.tolist() == REGIME_COLUMNS
    keys = regimes[["optimizer", "regime_adaptation", "regime", "sessions"]].to_numpy().tolist()
    assert keys == [
        ["hrp", "on", "BULL", 80],
        ["hrp", "on", "CRASH", 19],
        ["max_sharpe", "on", "BULL", 80],
        ["max_sharpe", "on", "CRASH", 19],
        ["hrp", "off", "BULL", 80],
        ["hrp", "off", "CRASH", 19],
    ]


def test_the_details_hold_every_figure_with_its_sessions_and_the_reason_of_a_failure(market):
    _, _, details = written(market, *OUTCOMES)

    one, _, failed = details["combinations"]
    assert one["figures"]["sharpe"]["sessions"] == 99
    assert one["figures"]["sharpe"]["standing"] == "short"
    assert one["methods"] == {"cash": 1, "hrp": 19}
    assert [year["year"] for year in one["years"]] == [2024]
    assert failed["outcome"] == "The portfolio\nis worth nothing."
    assert "figures" not in failed


def test_the_best_are_ranked_by_sharpe_and_each_curve_is_there_once(market):
    found = best(measured(market, *OUTCOMES, outcome("hrp", uses_regime=False)), 5)

    assert [each.key for each in found] == [
        ("momentum", "max_sharpe", "on"),
        ("momentum", "hrp", "on"),
    ]


def test_the_picture_is_the_same_for_the_same_curves(market):
    one, two = (
        matrix_picture(measured(market, *OUTCOMES), equal_weight(market), is_simulated=True) for _ in range(2)
    )

    assert one[:8] == b"\x89PNG\r\n\x1a\n"
    assert one == two


def test_the_equal_weighted_universe_and_the_benchmark_differ_by_their_dashes_and_colours(market):
    page = render_matrix(
        measured(market, *OUTCOMES), equal_weight(market), identity="x", is_simulated=False
    ).decode()
    chart = re.search(r'<svg class="wide".*?</svg>', page, re.DOTALL)[0]

    dashed = set(re.findall(r"stroke-dasharray: ([^;]+);.*?stroke: var\(--(\w+)\)", chart))
    assert {colour for _, colour in dashed} == {"muted", "ink"}
    assert len({dashes for dashes, _ in dashed}) == 2
    assert all(f"--{colour}:" in page for colour in LINE_COLOURS)


def test_the_fallbacks_are_in_the_first_column_of_the_figures(market):
    page = render_matrix(
        measured(market, *OUTCOMES), equal_weight(market), identity="x", is_simulated=False
    ).decode()

    row = re.search(r'<th scope="row">momentum · max_sharpe</th><td class="num">([^<]*)</td>', page)
    assert re.search(r'Combination</th><th scope="col" class="num">Fallbacks</th>', page)
    assert row[1] == "7"


@pytest.mark.parametrize("outcomes", [OUTCOMES, OUTCOMES[:1], OUTCOMES[2:], (outcome("hrp", sessions=3),)])
def test_picture_and_report_are_drawn_whatever_failed(market, outcomes):
    found = measured(market, *outcomes)

    equal = equal_weight(market, sessions=len((outcomes[0].totals or OUTCOMES[0].totals).sessions))
    picture = matrix_picture(found, equal, is_simulated=False)
    page = render_matrix(found, equal, identity="x", is_simulated=False).decode()

    assert len(picture) > 10_000
    assert ("1 combination failed" in page) == any(each.reason for each in outcomes)
    assert "Simulated market" not in page
    assert "nan" not in page.lower().replace("financ", "")

"""The page of a selection: what it draws, what it leaves out, and that no name is markup."""

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from tasks.reporting.selection import figures
from tasks.reporting.selection.live_record import LiveRecord
from tasks.reporting.selection.page import render_selection
from tasks.selection.promotion import describe
from tasks.selection.schema import (
    CountedTrials,
    Diversity,
    Equity,
    Gate,
    LiveVerdict,
    PairResult,
    Pairs,
    PathResult,
    Placebo,
    Promotion,
    SeedChoice,
    SelectedWeek,
    Stability,
)
from tests.champions import DEFLATION, NET, make_result, make_training

SESSIONS = pd.bdate_range("2021-06-01", periods=300)
IN_TEXT = tuple(str(day.date()) for day in SESSIONS[:40])
NAN = float("nan")


def grown(rate):
    return tuple(np.exp(rate * np.arange(40)).round(6).tolist())


@pytest.fixture
def week(tmp_path):
    found = make_training(tmp_path, result=make_result("lightgbm"), kind="lightgbm")
    return replace(
        found,
        results=(make_result("lightgbm"), make_result("equal_weight", ranks=False)),
        examined="lightgbm",
        gates=(Gate("t", "1.2", "≥ 2", passed=False), Gate("turnover", "85%", "≤ 40%", False, False)),
        diversity=Diversity(("lightgbm", "xgboost"), ((1.0, 0.45), (0.45, 1.0)), 0.7, 0.55),
        paths=(
            PathResult("lightgbm", (1.0, NAN, 0.5), 0.25, Equity(IN_TEXT, grown(0.001), grown(0.0))),
            PathResult("xgboost", (0.2, 0.3, 0.4), 0.25, Equity(IN_TEXT, grown(0.002), grown(0.0))),
        ),
        placebo=Placebo(3.4, (0.1, -0.5, 1.2)),
        fifths={"lightgbm": (-0.003, -0.001, 0.0, 0.001, 0.004)},
        counts=(CountedTrials("2024-05-31", 8, 0.5), CountedTrials("2024-06-07", 16, 0.7)),
    )


FRAMES = {
    "ics": pd.DataFrame({"lightgbm": np.random.default_rng(1).normal(0.02, 0.1, 300)}, index=SESSIONS),
    "folds": pd.DataFrame({"candidate": ["lightgbm"] * 3, "fold": [1, 2, 3], "neutral_ic": [0.1, 0.2, 0.3]}),
    "checks": pd.DataFrame(
        {"feature": ["momentum_1m", "beta"], "importance": [0.7, 0.3], "importance_rank": [1, 2]}
    ),
}
NOTHING = {name: frame.iloc[:0] for name, frame in FRAMES.items()}


def rendered(training, frames=FRAMES, *, reason="It was confirmed.", is_simulated=False):
    champion = describe(training, optimizer="max_sharpe", min_t=2).champion
    promotion = Promotion(champion, True, reason, None, training.model.path)
    return render_selection(training, promotion, frames, is_simulated=is_simulated).decode()


def test_every_picture_and_every_gate_is_on_the_page(week):
    page = rendered(week)

    for key in ("equity", "skill", "fifths", "folds", "paths", "placebo", "trials", "importance"):
        assert page.count(f'id="{key}-wide-title"') == 1
    assert page.count("</svg>") == 2 * 8
    assert "1 required gate failed" in page
    assert "not met, not required" in page
    assert "0.45" in page
    assert "<script" not in page
    assert "Simulated market" not in page
    assert "Simulated market" in rendered(week, is_simulated=True)


def test_the_same_week_gives_the_same_bytes(week):
    assert rendered(week) == rendered(week)


def test_a_name_and_a_reason_are_never_markup(week):
    hostile = replace(week, gates=(Gate("<b>t</b>", "<i>", "\u202e", True),))

    page = rendered(hostile, reason="<script>alert(1)</script>")

    assert "<script" not in page
    assert "<b>t</b>" not in page
    assert "\u202e" not in page


def test_a_week_without_candidates_has_no_picture_and_says_so(week):
    empty = replace(
        week,
        results=(),
        gates=(),
        diversity=None,
        paths=(),
        placebo=None,
        fifths={},
        counts=(),
        examined=None,
        net=None,
    )

    page = rendered(empty, NOTHING)

    assert "<svg" not in page
    assert "No candidate was eligible." in page


def test_the_live_record_of_a_champion_is_on_the_page(week):
    bad = LiveRecord("lightgbm", "a" * 64, 25, -0.134, -0.18, -0.09, 0.03)
    young = LiveRecord("xgboost", "b" * 64, 3, 0.02, None, None, 0.03)
    champion = describe(week, optimizer="max_sharpe", min_t=2).champion
    promotion = Promotion(champion, False, "It stays.", None, week.model.path)

    page = render_selection(week, promotion, FRAMES, live=[bad, young], is_simulated=False).decode()

    assert page.count("below expectation") == 1
    assert "too few sessions" in page
    assert "−0.1340" in page
    assert "Live record" not in rendered(week)
    judged = replace(week, live=LiveVerdict("lightgbm", 25, -0.134, -0.02, 0.01))
    page = render_selection(judged, promotion, FRAMES, live=[bad, young], is_simulated=False).decode()
    assert (
        "lightgbm, 25 sessions: mean −0.1340, upper bound −0.0200 (always valid); 0.0100 was expected."
        in page
    )
    assert '<strong class="bad">It no longer earns its place.</strong>' in page


def test_the_stability_of_the_choice_is_on_the_page_with_its_warning(week):
    weeks = (SelectedWeek(date(2024, 6, 7), "lightgbm"),)
    seeds = (SeedChoice(8, "xgboost", 2.5, 0.021, -3.0, -0.025),)
    found = Stability("lightgbm", "lightgbm", False, weeks, seeds, {"lightgbm": 0.71, "xgboost": 0.29})

    page = rendered(replace(week, stability=found))

    assert "Same candidate in 1 of 1 earlier week, 0 of 1 other seed, 71% of 200 draws." in page
    assert '<strong class="bad">Fewer than half: 0 of 1 other seed.' in page
    assert '<th scope="row">session 2024-06-07</th><td>lightgbm</td><td>yes</td>' in page
    assert '<th scope="row">seed 8</th><td>xgboost</td><td>no</td><td class="num">2.50</td>' in page
    assert '<td class="num">−3.00</td><td class="num">−0.0250</td>' in page
    empty = rendered(replace(week, stability=replace(found, weeks=(), seeds=(), draws={})))
    assert "Not compared with other seeds: selection.other_seeds is 0." in empty
    assert 'aria-label="Stability of the choice"' not in empty
    assert "Stability of the choice" not in rendered(week)


def test_the_portfolios_begin_at_100_and_the_caption_has_their_end(week):
    caption = figures.equity_figure(week.paths, "").caption

    assert "lightgbm 104" in caption  # 100 exp(0.001 × 39)
    assert "xgboost 108" in caption
    assert "equal weight 100" in caption


def test_the_page_has_the_skill_of_each_year(week):
    page = rendered(week)

    years = sorted({each.year for each in SESSIONS})
    assert len(years) > 1
    for year in years:
        assert f'<th scope="row">{year}</th>' in page
    assert "Skill by year" not in rendered(week, NOTHING)


def test_the_examined_candidate_is_the_first_of_the_portfolios(week):
    captions = [figures.equity_figure(week.paths, name).caption for name in ("lightgbm", "xgboost")]

    assert "At the end: lightgbm" in captions[0]
    assert "At the end: xgboost" in captions[1]


def test_the_dotted_line_is_at_the_first_confirming_session(week):
    with_line = figures.skill_figure(FRAMES["ics"], "lightgbm", 5, str(SESSIONS[200].date()))
    without = figures.skill_figure(FRAMES["ics"], "lightgbm", 5, None)

    assert with_line.chart.wide != without.chart.wide
    assert figures.skill_figure(FRAMES["ics"].head(100), "lightgbm", 5, None) is None  # too short for a mean


def test_luck_is_drawn_without_a_candidate_too():
    counts = (CountedTrials("2024-06-07", 16, 0.7),)

    assert figures.trials_figure(counts, replace(DEFLATION, evidence=None)) is not None
    assert figures.trials_figure((), DEFLATION) is None


def test_every_pair_of_model_and_optimizer_is_listed_and_the_selected_one_is_marked(week):
    hrp = PairResult("lightgbm", "hrp", replace(NET.candidate, score=0.77))
    results = (PairResult("lightgbm", "max_sharpe", None, "no <solution>"), hrp)
    pairs = Pairs(SESSIONS[0].date(), SESSIONS[125].date(), 125, results, NET.equal_weight, selected=hrp)

    page = rendered(replace(week, pairs=pairs))

    table = page.partition("<h2>Models and optimizers</h2>")[2].partition("</section>")[0]
    assert '<tr class="examined"><th scope="row">lightgbm</th><td>hrp</td>' in table
    assert "0.77" in table
    assert "failed: no &lt;solution&gt;" in table
    assert '<th scope="row">equal weight</th>' in table
    assert f"2021-06-01 to {pairs.last}" in table

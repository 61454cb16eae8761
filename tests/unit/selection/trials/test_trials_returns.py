"""The returns of a trial, by hand and against portfolios that are held one by one."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tasks.models.training.controls import make_controls
from tasks.models.training.dataset import Dataset, OutOfSample
from tasks.selection.trials.returns import best_fifth_returns
from tests.builders import make_panel

FIRST, TESTED, NAMES, HORIZON = 40, 30, 20, 5


def make_tested(sessions):
    """Return rows of every name on these sessions; by default nothing is controlled for but the mean."""
    rows, names = np.repeat(sessions, NAMES), np.tile(np.arange(NAMES), len(sessions))
    nothing = np.zeros(len(rows))
    data = Dataset(
        features=(),
        feature_set="",
        sessions=rows,
        symbols=names,
        x=np.zeros((len(rows), 0), dtype=np.float32),
        target=nothing,
        label_end=rows.astype(np.int32),
        forward=nothing,
    )
    return OutOfSample(data, make_controls(rows, None, {}), overlap=HORIZON)


@pytest.fixture
def market():
    panel = make_panel(sessions=120, symbols=NAMES)
    tested = make_tested(np.arange(FIRST, FIRST + TESTED))
    scores = np.random.default_rng(3).normal(size=TESTED * NAMES)
    return panel, tested, scores


def held_by_hand(panel, scores, day, entry):
    """Return the mean over the decisions held on this day of best fifth less market."""
    total = []
    lag = 1 if entry == "next_open" else 2
    for decision in range(day - lag - HORIZON + 1, day - lag + 1):
        of_session = scores[(decision - FIRST) * NAMES :][:NAMES]
        best = np.argsort(of_session)[-NAMES // 5 :]
        base = panel.open[day] if (entry == "next_open" and decision == day - 1) else panel.close[day - 1]
        change = panel.close[day] / base - 1
        total.append(change[best].mean() - change.mean())
    return np.mean(total)


@pytest.mark.parametrize(("entry", "lag"), [("next_open", 1), ("next_close", 2)])
def test_overlapping_portfolios_are_held_from_the_entry_over_the_horizon(market, entry, lag):
    panel, tested, scores = market

    found = best_fifth_returns(panel, tested, scores, horizon=HORIZON, entry=entry)

    days = np.arange(FIRST + HORIZON - 1 + lag, FIRST + TESTED + lag)
    assert found.index.to_numpy().astype("datetime64[D]").tolist() == panel.sessions[days].tolist()
    assert found.to_numpy() == pytest.approx([held_by_hand(panel, scores, day, entry) for day in days])


def test_nothing_later_than_the_session_is_in_its_return(market):
    panel, tested, scores = market
    before = best_fifth_returns(panel, tested, scores, horizon=HORIZON, entry="next_open")
    close = panel.close.copy()
    close[60:] *= 1.5
    scores = scores.copy()
    scores[(60 - FIRST) * NAMES :] *= -1

    after = best_fifth_returns(
        replace(panel, close=close), tested, scores, horizon=HORIZON, entry="next_open"
    )

    earlier = before.index < np.datetime64(panel.sessions[60])
    assert after[earlier].to_numpy() == pytest.approx(before[earlier].to_numpy())


def test_a_score_that_is_nothing_but_a_control_returns_nothing(market):
    panel, tested, _ = market
    ranks = np.random.default_rng(5).permutation(NAMES) / NAMES
    beta = np.tile(ranks, TESTED)
    controlled = replace(tested, controls=make_controls(tested.data.sessions, None, {"beta": beta}))
    growth = np.cumprod(np.tile(1 + 0.01 * ranks, (len(panel.sessions), 1)), axis=0)
    still = replace(panel, close=50 * growth, open=50 * growth / (1 + 0.01 * ranks))

    plain = best_fifth_returns(still, tested, beta, horizon=HORIZON, entry="next_open")
    neutral = best_fifth_returns(still, controlled, beta, horizon=HORIZON, entry="next_open")

    assert plain.mean() > 0.003
    assert neutral.to_numpy() == pytest.approx(0, abs=1e-12)
    raw = best_fifth_returns(still, controlled, beta, horizon=HORIZON, entry="next_open", neutral=False)
    assert raw.to_numpy() == pytest.approx(plain.to_numpy())


def test_constant_scores_have_no_best_fifth(market):
    panel, tested, scores = market

    found = best_fifth_returns(panel, tested, np.zeros(len(scores)), horizon=HORIZON, entry="next_open")

    assert len(found) == TESTED - HORIZON + 1
    assert (found == 0).all()


def test_a_name_without_a_bar_returns_nothing_and_its_next_bar_the_whole_move(market):
    panel, tested, _ = market
    close, open_ = panel.close.copy(), panel.open.copy()
    close[:, 1:], open_[:, 1:] = 50.0, 50.0
    close[:, 0], open_[:, 0] = 100.0, 100.0
    close[50, 0] = open_[50, 0] = np.nan
    close[51:, 0] = open_[51:, 0] = 110.0
    best_is_the_first = np.tile(np.r_[1.0, np.zeros(NAMES - 1)], TESTED)

    found = best_fifth_returns(
        replace(panel, close=close, open=open_), tested, best_is_the_first, horizon=HORIZON, entry="next_open"
    ).to_numpy()

    day = 51 - (FIRST + HORIZON)
    assert found[day - 1] == 0
    # four of five portfolios hold it at the last close; the newest bought at the open of 51, after the move
    assert found[day] == pytest.approx(0.8 * 0.1 * (1 - 1 / NAMES))


@pytest.mark.parametrize("alone", [FIRST, FIRST + TESTED - 1])
def test_a_session_with_one_tested_name_has_no_best_fifth(market, alone):
    panel, tested, scores = market
    all_rows = tested.data
    used = (all_rows.sessions != alone) | (all_rows.symbols == 0)
    data = replace(all_rows, sessions=all_rows.sessions[used], symbols=all_rows.symbols[used])
    fewer = OutOfSample(data, make_controls(data.sessions, None, {}), overlap=HORIZON)
    equal = np.where(all_rows.sessions == alone, 0.0, scores)

    found = best_fifth_returns(panel, fewer, scores[used], horizon=HORIZON, entry="next_open")

    expected = best_fifth_returns(panel, tested, equal, horizon=HORIZON, entry="next_open")
    assert found.to_numpy() == pytest.approx(expected.to_numpy())


def test_names_that_are_equal_at_the_border_are_all_in_the_best_fifth(market):
    panel, tested, _ = market
    scores = np.tile(np.r_[5.0, 4.0, 3.0, 2.0, 2.0, np.linspace(1, 0, NAMES - 5)], TESTED)

    found = best_fifth_returns(panel, tested, scores, horizon=HORIZON, entry="next_close")

    day = FIRST + HORIZON + 1
    change = panel.close[day] / panel.close[day - 1] - 1
    assert found.iloc[0] == pytest.approx(change[:5].mean() - change.mean())


def test_where_nothing_is_controlled_for_the_mean_of_all_tested_names_is_what_is_sold(market):
    panel, tested, scores = market

    plain, neutral = (
        best_fifth_returns(panel, tested, scores, horizon=HORIZON, entry="next_open", neutral=neutral)
        for neutral in (False, True)
    )

    assert plain.to_numpy() == pytest.approx(neutral.to_numpy())


def test_without_tested_rows_there_are_no_returns(market):
    panel, _, _ = market
    nothing = make_tested(np.arange(0))

    found = best_fifth_returns(panel, nothing, np.empty(0), horizon=HORIZON, entry="next_open")

    assert found.empty
    assert isinstance(found.index, pd.DatetimeIndex)

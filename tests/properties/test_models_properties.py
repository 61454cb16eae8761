"""Properties of every walk-forward, ranking and store of any size."""

from datetime import timedelta

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.models.schema import Champion
from tasks.models.scoring import ranked
from tasks.models.training.metrics import metrics_of
from tasks.models.training.walkforward import BLOCK, Window, make_folds, sampled_sessions, split_folds
from tasks.selection.choice import select_candidate
from tasks.selection.replacement import compare_with_incumbent
from tests.champions import FRIDAY, LIMITS, STATISTIC, make_result
from tests.unit.models.datasets import make_data

windows = st.builds(
    Window,
    train=st.integers(1, 400),
    least_train=st.integers(1, 200),
    test=st.integers(1, 120),
    folds=st.integers(1, 8),
    embargo=st.integers(0, 20),
)


def last_boundary(last, origin, window):
    """Return the position at which the last test window begins."""
    latest = last + 1 - window.test
    return max(start for start in range(latest - BLOCK + 1, latest + 1) if (start + origin) % BLOCK == 0)


@given(
    window=windows,
    last=st.integers(-1, 900),
    every=st.integers(1, 10),
    origin=st.integers(0, 9000),
    label=st.integers(1, 30),
    seed=st.integers(0, 100),
)
def test_a_row_is_left_out_exactly_when_its_label_or_the_embargo_reaches_the_test(
    window, last, every, origin, label, seed
):
    sampled = sampled_sessions(0, last, every=every, origin=origin)
    data = make_data(sampled, label=label, seed=seed)

    folds = make_folds(data.sampled, last=last, origin=origin, label_sessions=label, window=window)

    for fold in folds:
        test_start = last_boundary(last, origin, window) - window.test * (len(folds) - fold.number)
        oldest = test_start - window.embargo - label - window.train
        offered = (data.sessions >= oldest) & (data.sessions < test_start)
        reaches = data.label_end + window.embargo >= test_start
        assert (
            data.training_rows(fold.train, fold.closed).tolist()
            == np.flatnonzero(offered & ~reaches).tolist()
        )
        assert not fold.test.size or fold.test[0] >= test_start


counted = {
    "window": windows,
    "last": st.integers(-1, 900),
    "every": st.integers(1, 10),
    "origin": st.integers(0, 9000),
    "label": st.integers(1, 30),
}


@given(**counted)
def test_test_sessions_are_tested_once_and_nothing_is_shuffled(window, last, every, origin, label):
    sampled = sampled_sessions(0, last, every=every, origin=origin)

    folds = make_folds(sampled, last=last, origin=origin, label_sessions=label, window=window)

    tested = np.concatenate([fold.test for fold in folds]) if folds else np.array([])
    assert (np.diff(tested) == 1).all()
    assert not folds or tested[-1] == last
    choosing, confirming = split_folds(folds)
    assert not {*np.r_[0, *(f.test for f in choosing)][1:]} & {*np.r_[0, *(f.test for f in confirming)][1:]}


@given(**counted)
def test_folds_are_what_counting_back_by_hand_gives(window, last, every, origin, label):
    sampled = [session for session in range(last + 1) if (session + origin) % every == 0]
    expected = []
    end, start = last + 1, last_boundary(last, origin, window)
    for _ in range(window.folds):
        known_before = start - window.embargo
        oldest = max(known_before - label - window.train, sampled[0] if sampled else 0)
        if known_before - label - oldest < window.least_train or not sampled:
            break
        train = [session for session in sampled if oldest <= session < known_before]
        expected.insert(0, (train, known_before, list(range(start, end))))
        end, start = start, start - window.test

    folds = make_folds(
        sampled_sessions(0, last, every=every, origin=origin),
        last=last,
        origin=origin,
        label_sessions=label,
        window=window,
    )

    assert [(fold.train.tolist(), fold.closed.start[0], fold.test.tolist()) for fold in folds] == expected
    assert [fold.number for fold in folds] == list(range(1, len(folds) + 1))


@given(number=st.integers(0, 12))
def test_the_earlier_third_selects_and_the_rest_confirms(number):
    folds = tuple(range(number))

    choosing, confirming = split_folds(folds)

    assert len(choosing) == (max(number // 3, 1) if number > 1 else 0)
    assert (*choosing, *confirming) == (folds if number > 1 else ())


@settings(max_examples=50)
@given(
    seed=st.integers(0, 10_000),
    names=st.integers(10, 40),
    count=st.integers(1, 8),
    scale=st.floats(1e-3, 1e3),
    shift=st.floats(-1e3, 1e3),
)
def test_order_alone_decides_the_rank_ic(seed, names, count, scale, shift):
    rng = np.random.default_rng(seed)
    sessions = np.repeat(np.arange(count), names)
    scores, returns = rng.integers(0, 50, (2, names * count)).astype(float)

    plain, stretched = (
        metrics_of(scores, returns, sessions),
        metrics_of(scale * scores + shift, returns, sessions),
    )

    assert np.isclose(plain.rank_ic, stretched.rank_ic)
    assert -1 <= plain.rank_ic <= 1
    assert 0 <= plain.hit_rate <= 1


@given(values=st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=40).filter(lambda v: min(v) < max(v)))
def test_a_better_score_never_ranks_worse(values):
    table = ranked(pd.Series(values, index=[f"S{i}" for i in range(len(values))]), ranks=True)

    ordered = table.sort_values("rank")
    assert (ordered["score"].diff().dropna() <= 0).all()
    assert table["rank"].min() == 1


@given(
    ics=st.lists(st.floats(-0.1, 0.1) | st.just(float("nan")), min_size=1, max_size=6),
    ts=st.lists(st.floats(-5, 5) | st.just(float("nan")), min_size=6, max_size=6),
    age=st.integers(0, 60),
)
def test_whoever_is_promoted_over_a_champion_is_confirmed_or_the_baseline_for_an_expiring_one(ics, ts, age):
    results = [make_result(f"m{i}", choice_ic=ic, ic=ic, t=ts[i]) for i, ic in enumerate(ics)]
    day = FRIDAY - timedelta(days=age)
    figures = {"neutral_ic": 0.02}
    old = Champion("old", "xgboost", "hrp", "0", "f", day, day, "", 0.02, figures, True, STATISTIC)

    choice = select_candidate(results, LIMITS)
    promote = compare_with_incumbent(
        choice, results, old, session=FRIDAY, limits=LIMITS, statistic=STATISTIC
    ).promote

    if choice.result is not None:
        assert choice.result.confirmation["neutral_ic_t"] >= 2.0
        assert promote == (choice.result.confirmation["neutral_ic"] > 0.02)
    else:
        assert promote == (age + 7 > 35)

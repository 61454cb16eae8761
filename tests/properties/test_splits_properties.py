"""No training row's label touches a tested row's label or the embargo, on either side, and no other row is lost."""

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.features.labels import sessions_known_after, target
from tasks.models.training.dataset import BY_ROW
from tasks.models.training.splits import Embargo, label_ends, path_ids, purged_folds
from tasks.models.training.walkforward import Window, make_folds, sampled_sessions
from tests.builders import make_panel
from tests.unit.models.datasets import make_data

embargoes = st.builds(Embargo, before=st.integers(0, 12), after=st.integers(0, 12))
groupings = st.tuples(st.integers(2, 7), st.integers(1, 3)).filter(lambda pair: pair[1] < pair[0])


def without_some_bars(data, rng):
    """Return the data without some rows, as where a symbol has no bar."""
    kept = np.flatnonzero(rng.random(len(data.sessions)) < 0.7)
    return replace(data, **{name: getattr(data, name)[kept] for name in BY_ROW})


def touches(data, row, tested, embargo):
    """Return whether the label of a row touches that of any tested row or its embargo, by looking at each."""
    return any(
        data.sessions[row] <= tested.label_end[other] + embargo.after
        and data.label_end[row] >= tested.sessions[other] - embargo.before
        for other in range(len(tested.sessions))
    )


def make_tested(data, tested, reach, rng):
    """Return rows for testing: two names on every tested session, with labels of their own."""
    sessions = np.repeat(tested, 2)
    ends = sessions + rng.integers(0, reach + 1, len(sessions))
    return replace(data, sessions=sessions, label_end=ends.astype(np.int32))


@settings(max_examples=60, deadline=None)
@given(
    groups=groupings,
    embargo=embargoes,
    last=st.integers(20, 120),
    calendar=st.tuples(st.integers(1, 6), st.integers(0, 50)),  # every n-th session, number of the first
    horizon=st.integers(1, 30),
    reach=st.integers(0, 30),
    gaps=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_cross_validation_trains_on_exactly_the_rows_that_touch_no_test(
    groups, embargo, last, calendar, horizon, reach, gaps, seed
):
    rng = np.random.default_rng(seed)
    data = make_data(
        sampled_sessions(0, last, every=calendar[0], origin=calendar[1]), names=2, label=horizon, seed=seed
    )
    data = without_some_bars(data, rng)
    tested = np.arange(last // 4, last + 1)
    if gaps:  # a calendar of which some sessions are not tested
        tested = tested[rng.random(len(tested)) < 0.8]
    if len(tested) < groups[0]:
        return
    rows = make_tested(data, tested, reach, rng)

    folds = purged_folds(
        data.sampled,
        tested,
        label_ends(rows.sessions, rows.label_end, tested),
        groups=groups[0],
        test_groups=groups[1],
        embargo=embargo,
    )

    for fold in folds:
        inside = np.isin(rows.sessions, fold.test)
        of_fold = replace(rows, sessions=rows.sessions[inside], label_end=rows.label_end[inside])
        expected = [
            row
            for row in range(len(data.sessions))
            if data.sessions[row] not in fold.test
            # a session closes as a whole: its longest label counts for each of its rows
            and not touches(data, row, of_fold, embargo)
        ]
        assert data.training_rows(fold.train, fold.closed).tolist() == expected


@settings(max_examples=40, deadline=None)
@given(groups=groupings, sessions=st.integers(8, 90))
def test_every_path_is_the_whole_test_in_order_and_nothing_is_shuffled(groups, sessions):
    number, test_groups = groups
    tested = np.arange(sessions)

    folds = purged_folds(
        tested, tested, tested, groups=number, test_groups=test_groups, embargo=Embargo(0, 0)
    )

    ids = path_ids(number, test_groups)
    for path in range(ids.max() + 1):
        blocks = [folds[fold].blocks[place] for fold, place in zip(*np.nonzero(ids == path), strict=True)]
        assert sorted(np.concatenate(blocks).tolist()) == tested.tolist()
    for fold in folds:
        assert all((np.diff(block) == 1).all() for block in fold.blocks)
        assert (np.diff(fold.train) > 0).all()


@settings(max_examples=25, deadline=None)
@given(
    horizons=st.lists(st.integers(1, 21), min_size=1, max_size=2),
    entry=st.sampled_from(["next_open", "next_close"]),
    embargo=embargoes,
    missing=st.floats(0, 0.3),
    every=st.integers(1, 5),
    expanding=st.booleans(),
    cross_validated=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_other_prices_in_a_test_and_its_embargo_change_no_training_label(
    horizons, entry, embargo, missing, every, expanding, cross_validated, seed
):
    rng = np.random.default_rng(seed)
    panel = make_panel(sessions=160, symbols=6, seed=seed)
    gone = rng.random(panel.close.shape) < missing
    for prices in (panel.open, panel.close):
        prices[gone] = np.nan
    last = 159 - sessions_known_after(max(horizons), entry)
    sampled = sampled_sessions(0, last, every=every, origin=seed)
    ahead = sessions_known_after(max(horizons), entry)
    if cross_validated:
        tested = np.arange(30, last + 1)
        folds = purged_folds(sampled, tested, tested + ahead, groups=4, test_groups=2, embargo=embargo)
    else:
        window = Window(
            train=None if expanding else 60, least_train=20, test=21, folds=3, embargo=embargo.before
        )
        folds = make_folds(sampled, last=last, origin=seed, label_sessions=ahead, window=window)

    for fold in folds:
        labels = target(panel, horizons=horizons, entry=entry)
        used = np.isin(np.arange(160), fold.train) & ~fold.closed.touched_by(
            np.arange(160), np.arange(160) + ahead
        )
        other = make_panel(sessions=160, symbols=6, seed=seed)
        for prices, original in ((other.open, panel.open), (other.close, panel.close)):
            prices[:] = original
            for start, end in zip(fold.closed.start, fold.closed.end, strict=True):
                after = 160 if not cross_validated else int(end) + 1
                prices[max(start, 0) : after] = rng.uniform(1, 100, prices[max(start, 0) : after].shape)
        changed = target(other, horizons=horizons, entry=entry)

        np.testing.assert_array_equal(changed.values[used], labels.values[used])
        assert used.any() or cross_validated

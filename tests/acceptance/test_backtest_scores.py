"""Dense out-of-sample scores on a small panel, with features that are made up and a model of one feature."""

from dataclasses import replace

import numpy as np
import pytest

from config.sections import Candidate
from tasks.backtest.build import TABLES, known_companies
from tasks.backtest.scoring.scores import Known, Skill, columns_by_session, dense_scores, spans_of
from tasks.core.sessions import session_number
from tasks.data.panel.assemble import sessions_of
from tasks.data.panel.companies import company_index
from tasks.features.labels import forward_return
from tasks.features.schema import FeatureMatrix
from tasks.models.training.walkforward import BLOCK
from tests.builders import make_panel, make_settings
from tests.unit.backtest.stored import DAYS, table

SETTINGS = make_settings(
    **{
        "models.train_sessions": 60,
        "models.min_train_sessions": 40,
        "models.test_sessions": 30,
        "models.embargo_sessions": 2,
        "models.label_horizons": [5, 10],
    }
).models
BEST = Candidate(name="best", kind="best_feature", parameters={})
SESSIONS, SYMBOLS, TURN = 260, 12, 150
NAMES = ("early", "late", "noise")


def make_market(seed=0):
    """Return a panel and features: `early` foretells returns before the session TURN, `late` from then on."""
    panel = make_panel(sessions=SESSIONS, symbols=SYMBOLS, seed=seed)
    rng = np.random.default_rng(seed)
    values = rng.random((3, SESSIONS, SYMBOLS)).astype(np.float32)
    ahead = np.nan_to_num(forward_return(panel, sessions=5, entry="next_open").values)
    values[0, :TURN], values[1, TURN:] = ahead[:TURN], ahead[TURN:]
    return panel, values


def cut(market, rows):
    panel, values = market
    part = sessions_of(panel, rows)
    return part, FeatureMatrix(part.sessions, part.symbols, NAMES, values[:, rows], "f" * 64)


class Reader:
    """Give each span the market as known at its end; remembers what was read."""

    def __init__(self, market_at):
        self.market_at = market_at
        self.read = []

    def __call__(self, first, span, *, trains):
        self.read.append((first, span, trains))
        panel, features = cut(self.market_at(span.stop - 1), slice(first, span.stop))
        return Known(span.stop, panel, features, np.tile(np.arange(SYMBOLS), (span.stop - first, 1)))


def scored(market, *, sessions=SESSIONS, spans=None, at=None):
    days = market[0].sessions[:sessions]
    reader = Reader(at or (lambda _: market))
    return dense_scores(days, SYMBOLS, spans or (range(sessions),), reader, BEST, SETTINGS, seed=1), reader


def test_windows_follow_each_other_from_the_first_session_with_enough_history():
    market = make_market()

    scores, _ = scored(market)

    first = scores.folds[0].first
    number = session_number(market[0].sessions[first].item())
    needed = 40 + 10 + 2  # of history, of labels, of embargo
    assert number % BLOCK == 0
    assert needed <= first < needed + BLOCK
    assert [fold.first for fold in scores.folds] == list(range(first, SESSIONS, 30))
    assert [fold.last + 1 for fold in scores.folds] == [*range(first + 30, SESSIONS, 30), SESSIONS]
    assert np.isnan(scores.values[:first]).all()
    assert np.isfinite(scores.values[first:]).all()


def test_every_label_of_the_training_was_known_before_the_window_and_its_embargo():
    scores, _ = scored(make_market())

    for fold in scores.folds:
        assert fold.train_last + 10 < fold.first - 2
        assert fold.train_first >= fold.first - 2 - 10 - 60


def test_each_model_scores_its_own_window():
    market = make_market()

    scores, _ = scored(market)

    used = []
    for fold in scores.folds:
        rows = slice(fold.first, fold.last + 1)
        feature, sign = fold.fitted.model._chosen
        used.append(feature)
        np.testing.assert_array_equal(
            scores.values[rows], sign * market[1][NAMES.index(feature), rows].astype(float)
        )
    assert used[0] == "early"
    assert used[-1] == "late"


def test_the_skill_of_a_fold_is_that_of_the_windows_before_it():
    scores, _ = scored(make_market())

    assert scores.folds[0].skill == Skill()  # nothing has been scored before
    first = scores.folds[0].first
    assert [fold.skill.sessions for fold in scores.folds[1:]] == [
        fold.first - 5 - first for fold in scores.folds[1:]
    ]
    assert scores.folds[1].skill.neutral_ic > 0.5  # the feature foretells


@pytest.mark.parametrize("last", [90, 100, 149, 200, 230])
def test_scores_do_not_depend_on_later_rows(last):
    market, other = make_market(), make_market(seed=9)
    noisy = cut_in(market, other, last + 1)
    whole, _ = scored(market)

    shorter, _ = scored(market, sessions=last + 1)
    changed, _ = scored(noisy)

    assert shorter.values.tobytes() == whole.values[: last + 1].tobytes()
    assert changed.values[: last + 1].tobytes() == shorter.values.tobytes()
    begun = [fold.skill for fold in shorter.folds]
    assert [fold.skill for fold in whole.folds[: len(begun)]] == begun
    assert [fold.skill for fold in changed.folds[: len(begun)]] == begun


def cut_in(market, other, row):
    """Return the market with another one from a row on; labels that end later are changed, not the features."""
    panel, values = market
    names = ("open", "high", "low", "close", "volume", "raw_close", "dollar_volume", "market")
    joined = {
        name: np.concatenate([getattr(panel, name)[:row], getattr(other[0], name)[row:]]) for name in names
    }
    return replace(panel, **joined), np.concatenate([values[:, :row], other[1][:, row:]], axis=1)


def test_scores_are_the_same_whatever_the_spans_when_nothing_became_known_later():
    market = make_market()
    whole, _ = scored(market)

    parts, reader = scored(market, spans=(range(30), range(30, 31), range(31, 120), range(120, SESSIONS)))

    assert parts.values.tobytes() == whole.values.tobytes()
    assert [fold.first for fold in parts.folds] == [fold.first for fold in whole.folds]
    assert [span.start for _, span, _ in reader.read] == [31, 120]  # nothing can be trained before


def test_what_became_known_later_changes_no_earlier_score_and_no_earlier_model():
    before = make_market()
    after = before[0], before[1][::-1].copy()  # as known from row 140 on, every feature had other values
    whole, _ = scored(before)

    scores, _ = scored(
        before, spans=(range(140), range(140, SESSIONS)), at=lambda row: before if row < 140 else after
    )

    assert scores.values[:140].tobytes() == whole.values[:140].tobytes()
    active = [fold for fold in scores.folds if fold.first <= 140][-1]
    feature, sign = active.fitted.model._chosen
    assert (feature, sign) == whole.folds[scores.folds.index(active)].fitted.model._chosen
    np.testing.assert_array_equal(
        scores.values[140], sign * after[1][NAMES.index(feature), 140].astype(float)
    )


def test_a_history_too_short_has_no_scores():
    scores, reader = scored(make_market(), sessions=50)

    assert not scores.folds
    assert np.isnan(scores.values).all()
    assert not reader.read


def spans(sessions=30, **rows):
    names = (*TABLES, "fundamentals")
    stored = {name: table(name, *rows.get(name, ())) for name in names}
    return [span.start for span in spans_of(stored, DAYS[:sessions], benchmark="SPY")]


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("amendments", {"symbol": "A", "session": 4, "known": 9}),
        ("actions", {"symbol": "A", "session": 4, "split": 2.0, "factor": 2.0, "known": 9}),
        ("levels", {"name": "SPY", "session": 4, "known": 9}),
        ("findings", {"symbol": "A", "session": 4, "severity": "quarantine", "known": 9}),
        ("members", {"symbol": "A", "start": 4, "known": 9}),
        ("fundamentals", {"symbol": "A", "available_date": 4, "known": 9}),
    ],
)
def test_a_span_begins_where_something_about_an_earlier_session_became_known(name, row):
    assert spans(**{name: [row]}) == [0, 9]
    assert spans(**{name: [{**row, "known": row.get("session", 4)}]}) == [0]


def test_levels_and_findings_that_features_do_not_use_begin_no_span():
    assert spans(levels=[{"name": "VIX", "session": 4, "known": 9}]) == [0]
    assert spans(findings=[{"symbol": "A", "session": 4, "severity": "note", "known": 9}]) == [0]


def test_a_span_begins_where_a_name_or_a_sector_is_new():
    lives = [{"symbol": "A", "first": 0}, {"symbol": "A", "first": 20}, {"symbol": "B", "first": 3}]
    listed = [
        {"symbol": "A", "available_date": 2, "sector": "Energy"},
        {"symbol": "B", "available_date": 6, "sector": "Energy"},
    ]

    assert spans(lives=lives) == [0, 20]
    assert spans(renames=[{"old": "A", "new": "B", "session": 7}]) == [0, 7]
    assert spans(listings=listed) == [0, 2]


def test_a_rename_known_late_leaves_each_session_the_company_it_knew():
    lives = table(
        "lives", {"symbol": "A", "first": 0}, {"symbol": "B", "first": 10}, {"symbol": "C", "first": 0}
    )
    renames = table("renames", {"old": "A", "new": "B", "session": 10, "known": 15})
    world = known_companies({"lives": lives, "renames": renames}, DAYS[:30])
    as_of = company_index(lives, renames)
    ids = np.sort(world.ids)

    columns = columns_by_session(DAYS[8:12], as_of, world, as_of.names)

    assert as_of.names.tolist() == ["B", "C"]
    found = [[str(ids[column]).partition("~")[2] for column in row] for row in columns]
    assert found == [["A", "C"], ["A", "C"], ["B", "C"], ["B", "C"]]


def test_a_session_without_members_has_no_scores():
    panel, values = make_market()
    is_member = panel.is_member.copy()
    is_member[200] = False

    scores, _ = scored((replace(panel, is_member=is_member), values))

    assert np.isnan(scores.values[200]).all()
    assert np.isfinite(scores.values[201]).all()


def test_progress_is_reported_at_every_fold_and_at_the_end():
    market = make_market()
    done = []

    scores = dense_scores(
        market[0].sessions,
        SYMBOLS,
        (range(SESSIONS),),
        Reader(lambda _: market),
        BEST,
        SETTINGS,
        seed=1,
        report=done.append,
    )

    assert done[-1] == SESSIONS
    assert set(done) >= {fold.first for fold in scores.folds}
    assert done == sorted(done)

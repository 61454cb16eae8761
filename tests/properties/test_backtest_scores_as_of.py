"""Stored scores of a session are those of a daily run on it with the fold's own model, on a simulated lake.

The lake was filled in steps, so that it holds rows that became known late.
"""

from dataclasses import replace

import numpy as np
import pytest

from config.sections import Candidate
from tasks.backtest.scoring.store import read_world
from tasks.backtest.scoring.stored_scores import stored_scores
from tasks.backtest.world import until
from tasks.core.homes.home import Home
from tasks.core.homes.run import Run
from tasks.core.sessions import session_on, sessions_between
from tasks.data.lake.store import read_tables
from tasks.data.panel.companies import company_index
from tasks.data.panel.reader import read_panel
from tasks.data.task import refresh_market
from tasks.features.compute import compute_last, members_frame
from tasks.features.registry import warm_up
from tasks.features.sets import SETS
from tasks.models.kinds.registry import make_model
from tasks.models.training.fitted import Fitted
from tests.builders import make_settings
from tests.homes import LAST_SESSION

pytestmark = pytest.mark.slice

SETTINGS = make_settings(
    **{
        "data.simulated.symbols": 25,
        "data.simulated.first_session": "2022-09-01",
        "data.universe.min_history_sessions": 21,
        "models.train_sessions": 100,
        "models.min_train_sessions": 60,
        "models.test_sessions": 40,
        "models.features": "alpha158",
    }
)
DAYS = sessions_between(SETTINGS.data.simulated.first_session, LAST_SESSION)
REFRESHED = [300, 301, 380, len(DAYS) - 1]
CANDIDATE = Candidate(name="trees", kind="lightgbm", parameters={"rounds": 10})
NAMES = SETS["alpha158"]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return Home(tmp_path_factory.mktemp("scores"))


@pytest.fixture(scope="module")
def snapshot(home):
    for row in REFRESHED:
        session = session_on(DAYS[row].item())
        assert session.closes_at is not None
        market = refresh_market(Run(home, session, session.closes_at, SETTINGS))
    return market.snapshot


@pytest.fixture(scope="module")
def world(snapshot):
    return read_world(snapshot, dividend_pay_sessions=15)


def scores_of(home, snapshot, world):
    return stored_scores(home.scores, home.features, snapshot, world, CANDIDATE, SETTINGS.models, seed=3)


@pytest.fixture(scope="module")
def stored(home, snapshot, world):
    return scores_of(home, snapshot, world)


def test_scores_are_those_of_the_daily_run_with_the_model_of_the_fold(home, snapshot, world, stored):
    first = world.row(np.datetime64(stored.folds[0]["first"]))

    assert np.isnan(stored.values[:first]).all()
    compared = sorted({first, 300, 301, 302, 379, 380, 381, *range(first, len(DAYS), 23), len(DAYS) - 1})
    for row in compared:
        day = DAYS[row]
        fold = next(fold for fold in stored.folds if fold["first"] <= str(day) <= fold["last"])
        model = make_model(CANDIDATE.kind, NAMES, CANDIDATE.parameters, seed=3)
        model.load((home.scores / stored.id / fold["model"]).read_bytes())
        seen = replace(snapshot, session=day.item())
        panel = read_panel(seen, window=warm_up(NAMES))
        frame = members_frame(compute_last(panel, NAMES), panel.is_member[-1])
        expected = Fitted(CANDIDATE.kind, NAMES, model).score(frame)
        tables = read_tables(seen.lake, seen.versions, ("lives", "renames"), session=seen.session)
        companies = company_index(tables["lives"], tables["renames"])
        ids = companies.ids[np.searchsorted(companies.names, expected.index.to_numpy(dtype=str))]
        given = stored.values[row, np.searchsorted(world.company, ids)]

        assert given.tobytes() == expected.to_numpy().tobytes(), str(day)
        assert np.isfinite(stored.values[row]).sum() == len(expected)


def test_a_second_run_reads_the_same_bytes(home, snapshot, world, stored):
    again = scores_of(home, snapshot, world)

    assert stored.is_fresh
    assert not again.is_fresh
    assert again.values.tobytes() == stored.values.tobytes()


def test_scores_up_to_a_session_are_those_of_a_lake_that_ends_there(home, snapshot, world, stored):
    row = 390
    earlier = until(world, row)

    shorter = scores_of(home, replace(snapshot, id="earlier", session=DAYS[row].item()), earlier)

    assert shorter.is_fresh
    columns = len(earlier.company)
    assert shorter.values.tobytes() == np.ascontiguousarray(stored.values[: row + 1, :columns]).tobytes()
    assert np.isnan(stored.values[: row + 1, columns:]).all()

"""A day equals the decision of a walk in weights, shares and cents, for random sessions, models, optimizers, positions.

Cases are made by the stages of a day or by `afterclose daily --date`, each with the fold's own model in a scratch home;
half of them with stops.
"""

import json
import shutil
import sys
from contextlib import suppress
from datetime import date

import numpy as np
import pytest

from config.sections import Candidate
from tasks.core.errors import DataError
from tasks.core.homes.opening import open_run
from tasks.core.sessions import sessions_between
from tasks.data.task import refresh_market
from tests.homes import afterclose, configure
from tests.parity import differences, draw_cases, make_bench, published, report, staged, walked
from tests.real_market import REAL_DATA

CANDIDATES = tuple(
    Candidate(name=name, kind=kind, parameters=parameters)
    for name, kind, parameters in (
        ("trees", "lightgbm", {"rounds": 20}),
        ("momentum_52_week", "momentum_52_week", {}),
        ("best_feature", "best_feature", {}),
        ("equal_weight", "equal_weight", {}),
    )
)
MODELS = {"train_sessions": 252, "min_train_sessions": 126, "test_sessions": 63}
SIMULATED = {
    "data": {
        "simulated": {
            "symbols": 40,
            "first_session": "2021-06-01",
            "seed": 7,
            "fault_rate": 0.01,
            "information_coefficient": 0.2,
        },
        "quality": {"max_quarantined_frac": 0.5},
        "universe": {"min_history_sessions": 21},
    },
    "models": MODELS,
}
DAYS = sessions_between(
    date(2021, 6, 1), date(2024, 3, 14)
)  # before a session that is delivered in another unit
FIRST_OF_SLICE = date(2023, 1, 3)
DAILY_OF_SIMULATED, STAGED_OF_SIMULATED = 30, 170
DAILY_OF_REAL, STAGED_OF_REAL = 10, 40
REAL_LAST = "2021-04-21"


def simulated_bench(folder, *, first, refreshed, candidates):
    """Return a bench on a lake that was filled in steps: what a refresh corrects is known from it on."""
    settings = json.loads(json.dumps(SIMULATED))
    settings["data"]["simulated"]["first_session"] = str(first)
    home = configure(folder / "home", settings)
    days = DAYS[np.datetime64(first) <= DAYS]
    for row in [*refreshed, len(days) - 1]:
        opened = open_run(home=home, day=str(days[row]), profile=None, doing="test", environ={})
        with opened as run, suppress(DataError):  # a session that is not delivered comes with the next one
            market = refresh_market(run)
    return make_bench(home, market.snapshot, candidates, folder / "case")


def compared(bench, candidates, count, make, seed):
    """Make the cases; return the differences by case, and print the counts."""
    results = []
    for case in draw_cases(bench, candidates, count, np.random.default_rng(seed)):
        made = make(bench, case)
        results.append((case, differences(made, walked(bench, case)), made))
    shutil.rmtree(bench.scratch, ignore_errors=True)
    sys.stdout.write(report(bench, results))
    return {str(case): found for case, found, _ in results if found}


@pytest.fixture(scope="module")
def short_bench(tmp_path_factory):
    folder = tmp_path_factory.mktemp("short")
    return simulated_bench(
        folder, first=FIRST_OF_SLICE, refreshed=[100, 101, 220, 221], candidates=CANDIDATES[:2]
    )


@pytest.fixture(scope="module")
def long_bench(tmp_path_factory):
    folder = tmp_path_factory.mktemp("long")
    refreshed = [*range(300, 304), 420, 421, *range(500, 506), *range(620, 623)]
    return simulated_bench(folder, first=DAYS[0].item(), refreshed=refreshed, candidates=CANDIDATES)


@pytest.mark.slice
@pytest.mark.parametrize(("make", "count"), [(staged, 6), (published, 2)])
def test_a_day_equals_the_decision_of_a_walk(short_bench, make, count):
    assert not compared(short_bench, CANDIDATES[:2], count, make, seed=count)


@pytest.mark.prove
@pytest.mark.parametrize(("make", "count"), [(staged, STAGED_OF_SIMULATED), (published, DAILY_OF_SIMULATED)])
def test_200_simulated_days_equal_the_decision_of_a_walk(long_bench, make, count):
    assert not compared(long_bench, CANDIDATES, count, make, seed=count)


@pytest.fixture(scope="module")
def real_bench(tmp_path_factory):
    folder = tmp_path_factory.mktemp("real")
    settings = {"data": {"provider": "files", "files": {"path": str(REAL_DATA)}}, "models": MODELS}
    home = configure(folder / "home", settings)
    imported = afterclose("data", "import", str(REAL_DATA), home=home)
    assert imported.returncode == 0, imported.stderr
    with open_run(home=home, day=REAL_LAST, profile=None, doing="test", environ={}) as run:
        snapshot = refresh_market(run).snapshot
    return make_bench(home, snapshot, CANDIDATES, folder / "case")


@pytest.mark.prove
@pytest.mark.real_data
@pytest.mark.skipif(not (REAL_DATA / "prices.parquet").exists(), reason="no real data")
@pytest.mark.parametrize(("make", "count"), [(staged, STAGED_OF_REAL), (published, DAILY_OF_REAL)])
def test_50_real_days_equal_the_decision_of_a_walk(real_bench, make, count):
    assert not compared(real_bench, CANDIDATES, count, make, seed=count)

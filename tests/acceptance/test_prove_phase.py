"""No verdict depends on the weekday on which sampling begins: 40 consecutive days of real data around 2015-06-30."""

import sys
from datetime import date
from itertools import pairwise

import numpy as np
import pytest

from tasks.features.compute import compute
from tasks.features.schema import FeatureMatrix
from tasks.features.sets import SETS
from tasks.selection.selection_run import run_selection, window_needed
from tests.builders import make_settings
from tests.real_market import REAL_DATA, import_real_data, read_real_panel
from tests.unit.features.panels import rows_of

pytestmark = [
    pytest.mark.prove,
    pytest.mark.real_data,
    pytest.mark.skipif(not (REAL_DATA / "prices.parquet").is_file(), reason="the real data is not there"),
]

MIDDLE, LAST, DAYS = np.datetime64("2015-06-30"), date(2015, 7, 31), 40


@pytest.fixture(scope="module")
def panel(tmp_path_factory):
    home = tmp_path_factory.mktemp("phase")
    import_real_data(home)
    return read_real_panel(home, LAST)


# issue 12, done when 3
@pytest.mark.parametrize("name", ["momentum_52_week", "lightgbm"])
def test_prove_on_40_consecutive_days_the_verdict_changes_at_most_twice(panel, name):
    settings = make_settings(**{"models.quick_candidates": [name]}).models
    end = int(np.searchsorted(panel.sessions, MIDDLE)) + DAYS // 2
    stretch = rows_of(panel, slice(end - DAYS - window_needed(settings), end))
    features = compute(stretch, SETS[settings.features])
    verdicts, statistics = [], []
    for last in range(len(stretch.sessions) - DAYS, len(stretch.sessions)):
        rows = slice(last + 1 - window_needed(settings), last + 1)
        day = rows_of(stretch, rows)
        of_day = FeatureMatrix(
            day.sessions, day.symbols, features.names, features.values[:, rows], features.feature_set
        )
        selected = run_selection(day, of_day, settings, quick=True, seed=lambda _: 1)
        result = next(each for each in selected.results if each.name == name)
        verdicts.append(selected.choice.result is not None)
        statistics.append(result.confirmation["neutral_ic_t"])
    sequence = " ".join(f"{t:.2f}{'+' if yes else ''}" for t, yes in zip(statistics, verdicts, strict=True))
    sys.stdout.write(f"\n{name}: t on the confirmation folds, + if promoted: {sequence}\n")

    changes = sum(one != other for one, other in pairwise(verdicts))
    assert changes <= 2, sequence

"""No verdict depends on the weekday on which sampling begins: 40 consecutive days of a real and of a planted market."""

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
from tests.champions import MemoryLedger
from tests.real_market import REAL_DATA, import_real_data, read_real_panel
from tests.simulated import known_market
from tests.unit.features.panels import rows_of

pytestmark = pytest.mark.prove

MIDDLE, LAST, DAYS = np.datetime64("2015-06-30"), date(2015, 7, 31), 40
PLANTED_WITH_90_PERCENT_POWER = 0.08  # see the table of docs/model-selection.md


def settings_of(name):
    # the t alone: real prices are near the limit of the deflated Sharpe ratio
    return make_settings(**{"models.quick_candidates": [name], "models.min_deflated_sharpe": 0.0}).models


def verdicts(panel, name):
    """Run the selection as of each of the panel's last days; return the verdicts, and the t's as text."""
    settings = settings_of(name)
    needed = window_needed(settings)
    stretch = rows_of(panel, slice(len(panel.sessions) - DAYS - needed, None))
    features = compute(stretch, SETS[settings.features])
    confirmed, statistics = [], []
    for end in range(len(stretch.sessions) - DAYS + 1, len(stretch.sessions) + 1):
        rows = slice(end - needed, end)
        day = rows_of(stretch, rows)
        of_day = FeatureMatrix(
            day.sessions, day.symbols, features.names, features.values[:, rows], features.feature_set
        )
        selected = run_selection(day, of_day, settings, quick=True, seed=lambda _: 1, ledger=MemoryLedger())
        result = next(each for each in selected.results if each.name == name)
        confirmed.append(selected.choice.result is not None)
        statistics.append(result.confirmation["neutral_ic_t"])
    said = " ".join(f"{t:.2f}{'+' if yes else ''}" for t, yes in zip(statistics, confirmed, strict=True))
    sys.stdout.write(f"\n{name}: t on the confirmation folds, + if promoted: {said}\n")
    return confirmed, said


@pytest.fixture(scope="module")
def real_panel(tmp_path_factory):
    home = tmp_path_factory.mktemp("phase")
    import_real_data(home)
    panel = read_real_panel(home, LAST)
    return rows_of(panel, slice(0, int(np.searchsorted(panel.sessions, MIDDLE)) + DAYS // 2))


# issue 12, done when 3
@pytest.mark.real_data
@pytest.mark.skipif(not (REAL_DATA / "prices.parquet").is_file(), reason="the real data is not there")
@pytest.mark.parametrize("name", ["momentum_52_week", "lightgbm"])
def test_prove_on_40_consecutive_real_days_the_verdict_changes_at_most_twice(real_panel, name):
    confirmed, said = verdicts(real_panel, name)

    assert sum(one != other for one, other in pairwise(confirmed)) <= 2, said


# issue 12, done when 3
def test_prove_alpha_of_90_percent_power_is_confirmed_on_36_of_40_consecutive_days():
    sessions = window_needed(settings_of("lightgbm")) + DAYS
    market = known_market(
        seed=1001,
        symbols=300,
        sessions=sessions,
        information_coefficient=PLANTED_WITH_90_PERCENT_POWER,
        version=2,
    )

    confirmed, said = verdicts(market.panel, "lightgbm")

    assert sum(confirmed) >= 36, said

"""A champion of another statistic is measured anew on sessions after its training, with its frozen model."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from tasks.core.homes.home import Home
from tasks.features.registry import feature_set
from tasks.models.registry.store import promote_version, write_version
from tasks.models.schema import Statistic
from tasks.models.training.metrics import metrics_of
from tasks.selection.promotion import describe
from tasks.selection.rival import measure_rival
from tasks.selection.selection_run import run_selection
from tests.builders import make_panel, make_settings
from tests.champions import MemoryLedger, features_of, make_training

SETTINGS = make_settings(
    **{
        "models.train_sessions": 120,
        "models.min_train_sessions": 60,
        "models.test_sessions": 42,
        "models.folds": 3,
        "models.quick_candidates": ["momentum_52_week"],
    }
).models
OLD = Statistic("next_close", 5, ("beta",))


@pytest.fixture(scope="module")
def week():
    panel = make_panel(sessions=560, symbols=30)
    features = features_of(panel, SETTINGS)
    return (
        panel,
        features,
        run_selection(panel, features, SETTINGS, quick=True, seed=lambda _: 1, ledger=MemoryLedger()),
    )


def champion_of(home, names, *, trained_through: date, statistic=OLD, kind="momentum_52_week"):
    """Put a champion into production that was trained on these features up to this day."""
    training = make_training(home.work / "made", kind=kind, statistic=statistic)
    training = replace(
        training,
        features=names,
        feature_set=feature_set(names),
        probe=((), ()),
        trained_through=trained_through,
    )
    metadata = describe(training, optimizer="hrp", min_t=2.0)
    promote_version(home, write_version(home, metadata, training.model.path.read_bytes()))
    return metadata.champion


def test_it_is_measured_by_this_weeks_statistic_on_the_sessions_after_its_training(week, tmp_path):
    panel, features, run = week
    data, home = run.tested.data, Home(tmp_path)
    after = data.sampled[-60]
    day = panel.sessions[after - 1].item()
    champion = champion_of(home, features.names, trained_through=day)

    rival = measure_rival(home, panel, run, least_sessions=42)

    later = data.sessions >= after
    column = features.names.index("distance_52w_high")
    expected = metrics_of(
        data.x[later, column].astype(float),
        data.forward[later],
        data.sessions[later],
        overlap=5,
        controls=run.tested.controls.of(later),
    )
    assert (rival.model_sha256, rival.sessions) == (champion.model_sha256, 60)
    assert rival.neutral_ic == pytest.approx(expected.neutral_ic)
    assert rival.candidates["momentum_52_week"] == pytest.approx(expected.neutral_ic)  # the same rule
    assert set(rival.candidates) == {"momentum_52_week", "best_feature"}


def test_with_too_few_sessions_it_is_not_measured(week, tmp_path):
    panel, features, run = week
    home = Home(tmp_path)
    day = panel.sessions[run.tested.data.sampled[-42]].item()
    champion_of(home, features.names, trained_through=day)

    rival = measure_rival(home, panel, run, least_sessions=42)

    assert (rival.sessions, rival.neutral_ic, rival.candidates) == (41, None, {})


def test_after_the_last_tested_session_there_is_nothing_to_measure(week, tmp_path):
    panel, features, run = week
    champion_of(Home(tmp_path), features.names, trained_through=panel.sessions[-1].item())

    assert measure_rival(Home(tmp_path), panel, run, least_sessions=42).sessions == 0


def test_what_can_be_compared_by_its_record_or_not_at_all_is_not_measured(week, tmp_path):
    panel, features, run = week
    early = panel.sessions[300].item()
    nobody, equal, other, flat, broken = (
        Home(tmp_path / name) for name in ("no", "same", "set", "flat", "bad")
    )
    champion_of(equal, features.names, trained_through=early, statistic=run.statistic)
    champion_of(other, features.names[:-1], trained_through=early)
    champion_of(flat, features.names, trained_through=early, kind="equal_weight")
    champion_of(broken, features.names, trained_through=early)
    next(broken.production.glob("champion_model*")).write_bytes(b"damaged")

    for home in (nobody, equal, other, flat, broken):
        assert measure_rival(home, panel, run, least_sessions=42) is None


def test_an_older_build_recorded_no_statistic_and_is_measured(week, tmp_path):
    panel, features, run = week
    home = Home(tmp_path)
    training_day = panel.sessions[300].item()
    metadata_of = champion_of(home, features.names, trained_through=training_day, statistic=None)

    assert metadata_of.statistic is None
    assert np.isfinite(measure_rival(home, panel, run, least_sessions=42).neutral_ic)

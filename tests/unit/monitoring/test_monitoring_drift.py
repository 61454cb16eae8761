"""Drift of features and scores: which distances are alerts."""

from dataclasses import replace

import numpy as np
import pytest

from tasks.models.training.baseline import make_baseline
from tasks.monitoring.drift import column_drift, drift_alerts, has_drifted
from tasks.monitoring.schema import ColumnDrift
from tests.builders import make_panel, make_settings

LIMITS = make_settings().monitoring
NAMES = ("momentum_1m", "volatility_21", "log_dollar_volume_21", "volume_ratio_5_63")


def column(name="x", *, psi=0.0, largest=0.05, present=1.0, trained=1.0):
    return ColumnDrift(name, psi, 0.0, 0.0, largest, present, trained)


def names_of(alerts):
    return [alert.name for alert in alerts]


def test_a_feature_has_drifted_beyond_the_absolute_and_the_relative_threshold_only():
    assert not has_drifted(column(psi=0.09, largest=0.01), LIMITS)
    assert not has_drifted(column(psi=0.9, largest=0.5), LIMITS)
    assert has_drifted(column(psi=0.13, largest=0.05), LIMITS)


def test_many_drifted_features_are_one_alert_and_few_are_none():
    quiet = [column(f"q{number}") for number in range(8)]

    assert drift_alerts((*quiet, column("a", psi=0.5), column("b", psi=0.5)), LIMITS) == []
    (alert,) = drift_alerts((*quiet, *(column(name, psi=0.5) for name in "abc")), LIMITS)
    assert (alert.name, alert.retrain, alert.value) == ("feature_drift", True, pytest.approx(3 / 11))
    assert "3 features of 11 differ from training: a (PSI 0.50)" in alert.detail


def test_one_feature_far_beyond_its_own_past_is_an_alert_by_itself():
    quiet = [column(f"q{number}") for number in range(20)]

    assert names_of(drift_alerts((*quiet, column("a", psi=3.1)), LIMITS)) == ["feature_drift_single"]
    assert drift_alerts((*quiet, column("a", psi=3.1, largest=0.6)), LIMITS) == []
    assert names_of(drift_alerts((*quiet, column("score", psi=3.1)), LIMITS)) == ["score_drift"]


def test_a_feature_that_barely_varied_in_training_is_measured_by_the_threshold_of_all_features():
    """A multiple of almost nothing is exceeded by chance."""
    limits = make_settings(**{"monitoring.max_psi_single": 0.2, "monitoring.max_psi": 0.1}).monitoring
    quiet = [column(f"q{number}") for number in range(20)]
    limit = limits.single_factor * limits.max_psi

    assert drift_alerts((*quiet, column("a", psi=limit - 0.01, largest=0.001)), limits) == []
    (alert,) = drift_alerts((*quiet, column("a", psi=limit + 0.01, largest=0.001)), limits)
    assert (alert.name, alert.limit) == ("feature_drift_single", pytest.approx(limit))


def test_values_that_went_missing_are_an_alert_without_training_again():
    alerts = drift_alerts((column("a", present=0.5), column("b", present=0.5, trained=0.6)), LIMITS)

    assert [(alert.name, alert.retrain) for alert in alerts] == [("feature_missing", False)]
    assert "1 feature missing more often than in training, most of all a: 50%" in alerts[0].detail


def test_a_column_at_a_limit_is_not_beyond_it():
    quiet = [column(f"q{number}") for number in range(20)]

    assert not has_drifted(column(psi=LIMITS.max_psi, largest=0.01), LIMITS)
    assert not has_drifted(column(psi=LIMITS.drift_factor * 0.2, largest=0.2), LIMITS)
    assert drift_alerts((*quiet, column("a", psi=LIMITS.max_psi_single)), LIMITS) == []
    assert drift_alerts((*quiet, column("a", present=0.0, trained=LIMITS.max_missing_frac)), LIMITS) == []


@pytest.fixture(scope="module")
def market():
    panel = make_panel(sessions=1_620, symbols=40)
    sessions = np.repeat(np.arange(300, 1_600), 40)
    scores = np.random.default_rng(0).normal(size=len(sessions)), sessions
    return panel, make_baseline(panel, NAMES, sessions, scores, block_sessions=20)


def test_the_same_market_has_not_drifted(market):
    panel, baseline = market
    scores = np.random.default_rng(1).normal(size=40)

    drift = column_drift(panel, scores, baseline)

    assert [one.column for one in drift] == [*NAMES, "score"]
    assert drift_alerts(drift, LIMITS) == []


def test_volumes_in_another_unit_drift_in_the_features_of_volume_and_no_other(market):
    panel, baseline = market
    factor = np.where(np.arange(1_620)[:, None] >= 1_600, 1e-3, 1.0)
    changed = replace(panel, volume=panel.volume * factor, dollar_volume=panel.dollar_volume * factor)

    drift = column_drift(changed, np.random.default_rng(1).normal(size=40), baseline)

    drifted = {one.column for one in drift[:-1] if has_drifted(one, LIMITS)}
    assert drifted == {"volume_ratio_5_63"}  # dollar volume moved as far in training


def test_scores_that_collapse_are_an_alert(market):
    panel, baseline = market

    assert names_of(drift_alerts(column_drift(panel, np.zeros(40), baseline), LIMITS)) == ["score_drift"]

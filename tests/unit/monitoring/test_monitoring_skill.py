"""Realized skill: how scores ordered the returns that followed, and when that is an alert."""

import json
from dataclasses import asdict, replace

import numpy as np
import pytest
from scipy.stats import spearmanr

from tasks.features.labels import forward_return
from tasks.models.schema import Statistic
from tasks.models.training.inference import estimate
from tasks.monitoring.realised_skill import ScoredDay, realised_of, skill_alerts, skill_windows
from tasks.monitoring.schema import Realised, parse_realised
from tests.builders import make_panel, make_settings
from tests.power.fading import TESTED, has_skill_alert

LIMITS = make_settings().monitoring
STATISTIC = Statistic("next_open", 5, ("sector", "beta", "volatility", "dollar_volume"))


def scored(panel, row, scores):
    named = dict(zip(panel.symbols.tolist(), scores.tolist(), strict=True))
    return ScoredDay(panel.sessions[row].item(), "m", "0" * 64, STATISTIC, 0.05, 0.01, 500, named)


def test_the_coefficients_are_those_of_the_labels_of_training():
    panel = make_panel(sessions=300, symbols=40)
    scores = np.random.default_rng(5).normal(size=40)

    found = realised_of(scored(panel, 294, scores), panel)

    follow = forward_return(panel, sessions=5, entry="next_open").values[294]
    assert found.rank_ic == pytest.approx(spearmanr(scores, follow).statistic)
    assert found.ic == pytest.approx(np.corrcoef(scores, follow)[0, 1])
    assert abs(found.neutral_ic) <= 1
    assert found.neutral_ic != found.rank_ic
    assert sum(found.quantiles) == pytest.approx(0, abs=1e-12)
    assert (found.names, found.measured_on) == (40, panel.sessions[-1].item())


def test_perfect_foresight_orders_the_fifths():
    panel = make_panel(sessions=300, symbols=40)
    follow = forward_return(panel, sessions=5, entry="next_open").values[294]

    found = realised_of(scored(panel, 294, follow), panel)

    assert found.rank_ic == pytest.approx(1)
    assert list(found.quantiles) == sorted(found.quantiles)


def test_returns_that_are_not_complete_are_not_used():
    panel = make_panel(sessions=300, symbols=40)

    assert "not known yet" in realised_of(scored(panel, 295, np.arange(40.0)), panel)


def test_a_name_without_a_score_or_a_bar_does_not_count_and_too_few_names_are_not_measured():
    panel = make_panel(sessions=300, symbols=40)
    few = scored(panel, 294, np.arange(40.0))

    assert realised_of(replace(few, scores=dict(list(few.scores.items())[:20])), panel).names == 20
    assert "only 9" in realised_of(replace(few, scores=dict(list(few.scores.items())[:9])), panel)


def record(ic, *, expected=0.05, error=0.004):
    day = make_panel(sessions=1).sessions[0].item()
    return Realised(
        day, day, "m", "0" * 64, 5, 500, ic, ic, ic, (-1.0, 0.0, 0.0, 0.0, 1.0), expected, error, 500
    )


def noisy(mean, count, seed=0):
    return [record(mean + noise) for noise in np.random.default_rng(seed).normal(0, 0.04, count)]


def test_a_window_has_its_interval_and_p_value_and_states_what_it_could_detect():
    month, quarter = skill_windows(noisy(0.05, 70), LIMITS)

    assert (month.sessions, quarter.sessions) == (20, 63)
    assert quarter.low < quarter.mean < quarter.high
    assert quarter.p_value < 0.05
    assert quarter.detectable_drop == pytest.approx(3.2 * 0.004 * np.sqrt(500) * np.sqrt(1 / 63 + 1 / 500))
    assert quarter.quantiles == (-1, 0, 0, 0, 1)
    assert skill_alerts([month, quarter], LIMITS) == []


def test_the_interval_of_a_window_is_that_of_returns_that_overlap_over_the_longest_horizon():
    values = [one.neutral_ic for one in noisy(0.05, 63)]
    horizons = [5] * 62 + [10]
    records = [replace(record(ic), horizon_sessions=h) for ic, h in zip(values, horizons, strict=True)]

    window = skill_windows(records, LIMITS)[1]

    found = estimate(np.array(values), overlap=10)
    assert (window.low, window.high, window.p_value) == (found.low, found.high, found.p_value)
    assert window.low < estimate(np.array(values), overlap=1).low


def test_a_window_of_two_champions_is_as_uncertain_as_the_shorter_of_their_tests():
    days = [record(0.05 + step, error=0.02) for step in np.resize([-0.01, 0.01], 63)]
    days[:30] = [replace(one, expected_sessions=100) for one in days[:30]]

    quarter = skill_windows(days, LIMITS)[1]

    error = 0.02 * np.sqrt(100) * np.sqrt(1 / 63 + 1 / 100)
    assert quarter.detectable_drop == pytest.approx(LIMITS.min_ic_drop_z * error)


def test_skill_that_is_gone_is_an_alert_and_a_reason_to_train_again():
    gone = noisy(-0.03, 70)

    alerts = skill_alerts(skill_windows(gone, LIMITS), LIMITS)

    assert [(alert.name, alert.retrain) for alert in alerts] == [("skill_63", True)]
    assert "0.050 was expected" in alerts[0].detail


def test_a_month_without_skill_is_stated_and_no_alert():
    (month,) = skill_windows(noisy(-0.2, 62), LIMITS)

    assert month.z < -LIMITS.min_ic_drop_z
    assert not month.is_tested
    assert skill_alerts([month], LIMITS) == []


def test_a_decay_too_small_for_a_quarter_is_an_alert_of_a_longer_window():
    decayed = [record(ic) for ic in np.resize([0.009, 0.029], 300)]

    windows = skill_windows(decayed, LIMITS)

    assert [one.sessions for one in windows] == [20, 63, 126, 252]
    assert [alert.name for alert in skill_alerts(windows, LIMITS)] == ["skill_126", "skill_252"]


def test_the_simulation_of_lost_skill_has_the_alerts_of_the_daily_stage():
    ics = np.random.default_rng(3).normal(np.where(np.arange(300) < 150, 0.05, -0.02), 0.06)
    days = [replace(record(ic, error=0.006), expected_sessions=TESTED) for ic in ics.tolist()]
    looks = range(63, 301, 4)

    simulated = has_skill_alert(ics, 0.05, 0.006)

    found = [bool(skill_alerts(skill_windows(days[:look], LIMITS), LIMITS)) for look in looks]
    assert [bool(simulated[look - 1]) for look in looks] == found
    assert set(found) == {True, False}


def test_the_error_of_a_drop_is_at_least_that_of_the_live_ics_with_overlapping_returns():
    realised = [record(ic, error=0.0005) for ic in np.resize([-0.07, 0.09], 64)]
    ics = np.array([one.neutral_ic for one in realised[1:]])

    quarter = skill_windows(realised, LIMITS)[1]

    error = ics.std(ddof=1) * np.sqrt(5) * np.sqrt(1 / 63 + 1 / 500)
    assert quarter.z == pytest.approx((ics.mean() - 0.05) / error)
    assert quarter.detectable_drop == pytest.approx(LIMITS.min_ic_drop_z * error)
    assert skill_alerts([quarter], LIMITS) == []


def guesses(mean, count, *, expected=0.53):
    noise = np.random.default_rng(4).normal(0, 0.02, count)
    return [replace(record(0.05), accuracy=mean + one, expected_accuracy=expected) for one in noise]


def accuracy_alerts(realised):
    return [
        (alert.name, alert.retrain)
        for alert in skill_alerts(skill_windows(realised, LIMITS), LIMITS)
        if "accuracy" in alert.name
    ]


def test_an_accuracy_that_is_gone_is_an_alert_and_a_reason_to_train_again():
    _, quarter = skill_windows(guesses(0.48, 63), LIMITS)

    assert accuracy_alerts(guesses(0.48, 63)) == [("accuracy_63", True)]
    assert (quarter.accuracy, quarter.expected_accuracy) == pytest.approx((0.48, 0.53), abs=0.01)


@pytest.mark.parametrize(
    ("mean", "expected"),
    [(0.53, 0.53), (0.58, 0.75), (0.48, 0.40)],
    ids=["as the champion's", "above the threshold", "better than the champion's"],
)
def test_an_accuracy_within_either_threshold_is_not_an_alert(mean, expected):
    assert accuracy_alerts(guesses(mean, 63, expected=expected)) == []


def test_the_accuracy_expected_has_an_error_too_the_larger_the_fewer_sessions_it_was_measured_on():
    few = [replace(one, expected_sessions=20) for one in guesses(0.48, 63)]

    certain, uncertain = (skill_windows(each, LIMITS)[1] for each in (guesses(0.48, 63), few))
    assert certain.accuracy_p_value < uncertain.accuracy_p_value


def test_an_accuracy_that_alternates_is_no_more_certain_than_overlapping_returns_are():
    alternating = [
        replace(record(0.05), accuracy=one, expected_accuracy=0.53) for one in np.resize([0.4, 0.6], 63)
    ]

    assert estimate(np.resize([0.4, 0.6], 63) - 0.53, overlap=5).p_value < 1e-4
    assert accuracy_alerts(alternating) == []


def test_days_of_an_earlier_release_have_no_accuracy_and_no_alert_of_it():
    mixed = [*guesses(0.3, 62), record(0.05)]

    assert skill_windows(mixed, LIMITS)[1].accuracy is None
    assert accuracy_alerts(mixed) == []


def test_a_record_of_an_earlier_release_is_read_without_accuracy():
    one = guesses(0.5, 1)[0]
    written = json.loads(json.dumps(asdict(one), default=str))
    older = {name: value for name, value in written.items() if "accuracy" not in name}

    assert parse_realised(written) == one
    assert parse_realised(older) == replace(one, accuracy=None, expected_accuracy=None)


def test_the_accuracy_is_the_fraction_of_names_on_the_side_of_the_median_of_their_return():
    panel = make_panel(sessions=300, symbols=40)
    follow = forward_return(panel, sessions=5, entry="next_open").values[294]
    scores = np.where(np.arange(40) < 10, -follow, follow)

    found = realised_of(replace(scored(panel, 294, scores), expected_accuracy=0.53), panel)

    sides = (scores > np.median(scores)) == (follow > np.median(follow))
    assert found.accuracy == pytest.approx(sides.mean())
    assert found.expected_accuracy == 0.53


def test_a_drop_within_the_absolute_threshold_is_not_an_alert_however_certain():
    certain = [record(0.035, error=1e-6) for _ in range(70)]

    assert skill_alerts(skill_windows(certain, LIMITS), LIMITS) == []


def test_fewer_than_twenty_sessions_have_no_window():
    assert skill_windows(noisy(0.05, 19), LIMITS) == ()

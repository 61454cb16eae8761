"""The challenger in shadow: what is stored of it, and how it is compared with the champion."""

import json
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from tasks.core.errors import StorageError
from tasks.core.homes.home import Home
from tasks.models.training.inference import estimate
from tasks.monitoring.comparison import compare_in_shadow
from tasks.monitoring.schema import Realised
from tasks.monitoring.shadow_days import ShadowDay, read_shadows, scored_by, shadow_skill, write_shadow
from tests.builders import FRIDAY
from tests.champions import put_into_production

OURS, THEIRS = "a" * 64, "b" * 64


def realised(day, ic, sha=THEIRS):
    return Realised(day, day, "m", sha, 5, 40, ic, ic, ic, (0.0,) * 5, 0.05, 0.01, 500)


def shadow(home, day, *records):
    champion = put_into_production(home).champion
    return ShadowDay(scored_by(champion, day, {"AAPL": 0.1, "NA": -1 / 3}), records)


def test_what_is_stored_is_read_back_exactly_oldest_first(tmp_path):
    home = Home(tmp_path)
    days = [shadow(home, FRIDAY, realised(FRIDAY, 0.1)), shadow(home, date(2024, 6, 13))]
    for day in days:
        write_shadow(home, day)

    assert read_shadows(home) == days[::-1]
    assert read_shadows(home, before=FRIDAY) == days[1:]
    assert read_shadows(home, most=1) == days[:1]
    assert shadow_skill(read_shadows(home)) == {FRIDAY: realised(FRIDAY, 0.1)}


def test_a_file_that_was_altered_is_an_error(tmp_path):
    home = Home(tmp_path)
    write_shadow(home, shadow(home, FRIDAY))
    path = home.shadow / f"{FRIDAY}.json"
    record = json.loads(path.read_bytes())
    record["scored"]["scores"]["AAPL"] = (0.9).hex()
    path.write_text(json.dumps(record))

    with pytest.raises(StorageError, match="was altered"):
        read_shadows(home)


def test_a_model_that_promised_nothing_is_not_measured(tmp_path):
    champion = replace(put_into_production(Home(tmp_path)).champion, statistic=None)

    assert scored_by(champion, FRIDAY, {}) is None


def series(mean, count, sha, seed):
    noise = np.random.default_rng(seed).normal(0, 0.01, count)
    days = [FRIDAY + timedelta(days=number) for number in range(count)]
    return {day: realised(day, mean + one, sha) for day, one in zip(days, noise, strict=True)}


def test_the_interval_of_the_difference_is_that_of_returns_that_overlap_over_the_horizon():
    champion, challenger = series(0.03, 60, OURS, 1), series(0.04, 60, THEIRS, 2)
    differences = np.array([challenger[day].neutral_ic - champion[day].neutral_ic for day in champion])

    found = compare_in_shadow(challenger, champion)

    measured = estimate(differences, overlap=5)
    assert (found.low, found.high) == (measured.low, measured.high)
    assert found.low != estimate(differences, overlap=1).low


def test_a_better_challenger_is_distinguished_from_noise_and_an_equal_one_is_not():
    champion = series(0.03, 60, OURS, 1)

    better = compare_in_shadow(series(0.06, 60, THEIRS, 2), champion)
    equal = compare_in_shadow(series(0.03, 60, THEIRS, 3), champion)
    worse = compare_in_shadow(series(0.0, 60, THEIRS, 4), champion)

    assert better.low < better.difference < better.high
    assert better.interval == f"95% CI {better.low:+.4f} to {better.high:+.4f}"
    assert better.difference == pytest.approx(0.03, abs=0.005)
    assert [one.verdict for one in (better, equal, worse)] == [
        "the challenger is better",
        "no difference beyond noise",
        "the champion is better",
    ]


def test_one_session_and_differences_that_do_not_vary_have_no_interval():
    one = compare_in_shadow(series(0.05, 1, THEIRS, 2), series(0.04, 1, OURS, 1))
    equal = compare_in_shadow(series(0.05, 20, THEIRS, 1), series(0.05, 20, OURS, 1))

    assert (one.sessions, one.low, one.high, one.interval) == (1, None, None, "no 95% CI")
    assert "too few" in one.verdict
    assert (equal.low, equal.high, equal.verdict) == (
        None,
        None,
        "the differences do not vary: there is no interval",
    )


def test_few_sessions_tell_nothing():
    assert "too few" in compare_in_shadow(series(0.5, 19, THEIRS, 2), series(0.0, 19, OURS, 1)).verdict


def test_only_sessions_of_the_last_challenger_that_both_have_scored_count():
    theirs = series(0.06, 60, THEIRS, 2)
    earlier = {day: replace(one, model_sha256="c" * 64) for day, one in list(theirs.items())[:20]}
    champion = dict(list(series(0.03, 60, OURS, 1).items())[:50])
    promoted = {day: replace(one, model_sha256=THEIRS) for day, one in list(champion.items())[40:]}

    found = compare_in_shadow({**theirs, **earlier}, {**champion, **promoted})

    assert found.sessions == 20
    assert compare_in_shadow({}, champion) is None
    assert compare_in_shadow(earlier, {}) is None

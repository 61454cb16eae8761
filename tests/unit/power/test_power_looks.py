"""Weekly looks on stored ICs use the shipped choice and the threshold that rises with fresh sessions."""

import numpy as np

from tasks.selection.choice import PromotionLimits
from tasks.selection.schema import CandidateResult
from tests.power.looks import WEEKS, confirmed_weeks

LIMITS = PromotionLimits(
    min_t_statistic=2.0, max_train_test_gap=0.05, max_age_days=35, min_deflated_sharpe=0.95
)
FIGURES = {"rank_ic": 0.01, "neutral_ic": 0.0, "neutral_ic_se": 1.0, "neutral_ic_t": 0.0, "sessions": 1}


def learner(name):
    return CandidateResult(
        name,
        "lightgbm",
        ranks=True,
        learns=True,
        choice=FIGURES,
        confirmation=FIGURES,
        overall=FIGURES,
        train_test_gap=0.0,
    )


def looks(ics, *, level=0.10):
    return confirmed_weeks([learner(name) for name in ics], ics, LIMITS, overlap=1, level=level)


def noise(seed, *, mean, count=774):
    return mean + np.random.default_rng(seed).normal(size=count)


def test_a_strong_signal_is_confirmed_in_every_week_and_none_in_no_week():
    assert looks({"one": noise(1, mean=1.0)}) == list(range(WEEKS))
    assert looks({"one": noise(1, mean=-1.0)}) == []


def test_later_weeks_require_a_larger_t():
    spent, free = (looks({"one": noise(12, mean=0.12)}, level=level) for level in (0.10, 0.999))

    assert 0 in spent
    assert set(spent) < set(free)


def test_the_confirmation_sessions_of_a_week_do_not_select():
    first = np.where(np.arange(774) < 341, 1.0, -1.0) + noise(2, mean=0.0)
    second = -first

    assert looks({"first": first, "second": second}) == []


def test_no_look_reads_a_later_session():
    ics = noise(12, mean=0.12)
    without_last_week = np.concatenate([ics[:-5], np.full(5, -20.0)])

    assert looks({"one": ics}, level=0.999)[-1] == WEEKS - 1
    assert looks({"one": without_last_week}, level=0.999) == looks({"one": ics}, level=0.999)[:-1]

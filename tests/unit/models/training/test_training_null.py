"""The statistic on markets without a signal: what is reported as t is one."""

import numpy as np
import pytest

from tasks.models.training.metrics import metrics_of
from tests.null_markets import null_market


def statistics(seeds):
    found = []
    for seed in seeds:
        market = null_market(seed)
        measured = metrics_of(
            market.scores, market.returns, market.sessions, overlap=5, controls=market.controls
        )
        found.append((measured.neutral_ic_t, measured.neutral_ic_se, measured.rank_ic_se))
    return np.array(found).T


def test_on_a_few_markets_without_a_signal_t_stays_small_and_the_neutral_error_is_the_smaller_one():
    t, neutral, plain = statistics(range(500, 510))

    assert (np.abs(t) < 3).all()
    assert neutral.mean() < 0.7 * plain.mean()


@pytest.mark.prove
def test_prove_on_200_markets_without_a_signal_t_has_mean_0_and_deviation_1():
    t, _, _ = statistics(range(200))

    assert t.mean() == pytest.approx(0, abs=0.15)
    assert t.std(ddof=1) == pytest.approx(1, abs=0.1)

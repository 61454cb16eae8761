from itertools import combinations

import numpy as np
import pytest

from tasks.selection.statistics.overfitting import cscv_logits, probability_of_overfitting

V13 = np.array(
    [(3, 1, 2), (1, 2, 0), (-1, 2, 1), (2, -1, 1), (0, 1, 2), (-2, 3, 1), (4, -1, 0), (1, 0, 2)], dtype=float
)


def test_v13_logits_and_probability():
    logits = cscv_logits(V13, blocks=4)

    assert np.sort(logits) == pytest.approx(
        np.sort([1.098612, -1.098612, -1.098612, 0, 0, 1.098612]), abs=1e-6
    )
    assert probability_of_overfitting(V13, blocks=4) == pytest.approx(2 / 3)


@pytest.mark.parametrize("constant", [None, 0.0, 0.5, 0.0007])
def test_it_agrees_with_every_half_computed_by_itself(constant):
    returns = np.random.default_rng(1).normal(0.001, 0.01, (120, 5))
    if constant is not None:
        returns[:, 2] = constant  # its Sharpe ratio counts as 0
    blocks = np.split(returns, 6)
    expected = []
    for half in combinations(range(6), 3):
        inside = np.concatenate([blocks[i] for i in half])
        outside = np.concatenate([blocks[i] for i in range(6) if i not in half])
        sharpes = [
            np.where(
                np.ptp(part, axis=0) > 0, part.mean(axis=0) / np.maximum(part.std(axis=0, ddof=1), 1e-9), 0
            )
            for part in (inside, outside)
        ]
        rank = 1 + (sharpes[1] < sharpes[1][sharpes[0].argmax()]).sum()
        expected.append(np.log(rank / 6 / (1 - rank / 6)))

    assert cscv_logits(returns, blocks=6) == pytest.approx(expected)


def test_a_candidate_that_is_always_better_is_not_overfitted_and_noise_is():
    noise = np.random.default_rng(2).normal(0, 0.01, (774, 6))
    better = noise + np.array([0.01, 0, 0, 0, 0, 0])

    assert probability_of_overfitting(better) == 0
    assert probability_of_overfitting(noise) > 0.3


@pytest.mark.parametrize("shape", [(774, 1), (774, 0), (31, 5), (0, 5)])
def test_too_little_to_split_has_no_probability(shape):
    assert np.isnan(probability_of_overfitting(np.zeros(shape)))

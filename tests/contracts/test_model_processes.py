"""Every kind of model in a process of its own, on one core: it loads, scores and trains bit for bit as here."""

import os

import numpy as np
import pytest

from tasks.core.spread.fan_out import fan_out
from tasks.models.kinds.registry import make_model
from tests.champions import ALL_KINDS, FEATURES, fit_anew, make_fitted, make_rows


def score_and_fit(item, report):
    """Return the scores of a stored model, and the bytes of one that is trained here."""
    kind, content = item
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    model = make_model(kind, FEATURES, {}, seed=99)
    model.load(content)
    report(1)
    return model.predict(make_rows(50, seed=8)).tobytes(), fit_anew(kind).model.dump()


@pytest.mark.slice
def test_a_fresh_process_on_one_core_scores_and_trains_bit_for_bit_as_this_one():
    items = [(kind, make_fitted(kind).model.dump()) for kind in ALL_KINDS]

    results = list(fan_out(score_and_fit, items, processes=2, report=lambda _: None))

    for (kind, content), (scores, trained) in zip(items, results, strict=True):
        expected = np.asarray(make_fitted(kind).model.predict(make_rows(50, seed=8)))
        assert scores == expected.tobytes(), kind
        assert trained == content, kind

"""The feature checks on a simulated market in which some features are predictive."""

from dataclasses import replace

import numpy as np
import pytest

from tasks.features.compute import compute
from tasks.features.labels import forward_return, target
from tasks.models.kinds.registry import make_model
from tasks.models.training.dataset import make_dataset
from tasks.models.training.feature_checks import check_features
from tasks.models.training.fitted import Fitted
from tasks.models.training.walkforward import sampled_sessions
from tests.builders import make_settings
from tests.simulated import known_market

LIMITS = make_settings().models.feature_checks


def with_column(data, number, values):
    x = data.x.copy()
    x[:, number] = values
    return replace(data, x=x)


@pytest.fixture(scope="module")
def simulated():
    """Return the rows of a market with strong alpha, and every registered feature of every session."""
    panel = known_market(seed=21, symbols=80, sessions=640, information_coefficient=0.25).panel
    features = compute(panel)
    label = target(panel, horizons=(5, 21), entry="next_open")
    forward = forward_return(panel, sessions=5, entry="next_open")
    sampled = sampled_sessions(0, 640 - 22, every=5, origin=0)
    data = make_dataset(features, label, forward.values, panel.is_member, sampled)
    return data, features.values


def looked_at(data):
    model = make_model("equal_weight", data.features, {}, seed=1)
    rows = np.arange(len(data.x))
    checks = check_features(data, rows, Fitted("equal_weight", data.features, model), LIMITS, seed=1)
    return checks.set_index("feature")


def test_no_registered_feature_is_accused_on_a_market_with_strong_alpha(simulated):
    checks = looked_at(simulated[0])

    assert checks["rank_ic_t"].abs().max() > 3  # some do foretell
    assert checks["rank_ic"].abs().max() < 0.12
    assert "look: possible look-ahead" not in set(checks["recommendation"])


@pytest.mark.parametrize(
    ("name", "sessions"),
    [("return_1", 1), pytest.param("return_5", 5, marks=pytest.mark.prove), ("return_21", 21)],
)
def test_a_registered_feature_that_stands_too_early_is_found(simulated, name, sessions):
    data, values = simulated
    column = data.features.index(name)

    checks = looked_at(with_column(data, column, values[column, data.sessions + sessions, data.symbols]))

    suspects = checks.index[checks["recommendation"] == "look: possible look-ahead"]
    assert suspects.tolist() == [name]

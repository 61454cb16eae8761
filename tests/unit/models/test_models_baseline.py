"""The baseline of a model: bins of its training rows, and three measures of the distance from them."""

import json
from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.distance import jensenshannon

from tasks.core.errors import ModelError
from tasks.core.homes.home import Home
from tasks.core.ids import canonical_json, sha256_of_bytes
from tasks.models.registry.metadata import SEAL, read_metadata, sealed
from tasks.models.registry.store import baseline_of, promote_version, read_production, write_version
from tasks.models.training.baseline import BINS, SCORE, binned, js, ks, make_baseline, psi, shares_of
from tests.builders import make_panel
from tests.champions import put_into_production

COUNTS = arrays(np.int64, BINS, elements=st.integers(0, 1000)).filter(lambda counts: counts.sum() > 0)


def test_the_index_is_that_of_the_definition():
    one, other = np.array([0.5, 0.5] + [0.0] * 8), np.array([0.25, 0.75] + [0.0] * 8)

    assert psi(one, other) == pytest.approx(0.25 * np.log(2) + -0.25 * np.log(0.5 / 0.75))
    assert ks(one, other) == pytest.approx(0.25)
    assert js(one, other) == pytest.approx(jensenshannon(one, other, base=2) ** 2)


@given(COUNTS, COUNTS)
def test_equal_shares_have_no_distance_and_others_a_bounded_one(one, other):
    first, second = shares_of(one), shares_of(other)

    for measure in (psi, ks, js):
        assert measure(first, first) == pytest.approx(0, abs=1e-12)
        assert measure(first, second) == pytest.approx(measure(second, first), abs=1e-9)
        assert measure(first, second) >= 0
    assert ks(first, second) <= 1 + 1e-12
    assert js(first, second) <= 1 + 1e-12


def test_values_are_counted_in_the_bin_above_their_edge_and_missing_ones_in_none():
    edges = np.arange(1.0, BINS)[None, :]
    values = np.array([[0.5], [1.0], [9.5], [np.nan]], dtype=np.float32)

    assert binned(values, edges)[0].tolist() == [1, 1, *[0] * 7, 1]


@pytest.fixture(scope="module")
def baseline():
    panel = make_panel(sessions=400, symbols=30)
    sessions = np.repeat(np.arange(300, 400, 5), 30)
    scores = np.random.default_rng(0).normal(size=len(sessions)), sessions
    return make_baseline(
        panel, ("momentum_1m", "volatility_21", "day_of_week"), sessions, scores, block_sessions=20
    )


def test_features_that_differ_between_names_and_the_scores_are_its_columns(baseline):
    assert baseline.columns == ("momentum_1m", "volatility_21", SCORE)
    assert baseline.sessions == 96
    assert all(sum(shares) == pytest.approx(1, abs=1e-6) for shares in baseline.shares)
    assert all(np.allclose(shares, 0.1, atol=0.01) for shares in baseline.shares)
    assert baseline.present == (1.0, 1.0, 1.0)


def test_a_block_of_sessions_differs_more_in_a_feature_with_common_shocks(baseline):
    assert 0 < baseline.largest_psi[2] < baseline.largest_psi[0]


def test_a_column_without_values_is_a_baseline_too():
    panel = make_panel(sessions=300, symbols=12)
    sessions = np.arange(280, 300)

    found = make_baseline(panel, ("earnings_yield",), sessions, (np.zeros(20), sessions), block_sessions=20)

    assert found.present == (0.0, 1.0)
    assert found.largest_psi[0] == 0.0


def test_a_baseline_is_stored_and_found_with_its_model_and_one_without_it_says_so(tmp_path, baseline):
    home = Home(tmp_path)
    metadata = replace(put_into_production(home, session=date(2024, 6, 7)), baseline=baseline)
    model = read_production(home).model
    assert baseline_of(home, metadata.champion.model_sha256) is None

    promote_version(home, write_version(home, metadata, model))
    assert baseline_of(home, metadata.champion.model_sha256) == baseline

    put_into_production(home, "equal_weight", session=date(2024, 6, 14))  # the earlier one is a version now
    assert baseline_of(home, metadata.champion.model_sha256) == baseline
    assert baseline_of(home, "0" * 64) is None


def test_metadata_of_an_earlier_release_has_no_baseline(tmp_path, baseline):
    metadata = replace(put_into_production(Home(tmp_path)), baseline=baseline)
    record = json.loads(sealed(metadata))
    del record["baseline"], record[SEAL]
    path = tmp_path / "old.json"
    path.write_text(json.dumps({**record, SEAL: sha256_of_bytes(canonical_json(record).encode())}))

    assert read_metadata(path).baseline is None
    assert read_metadata(path).champion == metadata.champion


def test_a_baseline_whose_columns_do_not_agree_is_damage(tmp_path, baseline):
    path = tmp_path / "champion_metadata.json"
    metadata = put_into_production(Home(tmp_path / "home"))
    path.write_bytes(sealed(replace(metadata, baseline=replace(baseline, present=(1.0,)))))

    with pytest.raises(ModelError, match="damaged or was edited"):
        read_metadata(path)

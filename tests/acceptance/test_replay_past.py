"""Past days, executed at the paper broker, are byte-identical after all that happened since (issue 16, 6).

`make prove` replays twenty days, `make test-slices` four.
"""

import random
from itertools import islice

import pytest
import yaml

from tasks.core.clock import clock_set_to
from tasks.models.registry.store import intact_versions, prune_versions, read_production
from tasks.portfolio.holdings.record import published_sessions
from tests.champions import put_into_production
from tests.homes import afterclose, tree_bytes
from tests.paper_days import SETTINGS, evening, make_paper_home, run_sessions

pytestmark = pytest.mark.slice


@pytest.mark.parametrize(("sessions", "replayed"), [(5, 4), pytest.param(22, 20, marks=pytest.mark.prove)])
def test_past_days_are_byte_identical_after_promotions_a_vacuum_and_other_settings(
    tmp_path, sessions, replayed
):
    place = make_paper_home(tmp_path)
    for _ in islice(run_sessions(place, sessions), sessions):
        pass
    days = sorted(published_sessions(place))
    used = read_production(place).metadata.champion.model_sha256
    for seed in range(4):
        put_into_production(place, "lightgbm", session=days[-1], seed=seed)
        prune_versions(place)
    models = [version.stored.metadata.champion.model_sha256 for version in intact_versions(place)]
    assert len(models) == 4  # the last three, and the one that the days name
    assert used in models
    assert used != read_production(place).metadata.champion.model_sha256
    (place.root / "config.yaml").write_text(yaml.safe_dump(SETTINGS | {"portfolio": {"max_positions": 9}}))
    before = tree_bytes(place.live)

    with clock_set_to(evening(days[-1])):
        assert afterclose("data", "vacuum", home=place.root).returncode == 0
        differing = [
            (str(day), ended.stdout, ended.stderr)
            for day in random.Random(16).sample(days, replayed)
            if (ended := afterclose("replay", str(day), home=place.root)).returncode
        ]

    assert differing == []
    assert tree_bytes(place.live) == before

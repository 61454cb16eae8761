import json
from datetime import timedelta

import pytest

from tasks.core.errors import ModelError
from tasks.core.homes.home import Home
from tasks.core.ids import sha256_of_record
from tasks.models.registry.champion import load_champion
from tasks.models.registry.metadata import sealed
from tasks.models.registry.store import (
    has_champion,
    promote_version,
    prune_versions,
    read_champion,
    read_production,
    read_versions,
    versions_folder,
    write_version,
)
from tasks.selection.promotion import describe
from tests.champions import ALL_KINDS, FEATURES, FRIDAY, make_frame, make_training, put_into_production


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path)


def load(home, session=FRIDAY):
    return load_champion(home, session=session, features=FEATURES, max_age_days=35)


@pytest.mark.parametrize("kind", ALL_KINDS)
def test_a_promoted_champion_is_loaded_as_it_was_described(home, kind):
    metadata = put_into_production(home, kind)

    loaded = load(home)

    assert read_production(home).metadata == metadata
    assert loaded.champion == read_champion(home) == metadata.champion
    assert loaded.fitted.kind == kind
    assert len(loaded.fitted.score(make_frame())) == 40


def test_a_home_without_champion_says_how_to_get_one(home):
    assert not has_champion(home)
    with pytest.raises(ModelError, match="afterclose weekly"):
        load(home)


def test_the_metadata_holds_what_the_contract_names(home):
    put_into_production(home)

    record = json.loads((home.production / "champion_metadata.json").read_bytes())

    named = "model_name optimizer weighted_score metrics selection_date selection_reason data_snapshot feature_set"
    assert set(named.split()) < set(record)
    assert record["features"][0] == "distance_52w_high"


def test_equal_champions_are_written_as_equal_bytes(tmp_path):
    for name in ("one", "other"):
        put_into_production(Home(tmp_path / name), "random_forest")

    one, other = (
        {
            path.relative_to(tmp_path / name): path.read_bytes()
            for path in sorted((tmp_path / name).rglob("*.*"))
            if path.is_file()
        }
        for name in ("one", "other")
    )
    assert one == other


def test_only_the_new_champions_model_file_remains(home):
    put_into_production(home, "lightgbm")
    put_into_production(home, "xgboost")

    assert [path.name for path in home.production.glob("champion_model.*")] == ["champion_model.ubj"]


def test_the_same_pair_is_kept_once(home):
    put_into_production(home)
    put_into_production(home)

    assert len(list(versions_folder(home).iterdir())) == 1


def test_the_last_three_versions_are_kept_and_the_one_in_production_always(home):
    put_into_production(home, session=FRIDAY)
    for week in range(1, 5):
        training = make_training(home.work / "made", session=FRIDAY - timedelta(weeks=week))
        write_version(home, describe(training, optimizer="hrp", min_t=2.0), training.model.path.read_bytes())
    prune_versions(home)

    kept = [stored.metadata.champion.selection_date for stored in read_versions(home)]
    assert kept == [FRIDAY, *[FRIDAY - timedelta(weeks=week) for week in (2, 3, 4)]]


def publish(home, session, champion):
    """Leave what a published day leaves: a manifest that names its champion."""
    folder = home.day_folder(session)
    folder.mkdir(parents=True)
    named = {"session": str(session), "inputs": {"snapshot": "5" * 64, "champion": champion}}
    (folder / "manifest.json").write_text(json.dumps(named))


def keep_versions(home, weeks):
    """Write a version for each of the weeks before FRIDAY; return their champions, oldest first."""
    champions = []
    for week in range(weeks, 0, -1):
        session = FRIDAY - timedelta(weeks=week)
        training = make_training(home.work / "made", kind="lightgbm", session=session, seed=week)
        metadata = describe(training, optimizer="hrp", min_t=2.0)
        write_version(home, metadata, training.model.path.read_bytes())
        champions.append(metadata.champion)
    return champions


# issue 10, line 5
def test_a_version_that_a_published_day_stands_on_is_kept_for_its_replay(home):
    oldest, _, third, *last_three = keep_versions(home, 6)
    put_into_production(home)
    publish(home, oldest.selection_date, oldest.model_sha256)
    publish(home, third.selection_date, third.model_sha256)

    prune_versions(home)

    kept = [stored.metadata.champion for stored in read_versions(home)]
    assert kept == [oldest, third, *last_three[-2:], read_champion(home)]
    replayed = load(home, oldest.trained_through)
    assert replayed.champion == oldest


# issue 10, line 5
@pytest.mark.parametrize(
    "manifest", ["", "{", "[]", '{"session": "2024-05-01"}', '{"inputs": {"snapshot": ""}}']
)
def test_a_day_that_cannot_be_read_keeps_every_version(home, manifest, caplog):
    champions = keep_versions(home, 5)
    put_into_production(home)
    publish(home, FRIDAY - timedelta(weeks=9), "0" * 64)
    (home.day_folder(FRIDAY - timedelta(weeks=9)) / "manifest.json").write_text(manifest)

    prune_versions(home)

    assert [stored.metadata.champion for stored in read_versions(home)] == [*champions, read_champion(home)]
    assert "No version of the champion is deleted until then." in caplog.text


# issue 10, line 15
def test_of_two_champions_of_one_date_the_later_one_scores_a_past_session(home):
    session = FRIDAY - timedelta(weeks=1)
    for seed in (3, 4):
        training = make_training(home.work / "made", kind="lightgbm", session=session, seed=seed)
        write_version(home, describe(training, optimizer="hrp", min_t=2.0), training.model.path.read_bytes())
    put_into_production(home)

    loaded = load(home, session)

    later = read_versions(home)[1].metadata
    assert later.seed == 4
    assert loaded.champion == later.champion


def test_a_past_session_is_scored_by_the_champion_of_its_time_and_says_so(home):
    for weeks in (4, 2, 0):
        put_into_production(home, session=FRIDAY - timedelta(weeks=weeks))

    loaded = load(home, FRIDAY - timedelta(days=10))

    assert loaded.champion.selection_date == FRIDAY - timedelta(weeks=2)
    assert "the current champion was trained on later prices" in loaded.notes[0]


def test_a_damaged_version_is_passed_over(home):
    for weeks in (4, 2, 0):
        put_into_production(home, session=FRIDAY - timedelta(weeks=weeks))
    (sorted(versions_folder(home).iterdir())[1] / "champion_model.json").write_text("{}")

    assert load(home, FRIDAY - timedelta(days=10)).champion.selection_date == FRIDAY - timedelta(weeks=4)


def test_an_earlier_version_can_be_brought_back(home):
    first = put_into_production(home, "lightgbm", session=FRIDAY - timedelta(weeks=1))
    put_into_production(home, "xgboost")

    promote_version(home, min(versions_folder(home).iterdir()))

    assert read_champion(home) == first.champion


def test_metadata_is_legible_and_sealed(home):
    metadata = put_into_production(home)

    text = sealed(metadata).decode()

    assert text.splitlines()[1] == '  "schema_version": 3,'
    assert len(text.splitlines()) < 80


def test_metadata_holds_what_expected_returns_are_made_of(home):
    record = json.loads(sealed(put_into_production(home)))

    assert record["statistic"] == {
        "entry": "next_open",
        "horizon_sessions": 5,
        "controls": ["sector", "beta", "volatility", "dollar_volume"],
    }
    needed = {"neutral_ic", "neutral_ic_se", "neutral_ic_low", "neutral_ic_high", "detectable_ic", "sessions"}
    assert needed <= set(record["metrics"])


def without_statistic(home):
    """Rewrite the metadata as an older build did: schema version 1, no statistic, and other metrics."""
    path = home.production / "champion_metadata.json"
    record = json.loads(path.read_text())
    del record["statistic"], record["metadata_sha256"]
    record |= {"schema_version": 1, "metrics": {"rank_ic": 0.02, "rank_ic_t": 3.0}}
    record["metadata_sha256"] = sha256_of_record(record)
    path.write_text(json.dumps(record))


def test_a_champion_of_an_older_build_goes_on_scoring(home):
    new = put_into_production(home, "lightgbm")
    without_statistic(home)

    loaded = load_champion(home, session=FRIDAY, features=FEATURES, max_age_days=35)

    assert loaded.champion.statistic is None
    assert loaded.champion.metrics == {"rank_ic": 0.02, "rank_ic_t": 3.0}
    assert loaded.champion.model_sha256 == new.champion.model_sha256
    assert len(loaded.fitted.score(make_frame())) == 40

"""Faults 18–24, 103, 105 and 106: the champion is damaged, hostile, foreign, old, or being replaced."""

import json
import os
import pickle
import shutil
import signal
import sys
from dataclasses import replace
from datetime import timedelta
from math import nan

import numpy as np
import pandas as pd
import pytest

import tasks.models.registry.champion
from tasks.core.artifacts import save_frame
from tasks.core.errors import ModelError
from tasks.core.homes.home import Home
from tasks.core.ids import canonical_json, sha256_of_bytes
from tasks.features.registry import feature_set
from tasks.features.sets import SETS
from tasks.models.kinds.registry import KINDS
from tasks.models.registry.champion import load_champion
from tasks.models.registry.metadata import METADATA_NAME, sealed
from tasks.models.registry.store import (
    intact_versions,
    promote_version,
    read_challenger,
    read_champion,
    read_production,
    versions_folder,
    write_version,
)
from tasks.models.task import score_universe
from tasks.selection.promotion import describe, install_challenger
from tasks.selection.replacement import decide_promotion
from tasks.selection.schema import Choice
from tests.builders import make_run
from tests.champions import (
    ALL_KINDS,
    FEATURES,
    FRIDAY,
    LIMITS,
    make_frame,
    make_result,
    make_training,
    put_into_production,
)


class Bomb:
    """Leaves a mark when it is unpickled."""

    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return (open, (str(self.mark), "w"))


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path)


def load(home, session=FRIDAY):
    return load_champion(home, session=session, features=FEATURES, max_age_days=35)


def model_file(home):
    return next(home.production.glob("champion_model.*"))


def metadata_file(home):
    return home.production / METADATA_NAME


@pytest.mark.parametrize("kind", ALL_KINDS)
def test_fault_018_a_truncated_champion_is_refused_before_it_is_parsed(home, kind, monkeypatch):
    put_into_production(home, kind)
    monkeypatch.setattr(KINDS[kind], "load", lambda *_: pytest.fail("parsed"))
    content = model_file(home).read_bytes()

    for kept in (0, 1, len(content) // 2, len(content) - 1):
        model_file(home).write_bytes(content[:kept])
        with pytest.raises(ModelError, match="its sha256 differs") as caught:
            load(home)
        assert caught.value.exit_code == 6
        assert "backup" in caught.value.remedy


def test_a_missing_model_of_which_no_version_remains_is_reported_as_missing(home):
    put_into_production(home, "lightgbm")
    model_file(home).unlink()
    shutil.rmtree(home.production / "versions")

    with pytest.raises(
        ModelError, match=r"champion_model\.txt, which champion_metadata\.json names, is missing\."
    ):
        load(home)


def test_fault_018_truncated_metadata_is_refused(home):
    put_into_production(home)
    content = metadata_file(home).read_bytes()

    for kept in (0, 1, len(content) // 2, len(content) - 3):
        metadata_file(home).write_bytes(content[:kept])
        with pytest.raises(ModelError, match="damaged or was edited"):
            load(home)


def test_fault_019_a_pickle_in_the_champions_place_is_never_unpickled(home, tmp_path):
    put_into_production(home, "random_forest")
    model_file(home).write_bytes(pickle.dumps(Bomb(tmp_path / "boom")))

    with pytest.raises(ModelError, match="its sha256 differs"):
        load(home)

    assert not (tmp_path / "boom").exists()


@pytest.mark.parametrize("kind", ALL_KINDS)
def test_fault_019_a_pickle_whose_hash_was_entered_too_is_never_unpickled(home, tmp_path, kind):
    metadata = put_into_production(home, kind)
    bomb = pickle.dumps(Bomb(tmp_path / "boom"))
    forged = replace(metadata.champion, model_sha256=sha256_of_bytes(bomb))
    promote_version(home, write_version(home, replace(metadata, champion=forged), bomb))

    with pytest.raises(ModelError, match="it does not begin with the signature of the format"):
        load(home)

    assert not (tmp_path / "boom").exists()


def test_fault_019_a_skops_file_with_a_type_that_is_not_trusted_is_refused(home, tmp_path):
    import skops.io

    metadata = put_into_production(home, "random_forest")
    hostile = skops.io.dumps(Bomb(tmp_path / "boom"))
    forged = replace(metadata.champion, model_sha256=sha256_of_bytes(hostile))
    promote_version(home, write_version(home, replace(metadata, champion=forged), hostile))

    with pytest.raises(ModelError, match="is not a model of kind random_forest"):
        load(home)

    assert not (tmp_path / "boom").exists()


def test_fault_020_one_changed_byte_of_the_model_is_refused(home):
    put_into_production(home, "lightgbm")
    content = bytearray(model_file(home).read_bytes())
    content[len(content) // 2] ^= 1
    model_file(home).write_bytes(content)

    with pytest.raises(ModelError, match="its sha256 differs"):
        load(home)


@pytest.mark.parametrize(
    "key", ["model_name", "metrics", "trained_through", "features", "model_sha256", "kind"]
)
def test_fault_020_edited_metadata_is_refused(home, key):
    put_into_production(home)
    record = json.loads(metadata_file(home).read_text())
    record[key] = {"metrics": {"rank_ic": 0.9}, "features": record["features"][::-1]}.get(key, "2001-01-01")
    metadata_file(home).write_text(json.dumps(record))

    with pytest.raises(ModelError, match="its own hash differs"):
        load(home)


@pytest.mark.parametrize("content", [b"", b"[]", b"null", b"\xff\xfe", b'{"metadata_sha256": 1}', b"{}"])
def test_fault_020_metadata_that_is_something_else_is_refused(home, content):
    put_into_production(home)
    metadata_file(home).write_bytes(content)

    with pytest.raises(ModelError, match="damaged or was edited"):
        load(home)


def with_optimizer(home, optimizer):
    """Return a sealed champion in production whose metadata names this optimizer; None: none."""
    metadata = put_into_production(home)
    named = replace(metadata, champion=replace(metadata.champion, optimizer=optimizer))
    record = json.loads(sealed(named))
    if optimizer is None:
        del record["optimizer"]
    del record["metadata_sha256"]
    seal = sha256_of_bytes(canonical_json(record).encode())
    metadata_file(home).write_text(json.dumps(record | {"metadata_sha256": seal}))


def test_an_optimizer_that_does_not_exist_stops_the_day_and_another_week_replaces_the_champion(
    home, tmp_path
):
    with_optimizer(home, "moonshot")

    for session in (FRIDAY, FRIDAY - timedelta(days=1)):  # the earlier one has only the baseline
        with pytest.raises(ModelError, match="'moonshot', which this build does not have") as caught:
            load(home, session)
        assert caught.value.exit_code == 6
        assert "afterclose weekly" in caught.value.remedy

    unconfirmed = make_training(tmp_path / "week", session=FRIDAY + timedelta(days=7), confirmed=False)
    incumbent, decision = decide_promotion(unconfirmed, home, LIMITS)
    assert incumbent is None
    assert decision.promote
    assert "'moonshot'" in decision.reason


def test_metadata_without_an_optimizer_is_refused_in_words(home):
    with_optimizer(home, None)

    with pytest.raises(ModelError, match="it has no 'optimizer'"):
        load(home)


def test_fault_020_a_model_file_of_another_folder_cannot_be_named(home):
    metadata = put_into_production(home)
    escaping = replace(metadata, suffix="/../../../etc/passwd")
    metadata_file(home).write_bytes(sealed(escaping))

    with pytest.raises(ModelError, match="does not match its model file"):
        load(home)


def test_fault_021_features_in_another_order_are_refused(home):
    put_into_production(home, "xgboost")
    frame = make_frame()

    with pytest.raises(ModelError, match="in another order"):
        load(home).fitted.score(frame[frame.columns[::-1]])


def test_fault_021_the_features_that_differ_are_named(home):
    put_into_production(home, "lightgbm")
    frame = make_frame().rename(columns={"momentum_1m": "momentum_2m"})

    with pytest.raises(ModelError, match="without momentum_1m and with unknown features momentum_2m"):
        load(home).fitted.score(frame)


def universe(run, x):
    frame = pd.DataFrame(x, columns=list(SETS["standard"]))
    frame.index = pd.Index([f"S{i:03d}" for i in range(len(frame))], name="symbol", dtype="str")
    return save_frame(run, "features", frame)


@pytest.fixture
def rows():
    return np.random.default_rng(0).random((30, len(SETS["standard"]))).astype(np.float32)


def with_registered_features(tmp_path, kind, *, version=None):
    """Put a champion into production that was trained on the features there are."""
    from tasks.models.kinds.registry import make_model
    from tasks.models.registry.champion import make_probe

    run = make_run(tmp_path)
    x = np.random.default_rng(1).random((400, len(SETS["standard"]))).astype(np.float32)
    model = make_model(kind, SETS["standard"], {}, seed=1)
    model.fit(x, x[:, 0].astype(float), np.ones(400))
    training = make_training(run.home.work / "made", kind=kind)
    content = model.dump()
    training.model.path.write_bytes(content)
    training = replace(
        training,
        features=SETS["standard"],
        feature_set=version or feature_set(SETS["standard"]),
        model=replace(training.model, sha256=sha256_of_bytes(content)),
        probe=make_probe(model, x),
    )
    promote_version(
        run.home, write_version(run.home, describe(training, optimizer="hrp", min_t=2.0), content)
    )
    return run


def test_fault_021_the_same_names_in_another_version_are_refused(tmp_path, rows):
    run = with_registered_features(tmp_path, "lightgbm", version="0" * 64)

    with pytest.raises(ModelError, match="trained on a different feature set"):
        score_universe(run, universe(run, rows))


@pytest.mark.parametrize("kind", ["lightgbm", "xgboost", "random_forest", "momentum_52_week"])
def test_fault_022_constant_scores_are_refused(tmp_path, rows, kind):
    run = with_registered_features(tmp_path, kind)

    with pytest.raises(ModelError, match="the same score"):
        score_universe(run, universe(run, np.tile(rows[:1], (30, 1))))


def test_fault_022_a_score_that_is_not_a_number_is_refused(tmp_path, rows, monkeypatch):
    run = with_registered_features(tmp_path, "lightgbm")
    predict = KINDS["lightgbm"].predict
    monkeypatch.setattr(
        KINDS["lightgbm"], "predict", lambda self, x: np.where(np.arange(len(x)) == 16, nan, predict(self, x))
    )

    with pytest.raises(ModelError, match="including S016"):
        score_universe(run, universe(run, rows))


def test_fault_022_a_universe_that_cannot_be_scored_at_all_is_refused(tmp_path, rows):
    run = with_registered_features(tmp_path, "lightgbm")

    with pytest.raises(ModelError, match="could be scored"):
        score_universe(run, universe(run, np.full_like(rows, nan)))


def test_fault_022_the_baselines_constant_scores_are_allowed(tmp_path, rows):
    run = with_registered_features(tmp_path, "equal_weight")

    assert score_universe(run, universe(run, rows)).scored == 30


def test_fault_023_a_model_that_another_library_scores_otherwise_is_refused(home, monkeypatch):
    put_into_production(home, "lightgbm")
    predict = KINDS["lightgbm"].predict
    monkeypatch.setattr(KINDS["lightgbm"], "predict", lambda self, x: predict(self, x) + 1e-12)

    with pytest.raises(ModelError, match="does not reproduce its scores: it was written with lightgbm"):
        load(home)


def test_fault_023_another_version_that_scores_the_same_is_proved_equal(home, monkeypatch):
    put_into_production(home, "lightgbm")
    monkeypatch.setattr(tasks.models.registry.champion, "library_versions", lambda _: {"lightgbm": "99.0"})

    assert load(home).fitted.kind == "lightgbm"


def test_fault_024_a_champion_beyond_its_limit_halts_the_day(home):
    put_into_production(home)

    assert load(home, FRIDAY + timedelta(days=35)).champion.name == "momentum_52_week"
    with pytest.raises(ModelError, match="36 days before"):
        load(home, FRIDAY + timedelta(days=36))


def test_a_champion_that_knows_later_prices_never_scores_a_session(home):
    put_into_production(home, "lightgbm")

    loaded = load(home, FRIDAY - timedelta(days=1))

    assert loaded.champion.name == "equal_weight"
    assert "was trained on later prices" in loaded.notes[0]


def test_fault_024_a_version_of_its_time_that_is_too_old_halts_the_day_too(home):
    put_into_production(home, session=FRIDAY - timedelta(weeks=8))
    put_into_production(home)

    with pytest.raises(ModelError, match="was selected on 2024-04-19, 55 days before"):
        load(home, FRIDAY - timedelta(days=1))


WRITE_EVENTS = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "ctypes.dlsym"}


def promote(home, training):
    metadata = describe(training, optimizer="hrp", min_t=2.0)
    promote_version(home, write_version(home, metadata, training.model.path.read_bytes()))


def replace_challenger(home, training):
    metadata = describe(training, optimizer="hrp", min_t=2.0)
    install_challenger(home, (metadata, training.model.path.read_bytes()))


def remove_challenger(home, training):
    install_challenger(home, None)


def die(home, training, point, work=promote):
    """Do the work in a forked child that is killed at the n-th write boundary; return whether it lived."""
    child = os.fork()
    if child == 0:
        count = 0

        def watch(event, args):
            nonlocal count
            writing = event == "open" and isinstance(args[2], int) and args[2] & (os.O_WRONLY | os.O_RDWR)
            if writing or event in WRITE_EVENTS:
                count += 1
                if count == point:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(watch)
        work(home, training)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return not os.WIFSIGNALED(status)


@pytest.mark.slice
@pytest.mark.parametrize(("before", "after"), [("lightgbm", "xgboost"), ("lightgbm", "lightgbm")])
def test_fault_103_a_crash_during_promotion_leaves_the_old_or_the_new(tmp_path, before, after):
    week_before = FRIDAY - timedelta(days=7)
    training = make_training(tmp_path / "made", kind=after, seed=8)
    expected = {week_before: before, FRIDAY: after}
    outcomes = []
    for point in range(1, 60):
        home = Home(tmp_path / f"home{point}")
        old = put_into_production(home, before, session=week_before).champion
        lived = die(home, training, point)

        loaded = load(home)
        assert loaded.fitted.kind == loaded.champion.kind == expected[loaded.champion.selection_date]
        assert sha256_of_bytes(read_production(home).model) == loaded.champion.model_sha256
        outcomes.append(loaded.champion == old)
        assert die(home, training, 0), "a rerun converges"
        assert read_champion(home).selection_date == FRIDAY
        if lived:
            break

    assert lived, "the last point lies behind the promotion"
    assert outcomes == sorted(outcomes, reverse=True), "once new, always new"
    assert {True, False} == set(outcomes)


@pytest.mark.slice
@pytest.mark.parametrize("work", [replace_challenger, remove_challenger])
def test_fault_103_a_crash_leaves_the_old_challenger_or_the_new_one_and_the_champion_alone(tmp_path, work):
    training = make_training(tmp_path / "made", kind="xgboost", seed=8)
    outcomes = []
    for point in range(1, 60):
        home = Home(tmp_path / f"home{point}")
        champion = put_into_production(home, "lightgbm").champion
        replace_challenger(home, make_training(tmp_path / "made", kind="random_forest"))

        lived = die(home, training, point, work)

        found = read_challenger(home)
        kind = None if found is None else found.metadata.champion.kind
        assert kind in {"random_forest", "xgboost" if work is replace_challenger else None}
        assert read_champion(home) == champion
        outcomes.append(kind == "random_forest")
        assert die(home, training, 0, work), "a rerun converges"
        found = read_challenger(home)
        assert (found and found.metadata.champion.kind) == ("xgboost" if work is replace_challenger else None)
        if lived:
            break

    assert lived, "the last point lies behind the work"
    assert outcomes == sorted(outcomes, reverse=True), "once new, always new"
    assert {True, False} == set(outcomes)


@pytest.mark.slice
def test_fault_107_a_crash_during_a_rollback_leaves_the_old_or_the_restored_champion(tmp_path):
    week_before = FRIDAY - timedelta(days=7)

    def roll_back(home, _training):
        promote_version(home, versions_folder(home) / intact_versions(home)[0].name)

    outcomes = []
    for point in range(1, 60):
        home = Home(tmp_path / f"home{point}")
        put_into_production(home, "lightgbm", session=week_before)
        put_into_production(home, "xgboost")

        lived = die(home, None, point, roll_back)

        loaded = load(home)
        assert loaded.fitted.kind == loaded.champion.kind
        outcomes.append(loaded.champion.kind == "xgboost")
        assert die(home, None, 0, roll_back), "a rerun converges"
        assert load(home).champion.kind == "lightgbm"
        if lived:
            break

    assert lived, "the last point lies behind the rollback"
    assert outcomes == sorted(outcomes, reverse=True), "once restored, always restored"
    assert {True, False} == set(outcomes)


def test_a_damaged_challenger_is_refused(home):
    replace_challenger(home, make_training(home.work / "made", kind="lightgbm"))
    model = next((home.production / "challenger").glob("champion_model.*"))
    model.write_bytes(b"damaged")

    with pytest.raises(ModelError, match="its sha256 differs"):
        read_challenger(home)


@pytest.mark.parametrize("metric", [nan, 0.02, 0.019, -0.5])
def test_fault_105_a_worse_equal_or_missing_metric_leaves_the_champion(home, metric):
    old = put_into_production(home, "xgboost", session=FRIDAY - timedelta(days=7)).champion
    result = make_result("lightgbm", ic=metric, t=3.0)
    training = make_training(home.work / "made", kind="lightgbm", result=result)
    files = {path: path.read_bytes() for path in home.production.rglob("*") if path.is_file()}

    incumbent, decision = decide_promotion(training, home, LIMITS)

    assert incumbent == old
    assert old.metrics["neutral_ic"] == 0.02
    assert not decision.promote
    assert "xgboost" in decision.reason
    assert {path: path.read_bytes() for path in home.production.rglob("*") if path.is_file()} == files


def test_fault_105_nobody_confirmed_leaves_the_champion(home):
    put_into_production(home, "xgboost", session=FRIDAY - timedelta(days=7))
    training = replace(make_training(home.work / "made"), choice=Choice(None, "Nobody was confirmed."))

    _, decision = decide_promotion(training, home, LIMITS)

    assert not decision.promote
    assert "xgboost stays" in decision.reason


def test_fault_106_a_promotion_between_metadata_and_model_still_gives_a_whole_champion(home, monkeypatch):
    put_into_production(home, "lightgbm", session=FRIDAY - timedelta(days=7))
    read = tasks.models.registry.store.read_metadata

    def read_then_be_overtaken(path):
        metadata = read(path)
        monkeypatch.setattr(tasks.models.registry.store, "read_metadata", read)
        put_into_production(home, "lightgbm", seed=8)
        return metadata

    monkeypatch.setattr(tasks.models.registry.store, "read_metadata", read_then_be_overtaken)
    stored = read_production(home)

    assert stored.metadata.champion.selection_date == FRIDAY - timedelta(days=7)
    assert sha256_of_bytes(stored.model) == stored.metadata.champion.model_sha256
    assert read_champion(home).model_sha256 != stored.metadata.champion.model_sha256


def test_fault_106_a_run_keeps_the_champion_it_pinned(home):
    put_into_production(home, "lightgbm", session=FRIDAY - timedelta(days=7))
    pinned = load(home)
    before = pinned.fitted.score(make_frame())

    put_into_production(home, "xgboost")

    pd.testing.assert_series_equal(pinned.fitted.score(make_frame()), before, check_exact=True)
    assert pinned.champion.kind == "lightgbm"
    assert load(home).champion.kind == "xgboost"

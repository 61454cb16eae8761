"""MLflow's own client and server read what a week wrote (M8); nothing depends on it."""

import os
import shutil
import socket
import subprocess
import sys
import time
from dataclasses import replace

import pandas as pd
import pytest

from config.sections import Candidate
from tasks.core.artifacts import save_frame
from tasks.core.atomic import write_text
from tasks.models.registry.store import read_champion
from tasks.selection import tracking
from tasks.selection.schema import Promotion
from tasks.selection.tracking import REGISTERED, track_selection
from tasks.selection.trials.history import Trial
from tasks.selection.trials.ledger import HomeLedger
from tests.builders import make_run
from tests.champions import make_result, make_training, put_into_production
from tests.unit.selection.trials.test_trials_ledger import make_returns

pytestmark = [
    pytest.mark.slice,
    pytest.mark.filterwarnings("ignore"),  # MLflow's own, of SQLAlchemy and others
]

FOLDS = pd.DataFrame(
    {
        "candidate": ["lightgbm", "lightgbm"],
        "fold": [1, 2],
        "neutral_ic": [0.01, 0.03],
        "rank_ic": [0.02, 0.02],
        "train_rank_ic": [0.1, 0.1],
        "gap": [0.01, float("nan")],
    }
)


@pytest.fixture(scope="module")
def week(tmp_path_factory):
    """A week of a small home, as the flow hands it over."""
    run = make_run(tmp_path_factory.mktemp("mlflow") / "home")
    put_into_production(run.home, "lightgbm")
    training = make_training(run.home.work, kind="lightgbm", result=make_result("lightgbm"))
    training = replace(training, folds=save_frame(run, "training_folds", FOLDS))
    report = run.home.reports / "model_selection" / "model_selection_report.md"
    write_text(report, "# Model selection\n")
    for seed in range(5):  # as many as the champion was deflated for
        trial = Trial(
            Candidate(name="tuned", kind="xgboost", parameters={"eta": 0.1}), seed, "a", make_returns(seed)
        )
        HomeLedger(run.home, str(training.session), "weekly", "5" * 64).record(trial)
    promotion = Promotion(read_champion(run.home), True, "It was confirmed.", None, report)
    track_selection(run, training, promotion)
    return run, training, promotion


@pytest.fixture(scope="module")
def server(week):
    """The address of `mlflow server` on the home's store."""
    run, _, _ = week
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = ["-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    process = subprocess.Popen(
        [sys.executable, *command, "--backend-store-uri", f"sqlite:///{run.home.mlflow / 'mlflow.db'}"],
        env=os.environ | {"MLFLOW_DISABLE_TELEMETRY": "true"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        for _ in range(600):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.2)
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(process.pid, 15)
        process.wait()


def test_the_server_knows_the_champion_and_its_file_is_the_one_in_production(week, server):
    from mlflow import MlflowClient

    run, _, promotion = week
    client = MlflowClient(server)

    version = client.get_model_version_by_alias(REGISTERED, "champion")

    assert version.tags["sha256"] == promotion.champion.model_sha256
    place = client.download_artifacts(version.run_id, "model")
    production = {each.name: each.read_bytes() for each in run.home.production.iterdir() if each.is_file()}
    assert {each: (run.home.root / place / each).read_bytes() for each in production} == production


def test_candidates_folds_and_trials_are_runs_of_the_week(week, server):
    from mlflow import MlflowClient

    _, training, _ = week
    client = MlflowClient(server)
    (experiment,) = [each for each in client.search_experiments() if each.name == tracking.EXPERIMENT]
    runs = client.search_runs([experiment.experiment_id])
    by_kind = {}
    for each in runs:
        by_kind.setdefault(each.data.tags["afterclose.kind"], []).append(each)

    (made,) = by_kind["week"]
    assert made.data.tags["afterclose.snapshot"] == training.snapshot
    assert made.data.tags["afterclose.code"]
    (candidate,) = by_kind["candidate"]
    assert candidate.data.metrics["confirmation.neutral_ic_t"] == 3.0
    folds = client.get_metric_history(candidate.info.run_id, "fold.neutral_ic")
    assert [(each.step, each.value) for each in folds] == [(1, 0.01), (2, 0.03)]
    assert len(by_kind["trial"]) == 5
    assert {each.data.params["eta"] for each in by_kind["trial"]} == {"0.1"}
    assert all(each.info.status == "FINISHED" for each in runs)
    assert [each.path for each in client.list_artifacts(made.info.run_id, "report")] == [
        "report/model_selection_report.md"
    ]


def test_the_same_week_is_written_once(week):
    run, training, promotion = week
    client = tracking._client(run.home)
    before = len(client.search_runs([each.experiment_id for each in client.search_experiments()]))

    track_selection(run, training, promotion)

    after = len(client.search_runs([each.experiment_id for each in client.search_experiments()]))
    assert before == after
    assert len(client.search_model_versions(f"name = '{REGISTERED}'")) == 1


def test_a_home_that_was_moved_continues_with_artifacts_where_it_is(week):
    run, training, promotion = week
    moved = run.home.root.with_name("moved")
    shutil.copytree(run.home.root, moved)
    there = replace(run, home=replace(run.home, root=moved))
    again = replace(training, snapshot="6" * 64, folds=_moved(training.folds, moved))

    track_selection(there, again, promotion)

    places = [each.artifact_location for each in tracking._client(there.home).search_experiments()]
    assert sum(moved.as_uri() in place for place in places) == 1


def _moved(frame, root):
    return replace(frame, path=root / frame.path.relative_to(root.with_name("home")))


def test_without_the_library_nothing_is_written(tmp_path, monkeypatch, week):
    _, training, promotion = week
    run = make_run(tmp_path)
    monkeypatch.setattr(tracking, "find_spec", lambda _: None)

    track_selection(run, training, promotion)

    assert not run.home.mlflow.exists()


def test_a_store_that_cannot_be_written_is_a_warning(week, monkeypatch, caplog):
    run, training, promotion = week

    def fail(_home):
        raise OSError("disk full")

    monkeypatch.setattr(tracking, "_client", fail)
    track_selection(run, training, promotion)

    assert "the week is not in MLflow: OSError: disk full" in caplog.text

"""The training history in MLflow (`pip install 'afterclose[mlflow]'`), in a SQLite file of the home.

For people who use MLflow's own tools: no run reads it, and a week whose history cannot be written is promoted all
the same. MLflow stores absolute paths of artifacts: a home that was moved continues in another experiment.
"""

import json
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from math import isfinite
from typing import TYPE_CHECKING, Any

import pandas as pd

from tasks.core.artifacts import load_frame
from tasks.core.homes.home import Home
from tasks.core.homes.run import Run
from tasks.core.ids import sha256_of_record
from tasks.core.stage import stage
from tasks.core.versions.source_code import CODE_ROOT, code_fingerprint
from tasks.models.schema import Champion
from tasks.selection.schema import CandidateResult, Promotion, Training
from tasks.selection.trials.ledger import Entry, history_in, require_intact, with_returns

if TYPE_CHECKING:
    from mlflow import MlflowClient

log = logging.getLogger(__name__)

EXPERIMENT, REGISTERED = "afterclose weekly", "afterclose-champion"
WEEK = "afterclose.week"  # the tag of a week's run: the same week is written once
SESSIONS_PER_YEAR = 252
SCOPES = ("choice", "confirmation", "overall")


@dataclass(frozen=True)
class _Tracker:
    """A client, the experiment, and the run of the week."""

    client: "MlflowClient"
    experiment: str
    week: str

    def child(self, name: str, kind: str, *, tags: Mapping[str, str], params: Mapping[str, Any]) -> str:
        """Start and return a run within the week's."""
        labels = {"mlflow.parentRunId": self.week, "afterclose.kind": kind, **tags}
        run = self.client.create_run(self.experiment, run_name=name, tags=labels)
        found: str = run.info.run_id
        for key, value in params.items():
            self.client.log_param(found, key, value)
        return found

    def end(self, run: str, metrics: Mapping[str, float], *, step: int = 0) -> None:
        """Log the metrics that are numbers, and end the run."""
        for name, value in metrics.items():
            if isfinite(value):
                self.client.log_metric(run, name, value, step=step)
        self.client.set_terminated(run)


def is_available() -> bool:
    """Return whether MLflow is installed."""
    return find_spec("mlflow") is not None


@stage()
def track_selection(run: Run, training: Training, promotion: Promotion) -> None:
    """Write the week's candidates, folds, trials, files and models. A failure is logged and changes nothing."""
    if not is_available():
        return
    try:
        _track(run.home, training, promotion)
    except Exception as error:  # noqa: BLE001 - whatever MLflow raises must not undo a promotion
        log.warning("the week is not in MLflow: %s", f"{type(error).__name__}: {error}".splitlines()[0])


def _track(home: Home, training: Training, promotion: Promotion) -> None:
    client = _client(home)
    experiment = _experiment(client, home)
    identity = sha256_of_record(
        [str(training.session), training.snapshot, training.model.sha256, training.deflation.trials]
    )[:16]
    if not client.search_runs([experiment], f"tags.`{WEEK}` = '{identity}'"):
        _write_week(client, experiment, identity, home, training, promotion)
    for alias, champion in (("champion", promotion.champion), ("challenger", promotion.challenger)):
        if champion is not None:
            version = _version_of(client, experiment, home, alias, champion)
            client.set_registered_model_alias(REGISTERED, alias, version)


def _write_week(
    client: "MlflowClient",
    experiment: str,
    identity: str,
    home: Home,
    training: Training,
    promotion: Promotion,
) -> None:
    tags = {
        "afterclose.kind": "week",
        "afterclose.session": str(training.session),
        "afterclose.snapshot": training.snapshot,
        "afterclose.feature_set": training.feature_set,
        "afterclose.code": code_fingerprint(CODE_ROOT),
        "afterclose.reason": promotion.reason,
        "afterclose.promoted": str(promotion.promoted),
    }
    week = client.create_run(experiment, run_name=str(training.session), tags=tags).info.run_id
    tracker = _Tracker(client, experiment, week)
    folds = load_frame(training.folds)
    for result in training.results:
        _write_candidate(tracker, result, folds)
    for entry, returns in _trials(home, str(training.session)):
        _write_trial(tracker, entry, returns)
    for place in sorted(promotion.report.parent.iterdir()):
        client.log_artifact(week, str(place), "report")
    tracker.end(
        week,
        {"trials": training.deflation.trials, "effective_trials": training.deflation.effective}
        | {f"champion.{name}": value for name, value in promotion.champion.metrics.items()},
    )
    client.set_tag(week, WEEK, identity)  # last: a week that was interrupted is written again


def _write_candidate(tracker: _Tracker, result: CandidateResult, folds: pd.DataFrame) -> None:
    run = tracker.child(result.name, "candidate", tags={}, params={"kind": result.kind})
    own = folds[folds["candidate"] == result.name]
    for row in own.to_dict("records"):
        for name in ("neutral_ic", "rank_ic", "train_rank_ic", "gap"):
            if isfinite(row[name]):
                tracker.client.log_metric(run, f"fold.{name}", row[name], step=int(row["fold"]))
    figures = {f"{scope}.{name}": v for scope in SCOPES for name, v in getattr(result, scope).items()}
    tracker.end(run, figures | {"train_test_gap": result.train_test_gap})


def _write_trial(tracker: _Tracker, entry: Entry, returns: pd.Series) -> None:
    tags = {"afterclose.trial": entry.trial, "afterclose.run": entry.run}
    params = {"kind": entry.kind, **json.loads(entry.parameters)}
    run = tracker.child(f"{entry.candidate} {entry.trial[:8]}", "trial", tags=tags, params=params)
    deviation = float(returns.std())
    sharpe = float(returns.mean()) / deviation * SESSIONS_PER_YEAR**0.5 if deviation > 0 else float("nan")
    tracker.end(run, {"sharpe": sharpe, "sessions": float(returns.count())})


def _trials(home: Home, session: str) -> Iterator[tuple[Entry, pd.Series]]:
    """Yield the trials made on the session, with their returns."""
    contents = require_intact(home)
    known: Sequence[Entry] = with_returns(home, contents)
    returns = history_in(home, contents).returns
    for place, entry in enumerate(known):
        if entry.session == session:
            yield entry, returns.iloc[:, place].dropna()


def _version_of(client: "MlflowClient", experiment: str, home: Home, alias: str, champion: Champion) -> str:
    """Return the registered version of these model bytes; register them if they are new."""
    sha256 = champion.model_sha256
    for version in client.search_model_versions(f"name = '{REGISTERED}'"):
        if version.tags.get("sha256") == sha256:
            return str(version.version)
    run = client.create_run(
        experiment, run_name=f"{alias} {champion.name}", tags={"afterclose.kind": "model"}
    )
    folder = home.production if alias == "champion" else home.production / "challenger"
    for place in sorted(each for each in folder.iterdir() if each.is_file()):
        client.log_artifact(run.info.run_id, str(place), "model")
    client.set_terminated(run.info.run_id)
    made = client.create_model_version(
        REGISTERED,
        source=f"{run.info.artifact_uri}/model",
        run_id=run.info.run_id,
        tags={"sha256": sha256, "name": champion.name, "selected": str(champion.selection_date)},
    )
    return str(made.version)


def _client(home: Home) -> "MlflowClient":
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    from mlflow import MlflowClient  # takes seconds
    from mlflow.exceptions import MlflowException

    for name in ("mlflow", "alembic"):  # after the import, which sets these levels itself
        logging.getLogger(name).setLevel(logging.WARNING)
    home.mlflow.mkdir(parents=True, exist_ok=True)
    client = MlflowClient(f"sqlite:///{home.mlflow / 'mlflow.db'}")
    try:
        client.get_registered_model(REGISTERED)
    except MlflowException:
        client.create_registered_model(REGISTERED)
    return client


def _experiment(client: "MlflowClient", home: Home) -> str:
    """Return the id of the experiment whose artifacts are in this home."""
    place = (home.mlflow / "artifacts").resolve().as_uri()
    names = (EXPERIMENT, f"{EXPERIMENT} {sha256_of_record(place)[:8]}")  # the second: the home was moved
    for name in names:
        found = client.get_experiment_by_name(name)
        if found is None:
            return str(client.create_experiment(name, artifact_location=place))
        if found.artifact_location == place:
            return str(found.experiment_id)
    raise ValueError(f"The experiments {' and '.join(names)} have their artifacts elsewhere.")

"""Small champions for tests: a few rows, a model fitted to them, a training with given metrics."""

from dataclasses import asdict, replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from config.sections import Candidate, Models
from tasks.core.artifacts import ArtifactRef
from tasks.core.atomic import write_bytes
from tasks.core.homes.home import Home
from tasks.core.ids import sha256_of_bytes
from tasks.data.schema.records import Panel
from tasks.features.compute import compute
from tasks.features.registry import feature_set
from tasks.features.schema import FeatureMatrix
from tasks.features.sets import SETS
from tasks.models.kinds.registry import KINDS, make_model
from tasks.models.registry.champion import make_probe
from tasks.models.registry.metadata import Metadata
from tasks.models.registry.store import promote_version, write_version
from tasks.models.schema import Champion, Statistic
from tasks.models.training.fitted import Fitted
from tasks.models.training.metrics import Metrics
from tasks.selection.choice import PromotionLimits
from tasks.selection.promotion import describe
from tasks.selection.schema import (
    CandidateResult,
    Choice,
    Deflation,
    Evidence,
    NetFigures,
    NetResult,
    Rival,
    Training,
)
from tasks.selection.trials.history import History, Trial, history_of

FEATURES = ("distance_52w_high", "momentum_1m", "volatility_21")
FRIDAY = date(2024, 6, 14)
STATISTIC = Statistic("next_open", 5, ("sector", "beta", "volatility", "dollar_volume"))
CHAMPION = Champion(
    "lightgbm",
    "lightgbm",
    "hrp",
    "a" * 64,
    "f" * 64,
    FRIDAY,
    FRIDAY,
    "",
    0.5,
    {},
    ranks=True,
    statistic=STATISTIC,
)
LIMITS = PromotionLimits(
    min_t_statistic=2.0, max_train_test_gap=0.05, max_age_days=35, min_deflated_sharpe=0.95
)


EVIDENCE = Evidence(
    candidate="lightgbm",
    sessions=769,
    sharpe=2.1,
    sharpe_low=0.9,
    sharpe_high=3.3,
    bar=0.6,
    deflated=0.991,
    deflated_2014=0.99,
    probabilistic=0.999,
    probabilistic_2012=0.998,
    min_track_record_sessions=180,
    autocorrelation=0.02,
)
DEFLATION = Deflation(
    trials=5, unknown=0, effective=3.2, min_backtest_years=0.9, overfitting=0.25, evidence=EVIDENCE
)


NET = NetResult(
    optimizer="max_sharpe",
    first=date(2022, 5, 17),
    last=FRIDAY,
    sessions=520,
    candidate=NetFigures(
        total_return=0.4,
        cagr=0.18,
        volatility=0.14,
        sharpe=1.2,
        max_drawdown=-0.15,
        calmar=1.1,
        turnover_month=0.35,
        cost_year=0.01,
        regime_consistency=1.0,
        score=0.62,
    ),
    equal_weight=NetFigures(
        total_return=0.2,
        cagr=0.09,
        volatility=0.15,
        sharpe=0.6,
        max_drawdown=-0.22,
        calmar=0.4,
        turnover_month=0.05,
        cost_year=0.001,
        regime_consistency=0.5,
        score=0.4,
    ),
    p_value=0.03,
)


class MemoryLedger:
    """Trials that are kept as long as the test runs, all of one week."""

    def __init__(self) -> None:
        self.trials: list[Trial] = []
        self.lost = 0

    def record(self, trial: Trial) -> None:
        self.trials.append(trial)

    def history(self) -> History:
        return history_of([trial.returns for trial in self.trials], unknown=self.lost)


def features_of(panel: Panel, settings: Models) -> FeatureMatrix:
    """Compute the feature set of the settings, in memory."""
    return compute(panel, SETS[settings.features])


def make_rows(count: int = 600, seed: int = 0) -> np.ndarray:
    """Return rows of ranks with some gaps, never in the first feature."""
    rng = np.random.default_rng(seed)
    x = rng.random((count, len(FEATURES))).astype(np.float32)
    x[rng.random(x.shape) < 0.05] = np.nan
    x[:, 0] = rng.random(count)
    return x


@cache
def make_fitted(kind: str, *, seed: int = 3) -> Fitted:
    """Return a fitted model of the kind, cached because fitting is slow."""
    return fit_anew(kind, seed=seed)


def fit_anew(kind: str, *, seed: int = 3) -> Fitted:
    """Fit a model of the kind to a target that the first feature half explains."""
    rows = make_rows()
    noise = np.random.default_rng(1).normal(0, 0.2, len(rows))
    model = make_model(kind, FEATURES, {}, seed=seed)
    model.fit(rows, rows[:, 0].astype(float) - 0.5 + noise, np.ones(len(rows)))
    return Fitted(kind, FEATURES, model)


def make_frame(x: np.ndarray | None = None) -> pd.DataFrame:
    """Return rows in the form of the features stage."""
    rows = make_rows(40, seed=5) if x is None else x
    index = pd.Index([f"S{i:03d}" for i in range(len(rows))], name="symbol")
    return pd.DataFrame(rows, index=index, columns=list(FEATURES))


def make_metrics(**figures: float) -> dict[str, float]:
    plain = Metrics(
        neutral_ic=0.02,
        neutral_ic_se=0.005,
        neutral_ic_t=4.0,
        rank_ic=0.02,
        rank_ic_se=0.006,
        rank_ic_t=3.0,
        ic=0.02,
        icir=0.3,
        hit_rate=0.51,
        quantile_spread=0.002,
        monotonicity=0.9,
        sessions=75,
    )
    return asdict(plain) | figures


def make_result(
    name: str,
    *,
    choice_ic: float = 0.02,
    choice_t: float = 3.0,
    t: float = 3.0,
    ic: float = 0.02,
    **fields: Any,
) -> CandidateResult:
    """Return the result of a candidate; metrics not given are unremarkable."""
    confirmation = make_metrics(neutral_ic=ic, neutral_ic_t=t)
    plain = CandidateResult(
        name=name,
        kind="lightgbm",
        ranks=True,
        learns=True,
        choice=make_metrics(neutral_ic=choice_ic, neutral_ic_t=choice_t),
        confirmation=confirmation,
        overall=confirmation,
        train_test_gap=0.01,
    )
    return replace(plain, **fields)


def make_training(
    folder: Path,
    *,
    kind: str = "momentum_52_week",
    session: date = FRIDAY,
    result: CandidateResult | None = None,
    confirmed: bool = True,
    seed: int = 3,
    statistic: Statistic = STATISTIC,
    rival: Rival | None = None,
) -> Training:
    """Return a training whose selected candidate is named after its kind; its model file is in the directory."""
    fitted = make_fitted(kind, seed=seed)
    content = fitted.model.dump()
    path = folder / f"candidate.{fitted.model.suffix}"
    write_bytes(path, content)
    found = result or make_result(kind, kind=kind)
    return Training(
        session=session,
        snapshot="5" * 64,
        feature_set="f" * 64,
        results=(found,),
        folds=ArtifactRef("training_folds", folder / "unused.parquet", ""),
        ics=ArtifactRef("session_ics", folder / "unused.parquet", ""),
        feature_checks=ArtifactRef("feature_checks", folder / "unused.parquet", ""),
        choice=Choice(found if confirmed else None, "It was best."),
        deflation=DEFLATION,
        candidate=Candidate(name=kind, kind=kind, parameters={}),
        features=FEATURES,
        model=ArtifactRef("candidate", path, sha256_of_bytes(content)),
        seed=seed,
        probe=make_probe(fitted.model, make_rows(50, seed=9)),
        trained_through=session,
        statistic=statistic,
        coverage=None,
        rival=rival,
        optimizer="max_sharpe",
    )


def put_into_production(
    home: Home, kind: str = "momentum_52_week", *, session: date = FRIDAY, seed: int = 3
) -> Metadata:
    """Promote a champion of the kind as the weekly flow does; return its metadata."""
    training = make_training(home.work / "made", kind=kind, session=session, seed=seed)
    metadata = describe(training, optimizer="max_sharpe", min_t=LIMITS.min_t_statistic)
    promote_version(home, write_version(home, metadata, training.model.path.read_bytes()))
    return metadata


def promote_learner(home: Home, kind: str, features: tuple[str, ...], *, session: date) -> Metadata:
    """Promote a champion that scores real days: trained on random ranks of all features, the first of which count."""
    rng = np.random.default_rng(2)
    rows = rng.random((600, len(features))).astype(np.float32)
    model = make_model(kind, features, {}, seed=3)
    model.fit(rows, rows[:, :5].astype(float).sum(axis=1) + rng.normal(0, 0.2, 600), np.ones(600))
    content = model.dump()
    path = home.work / "made" / f"learner.{model.suffix}"
    write_bytes(path, content)
    training = replace(
        make_training(home.work / "made", kind=kind, session=session),
        features=features,
        feature_set=feature_set(features),
        model=ArtifactRef("candidate", path, sha256_of_bytes(content)),
        probe=make_probe(model, rows[:50]),
    )
    metadata = describe(training, optimizer="max_sharpe", min_t=LIMITS.min_t_statistic)
    promote_version(home, write_version(home, metadata, content))
    return metadata


ALL_KINDS = tuple(KINDS)
LEARNING_KINDS = tuple(kind for kind, model in KINDS.items() if model.learns)

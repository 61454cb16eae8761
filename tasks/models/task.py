"""The models stage: score the session's members with the champion."""

import logging

from tasks.core.artifacts import ArtifactRef, load_frame, save_frame
from tasks.core.homes.run import Run
from tasks.core.stage import stage
from tasks.features.registry import require_feature_set
from tasks.models.registry.champion import load_champion, refuse_unusable_champion
from tasks.models.schema import Scores
from tasks.models.scoring import ranked

log = logging.getLogger(__name__)


def refuse_missing_champion(run: Run) -> None:
    """Raise ModelError at once if the session has no usable champion, before anything is downloaded."""
    limit = run.settings.models.max_age_days
    refuse_unusable_champion(run.home, session=run.session.day, max_age_days=limit)


@stage()
def score_universe(run: Run, features: ArtifactRef) -> Scores:
    """Score the session's members with the champion, whose hash is fixed here for the whole run."""
    frame = load_frame(features)
    names = tuple(frame.columns)
    limit = run.settings.models.max_age_days
    loaded = load_champion(run.home, session=run.session.day, features=names, max_age_days=limit)
    require_feature_set(names, trained_on=loaded.champion.feature_set)
    given = loaded.fitted.score(frame)
    scores = ranked(given, ranks=loaded.champion.ranks)
    log.info("%d of %d names scored by %s", len(scores), len(frame), loaded.champion.name)
    return Scores(
        frame=save_frame(run, "scores", scores),
        champion=loaded.champion,
        scored=len(scores),
        left_out=len(frame) - len(scores),
        notes=loaded.notes,
    )

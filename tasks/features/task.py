"""The features slice's stage: what the session's members look like to a model."""

import logging

from tasks.core.artifacts import ArtifactRef, save_frame
from tasks.core.errors import DataError
from tasks.core.homes.run import Run
from tasks.core.stage import stage
from tasks.data.panel.reader import read_panel
from tasks.data.schema.records import Market
from tasks.features.compute import compute_last, members_frame
from tasks.features.registry import warm_up
from tasks.features.sets import SETS

log = logging.getLogger(__name__)


@stage()
def compute_features(run: Run, market: Market) -> ArtifactRef:
    """Store one row per member of the session and one column per feature of the set that models learn from."""
    names = SETS[run.settings.models.features]
    panel = read_panel(market.snapshot, window=warm_up(names))
    frame = members_frame(compute_last(panel, names), panel.is_member[-1])
    if frame.empty:
        raise DataError(
            f"No symbol may be bought on {run.session}: the universe is empty.",
            remedy="Look at data.universe in the settings and at `afterclose data status`.",
            session=str(run.session),
        )
    known = frame.notna().to_numpy().mean()
    log.info("%d features of %d names, %.1f%% of the values known", frame.shape[1], len(frame), 100 * known)
    return save_frame(run, "features", frame)

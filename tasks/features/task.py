"""The features stage: the features of the session's members."""

import logging

from tasks.core.artifacts import ArtifactRef, save_frame
from tasks.core.errors import DataError
from tasks.core.homes.run import Run
from tasks.core.stage import stage
from tasks.core.text import counted
from tasks.data.panel.reader import read_panel
from tasks.data.schema.records import Market
from tasks.features.compute import compute_last, members_frame
from tasks.features.registry import warm_up
from tasks.features.sets import SETS

log = logging.getLogger(__name__)


@stage()
def compute_features(run: Run, market: Market) -> ArtifactRef:
    """Store one row per member of the session and one column per feature of the set in `models.features`."""
    names = SETS[run.settings.models.features]
    panel = read_panel(market.snapshot, window=warm_up(names))
    frame = members_frame(compute_last(panel, names), panel.is_member[-1])
    if frame.empty:
        raise DataError(
            f"No symbol may be bought on {run.session}: the universe is empty.",
            remedy="Check data.universe in the settings and the output of `afterclose data status`.",
            session=str(run.session),
        )
    present = frame.notna().to_numpy().mean()
    log.info(
        "%s of %s, %.1f%% of the values present",
        counted(frame.shape[1], "feature"),
        counted(len(frame), "name"),
        100 * present,
    )
    return save_frame(run, "features", frame)

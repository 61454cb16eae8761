"""weekly-champion: train the candidates, select one out of sample, promote it completely or not at all."""

from tasks.core.homes.run import Run
from tasks.data.task import refresh_market
from tasks.monitoring.task import live_record
from tasks.reporting.selection.publish import publish_selection
from tasks.selection.schema import Promotion
from tasks.selection.task import promote_champion, train_candidates
from tasks.selection.tracking import track_selection


def weekly_champion(run: Run, *, quick: bool = False) -> Promotion:
    """Train and select as of the session of `run`; `quick` trains only models.quick_candidates."""
    market = refresh_market(run)
    training = train_candidates(run, market, live_record(run), quick=quick)
    promotion = promote_champion(run, training)
    publish_selection(run, training, promotion)
    if not quick:
        track_selection(run, training, promotion)
    return promotion

"""weekly-champion: train the candidates, choose honestly, promote whole or not at all."""

from tasks.core.homes.run import Run
from tasks.data.task import refresh_market
from tasks.selection.schema import Promotion
from tasks.selection.task import promote_champion, train_candidates


def weekly_champion(run: Run, *, quick: bool = False) -> Promotion:
    """Walk the week of `run`: on a closed day, the week that its last session ended."""
    market = refresh_market(run)
    training = train_candidates(run, market, quick=quick)
    return promote_champion(run, training)

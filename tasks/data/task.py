"""The data slice's stage: update the lake to the session and return the market as known then."""

import logging
from datetime import date

from tasks.core.errors import DataError
from tasks.core.homes.run import Run
from tasks.core.stage import stage
from tasks.data.intake.market import describe_market
from tasks.data.intake.simulated_version import with_simulated_version
from tasks.data.intake.update import refuse_other_provider, update_lake, verified_head
from tasks.data.lake.head import Head
from tasks.data.lake.storage.location import lake_of
from tasks.data.lake.travel import past_head
from tasks.data.providers.registry import make_provider
from tasks.data.schema.records import Market

log = logging.getLogger(__name__)


@stage(retries=3)
def refresh_market(run: Run, *, panel_sessions: int = 0) -> Market:
    """Update the lake to the run's session and return the market as known at its close.

    A session that the lake already holds is not requested again. Later stages that need at most `panel_sessions`
    sessions take a slice of the panel that is read here. Raises DataError, with the lake unchanged, when the session's
    data is unfit to trade on.
    """
    head = verified_head(run)
    refuse_other_provider(head, run.settings.data.providers[0])
    _refuse_before_history(head, run.session.day)
    versioned = with_simulated_version(run, head)
    if head is None or head.last_session is None or head.last_session < run.session.day:
        head, _ = update_lake(run, make_provider(versioned), head, through=run.session.day)
    market = describe_market(run, head, panel_sessions=panel_sessions)
    log.info(
        "market of %s: %d bars, %d names in the universe, %d findings, snapshot %s",
        run.session,
        market.new_bars,
        market.universe_size,
        len(market.findings),
        market.snapshot.id[:12],
    )
    return market


def market_of(run: Run, snapshot: str, *, panel_sessions: int) -> Market:
    """Return the market of a past session from the lake, by the snapshot id of its manifest. Changes nothing.

    Raises DataError if the lake no longer holds this data.
    """
    head = past_head(lake_of(run.home, run.settings), run.session.day, snapshot)
    return describe_market(run, head, panel_sessions=panel_sessions)


def market_in_hindsight(run: Run, *, panel_sessions: int) -> Market:
    """Return the market of a past session with everything that was corrected since. Call it inside `hindsight`."""
    head = verified_head(run)
    if head is None or head.last_session is None or head.last_session < run.session.day:
        raise DataError(
            f"The lake has no data for {run.session}.",
            remedy="Restore it from a backup (`afterclose data restore`).",
            session=str(run.session),
        )
    return describe_market(run, head, panel_sessions=panel_sessions)


def _refuse_before_history(head: Head | None, session: date) -> None:
    if head is not None and head.first_session is not None and session < head.first_session:
        raise DataError(
            f"The lake begins on {head.first_session}, after {session}.",
            remedy="Specify a later date, or create a new home with a longer history (network providers and the "
            "simulated market: set an earlier first_session in config.yaml).",
            session=str(session),
        )

"""Recompute a published day from its manifest and the inputs kept for it, in a temporary home.

One mechanism for a replay, a replay on revised data, and a revision: the stages of the daily run, over the same inputs
or with one change. Nothing is written into the home of the day.
"""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from config.settings import Settings
from flows.daily import decide_day, longest_window
from tasks.approval.day import PublishedDay
from tasks.core.errors import StorageError
from tasks.core.homes.home import Home
from tasks.core.homes.kept import read_parts, restore_parts
from tasks.core.homes.run import Run
from tasks.core.sessions import session_on
from tasks.data.lake.hindsight import hindsight
from tasks.data.schema.records import Market
from tasks.data.task import market_in_hindsight, market_of
from tasks.models.registry.store import restore_versions
from tasks.portfolio.holdings.positions import Positions
from tasks.reporting.day.kept_inputs import kept_positions, kept_settings
from tasks.reporting.task import render_again


@dataclass(frozen=True)
class PastDay:
    """A run of a past session in a home that holds what the day read, and its market."""

    run: Run
    market: Market
    positions: Positions


@contextmanager
def past_day(
    home: Home, day: PublishedDay, current: Settings, *, restated: bool = False
) -> Iterator[PastDay]:
    """Yield the day's inputs, restored and verified. Raises an error that names what is missing.

    `current`: the home's settings now, for the places of its files. `restated`: until the block ends, data of the
    lake are those of today, as corrected since.
    """
    parts = read_parts(home, _kept(day))
    settings, session = kept_settings(parts, current), session_on(day.session)
    if session.closes_at is None:
        raise ValueError(
            f"{day.session} was published, but the exchange was closed"
        )  # the calendar's own contradiction
    with TemporaryDirectory(prefix="afterclose-replay-") as folder:
        place = Home(Path(folder))
        restore_parts(place, parts)
        restore_versions(home, place, day.inputs["champion"])
        run = Run(place, session, session.closes_at, settings)
        there, window = replace(run, home=home), longest_window(settings)
        with hindsight() if restated else nullcontext():
            if restated:
                market = market_in_hindsight(there, panel_sessions=window)
            else:
                market = market_of(there, day.inputs["snapshot"], panel_sessions=window)
            yield PastDay(run, market, kept_positions(place, parts))


def replayed_files(past: PastDay) -> dict[str, bytes]:
    """Return the files that the day has when it is computed again."""
    return render_again(past.run, decide_day(past.run, past.market, positions=past.positions))


def _kept(day: PublishedDay) -> str:
    if day.kept is None:
        raise StorageError(
            f"{day.session} was published by an earlier release, which did not retain its inputs: settings, positions, "
            "performance history and kill switch as they were.",
            remedy="If the day is not approved yet, run it again; otherwise it cannot be recomputed.",
            session=str(day.session),
        )
    return day.kept

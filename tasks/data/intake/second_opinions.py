"""Ask the other sources of `data.compare_with` for the bars that were delivered."""

import logging
from datetime import date

import pandas as pd

from tasks.core.errors import ConfigError, DataError, TransientError
from tasks.core.homes.run import Run
from tasks.data.gates.conform import conform
from tasks.data.gates.reconcile import Reconciled, reconcile
from tasks.data.providers.registry import make_second_opinions

log = logging.getLogger(__name__)


def compare_sources(
    run: Run, bars: pd.DataFrame, ours: str, *, after: date | None, through: date
) -> tuple[Reconciled, tuple[str, ...]]:
    """Ask the other sources for the same bars; return what they say, and why some said nothing."""
    answers: dict[str, pd.DataFrame] = {}
    failed = []
    for other in make_second_opinions(run):
        try:
            delivery = other.fetch(after=after, through=through, tables=frozenset({"bars"}))
            answers[other.name] = conform(delivery, through=through, provider=other.name)["bars"]
        except (TransientError, DataError, ConfigError) as error:
            log.warning("bars could not be compared with %s: %s", other.name, error.what)
            failed.append(f"{other.name} could not be compared with: {error.what}")
    compared = reconcile(bars, answers, ours=ours)
    return compared, (*failed, *compared.ignored)

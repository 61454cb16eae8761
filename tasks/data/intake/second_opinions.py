"""Fetch the delivered bars from the other sources of `data.compare_with` and compare them."""

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
    """Compare the bars of `ours` with the other sources; return the result, and why some could not be compared."""
    answers: dict[str, pd.DataFrame] = {}
    failed = []
    for other in make_second_opinions(run):
        if other.name == ours:  # it replaced the first provider, and would confirm its own prices
            failed.append(f"bars could not be compared with {ours}: it delivered them.")
            continue
        try:
            delivery = other.fetch(after=after, through=through, tables=frozenset({"bars"}))
            answers[other.name] = conform(delivery, through=through, provider=other.name)["bars"]
        except (TransientError, DataError, ConfigError) as error:
            log.warning("bars could not be compared with %s: %s", other.name, error.what)
            failed.append(f"bars could not be compared with {other.name}: {error.what}")
    compared = reconcile(bars, answers, ours=ours)
    return compared, (*failed, *compared.ignored)

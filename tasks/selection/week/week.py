"""What every step of the weekly training reads: the data of the week, its seeds, and the champion of earlier weeks."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from tasks.core.errors import ModelError
from tasks.core.homes.run import Run
from tasks.data.panel.reader import read_panel
from tasks.data.schema.records import Market, Panel
from tasks.features.schema import FeatureMatrix
from tasks.features.sets import SETS
from tasks.features.store import stored_features
from tasks.models.registry.store import has_champion, read_champion, read_versions
from tasks.models.schema import Champion
from tasks.selection.net.portfolio import Market as WalkedMarket
from tasks.selection.net.portfolio import read_market
from tasks.selection.selection_run import (
    Seed,
    window_needed,
)

ReadMarket = Callable[[], WalkedMarket]  # reads it once


@dataclass(frozen=True)
class Week:
    """What every step of the week reads."""

    run: Run
    market: Market
    panel: Panel
    features: FeatureMatrix
    walked: ReadMarket  # the market that portfolios are walked over


def read_week(run: Run, market: Market) -> Week:
    """Read the panel and its features; the market of the portfolios is read when it is first needed."""
    settings = run.settings.models
    panel = read_panel(market.snapshot, window=window_needed(settings))
    features = stored_features(run.home.features, panel, market.snapshot, SETS[settings.features])
    walked = cache(lambda: read_market(market.snapshot, panel, run.settings))
    return Week(run, market, panel, features, walked)


def seed_of(run: Run) -> Seed:
    """Return the seeds of the models, by name."""
    return lambda name: run.seed(f"model {name}")


def champion_before(run: Run) -> Champion | None:
    """Return the champion of earlier weeks: a week that is run again sees the same one."""
    champion = _champion(run)
    if champion is None or champion.selection_date >= run.session.day:
        versions = [stored.metadata.champion for stored in read_versions(run.home)]
        earlier = [each for each in versions if each.selection_date < run.session.day]
        champion = max(earlier, key=lambda each: each.selection_date, default=None)
    return champion


def _champion(run: Run) -> Champion | None:
    """Return the champion in production; None without any, and for a damaged one, which is replaced."""
    try:
        return read_champion(run.home) if has_champion(run.home) else None
    except ModelError:
        return None

"""Read the inputs of the portfolio stage: the positions file, and the lake's panel and company events.

Never writes: only confirmed fills change the positions file.
"""

import pandas as pd

from tasks.core.homes.run import Run
from tasks.costs.model import multiplier_of
from tasks.data.lake.store import read_tables
from tasks.data.panel.companies import company_index
from tasks.data.panel.reader import read_prices
from tasks.data.schema.records import Market
from tasks.portfolio.holdings.book import is_priced
from tasks.portfolio.holdings.events import Events, events_of
from tasks.portfolio.holdings.positions import Positions
from tasks.portfolio.holdings.record import positions_of
from tasks.portfolio.quotes import WINDOW, quotes
from tasks.portfolio.stops import stop_window


def read_positions(run: Run) -> Positions:
    """Return the positions held, read by tasks/portfolio/holdings/record.py."""
    return positions_of(run.home, initial_cash_usd=run.settings.portfolio.initial_cash_usd)


def read_market(run: Run, market: Market, held: Positions) -> tuple[pd.DataFrame, Events, float]:
    """Return what is known of each name today (tasks/portfolio/quotes.py), what happened to companies, and the
    multiplier of volatility from the volatility index.

    A holding that has not traded for long is looked for in the whole history.
    """
    snapshot = market.snapshot
    tables = read_tables(
        snapshot.lake, snapshot.versions, ("actions", "lives", "renames"), session=snapshot.session
    )
    events = events_of(tables["actions"], company_index(tables["lives"], tables["renames"]))
    stops = stop_window(run.settings.regime)
    for window in (max(WINDOW, stops.sessions), None):
        panel = read_prices(snapshot, window=window)
        assets = quotes(panel, quarantined=market.quarantined, splits=events.splits, stops=stops)
        if is_priced(held, assets, session=run.session.day, events=events):
            break
    multiplier = multiplier_of(panel.volatility_index, index=run.settings.costs.volatility_index)
    return assets, events, multiplier

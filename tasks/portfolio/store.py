"""Read what the book stage needs from the home: the positions file, and the lake's panel and company events.

Never writes: the positions file changes by confirmed fills only.
"""

import pandas as pd

from tasks.core.errors import SafetyError
from tasks.core.run import Run
from tasks.data.schema import Market
from tasks.data.store import read_actions, read_panel, read_renames
from tasks.portfolio.book import is_priced, value_book
from tasks.portfolio.positions import Positions, parse_positions
from tasks.portfolio.quotes import WINDOW, quotes
from tasks.portfolio.schema import Book


def read_positions(run: Run) -> Positions:
    """Return the positions file; without one, nothing is held but the cash that an empty book starts with."""
    path = run.home.positions_file
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Positions((), run.settings.portfolio.initial_cash_usd)
    except (OSError, UnicodeDecodeError) as error:
        raise SafetyError(
            f"{path} cannot be read: {error}.", remedy="Mend the file or its permissions.", path=str(path)
        ) from error
    return parse_positions(text, path=str(path))


def read_assets(run: Run, market: Market) -> pd.DataFrame:
    """Return what is known of each name today, as tasks/portfolio/quotes.py says it.

    A holding that has not traded for long is looked for in the whole history.
    """
    actions, renames = read_actions(market.snapshot), read_renames(market.snapshot)
    held = read_positions(run)
    panel = read_panel(market.snapshot, window=WINDOW)
    assets = quotes(panel, quarantined=market.quarantined, actions=actions)
    if not is_priced(held, assets, renames):
        panel = read_panel(market.snapshot, window=None)
        assets = quotes(panel, quarantined=market.quarantined, actions=actions)
    return assets


def read_book(run: Run, market: Market, assets: pd.DataFrame) -> Book:
    """Return what is held after the session's close, valued; see tasks/portfolio/book.py for what is refused."""
    return value_book(
        read_positions(run),
        assets,
        session=run.session.day,
        actions=read_actions(market.snapshot),
        renames=read_renames(market.snapshot),
    )

"""Read from the lake what it knows of the names in the ledger: dividends, splits with raw prices, symbol changes."""

from collections.abc import Collection, Mapping
from datetime import date, timedelta
from decimal import Decimal

import pandas as pd

from config.settings import Settings
from tasks.core.homes.home import Home
from tasks.core.sessions import exchange_date
from tasks.data.lake.head import read_head
from tasks.data.lake.storage.location import lake_of
from tasks.data.lake.store import read_bar_frame, read_tables
from tasks.execution.brokers.base import Quote
from tasks.execution.reconciliation.schema import CorporateAction, Market, Rename
from tasks.execution.reconciliation.statement import prices_of
from tasks.portfolio.holdings.split_ratios import exact_ratio

REACH = timedelta(days=20)  # in which the last close before an ex-date is searched


def read_market(
    home: Home,
    settings: Settings,
    symbols: Collection[str],
    *,
    since: date,
    today: date,
    quotes: Mapping[str, Quote],
) -> Market:
    """Return the actions and symbol changes of the names from `since` through `today`; a home without a lake has none.

    Raw closes of the lake judge a split. Before the lake has the close of the ex-date, a quote from that day on does.
    """
    lake = lake_of(home, settings)
    head = read_head(lake)
    if head is None:
        return Market(prices=prices_of(dict(quotes)))
    tables = read_tables(lake, head.versions, ("actions", "renames"), session=None)
    actions = _within(tables["actions"], since, today)
    actions = actions[actions["symbol"].isin(list(symbols))]
    splits = actions[actions["split"] != 1]
    closes = pd.DataFrame(columns=["symbol", "session", "close"])
    if len(splits):
        first = splits["session"].min().date() - REACH
        closes = read_bar_frame(lake, head.versions, since=first, through=today)
        closes = closes[closes["symbol"].isin(list(splits["symbol"]))]
    renames = _within(tables["renames"], since, today)
    return Market(
        tuple(
            _action(row["symbol"], row["session"].date(), row["dividend"], row["split"], closes, quotes)
            for row in actions.sort_values(["session", "symbol"]).to_dict("records")
        ),
        tuple(
            Rename(str(row["old"]), str(row["new"]), row["session"].date())
            for row in renames[renames["old"].isin(list(symbols))].to_dict("records")
        ),
        prices_of(dict(quotes)),
    )


def _within(frame: pd.DataFrame, since: date, today: date) -> pd.DataFrame:
    return frame[(frame["session"] >= pd.Timestamp(since)) & (frame["session"] <= pd.Timestamp(today))]


def _action(
    symbol: str,
    ex_date: date,
    dividend: float,
    split: float,
    closes: pd.DataFrame,
    quotes: Mapping[str, Quote],
) -> CorporateAction:
    paid, ratio = Decimal(repr(float(dividend))), exact_ratio(float(split))
    if ratio == 1:
        return CorporateAction(symbol, ex_date, paid)
    own = closes[closes["symbol"] == symbol].sort_values("session")
    before = own[own["session"] < pd.Timestamp(ex_date)]["close"]
    after = own[own["session"] >= pd.Timestamp(ex_date)]["close"]
    quote = quotes.get(symbol)
    first = _decimal(after.iloc[0]) if len(after) else _quoted_since(quote, ex_date)
    return CorporateAction(
        symbol, ex_date, paid, ratio, _decimal(before.iloc[-1]) if len(before) else None, first
    )


def _quoted_since(quote: Quote | None, day: date) -> Decimal | None:
    is_new = quote is not None and exchange_date(quote.at) >= day
    return quote.price if quote is not None and is_new else None


def _decimal(price: float) -> Decimal | None:
    return Decimal(repr(float(price))) if price > 0 else None

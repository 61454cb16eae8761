"""Price relative to earnings, revenue and book value, and their growth, from what was public on each day.

Missing without filings. The value a year ago is the one that was public 252 sessions ago.
"""

import math

from tasks.features.engine.arithmetic import log, where
from tasks.features.engine.rolling import lag
from tasks.features.engine.series import Series
from tasks.features.families.declaration import Family

YEAR = 252

feature = Family("fundamentals")


def yield_on_price(figure: Series, shares: Series, raw_close: Series) -> Series:
    """Return a value in USD over market value."""
    return figure / (shares * raw_close)


def log_market_cap(shares: Series, raw_close: Series) -> Series:
    """Return the logarithm of shares × price in USD."""
    return log(shares * raw_close)


def per(figure: Series, base: Series) -> Series:
    """Return one value over another; missing where the base is not positive."""
    return figure / where(base > 0, base, math.nan)


def growth(figure: Series) -> Series:
    """Return the growth over a year; missing where the base is not positive."""
    return per(figure, lag(figure, YEAR)) - 1


def earnings_change(earnings: Series, shares: Series, raw_close: Series) -> Series:
    """Return the change of net income over a year, over market value, which is defined for losses too."""
    return yield_on_price(earnings - lag(earnings, YEAR), shares, raw_close)


def payout_yield(earnings: Series, book: Series, shares: Series, raw_close: Series) -> Series:
    """Return net payout over market value by clean surplus: earnings that were not added to equity."""
    return yield_on_price(earnings - (book - lag(book, YEAR)), shares, raw_close)


def composite_issuance(close: Series, shares: Series, raw_close: Series) -> Series:
    """Return net issuance: growth of market value in excess of the share's return (Daniel and Titman 2006).

    Positive for sales of shares, negative for buy-backs and dividends.
    """
    market_value = shares * raw_close
    return log(market_value / lag(market_value, YEAR)) - log(close / lag(close, YEAR))


FEATURES = (
    feature(
        "earnings_yield",
        yield_on_price,
        1,
        "net income of the last four quarters / market value",
        inputs=("earnings", "shares", "raw_close"),
    ),
    feature(
        "earnings_yield_in_sector",
        yield_on_price,
        1,
        "net income of the last four quarters / market value",
        "sector_rank",
        version=2,
        inputs=("earnings", "shares", "raw_close"),
    ),
    feature(
        "book_to_price",
        yield_on_price,
        1,
        "shareholders' equity / market value",
        inputs=("book", "shares", "raw_close"),
    ),
    feature(
        "book_to_price_in_sector",
        yield_on_price,
        1,
        "shareholders' equity / market value",
        "sector_rank",
        version=2,
        inputs=("book", "shares", "raw_close"),
    ),
    feature(
        "sales_to_price",
        yield_on_price,
        1,
        "sales of the last four quarters / market value",
        inputs=("revenue", "shares", "raw_close"),
    ),
    feature("log_market_cap", log_market_cap, 1, "ln(market value in USD)"),
    feature(
        "return_on_equity",
        per,
        1,
        "net income of the last four quarters / shareholders' equity, where that is positive",
        inputs=("earnings", "book"),
    ),
    feature(
        "profit_margin",
        per,
        1,
        "net income / sales of the last four quarters, where those are positive",
        inputs=("earnings", "revenue"),
    ),
    feature(
        "sales_growth",
        growth,
        YEAR + 1,
        "sales / sales known a year ago − 1, where those were positive",
        inputs=("revenue",),
    ),
    feature(
        "book_growth",
        growth,
        YEAR + 1,
        "shareholders' equity / shareholders' equity known a year ago − 1, where the latter was positive",
        inputs=("book",),
    ),
    feature(
        "earnings_change",
        earnings_change,
        YEAR + 1,
        "(net income − net income known a year ago) / market value",
    ),
    feature(
        "payout_yield",
        payout_yield,
        YEAR + 1,
        "(net income − (equity − equity known a year ago)) / market value",
    ),
    feature(
        "composite_issuance",
        composite_issuance,
        YEAR + 1,
        "ln(market value / market value 252 ago) − ln(close / close 252 ago)",
    ),
)

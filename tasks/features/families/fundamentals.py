"""What a share costs against what the company earns and owns, as published by then. Missing without filings."""

import numpy as np

from tasks.data.schema import Matrix
from tasks.features.schema import Feature


def yield_on_price(figure: Matrix, shares: Matrix, raw_close: Matrix) -> Matrix:
    """Return a company's figure in USD over its market value."""
    return figure / (shares * raw_close)


def log_market_cap(shares: Matrix, raw_close: Matrix) -> Matrix:
    """Return the logarithm of shares × price in USD."""
    return np.log(shares * raw_close)


FEATURES = (
    Feature(
        "earnings_yield",
        "fundamentals",
        yield_on_price,
        ("earnings", "shares", "raw_close"),
        1,
        "net income of the last four quarters / market value",
    ),
    Feature(
        "book_to_price",
        "fundamentals",
        yield_on_price,
        ("book", "shares", "raw_close"),
        1,
        "shareholders' equity / market value",
    ),
    Feature(
        "sales_to_price",
        "fundamentals",
        yield_on_price,
        ("revenue", "shares", "raw_close"),
        1,
        "sales of the last four quarters / market value",
    ),
    Feature(
        "log_market_cap",
        "fundamentals",
        log_market_cap,
        ("shares", "raw_close"),
        1,
        "log of the market value in USD",
    ),
)

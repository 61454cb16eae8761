"""Combine target and current portfolio in one frame, the output of the portfolio stage.

Decides nothing: every number comes from the current portfolio, the quotes or the target.
"""

import pandas as pd

from tasks.portfolio.schema import CASH, Book
from tasks.portfolio.target import Target

COLUMN_TYPES = {
    **dict.fromkeys(("weight", "current_weight", "price", "score", "adv_usd", "daily_volatility"), "float64"),
    **dict.fromkeys(("sector", "cap_class", "note"), "str"),
    "has_quote": "bool",
}


def current_weights(book: Book) -> pd.Series:
    """Return each holding as a fraction of the equity, without cash."""
    return pd.Series(
        {holding.symbol: holding.value_usd / book.equity_usd for holding in book.holdings},
        index=pd.Index([holding.symbol for holding in book.holdings], dtype=str, name="symbol"),
        dtype=float,
    )


def book_frame(target: Target, book: Book, assets: pd.DataFrame, scores: pd.Series) -> pd.DataFrame:
    """Return the frame of `Portfolio`: names with a target or a holding by descending weight, CASH last."""
    current = current_weights(book)
    wanted = target.weights[(target.weights > 0) | target.weights.index.isin(current.index)]
    names = wanted.index
    frame = pd.DataFrame(
        {
            "weight": wanted,
            "current_weight": current.reindex(names).fillna(0.0),
            "price": assets["price"].reindex(names),
            "sector": assets["sector"].reindex(names).astype(str),
            "cap_class": assets["cap_class"].reindex(names).astype(str),
            "score": scores.reindex(names),
            "has_quote": assets["has_quote"].reindex(names),
            "adv_usd": assets["adv_usd"].reindex(names),
            "daily_volatility": assets["daily_volatility"].reindex(names),
            "note": [target.why[name] for name in names],
        },
        index=names,
    )
    frame = frame.sort_values("weight", ascending=False, kind="stable")  # names are in alphabetical order
    cash = pd.DataFrame(
        {
            "weight": max(1.0 - frame["weight"].sum(), 0.0),
            "current_weight": book.cash_usd / book.equity_usd,
            "price": 1.0,
            "sector": "",
            "cap_class": "",
            "score": float("nan"),
            "has_quote": True,
            "adv_usd": float("nan"),
            "daily_volatility": 0.0,
            "note": "",
        },
        index=[CASH],
    )
    return pd.concat([frame, cash]).astype(COLUMN_TYPES).rename_axis("symbol")


def reductions_of(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the target with no name above its current weight; the rest is cash. Reduced names get a note."""
    reduced = frame.copy()
    names = reduced.index != CASH
    wanted, current = (reduced.loc[names, name] for name in ("weight", "current_weight"))
    is_cut = (wanted > current).reindex(reduced.index, fill_value=False)
    reduced.loc[names, "weight"] = wanted.clip(upper=current)
    reduced.loc[CASH, "weight"] = 1.0 - reduced.loc[names, "weight"].sum()
    note = reduced.loc[is_cut, "note"].astype(str)
    reduced.loc[is_cut, "note"] = (
        note.where(note == "", note + "; ") + "not bought while the kill switch halts new risk"
    )
    return reduced

"""Convert frames to the arrays of a decision, and a target to the frame that the portfolio stage passes on.

Makes no decisions: every number comes from the current portfolio, the quotes or the target.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from config.sections import Portfolio as PortfolioSettings
from tasks.models.schema import Champion
from tasks.models.skill import score_to_return
from tasks.portfolio.arrays import Codes, Held, Matrix, Names, Places, Vector
from tasks.portfolio.limits import CAP_CLASSES, UNKNOWN_SECTOR, Limits, limits_of, rules_of
from tasks.portfolio.schema import CASH, Book
from tasks.portfolio.target import Target, View, without_increases
from tasks.regime.schema import Regime

COLUMN_TYPES = {
    **dict.fromkeys(("weight", "current_weight", "price", "score", "adv_usd", "daily_volatility"), "float64"),
    **dict.fromkeys(("sector", "cap_class", "note"), "str"),
    "has_quote": "bool",
}


class SessionArrays(NamedTuple):
    """One session's arrays, the symbol of each name, and the sorted sectors by code."""

    symbols: pd.Index
    sectors: tuple[str, ...]
    names: Names
    held: Held

    def at(self, places: Places) -> pd.Index:
        """Return the symbols of the names at these places."""
        return self.symbols[places]


def view_of(champion: Champion, regime: Regime) -> View:
    """Return the champion's and the regime's part of a decision."""
    return View(
        ranks=champion.ranks,
        score_to_return=score_to_return(champion),
        optimizer=champion.optimizer,
        exposure_cap=regime.exposure_cap,
        allows_new_positions=regime.allows_new_positions,
        size_multiplier=regime.size_multiplier,
        stop_loss_frac=regime.stop_loss_frac,
    )


def session_arrays(
    scores: pd.Series,
    assets: pd.DataFrame,
    has_risk: Collection[str],
    book: Book,
    *,
    fixed: Mapping[str, float] | None = None,
) -> SessionArrays:
    """Return the arrays of every name with a score, a price or a holding. `fixed`: target weights set by a person.

    Names are in the order of `assets` (tasks/portfolio/quotes.py), which decides ties; others follow by symbol.
    """
    shares = pd.Series({holding.symbol: holding.shares for holding in book.holdings}, dtype=float)
    others = sorted({*scores.index, *shares.index} - {*assets.index})
    symbols = pd.Index([*assets.index, *others], dtype="str", name="symbol")
    facts = assets.reindex(symbols)
    sector, sectors = sector_codes(facts["sector"])
    names = Names(
        score=_numbers(scores.reindex(symbols)),
        is_scored=symbols.isin(scores.index),
        price=_numbers(facts["price"]),
        has_quote=facts["has_quote"].eq(True).to_numpy(dtype=bool),  # noqa: FBT003 - NaN is not True
        is_quarantined=facts["is_quarantined"].eq(True).to_numpy(dtype=bool),  # noqa: FBT003
        is_reserved=np.asarray(symbols == CASH, dtype=bool),
        has_risk=symbols.isin(has_risk),
        adv_usd=_numbers(facts["adv_usd"]),
        daily_volatility=_numbers(facts["daily_volatility"]),
        fall=_numbers(facts["fall"]),
        sector=sector,
        cap_class=cap_class_codes(facts["cap_class"]),
        fixed=_numbers(pd.Series(fixed, dtype=float).reindex(symbols)) if fixed else None,
    )
    held = Held(
        _numbers(shares.reindex(symbols).fillna(0.0)),
        _numbers(current_weights(book).reindex(symbols).fillna(0.0)),
        book.cash_usd,
        book.equity_usd,
    )
    return SessionArrays(symbols, sectors, names, held)


def sector_codes(labels: pd.Series) -> tuple[Codes, tuple[str, ...]]:
    """Return the code of each name's sector, and the sectors by code; a missing one is unknown."""
    sectors, codes = np.unique(labels.fillna(UNKNOWN_SECTOR).to_numpy(dtype=str), return_inverse=True)
    return codes.astype(np.int64), tuple(map(str, sectors))


def cap_class_codes(labels: pd.Series) -> Codes:
    """Return the code of each name's cap class; -1 without cap data."""
    return np.array(pd.Index(CAP_CLASSES).get_indexer(pd.Index(labels.astype(object))), dtype=np.int64)


def matrix_of(covariance: pd.DataFrame, symbols: pd.Index) -> Matrix:
    """Return the covariance of these names in their order; NaN without an estimate."""
    matrix: Matrix = covariance.reindex(index=symbols, columns=symbols).to_numpy(dtype=float)
    return matrix


def limits_for(
    names: pd.DataFrame, covariance: pd.DataFrame | None, *, exposure_cap: float, settings: PortfolioSettings
) -> Limits:
    """Return the limits of a portfolio of these names, in their order.

    `names` is indexed by symbol, with the columns sector and cap_class, NaN where unknown. `covariance` is by symbol
    and may contain other names; None means no limits on correlated pairs.
    """
    sector, sectors = sector_codes(names["sector"])
    return limits_of(
        sector,
        cap_class_codes(names["cap_class"]),
        None if covariance is None else matrix_of(covariance, names.index),
        exposure_cap=exposure_cap,
        rules=rules_of(settings, sectors),
    )


def current_weights(book: Book) -> pd.Series:
    """Return each holding as a fraction of the equity, without cash."""
    return pd.Series(
        {holding.symbol: holding.value_usd / book.equity_usd for holding in book.holdings},
        index=pd.Index([holding.symbol for holding in book.holdings], dtype=str, name="symbol"),
        dtype=float,
    )


def by_symbol(session: SessionArrays, target: Target, reasons: Sequence[str]) -> pd.DataFrame:
    """Return the target by symbol: the columns weight and note."""
    index = session.at(target.places)
    return pd.DataFrame({"weight": target.weights, "note": pd.Series(reasons, index, dtype="str")}, index)


def book_frame(target: pd.DataFrame, book: Book, assets: pd.DataFrame, scores: pd.Series) -> pd.DataFrame:
    """Return the frame of `Portfolio`: names with a target or a holding in the order of the session, CASH last.

    `target` is the frame of `by_symbol`.
    """
    current = current_weights(book)
    wanted = target[(target["weight"] > 0) | target.index.isin(current.index)]
    names = wanted.index
    frame = pd.DataFrame(
        {
            "weight": wanted["weight"],
            "current_weight": current.reindex(names).fillna(0.0),
            "price": assets["price"].reindex(names),
            "sector": assets["sector"].reindex(names).astype(str),
            "cap_class": assets["cap_class"].reindex(names).astype(str),
            "score": scores.reindex(names),
            "has_quote": assets["has_quote"].reindex(names),
            "adv_usd": assets["adv_usd"].reindex(names),
            "daily_volatility": assets["daily_volatility"].reindex(names),
            "note": wanted["note"],
        },
        index=names,
    )
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


def with_weights(frame: pd.DataFrame, weights: Mapping[str, float]) -> pd.DataFrame:
    """Return the target with these weights; the rest is cash, which may become negative."""
    changed = frame.copy()
    changed.loc[list(weights), "weight"] = list(weights.values())
    changed.loc[CASH, "weight"] = 1.0 - changed.loc[changed.index != CASH, "weight"].sum()
    return changed


def reductions_of(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the target with no name above its current weight; the rest is cash. Reduced names get a note."""
    reduced = frame.copy()
    names = reduced.index != CASH
    wanted, current = (reduced.loc[names, name] for name in ("weight", "current_weight"))
    is_cut = (wanted > current).reindex(reduced.index, fill_value=False)
    reduced.loc[names, "weight"] = without_increases(_numbers(wanted), _numbers(current))
    reduced.loc[CASH, "weight"] = 1.0 - reduced.loc[names, "weight"].sum()
    note = reduced.loc[is_cut, "note"].astype(str)
    reduced.loc[is_cut, "note"] = (
        note.where(note == "", note + "; ") + "not bought while the kill switch halts new risk"
    )
    return reduced


def _numbers(values: pd.Series) -> Vector:
    numbers: Vector = values.to_numpy(dtype=np.float64)
    return numbers

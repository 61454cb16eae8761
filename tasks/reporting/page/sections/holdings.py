"""The target portfolio by name, sector and cap class. Reads the formatted portfolio_weights.csv."""

from dataclasses import dataclass

import pandas as pd

from tasks.portfolio.limits import UNKNOWN_SECTOR
from tasks.portfolio.schema import CASH
from tasks.reporting.day.files import as_text
from tasks.reporting.day.inputs import DayInputs


@dataclass(frozen=True)
class BookLine:
    """One line of the target portfolio. The bars are fractions of the heaviest name."""

    symbol: str
    name: str
    sector: str
    weight: float
    current: float
    after: float  # weight of `shares` once every trade is filled
    shares: float
    price: float
    score: float
    bar: float
    current_bar: float
    is_cash: bool


@dataclass(frozen=True)
class GroupLine:
    """One sector or cap class now and after the trades, against its limit."""

    name: str
    after: float
    current: float
    limit: float
    is_near: bool  # within a tenth of the limit

    @property
    def room(self) -> float:
        return self.limit - self.after


def book_lines(inputs: DayInputs, weights: pd.DataFrame) -> list[BookLine]:
    """Return the target portfolio in the order of portfolio_weights.csv, without names that are not held or wanted."""
    shown = weights[(weights["weight"] != 0) | (weights["current_weight"] != 0) | (weights["symbol"] == CASH)]
    after = inputs.frames.after["weight"]
    named = shown[shown["symbol"] != CASH]
    scale = max([1e-9, *named["current_weight"], *(float(after.get(name, 0.0)) for name in named["symbol"])])
    return [
        BookLine(
            symbol=str(line["symbol"]),
            name=inputs.backdrop.names.get(str(line["symbol"]), ""),
            sector=as_text(line["sector"]),
            weight=line["weight"],
            current=line["current_weight"],
            after=float(after.get(line["symbol"], 0.0)),
            shares=line["shares"],
            price=line["price"],
            score=line["score"],
            bar=min(max(float(after.get(line["symbol"], 0.0)) / scale, 0.0), 1.0),
            current_bar=min(max(line["current_weight"] / scale, 0.0), 1.0),
            is_cash=line["symbol"] == CASH,
        )
        for line in shown.to_dict("records")
    ]


def sector_lines(inputs: DayInputs) -> list[GroupLine]:
    """Return sectors, the heaviest first, with their limit; unknown ones that count one by one have none."""
    settings = inputs.run.settings.portfolio
    limits = {UNKNOWN_SECTOR: 1.0} if settings.unknown_sector == "each_its_own" else {}
    return _groups(_weights(inputs), "sector", default_limit=settings.max_sector_frac, limits=limits)


def _weights(inputs: DayInputs) -> pd.DataFrame:
    """Return the names with their weights at the close and after the trades."""
    weights = inputs.frames.weights
    return weights.assign(after=inputs.frames.after["weight"].reindex(weights.index).fillna(0.0))


def cap_class_lines(inputs: DayInputs) -> list[GroupLine]:
    """Return cap classes with their limits; empty where there is no cap data."""
    limits = {str(name): limit for name, limit in inputs.run.settings.portfolio.max_cap_class_frac.items()}
    weights = _weights(inputs)
    known = weights[weights["cap_class"].isin(list(limits))]
    return _groups(known, "cap_class", default_limit=1.0, limits=limits)


def _groups(
    weights: pd.DataFrame, column: str, *, default_limit: float, limits: dict[str, float]
) -> list[GroupLine]:
    invested = weights[weights.index != CASH]
    sums = invested.groupby(column, sort=True)[["after", "current_weight"]].sum()
    sums = sums[(sums["after"] > 0) | (sums["current_weight"] > 0)]
    if sums.empty:
        return []
    lines = [
        GroupLine(
            name=str(name) or "Unknown",
            after=float(row["after"]),
            current=float(row["current_weight"]),
            limit=limits.get(str(name), default_limit),
            is_near=float(row["after"]) > 0.9 * limits.get(str(name), default_limit),
        )
        for name, row in sums.iterrows()
    ]
    return sorted(lines, key=lambda line: (-line.after, -line.current, line.name))

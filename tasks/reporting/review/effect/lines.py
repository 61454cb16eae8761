"""What changes to a day would do, as lines of the page: figures and sectors before and after. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from tasks.core.text import counted
from tasks.reporting.day.filled_book import Limits
from tasks.reporting.page.numerals import number, signed_points, signed_usd, typeset_percent, usd
from tasks.reporting.review.schema import Asked, Effect, Figures

SMALLEST_SHIFT = 0.0005  # of the equity; smaller shifts of a sector are counted only
NAMES_LISTED = 6
TOLERANCE = 1e-9


class Unit(NamedTuple):
    """How a figure is written, and how its change is."""

    write: Callable[[float], str]
    change: Callable[[float], str]


COUNT = Unit(partial(number, places=0), lambda change: f"{'+' if change > 0 else ''}{number(change, 0)}")
DOLLARS = Unit(usd, signed_usd)
PERCENT = Unit(typeset_percent, signed_points)
PERCENT_OF_A_DAY = Unit(partial(typeset_percent, places=2), partial(signed_points, places=2))


@dataclass(frozen=True)
class FigureLine:
    """One figure before and after the changes; the raw values are for programs that read the page.

    `limit` and `room`, which is what is left of it afterwards, are in the figure's unit; "" without a limit.
    """

    label: str
    before: str
    after: str
    change: str
    raw_before: float
    raw_after: float
    limit: str
    room: str
    is_over: bool


@dataclass(frozen=True)
class SectorLine:
    """One sector before and after. The bars are percentages of the widest. `limit` is None without one."""

    name: str
    before: float
    after: float
    limit: float | None
    before_bar: float
    after_bar: float

    @property
    def is_over(self) -> bool:
        return _is_over(self.after, self.limit)


@dataclass(frozen=True)
class OtherLine:
    """A line that solving again resized: what is traded as published, and afterwards."""

    symbol: str
    before: str
    after: str


@dataclass(frozen=True)
class EffectLines:
    """Everything that the panel shows."""

    title: str
    figures: tuple[FigureLine, ...]
    sectors: tuple[SectorLine, ...]
    same_sectors: int
    others: tuple[OtherLine, ...]  # names that solving again resized, beyond those that were asked for


def effect_lines(asked: Asked, effect: Effect, published: Mapping[str, int]) -> EffectLines:
    """Return the lines of the panel. `published`: the signed shares of each published trade, by symbol."""
    sectors = _sectors(effect)
    shifted = tuple(one for one in sectors if abs(one.after - one.before) >= SMALLEST_SHIFT)
    return EffectLines(
        title=_title(asked),
        figures=tuple(_figures(effect.before, effect.after, effect.limits)),
        sectors=shifted,
        same_sectors=len(sectors) - len(shifted),
        others=tuple(
            OtherLine(
                one.symbol,
                _traded(published.get(one.symbol, 0) if one.before is None else one.before),
                _traded(one.after),
            )
            for one in effect.resized
            if one.symbol not in {*asked.strike, *asked.halve}
        ),
    )


def _traded(shares: int) -> str:
    return f"{'buy' if shares > 0 else 'sell'} {number(abs(shares), 0)}" if shares else "no trade"


def _title(asked: Asked) -> str:
    said = [f"strike {_names(asked.strike)}"] if asked.strike else []
    said += [f"halve {_names(asked.halve)}"] if asked.halve else []
    solved = ", and re-optimize" if asked.solve else ""
    return f"If you {' and '.join(said)}{solved}"


def _names(symbols: tuple[str, ...]) -> str:
    if len(symbols) > NAMES_LISTED:
        return counted(len(symbols), "line")
    return symbols[0] if len(symbols) == 1 else f"{', '.join(symbols[:-1])} and {symbols[-1]}"


def _figures(before: Figures, after: Figures, limits: Limits) -> list[FigureLine]:
    return [
        _line("Trades", before.trades, after.trades, COUNT, limits.trades),
        _line("Cash afterwards", before.cash_usd, after.cash_usd, DOLLARS),
        _line("Invested", before.invested_frac, after.invested_frac, PERCENT, limits.invested_frac),
        _line("Turnover", before.turnover_frac, after.turnover_frac, PERCENT),
        _line("Estimated cost", before.cost_usd, after.cost_usd, DOLLARS, limits.cost_usd),
        _line(
            "Volatility a year",
            before.volatility_frac,
            after.volatility_frac,
            PERCENT,
            limits.volatility_frac,
        ),
        _line("VaR of one day", before.var_frac, after.var_frac, PERCENT_OF_A_DAY, limits.var_frac),
    ]


def _line(label: str, before: float, after: float, unit: Unit, limit: float | None = None) -> FigureLine:
    is_same = unit.write(before) == unit.write(after)
    is_over = _is_over(after, limit)
    return FigureLine(
        label,
        unit.write(before),
        unit.write(after),
        "unchanged" if is_same else unit.change(after - before),
        before,
        after,
        "" if limit is None else unit.write(limit),
        "" if limit is None else f"{'over by' if is_over else 'room'} {unit.write(abs(limit - after))}",
        is_over,
    )


def _is_over(value: float, limit: float | None) -> bool:
    return limit is not None and value > limit * (1 + TOLERANCE)


def _sectors(effect: Effect) -> list[SectorLine]:
    """Return every sector, the largest shift first."""
    before, after = effect.before.sectors, effect.after.sectors
    widest = max([*before.values(), *after.values(), 1e-9])
    lines = [
        SectorLine(
            name,
            before.get(name, 0.0),
            after.get(name, 0.0),
            effect.limits.sectors.get(name),
            100 * max(before.get(name, 0.0), 0.0) / widest,
            100 * max(after.get(name, 0.0), 0.0) / widest,
        )
        for name in {*before, *after}
    ]
    return sorted(lines, key=lambda one: (-abs(one.after - one.before), one.name))

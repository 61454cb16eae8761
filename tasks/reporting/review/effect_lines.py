"""What changes to a day would do, as lines of the page: figures and sectors before and after. Pure."""

from collections.abc import Callable
from dataclasses import dataclass

from tasks.core.text import counted
from tasks.reporting.page.numerals import signed, typeset_percent, usd
from tasks.reporting.review.schema import Asked, Effect, Figures

SMALLEST_SHIFT = 0.0005  # of the equity; smaller shifts of a sector are counted only
NAMES_LISTED = 6


@dataclass(frozen=True)
class FigureLine:
    """One figure before and after the changes; the raw values are for programs that read the page."""

    label: str
    before: str
    after: str
    change: str
    raw_before: float
    raw_after: float


@dataclass(frozen=True)
class SectorLine:
    """One sector before and after. The bars are percentages of the widest."""

    name: str
    before: float
    after: float
    before_bar: float
    after_bar: float


@dataclass(frozen=True)
class EffectLines:
    """Everything that the panel shows."""

    title: str
    figures: tuple[FigureLine, ...]
    sectors: tuple[SectorLine, ...]
    same_sectors: int
    others: tuple[str, ...]  # names that solving again resized, beyond those that were asked for


def effect_lines(asked: Asked, effect: Effect) -> EffectLines:
    """Return the lines of the panel."""
    sectors = _sectors(effect)
    shifted = tuple(one for one in sectors if abs(one.after - one.before) >= SMALLEST_SHIFT)
    return EffectLines(
        title=_title(asked),
        figures=tuple(_figures(effect.before, effect.after)),
        sectors=shifted,
        same_sectors=len(sectors) - len(shifted),
        others=tuple(one.symbol for one in effect.resized if one.symbol not in {*asked.strike, *asked.halve}),
    )


def _title(asked: Asked) -> str:
    said = [f"strike {_names(asked.strike)}"] if asked.strike else []
    said += [f"halve {_names(asked.halve)}"] if asked.halve else []
    solved = ", and solve again" if asked.solve else ""
    return f"If you {' and '.join(said)}{solved}"


def _names(symbols: tuple[str, ...]) -> str:
    if len(symbols) > NAMES_LISTED:
        return counted(len(symbols), "line")
    return symbols[0] if len(symbols) == 1 else f"{', '.join(symbols[:-1])} and {symbols[-1]}"


def _figures(before: Figures, after: Figures) -> list[FigureLine]:
    money: Callable[[float], str] = usd
    return [
        _line("Trades", before.trades, after.trades, lambda count: f"{count:.0f}", _whole),
        _line("Cash afterwards", before.cash_usd, after.cash_usd, money, _dollars),
        _line("Invested", before.invested_frac, after.invested_frac, typeset_percent, signed),
        _line("Turnover", before.turnover_frac, after.turnover_frac, typeset_percent, signed),
        _line("Estimated cost", before.cost_usd, after.cost_usd, money, _dollars),
        _line("Volatility a year", before.volatility_frac, after.volatility_frac, typeset_percent, signed),
        _line("VaR of one day", before.var_usd, after.var_usd, money, _dollars),
    ]


def _line(
    label: str, before: float, after: float, write: Callable[[float], str], change: Callable[[float], str]
) -> FigureLine:
    is_same = write(before) == write(after)
    return FigureLine(
        label, write(before), write(after), "unchanged" if is_same else change(after - before), before, after
    )


def _dollars(change: float) -> str:
    return f"+{usd(change)}" if change > 0 else usd(change)


def _whole(change: float) -> str:
    return f"+{change:.0f}" if change > 0 else f"\N{MINUS SIGN}{-change:.0f}"


def _sectors(effect: Effect) -> list[SectorLine]:
    """Return every sector, the largest shift first."""
    before, after = effect.before.sectors, effect.after.sectors
    widest = max([*before.values(), *after.values(), 1e-9])
    lines = [
        SectorLine(
            name,
            before.get(name, 0.0),
            after.get(name, 0.0),
            100 * max(before.get(name, 0.0), 0.0) / widest,
            100 * max(after.get(name, 0.0), 0.0) / widest,
        )
        for name in {*before, *after}
    ]
    return sorted(lines, key=lambda one: (-abs(one.after - one.before), one.name))

"""Render the tear sheet of a backtest: one self-contained HTML file without scripts or external resources."""

from dataclasses import dataclass

import numpy as np

from tasks.backtest.combination import Combination
from tasks.backtest.metrics.bootstrap import LEVEL
from tasks.backtest.metrics.figures import SHORT_SESSIONS, Figure
from tasks.backtest.metrics.tables import worst_drawdowns
from tasks.backtest.tear_sheet import TearSheet
from tasks.core.text import counted
from tasks.reporting.page.document import environment, style
from tasks.reporting.page.numerals import UNKNOWN, signed, typeset_percent, words
from tasks.reporting.tearsheet import figures, tables
from tasks.reporting.tearsheet.wording import (
    OPTIMISTIC,
    PARTS_EXPLAINED,
    basis_lines,
    cadence,
    headline,
    reason,
)

DRAWDOWNS_SHOWN = 8


@dataclass(frozen=True)
class Tile:
    """A figure at the top of the page."""

    label: str
    value: str
    detail: str


def render_tear_sheet(
    sheet: TearSheet, combination: Combination, *, identity: str, is_simulated: bool
) -> bytes:
    """Return report.html."""
    page = environment().get_template("backtest.html.j2")
    curve = sheet.curve
    return page.render(
        combination=combination,
        cadence=cadence(combination),
        identity=identity,
        is_simulated=is_simulated,
        equity_usd=float(curve.equity_usd[-1]),
        total_return=float(curve.equity_usd[-1] / curve.equity_usd[0] - 1),
        benchmark_return=sheet.figures["benchmark_return"].value,
        tiles=_tiles(sheet),
        basis=basis_lines(sheet, combination),
        headline=headline(sheet.basis),
        optimistic=OPTIMISTIC,
        parts_explained=PARTS_EXPLAINED,
        rows=tables.figure_rows(sheet),
        is_short=len(curve.sessions) - 1 < SHORT_SESSIONS,
        short_sessions=SHORT_SESSIONS,
        level=LEVEL,
        equity=figures.equity_figure(sheet),
        underwater=figures.underwater_figure(sheet),
        months=tables.months_table(sheet),
        by_year=figures.years_figure(sheet),
        rolling=[
            each
            for each in (figures.rolling_sharpe_figure(sheet), figures.rolling_beta_figure(sheet))
            if each is not None
        ],
        exposure=figures.exposure_figure(sheet),
        sectors=figures.sectors_figure(sheet),
        turnover=figures.turnover_figure(sheet),
        costs=figures.costs_figure(sheet),
        returns=figures.returns_figure(sheet),
        attribution=figures.attribution_figure(sheet),
        attribution_table=tables.attribution_table(sheet),
        trip_figures=figures.trip_figures(sheet),
        trip_tiles=_trip_tiles(sheet),
        gains_and_losses=tables.gains_and_losses(sheet),
        distribution=tables.distribution_table(sheet),
        drawdowns=tables.drawdowns_table(worst_drawdowns(curve, count=DRAWDOWNS_SHOWN)),
        crises=None if is_simulated else tables.crises_table(sheet),
        worst_days=[(day, reason(day)) for day in sheet.worst_days],
        years=tables.years_table(sheet),
        regimes=tables.regimes_table(sheet),
        style=style(),
    ).encode()


def _tiles(sheet: TearSheet) -> list[Tile]:
    above = sheet.above_equal_weight["cagr"]
    difference = sheet.figures["cagr"].value - sheet.equal_weight_figures["cagr"].value
    return [
        *(_tile(name, sheet) for name in ("cagr", "sharpe", "max_drawdown", "volatility", "turnover")),
        Tile(
            "CAGR above equal weight",
            signed(difference) if np.isfinite(difference) else UNKNOWN,
            tables.interval_text("cagr", above) or "withheld",
        ),
    ]


def _tile(name: str, sheet: TearSheet) -> Tile:
    figure = sheet.figures[name]
    note = tables.note_of(figure)
    within = tables.interval_text(name, sheet.intervals.get(name))
    detail = "a year, half the sum of buys and sells" if name == "turnover" else within
    value = typeset_percent(figure.value, 0) if name == "turnover" else tables.figure_text(name, figure.value)
    return Tile(words(name), value, note if note == "withheld" else detail)


def _trip_tiles(sheet: TearSheet) -> list[Tile]:
    count = len(sheet.trips)
    still = int(sheet.trips["is_open"].sum())
    return [
        Tile("Round trips", f"{count:,}", f"{still:,} of them open"),
        *(_trip_tile(name, figure) for name, figure in sheet.trip_figures.items()),
    ]


def _trip_tile(name: str, figure: Figure) -> Tile:
    """Return a figure of round trips; its number of observations counts the closed ones."""
    note = tables.note_of(figure)
    detail = counted(figure.sessions, "closed trip") + (f", {note}" if note else "")
    return Tile(tables.label_of(name), tables.figure_text(name, figure.value), detail)

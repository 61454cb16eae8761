"""Render the report of a matrix and its picture: the best combinations, Sharpe by model and optimizer, every figure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tasks.backtest.combination import Combination
from tasks.backtest.matrix.tables import FIGURES, MEASURED, Baseline, Measured, best
from tasks.backtest.metrics.curve import Curve
from tasks.backtest.metrics.figures import Figure as Measure
from tasks.reporting.page.charts.canvas import Line, Size
from tasks.reporting.page.charts.drawings import lines_chart
from tasks.reporting.page.charts.equity_picture import EquityLine, equity_picture
from tasks.reporting.page.charts.figures import Figure, stretch_ends
from tasks.reporting.page.document import environment, style
from tasks.reporting.page.numerals import number, signed, typeset_percent, words
from tasks.risk.ratios import Numbers

SHOWN = 5  # curves
AS_NUMBER = frozenset({"sharpe", "sortino", "calmar", "beta", "turnover"})
TONES = 5  # steps of the table's shading
LISTED = tuple(name for name in FIGURES if not name.startswith("benchmark"))  # all combinations have the same
HEADINGS = {"cost_frac": "Cost a year", "turnover": "Turnover a year"}
LINE_COLOURS = ("accent", "gold", "good", "bad", "violet")
DOTTED, DASHED = (1.0, 1.2), (4.0, 2.0)  # of the equal-weighted universe and the benchmark, as in the picture
FULL = (Size("wide", 1130, 320), Size("narrow", 344, 250))


@dataclass(frozen=True)
class Cell:
    """A figure in the table of models and optimizers."""

    text: str
    step: int  # of the shading: 0 for the lowest, TONES - 1 for the highest; -1 without a figure
    note: str


def matrix_picture(measured: Sequence[Measured], equal_weight: Baseline, *, is_simulated: bool) -> bytes:
    """Return equity_curves.png: the combinations with the highest Sharpe ratio, equal weight and the benchmark."""
    shown = best(measured, SHOWN)
    failed = sum(each.curve is None for each in measured)
    counted = f"{len(measured)} combinations" + (f", of which {failed} failed" if failed else "")
    footer = "Out-of-sample scores. Figures are after costs. Ranked by Sharpe ratio."
    return equity_picture(
        equal_weight.curve.sessions,
        [EquityLine(*_labels(each), each.curve.equity_usd) for each in shown if each.curve],
        _baselines(equal_weight),
        subtitle=f"{_terms(measured[0].outcome.combination)} {counted}.",
        footer=f"Simulated market: prices and results are invented. {footer}" if is_simulated else footer,
    )


def render_matrix(
    measured: Sequence[Measured], equal_weight: Baseline, *, identity: str, is_simulated: bool
) -> bytes:
    """Return report.html: one file without scripts or external resources."""
    page = environment().get_template("matrix.html.j2")
    return page.render(
        terms=_terms(measured[0].outcome.combination),
        combinations=measured,
        identity=identity,
        is_simulated=is_simulated,
        equity=_equity(measured, equal_weight),
        equal_weight=_note(equal_weight.figures),
        best=[(_name(each), _note(each.figures)) for each in best(measured, SHOWN)],
        grids=_grids(measured),
        figures=[HEADINGS.get(name, words(name)) for name in LISTED],
        rows=[_row(each) for each in measured],
        failed=[(_name(each), each.outcome.reason) for each in measured if each.curve is None],
        style=style(),
    ).encode()


def _labels(measured: Measured) -> tuple[str, str, str]:
    """Return the combination and its figures, on three lines."""
    model, optimizer, regime = measured.key
    return model, optimizer + ("" if regime == "on" else ", no regime"), _note(measured.figures)


def _name(measured: Measured) -> str:
    model, optimizer, regime = measured.key
    return f"{model} · {optimizer}" + ("" if regime == "on" else " · no regime")


def _note(figures: Mapping[str, Measure]) -> str:
    sharpe, growth, deepest = (figures[name].value for name in ("sharpe", "cagr", "max_drawdown"))
    return (
        f"Sharpe {number(sharpe)} · CAGR {typeset_percent(growth, 1)} · max DD {typeset_percent(deepest, 0)}"
    )


def _terms(combination: Combination) -> str:
    cadence = (
        "every session" if combination.every_sessions == 1 else f"every {combination.every_sessions} sessions"
    )
    fill = combination.fill_at.replace("_", " ")
    return f"{combination.first} to {combination.last}, rebalanced {cadence}, filled at the {fill}."


def _baselines(equal_weight: Baseline) -> list[EquityLine]:
    """Return equal weight, and the benchmark if it is known in every session."""
    curve = equal_weight.curve
    lines = [EquityLine("Equal weight", "of the universe", _note(equal_weight.figures), curve.equity_usd)]
    level = _benchmark(curve)
    if level is not None:
        growth = equal_weight.figures["benchmark_cagr"].value
        lines.append(
            EquityLine("Benchmark", "with dividends, no costs", f"CAGR {typeset_percent(growth, 1)}", level)
        )
    return lines


def _benchmark(curve: Curve) -> Numbers | None:
    """Return the benchmark's level, starting at 1; None unless it is known in every session."""
    if not np.isfinite(curve.benchmark[1:]).all():
        return None
    level: Numbers = np.cumprod(np.concatenate([[1.0], 1 + curve.benchmark[1:]]))
    return level


def _equity(measured: Sequence[Measured], equal_weight: Baseline) -> Figure | None:
    shown = best(measured, SHOWN)
    curves = [each.curve for each in shown if each.curve is not None]
    if not curves:
        return None
    sessions = curves[0].sessions
    ends = stretch_ends(len(sessions))
    lines = [
        Line(str(place + 1), 100 * curve.equity_usd[ends] / curve.equity_usd[0], colour)
        for place, (curve, colour) in enumerate(zip(curves, LINE_COLOURS, strict=False))
    ]
    market = _benchmark(equal_weight.curve)
    level = equal_weight.curve.equity_usd
    lines.append(Line("Equal", 100 * level[ends] / level[0], "muted", DOTTED))
    if market is not None:
        lines.append(Line("Market", 100 * market[ends], "ink", DASHED))
    listed = "; ".join(f"{place} {_name(each)}" for place, each in enumerate(shown, 1))
    dashed = "" if market is None else "; dashed: the benchmark"
    caption = f"The best by Sharpe ratio: {listed}. Dotted: the equal-weighted universe{dashed}. Start: 100."
    return Figure(lines_chart("matrix", "Equity", sessions[ends], lines, caption, sizes=FULL), caption)


def _grids(measured: Sequence[Measured]) -> list[tuple[str, list[str], list[tuple[str, list[Cell]]]]]:
    """Return a table of Sharpe ratios for each setting of the regime: models by row, optimizers by column."""
    sharpe = {each.key: each for each in measured}
    values = [v for v in (_sharpe(each) for each in measured) if np.isfinite(v)]
    low, high = (min(values), max(values)) if values else (0.0, 0.0)
    models = list(dict.fromkeys(key[0] for key in sharpe))
    optimizers = list(dict.fromkeys(key[1] for key in sharpe))
    regimes = list(dict.fromkeys(key[2] for key in sharpe))
    titles = {"on": "Sharpe ratio with the regime", "off": "Sharpe ratio without the regime"}
    return [
        (
            titles[regime],
            optimizers,
            [
                (model, [_shade(sharpe.get((model, each, regime)), low, high) for each in optimizers])
                for model in models
            ],
        )
        for regime in regimes
    ]


def _shade(measured: Measured | None, low: float, high: float) -> Cell:
    if measured is None:
        return Cell("", -1, "not in the matrix")
    value = _sharpe(measured)
    if not np.isfinite(value):
        return Cell("failed" if measured.curve is None else "–", -1, measured.outcome.reason or "withheld")
    share = (value - low) / (high - low) if high > low else 0.0
    return Cell(number(value), min(int(share * TONES), TONES - 1), _note(measured.figures))


def _sharpe(measured: Measured) -> float:
    return measured.figures["sharpe"].value if measured.figures else float("nan")


def _row(measured: Measured) -> list[str]:
    values = [measured.figures[name].value if measured.figures else float("nan") for name in LISTED]
    return [
        _name(measured),
        f"{measured.fallbacks:,}" if measured.outcome.reason in {"", MEASURED} else "failed",
        *(_figure(name, value) for name, value in zip(LISTED, values, strict=True)),
    ]


def _figure(name: str, value: float) -> str:
    if not np.isfinite(value):
        return "–"
    if name in AS_NUMBER:
        return number(value)
    return signed(value, 1) if name in {"total_return", "cagr", "alpha"} else typeset_percent(value, 1)

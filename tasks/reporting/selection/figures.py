"""Select the data of each chart of a selection and describe it in text; None where there is nothing to draw."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from tasks.core.text import counted
from tasks.models.training.inference import estimate
from tasks.reporting.page.charts.canvas import Line
from tasks.reporting.page.charts.figures import Figure, stretch_ends
from tasks.reporting.page.numerals import number, typeset_percent
from tasks.reporting.selection import charts
from tasks.selection.schema import CountedTrials, Deflation, PathResult, Placebo

WINDOW = 126  # sessions of a moving mean
MOST_FEATURES, SHORT = 8, 24
COLOURS = ("accent", "gold", "good", "bad", "violet")


def equity_figure(paths: Sequence[PathResult], examined: str) -> Figure | None:
    """Show the finalists' portfolios over the confirmation folds, the examined one first, and equal weight."""
    shown = [each for each in paths if each.book is not None and len(each.book.sessions) > 1]
    shown.sort(key=lambda each: each.candidate != examined)
    if not shown or shown[0].book is None:
        return None
    book = shown[0].book
    sessions = np.array(book.sessions, dtype="datetime64[D]")
    ends = stretch_ends(len(sessions))
    lines = [
        Line(_short(each.candidate, 16), 100 * np.array(each.book.own)[ends], colour)
        for each, colour in zip(shown, COLOURS, strict=False)
        if each.book is not None
    ]
    lines.append(Line("Equal weight", 100 * np.array(book.equal_weight)[ends], "muted", (1.0, 1.2)))
    last = {each.candidate: each.book.own[-1] for each in shown if each.book} | {
        "equal weight": book.equal_weight[-1]
    }
    end = "; ".join(f"{name} {number(100 * level, 0)}" for name, level in last.items())
    caption = f"After costs, over the confirmation folds; logarithmic, start 100. At the end: {end}."
    return Figure(charts.growth_chart(sessions[ends], lines, caption), caption)


def skill_figure(ics: pd.DataFrame, name: str, overlap: int, start: str | None) -> Figure | None:
    """Show the moving mean of a candidate's neutral IC, with a 95% band that allows for overlapping returns."""
    if name not in ics or len(ics) < 2 * WINDOW:
        return None
    values = ics[name].to_numpy(dtype=np.float64)
    places = np.unique(np.linspace(WINDOW, len(values), 160).round().astype(int))
    found = [estimate(values[place - WINDOW : place], overlap=overlap) for place in places]
    mean, low, high = (np.array([getattr(each, what) for each in found]) for what in ("mean", "low", "high"))
    sessions = ics.index.to_numpy().astype("datetime64[D]")[places - 1]
    confirming = int(np.searchsorted(sessions, np.datetime64(start))) if start else 0
    caption = (
        f"{name}: mean neutral IC of the last {WINDOW} sessions, with its 95% confidence band; from the dotted line on,"
        f" confirmation folds. Last: {number(float(mean[-1]), 3)}."
    )
    chart = charts.skill_chart(sessions, mean, low, high, confirming, caption)
    return Figure(chart, caption)


def fifths_figure(fifths: dict[str, tuple[float, ...]], name: str) -> Figure | None:
    """Show the mean return of each fifth by score."""
    if name not in fifths:
        return None
    values = np.array(fifths[name])
    labels = ["lowest", *(str(place) for place in range(2, len(values))), "highest"]
    spread = typeset_percent(float(values[-1] - values[0]), 2)
    caption = (
        f"{name}: mean forward return of each fifth by score less that of all names, over all tested sessions."
        f" Spread {spread}."
    )
    return Figure(
        charts.bars_chart("fifths", "Return by fifth of the scores", labels, values, caption), caption
    )


def folds_figure(folds: pd.DataFrame, names: Sequence[str], selecting: int) -> Figure | None:
    """Show the neutral IC of each fold and candidate."""
    if folds.empty:
        return None
    rows = {
        _short(name, 16): folds.loc[folds["candidate"] == name, "neutral_ic"].tolist()
        for name in names
        if (folds["candidate"] == name).any()
    }
    caption = "Neutral IC of each fold; circles: selection folds; dots: confirmation folds."
    chart = charts.dots_chart("folds", "Neutral IC by fold", rows, caption, hollow=selecting)
    return Figure(chart, caption)


def paths_figure(paths: Sequence[PathResult]) -> Figure | None:
    """Show the Sharpe ratio of each path of the cross-validation."""
    known = [each for each in paths if np.isfinite(each.sharpes).any()]
    if not known:
        return None
    rows = {_short(each.candidate, 16): [v for v in each.sharpes if np.isfinite(v)] for each in known}
    caption = "Sharpe ratio after costs of each path of the purged cross-validation; tick: equal weight."
    chart = charts.dots_chart(
        "paths", "Sharpe ratio by path", rows, caption, lines=[each.equal_weight for each in known]
    )
    return Figure(chart, caption)


def placebo_figure(placebo: Placebo | None) -> Figure | None:
    """Show the candidate's rank among the placebo runs."""
    if placebo is None or not placebo.placebos:
        return None
    caption = (
        f"t on the confirmation folds of {counted(len(placebo.placebos), 'run')} without a signal, and the candidate's:"
        f" p-value {number(placebo.p_value, 2)}."
    )
    return Figure(charts.placebo_chart(np.array(placebo.placebos), placebo.t, caption), caption)


def trials_figure(counts: Sequence[CountedTrials], deflation: Deflation) -> Figure | None:
    """Show what luck alone would reach, over the life of the home."""
    if not counts:
        return None
    sessions = np.array([each.session for each in counts], dtype="datetime64[D]")
    sharpe = deflation.evidence.sharpe if deflation.evidence else float("nan")
    caption = (
        f"{counted(deflation.trials, 'trial')} to date. Line: the annual Sharpe ratio that the best of the trials until"
        " then is expected to reach by chance in three years; dashed: the candidate's."
    )
    bars = np.array([each.bar for each in counts])
    return Figure(charts.trials_chart(sessions, bars, sharpe, caption), caption)


def importance_figure(checks: pd.DataFrame, candidate: str) -> Figure | None:
    """Show the most important features."""
    ranked = checks.dropna(subset="importance").nsmallest(MOST_FEATURES, "importance_rank")
    if ranked.empty:
        return None
    caption = f"What {candidate} uses: the {len(ranked)} features with the largest share of its scores."
    names = [_short(str(name), SHORT) for name in ranked["feature"]]
    chart = charts.importance_chart(names, ranked["importance"].to_numpy(dtype=np.float64), caption)
    return Figure(chart, caption)


def _short(name: str, longest: int) -> str:
    return name if len(name) <= longest else f"{name[: longest - 1]}…"

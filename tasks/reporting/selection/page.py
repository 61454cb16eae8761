"""Render the weekly selection: one self-contained HTML file without scripts or external resources."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from tasks.core.text import counted
from tasks.models.training.inference import Estimate
from tasks.reporting.page.document import environment, style
from tasks.reporting.page.numerals import UNKNOWN, number, signed
from tasks.reporting.selection import figures
from tasks.reporting.selection.live_record import LiveRecord
from tasks.selection.net.statement import pair_heads, pair_rows
from tasks.selection.schema import CandidateResult, Diversity, Pairs, Promotion, Stability, Training
from tasks.selection.stability.statement import (
    COLUMNS,
    stability_rows,
    stability_sentences,
    stability_warning,
)
from tasks.selection.yearly import COLUMNS as YEAR_COLUMNS
from tasks.selection.yearly import LEGEND as YEARS_LEGEND
from tasks.selection.yearly import year_rows

TONES = 5  # steps of the shading of correlations


@dataclass(frozen=True)
class Row:
    """A candidate's figures on the confirmation folds."""

    name: str
    cells: tuple[str, ...]
    is_examined: bool


@dataclass(frozen=True)
class Shade:
    """A correlation, and the step of its shading."""

    text: str
    step: int


def render_selection(
    training: Training,
    promotion: Promotion,
    frames: dict[str, pd.DataFrame],
    *,
    live: Sequence[LiveRecord] = (),
    is_simulated: bool,
) -> bytes:
    """Return the page. `frames`: `folds`, `checks` and `ics` of the training; `live`: of the last sessions."""
    examined = training.examined or (training.results[0].name if training.results else "")
    names = [each.name for each in training.results if each.ranks]
    page = environment().get_template("selection.html.j2")
    return page.render(
        training=training,
        promotion=promotion,
        is_simulated=is_simulated,
        verdict="is promoted" if promotion.promoted else "stays champion",
        failed=[each for each in training.gates if each.required and not each.passed],
        equity=figures.equity_figure(training.paths, examined),
        skill=figures.skill_figure(
            frames["ics"],
            examined,
            training.statistic.horizon_sessions,
            str(training.net.first) if training.net else None,
        ),
        years=year_rows(frames["ics"], examined, overlap=training.statistic.horizon_sessions),
        year_columns=YEAR_COLUMNS,
        years_legend=YEARS_LEGEND,
        fifths=figures.fifths_figure(training.fifths, examined),
        folds=figures.folds_figure(frames["folds"], names, _selecting(frames["folds"])),
        paths=figures.paths_figure(training.paths),
        placebo=figures.placebo_figure(training.placebo),
        trials=figures.trials_figure(training.counts, training.deflation),
        importance=figures.importance_figure(frames["checks"], training.candidate.name),
        rows=[_row(each, examined) for each in training.results],
        pairs=_pairs(training.pairs),
        pair_columns=pair_heads(),
        correlations=_shades(training.diversity),
        stability=_stability(training.stability),
        stability_columns=COLUMNS,
        live=live,
        style=style(),
    ).encode()


def _selecting(folds: pd.DataFrame) -> int:
    """Return how many folds selected: the first third."""
    count = int(folds["fold"].nunique()) if len(folds) else 0
    return max(count // 3, 1) if count > 1 else 0


def _row(found: CandidateResult, examined: str) -> Row:
    figures_of = found.confirmation
    ic = Estimate(figures_of["neutral_ic"], figures_of["neutral_ic_se"])
    cells = (
        number(found.choice["neutral_ic_t"], 2),
        number(ic.mean, 4),
        f"{number(ic.low, 4)} to {number(ic.high, 4)}",
        number(figures_of["neutral_ic_t"], 2),
        signed(figures_of["quantile_spread"], 2),
        number(100 * found.train_test_gap, 1),
        counted(int(figures_of["sessions"]), "session"),
    )
    return Row(found.name, cells if found.ranks else (UNKNOWN,) * len(cells), found.name == examined)


def _pairs(pairs: Pairs | None) -> list[tuple[str, str, tuple[str, ...], bool]]:
    """Return model, optimizer, figures and whether it was selected, of each pair."""
    if pairs is None:
        return []
    found = pairs.selected
    own = (found.model, found.optimizer) if found else None
    return [
        (model, optimizer, tuple(cells), (model, optimizer) == own)
        for model, optimizer, *cells in pair_rows(pairs)
    ]


def _stability(found: Stability | None) -> dict[str, Any] | None:
    """Return the sentences, the warning and the rows; None if no candidate was trained."""
    if found is None:
        return None
    # the report's Markdown marks settings as code
    said = " ".join(stability_sentences(found)).replace("`", "")
    return {"said": said, "warning": stability_warning(found), "rows": stability_rows(found)}


def _shades(diversity: Diversity | None) -> list[tuple[str, list[Shade]]]:
    if diversity is None:
        return []
    return [
        (name, [Shade(number(value, 2), max(min(int(value * TONES), TONES - 1), 0)) for value in row])
        for name, row in zip(diversity.names, diversity.correlation, strict=True)
    ]

"""Render the report: one self-contained HTML file from the day's records, without scripts or external resources.

Every value passes through `replace_unprintable` and then the template's escaping, so that hostile names are harmless.
"""

import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment
from markupsafe import Markup

from tasks.core.reading import read_text
from tasks.core.text import counted, replace_unprintable
from tasks.reporting.day.inputs import DayInputs
from tasks.reporting.day.manifest import Provenance
from tasks.reporting.day.parity import differing, parity_headline, parity_words
from tasks.reporting.page import numerals
from tasks.reporting.page.charts.figures import (
    drawdown_figure,
    losses_figure,
    regime_figure,
    scores_figure,
)
from tasks.reporting.page.first_screen import first_screen
from tasks.reporting.page.performance import performance
from tasks.reporting.page.sections.account.bridge import bridge_of, paid_for, when_words
from tasks.reporting.page.sections.account.cone import cone_figure
from tasks.reporting.page.sections.account.contributors import contributor_lines
from tasks.reporting.page.sections.account.returns import by_month, periods, ratios, rows_with
from tasks.reporting.page.sections.attention import LASTING, attention, headline, unusual_record
from tasks.reporting.page.sections.before_after import before_and_after
from tasks.reporting.page.sections.changes import changes_since
from tasks.reporting.page.sections.holdings import book_lines, cap_class_lines, sector_lines
from tasks.reporting.page.sections.model_health import health_lines
from tasks.reporting.page.sections.notices import failed_checks, halt_words
from tasks.reporting.page.sections.readiness import MARKS, near_limits, readiness, verdict
from tasks.reporting.page.sections.risk_view import risk_lines
from tasks.reporting.page.sections.summary import one_line, summarise, unanswered, validity
from tasks.reporting.page.sections.trades.brief import brief_of
from tasks.reporting.page.sections.trades.costs import configured, realised, realised_words, size_words
from tasks.reporting.page.sections.trades.struck import without_each
from tasks.reporting.page.sections.trades.trade_list import TradeLine, day_costs, trade_lines
from tasks.reporting.page.sections.trades.why_each_trade import why_each_trade
from tasks.reporting.page.templating import harmless, html_environment
from tasks.risk.assessment import Assessment

TEMPLATES = Path(__file__).parent / "templates"
MOST_FINDINGS = 60  # the rest is in monitoring_log.json
MOST_SYMBOLS = 40
MOST_SHIFTS = 15


@dataclass(frozen=True)
class Page:
    """The report, a one-line summary of the day, and what later sessions and the mail need of the report.

    `unusual`: what the report lists as unusual that may last. `first_screen`: what is read before an approval.
    """

    html: bytes
    summary: str
    unusual: dict[str, int]
    first_screen: dict[str, Any]


def render_page(
    inputs: DayInputs,
    assessment: Assessment,
    trades: pd.DataFrame,
    weights: pd.DataFrame,
    row: dict[str, str],
    source: Provenance,
) -> Page:
    """Render report.html. `trades` and `weights` are the printed frames, `row` the session's history row."""
    summary = summarise(inputs, trades)
    rows = rows_with(inputs.history, row)
    spans = periods(rows)
    contributors = contributor_lines(inputs, spans)
    lines = trade_lines(inputs, trades)
    changes, bridge = changes_since(inputs, weights), bridge_of(inputs)
    compared = before_and_after(inputs, summary)
    unusual = attention(inputs, assessment, lines, changes, bridge, contributors, compared)
    topics = readiness(inputs, assessment)
    words = {
        **_about_the_day(inputs, source),
        **_about_the_trades(inputs, trades, lines),
        **_about_the_portfolio(inputs, assessment, weights),
        **_about_the_account(inputs, row, rows),
        **_about_executions(inputs),
        "summary": summary,
        "changes": changes,
        "attention": unusual,
        "attention_headline": headline(unusual),
        "lasting_headline": LASTING,
        "readiness": topics,
        "marks": MARKS,
        "verdict": verdict(inputs.records, topics),
        "before_after": compared,
        "bridge": bridge,
        "paid": paid_for(bridge.day),
        "paid_when": when_words(inputs, bridge.day) if bridge.day else "",
        "valid": validity(inputs),
        "unanswered": unanswered(inputs, summary),
        "periods": spans,
        "contributors": contributors,
        "most_findings": MOST_FINDINGS,
        "most_symbols": MOST_SYMBOLS,
        "most_shifts": MOST_SHIFTS,
        "style": style() + ticket_style(),
    }
    html = environment().get_template("report.html.j2").render(words)
    return Page(
        html.encode(),
        one_line(inputs, summary),
        unusual_record(inputs, unusual),
        first_screen(inputs.records, topics, unusual, bridge),
    )


def _about_the_day(inputs: DayInputs, source: Provenance) -> dict[str, Any]:
    """Return the template's values about the day, its checks, and its comparison with the backtest."""
    parity = inputs.records.compared.parity
    return {
        "title": inputs.run.settings.reporting.title,
        "session": inputs.run.session,
        "settings": inputs.run.settings,
        "records": inputs.records,
        "champion": inputs.records.scores.champion,
        "source": source,
        "halt": halt_words(inputs.records.checks.kill_switch),
        "failed_checks": failed_checks(inputs.records),
        "near_limits": near_limits(inputs.records),
        "overrides": inputs.overrides or (),
        "health": health_lines(inputs.records.health),
        "regime_figure": regime_figure(inputs),
        "scores_figure": scores_figure(inputs),
        "parity": parity,
        "parity_headline": parity_headline(parity),
        "parity_words": parity_words(parity),
        "parity_differing": differing(parity),
    }


def _about_the_trades(inputs: DayInputs, trades: pd.DataFrame, lines: list[TradeLine]) -> dict[str, Any]:
    return {
        "trades": lines,
        "traded": {line.symbol for line in lines},
        "brief": brief_of(inputs, lines),
        "why": why_each_trade(inputs, lines),
        "struck": without_each(inputs, lines),
        "costs": day_costs(trades, lines),
        "sizes": tuple(size_words(inputs, lines)),
    }


def _about_the_portfolio(inputs: DayInputs, assessment: Assessment, weights: pd.DataFrame) -> dict[str, Any]:
    return {
        "book": book_lines(inputs, weights),
        "due_usd": inputs.records.portfolio.book.receivable_usd,
        "sectors": sector_lines(inputs),
        "cap_classes": cap_class_lines(inputs),
        "risk": risk_lines(assessment, inputs.frames.after["weight"]),
        "losses_figure": losses_figure(inputs, assessment.losses.get("historical", {})),
    }


def _about_the_account(inputs: DayInputs, row: dict[str, str], rows: pd.DataFrame) -> dict[str, Any]:
    measured = performance(inputs.history, row)
    return {
        "performance": measured,
        "performance_figure": cone_figure(measured, inputs.records.scores.champion, inputs.promotions),
        "drawdown_figure": drawdown_figure(measured),
        "ratios": ratios(rows),
        "months": by_month(rows),
    }


def _about_executions(inputs: DayInputs) -> dict[str, Any]:
    """Return the template's values about what trading cost, as configured and as measured."""
    spent = realised(inputs.executed)
    return {
        "configured": configured(inputs),
        "realised": spent,
        "realised_words": realised_words(spent) if spent else "",
    }


@cache
def style() -> Markup:
    """Return the stylesheet of all reports."""
    return Markup(read_text(TEMPLATES / "report.css"))  # noqa: S704 - our own file


@cache
def ticket_style() -> Markup:
    """Return the stylesheet of the section on why each trade has its size."""
    return Markup(read_text(TEMPLATES / "tickets.css"))  # noqa: S704 - our own file


@cache
def environment() -> Environment:
    """Return the environment of the report's templates, with its filters."""
    environment = html_environment(TEMPLATES)
    for name in (
        "usd",
        "signed_usd",
        "number",
        "typeset_percent",
        "signed",
        "tone",
        "long_date",
        "short_date",
        "words",
        "ordinal",
    ):
        environment.filters[name] = getattr(numerals, name)
    environment.filters["counted"] = counted
    environment.globals["figure"] = figure
    return environment


def figure(key: str, value: float, text: str) -> Markup:
    """Return a figure with its name and its exact value, so that a program can read it back from the page."""
    exact = f"{value:.10f}".rstrip("0").rstrip(".") if math.isfinite(value) else ""
    return Markup('<data data-figure="{}" value="{}">{}</data>').format(
        replace_unprintable(key), exact, harmless(text)
    )

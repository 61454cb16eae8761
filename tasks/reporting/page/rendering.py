"""Render a whole day in memory: the bytes of every file, the history row, and a one-line summary.

Pure: reads only its own templates, and no clock. Does not decide about publication.
"""

from dataclasses import dataclass

from tasks.reporting.day.assessed import assess_day
from tasks.reporting.day.files import monitoring_json, signals_json, tickets_json, trades_csv, weights_csv
from tasks.reporting.day.history import session_row
from tasks.reporting.day.inputs import DayInputs
from tasks.reporting.day.ledger import printed_trades, printed_weights
from tasks.reporting.day.manifest import Provenance, provenance
from tasks.reporting.page.document import render_page
from tasks.trades.tickets.record import FILE as TICKETS


@dataclass(frozen=True)
class RenderedDay:
    """The day's files except the manifest, which lists their hashes."""

    files: dict[str, bytes]
    source: Provenance
    row: dict[str, str]
    summary: str


def render_day(inputs: DayInputs, *, positions_sha256: str | None) -> RenderedDay:
    """Render everything. Equal inputs give equal bytes."""
    trades = printed_trades(inputs.frames.trades)
    weights = printed_weights(inputs.frames.weights, inputs.frames.after)
    row = session_row(inputs.run.session.day, inputs.records, inputs.backdrop, inputs.history)
    source = provenance(inputs, positions_sha256=positions_sha256)
    assessment = assess_day(inputs)
    page = render_page(inputs, assessment, trades, weights, row, source)
    return RenderedDay(
        files={
            "trades.csv": trades_csv(trades),
            "portfolio_weights.csv": weights_csv(weights),
            "signals.json": signals_json(inputs),
            "monitoring_log.json": monitoring_json(inputs, assessment, page.unusual, page.first_screen),
            TICKETS: tickets_json(inputs),
            "report.html": page.html,
        },
        source=source,
        row=row,
        summary=page.summary,
    )

"""The stage that publishes the page of a selection next to its Markdown report."""

from pathlib import Path

from tasks.core.artifacts import load_frame
from tasks.core.atomic import write_bytes
from tasks.core.homes.run import Run
from tasks.core.stage import stage
from tasks.monitoring.earlier_days import logged_skill
from tasks.reporting.selection.live_record import live_records
from tasks.reporting.selection.page import render_selection
from tasks.selection.schema import Promotion, Training

PAGE = "model_selection_report.html"


@stage()
def publish_selection(run: Run, training: Training, promotion: Promotion) -> Path:
    """Write the page into the directory of the report, which this run has just replaced."""
    frames = {
        name: load_frame(frame)
        for name, frame in (
            ("folds", training.folds),
            ("checks", training.feature_checks),
            ("ics", training.ics),
        )
    }
    place = promotion.report.parent / PAGE
    page = render_selection(
        training,
        promotion,
        frames,
        live=live_records(logged_skill(run.home, run.session.day).values()),
        is_simulated=run.settings.data.is_simulated,
    )
    write_bytes(place, page)
    return place

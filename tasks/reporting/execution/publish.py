"""The stage that publishes an execution: execution.json and execution.html in the directory of the approved day."""

from tasks.core.homes.run import Run
from tasks.core.stage import stage
from tasks.execution.publication.files import write_execution, write_page
from tasks.execution.running.carried import Carried
from tasks.reporting.execution.page import render_execution


@stage()
def publish_execution(run: Run, carried: Carried) -> None:
    """Write both files, each complete or unchanged."""
    write_execution(run.home, run.session, carried.document)
    page = render_execution(
        carried.document,
        title=run.settings.reporting.title,
        is_simulated=carried.progress.execution.is_demo,
    )
    write_page(run.home, run.session, page)

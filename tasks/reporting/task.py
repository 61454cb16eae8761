"""The reporting stages: publish the day as a directory for a person to approve, or report why it is blocked.

Everything is rendered in memory first; then the directory is moved into place, then the history row is written. Never
submits an order or evaluates a check.
"""

import logging
from functools import partial

from tasks.approval.plans.audit import record_plan
from tasks.approval.store import revision_numbers
from tasks.core.clock import now, stopwatch
from tasks.core.errors import SafetyError
from tasks.core.homes.kept import Parts, index_of, keep_parts
from tasks.core.homes.lock import refuse_replaced
from tasks.core.homes.replay_inputs import MANIFEST
from tasks.core.homes.run import Run
from tasks.core.ids import sha256_of_bytes
from tasks.core.stage import stage, timings_so_far
from tasks.core.text import counted
from tasks.portfolio.holdings.record import note_history, open_portfolio
from tasks.reporting.day.inputs import DayInputs, Records
from tasks.reporting.day.kept_inputs import gather_inputs
from tasks.reporting.day.ledger import refuse_disagreement
from tasks.reporting.day.manifest import manifest_json
from tasks.reporting.day.publish import publish_blocked, publish_folder, refuse_decided, write_history_row
from tasks.reporting.day.store import read_day_inputs
from tasks.reporting.page.rendering import RenderedDay, render_day
from tasks.reporting.page.sections.notices import failed_checks, halt_words
from tasks.reporting.schema import Day
from tasks.safety.kill_switch.switch import hold_switch, read_switch, reset_command
from tasks.safety.schema import Checks

log = logging.getLogger(__name__)


def refuse_decided_day(run: Run) -> None:
    """Raise SafetyError if the session was approved or executed: such a day is not rewritten."""
    refuse_decided(run.home, run.session.day)


@stage()
def report_closed_session(run: Run) -> Day:
    """Report that the exchange was closed and there is nothing to do."""
    summary = f"{run.session}: the exchange was closed, nothing to do."
    log.info(summary)
    return Day(run.session.day, None, None, 0, "closed", summary)


@stage()
def publish_day(run: Run, records: Records) -> Day:
    """Publish the session's directory whole, or write a blocked report elsewhere and raise SafetyError."""
    refuse_decided_day(run)
    inputs, kept, rendered, files = _rendered(run, records)
    checks = records.checks
    if records.is_blocked:
        raise _blocked(inputs, files)

    keep_parts(run.home, kept)
    with hold_switch(run.home):  # no trip may end between this look and the day's directory
        _refuse_halt(run, checks)
        open_portfolio(run.home, initial_cash_usd=run.settings.portfolio.initial_cash_usd)
        refuse_decided_day(run)
        refuse_replaced(run.home.lock_file)
        _warn_of_revisions(run)
        record_plan(run, files[MANIFEST], now())
        folder = publish_folder(run, files, partial(_refuse_halt, run, checks))
    refuse_replaced(run.home.lock_file)
    write_history_row(run, rendered.row)
    note_history(run.home)
    log.info("published %s: %s", folder, rendered.summary)
    return Day(
        session=run.session.day,
        folder=folder,
        report=folder / "report.html",
        trades=len(inputs.frames.trades),
        state=records.regime.state,
        summary=rendered.summary,
        is_simulated=records.market.is_simulated,
    )


def render_again(run: Run, records: Records) -> dict[str, bytes]:
    """Return the files that `publish_day` would write. Writes nothing."""
    return _rendered(run, records)[-1]


def _rendered(run: Run, records: Records) -> tuple[DayInputs, Parts, RenderedDay, dict[str, bytes]]:
    """Return what the day is rendered from, what has to be kept for its replay, and its files."""
    started = stopwatch()
    inputs = read_day_inputs(run, records)
    refuse_disagreement(records, inputs.frames)
    rendered = render_day(inputs, positions_sha256=records.portfolio.book.positions_sha256)
    kept = gather_inputs(inputs)
    timings = timings_so_far() | {"render_day": round(stopwatch() - started, 3)}
    index_sha256 = sha256_of_bytes(index_of(kept))
    manifest = manifest_json(inputs, rendered.source, rendered.files, timings, kept_sha256=index_sha256)
    return inputs, kept, rendered, rendered.files | {MANIFEST: manifest}


def _refuse_halt(run: Run, checks: Checks) -> None:
    """Check again: since the checks, someone may have tripped the switch or replaced the home."""
    refuse_replaced(run.home.lock_file)
    switch = read_switch(run.home)
    if switch.is_on and not (checks.reductions_only and switch.allows_reductions):
        raise SafetyError(
            f"{run.session} was halted while it was being written: the kill switch is {switch.description}.",
            remedy=f"Nothing was published. When the cause is understood: {reset_command(run.home, switch)}",
            kill_switch=switch.description,
        )


def _warn_of_revisions(run: Run) -> None:
    """Say that the revisions of the earlier publication end with it; the audit log keeps who made them."""
    if numbers := revision_numbers(run.home, run.session):
        dropped = counted(len(numbers), "revision is", "revisions are")
        log.warning("%s: %s deleted, because the day is published again", run.session, dropped)


def _blocked(inputs: DayInputs, files: dict[str, bytes]) -> SafetyError:
    folder = publish_blocked(inputs.run, files)
    checks = inputs.records.checks
    failed = failed_checks(inputs.records)
    reasons = [
        f"{check.name} ({check.value}{f', limit {check.limit}' if check.limit else ''})" for check in failed
    ]
    if halt := halt_words(checks.kill_switch):
        reasons.insert(0, f"the kill switch is on{halt}")
    causes = dict.fromkeys(
        check.detail.removesuffix(".") for check in failed if not check.limit
    )  # could not run
    switch = read_switch(inputs.run.home)
    reset = f" When the cause is understood: {reset_command(inputs.run.home, switch)}" if switch.is_on else ""
    return SafetyError(
        f"{inputs.run.session} is blocked: {'; '.join([*reasons, *causes])}. Nothing was published.",
        remedy=f"Read {folder / 'report.html'}.{reset}",
        failed=[check.name for check in failed],
        kill_switch=checks.kill_switch,
        path=str(folder / "report.html"),
    )

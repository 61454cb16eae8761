"""The notices of a run that failed or was blocked, and of a weekly selection. Pure."""

import re

from tasks.core.errors import AftercloseError, SafetyError
from tasks.core.homes.home import Home
from tasks.core.homes.run import Run
from tasks.core.masking import masked
from tasks.core.text import percent
from tasks.reporting.notify.schema import Command, Kind, Notice, Tone
from tasks.reporting.notify.wording import shortened
from tasks.selection.schema import Promotion

DAILY = "daily-live"
DIGITS = re.compile(r"[0-9]+")


def failure_notice(run: Run, doing: str, error: BaseException, *, is_simulated: bool) -> Notice:
    """Return the notice of a run that ended with an error; a daily run that a check blocked has a kind of its own.

    Errors of one session that differ only in numbers are the same notice: a process id, a waiting time.
    """
    is_blocked = isinstance(error, SafetyError) and doing == DAILY
    what, remedy, runbook, code = _described(error)
    state = "blocked, no trades are published" if is_blocked else f"{doing} failed"
    return Notice(
        kind=Kind.DAY_BLOCKED if is_blocked else Kind.RUN_FAILED,
        key=f"{run.session} {doing} {code} {DIGITS.sub('#', what)}",
        tone=Tone.ALERT,
        subject=f"{run.session}: {state}: {shortened(what, 120)}",
        lead=(what, remedy),
        facts=(("Run", doing), ("Exit code", str(code)), ("Runbook", f"docs/runbooks.md#{runbook}")),
        commands=_report_of(run.home, error),
        session=run.session.day,
        is_simulated=is_simulated,
        data={"run": doing, "exit_code": code, "what": what, "runbook": runbook},
    )


def selection_notice(run: Run, promotion: Promotion, *, is_simulated: bool) -> Notice:
    """Return the notice of a weekly run: which model is in production from now on, and why."""
    champion = promotion.champion
    verb = "promoted" if promotion.promoted else "retained"
    figures = champion.metrics
    facts = [("Model", champion.name), ("Optimizer", champion.optimizer)]
    if "neutral_ic" in figures:
        facts.append(("Neutral IC out of sample", f"{figures['neutral_ic']:.4f}"))
    if "max_drawdown" in figures:
        facts.append(("Largest drawdown", percent(figures["max_drawdown"], 1)))
    if promotion.challenger is not None:
        facts.append(("Challenger", promotion.challenger.name))
    return Notice(
        kind=Kind.CHAMPION_PROMOTED if promotion.promoted else Kind.CHAMPION_RETAINED,
        key=f"{run.session} {champion.model_sha256} {promotion.reason}",
        tone=Tone.ACTION if promotion.promoted else Tone.INFO,
        subject=f"{run.session}: {verb} {champion.name}",
        lead=(promotion.reason,),
        facts=tuple(facts),
        commands=(Command("Read the report", str(promotion.report)),),
        session=run.session.day,
        is_simulated=is_simulated,
        data={"promoted": promotion.promoted, "champion": champion.name, "reason": promotion.reason},
    )


def _described(error: BaseException) -> tuple[str, str, str, int]:
    """Return what happened, what to do, the runbook's section and the exit code."""
    if isinstance(error, AftercloseError):
        return error.what, error.remedy, error.runbook, error.exit_code
    what = masked(f"Unexpected error ({type(error).__name__}: {error}).")
    return (
        what,
        "What was published before is intact. Run again with --debug for the traceback.",
        "unexpected",
        1,
    )


def _report_of(home: Home, error: BaseException) -> tuple[Command, ...]:
    path = error.fields.get("path") if isinstance(error, AftercloseError) else None
    if not isinstance(path, str) or not path.startswith(str(home.reports)):
        return ()
    return (Command("Read the report", path),)

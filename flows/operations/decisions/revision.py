"""Revise a published day before it is approved: strike or halve trades, and re-optimize the others if requested.

`preview_revision` writes nothing. `make_revision` writes live/D/revisions/N whole or not at all, and only if every
check of the day passes; first it logs that a person began it, so that the day is never executed as unanswered.
A revision is not an approval: `approve D --revision N` is.
"""

import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from flows.operations.research.replay import read_published
from flows.replay import PastDay, past_day
from flows.revision import Changes, Decided, assess_decided, published_trades, revise, wanted_shares
from flows.terminal import Options, Result, progress
from tasks.approval.approval_log import REVISED, revised_detail
from tasks.approval.day import PublishedDay
from tasks.approval.refusal import refusal
from tasks.approval.schema import LAST_REVISION, LONGEST_NAME, LONGEST_REASON
from tasks.approval.store import hold_approvals, revision_numbers, write_revision
from tasks.core.accountability import require_name_and_reason
from tasks.core.clock import now
from tasks.core.errors import ConfigError, SafetyError
from tasks.core.homes.home import Home
from tasks.core.homes.opening import find_home, settings_of
from tasks.core.homes.replay_inputs import MANIFEST
from tasks.core.ids import sha256_of_bytes
from tasks.core.sessions import session_on
from tasks.core.text import counted, dollars, instant_text, one_line
from tasks.core.versions.source_code import CODE_ROOT, code_fingerprint
from tasks.reporting.day.filled_book import BookFigures, Limits, figures_of, limits_of
from tasks.reporting.day.publish import refuse_decided
from tasks.reporting.day.revision import RevisedBook, Revision, revision_files
from tasks.safety.audit import record

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RevisedLine:
    """A trade of the revision."""

    symbol: str
    side: str
    shares: int
    price: float
    notional_usd: float
    action: str
    reason: str


@dataclass(frozen=True)
class ChangedLine:
    """A trade whose size differs from the published one. Signed shares: positive buys, negative sells, 0 none."""

    symbol: str
    before: int
    after: int


@dataclass(frozen=True)
class CheckLine:
    """One check of the revision."""

    name: str
    value: str
    limit: str
    passed: bool
    detail: str = ""


@dataclass(frozen=True)
class RevisionPreview:
    """What a revision would contain."""

    session: str
    lines: tuple[RevisedLine, ...]
    removed: tuple[str, ...]
    changed: tuple[ChangedLine, ...]  # sizes that differ, new trades included; removed ones are in `removed`
    before: BookFigures
    after: BookFigures
    limits: Limits  # of these figures
    checks: tuple[CheckLine, ...]
    may_be_approved: bool
    way_out: str = ""  # what to do if it may not


@dataclass(frozen=True)
class WrittenRevision:
    """A revision that was written."""

    number: int
    folder: Path
    preview: RevisionPreview


def preview_revision(
    options: Options, day: str, *, strike: Sequence[str], halve: Sequence[str], solve: bool
) -> RevisionPreview:
    """Return what the revision would contain, whether or not its checks pass. Writes nothing."""
    home = find_home(options.home)
    published = _undecided(home, day)
    changes = Changes(tuple(strike), tuple(halve), solve)
    with _past(options, home, published, changes) as past:
        return _preview(past, published, changes, *revise(past, published, changes))


def make_revision(
    options: Options,
    day: str,
    *,
    strike: Sequence[str],
    halve: Sequence[str],
    solve: bool,
    by: str,
    reason: str,
) -> WrittenRevision:
    """Write the revision. Raises SafetyError if a check fails or the day is already approved, executed or rerun."""
    by, reason = one_line(by)[:LONGEST_NAME], one_line(reason)[:LONGEST_REASON]
    require_name_and_reason("A revision", by=by, reason=reason)
    home = find_home(options.home)
    published = _undecided(home, day)
    changes = Changes(tuple(strike), tuple(halve), solve)
    with _past(options, home, published, changes) as past:
        before, after = revise(past, published, changes)
        preview = _preview(past, published, changes, before, after)
        _refuse_failed(published, preview)
        assessment = assess_decided(past, published, after)
    at = instant_text(now())
    book = RevisedBook(after.portfolio, after.target, after.lines, after.after, after.checks, assessment)
    with hold_approvals(home):
        if _undecided(home, day).manifest != published.manifest:
            raise refusal("day", f"{day} was published again meanwhile.", remedy="Revise the new trades.")
        session = session_on(published.session)
        number = max(revision_numbers(home, session), default=0) + 1
        if number > LAST_REVISION:
            raise ConfigError(
                f"{day} has {number - 1} revisions, the most that a day may have.",
                remedy="Run the day again.",
            )
        revision = Revision(number, by, at, reason, changes.strike, changes.halve, solve)
        files = revision_files(published, revision, book)
        folder = write_logged(home, published, revision, files)
    return WrittenRevision(number, folder, preview)


def revise_day(
    options: Options,
    day: str,
    *,
    strike: Sequence[str],
    halve: Sequence[str],
    solve: bool,
    by: str,
    reason: str,
) -> Result:
    """Write the revision and describe it."""
    with progress(options):
        made = make_revision(options, day, strike=strike, halve=halve, solve=solve, by=by, reason=reason)
    document = {"session": day, "revision": made.number, "folder": str(made.folder), **asdict(made.preview)}
    return Result(document, "\n".join(_described(day, made)))


def write_logged(home: Home, published: PublishedDay, revision: Revision, files: Mapping[str, bytes]) -> Path:
    """Log who changed what and why, then write the directory and return its path. The caller holds the approvals.

    The row comes first: a day whose revision was not written in the end has been answered all the same. It outlasts
    the directory, which is deleted if the day is run again.
    """
    named = (("struck", revision.struck), ("halved", revision.halved))
    changes = ", ".join(f"{how} {' '.join(symbols)}" for how, symbols in named if symbols) or "re-optimized"
    manifest = sha256_of_bytes(files[MANIFEST])
    detail = revised_detail(
        published.session, revision.number, manifest, changes=changes, reason=revision.reason
    )
    record(home, event=REVISED, by=revision.by, detail=detail, at=datetime.fromisoformat(revision.at))
    return write_revision(home, session_on(published.session), revision.number, files)


def _undecided(home: Home, day: str) -> PublishedDay:
    """Return the day as published. Raises SafetyError if it was approved or executed, or if the code has changed."""
    published = read_published(home, day)
    refuse_decided(home, published.session)
    if published.inputs["code"] != code_fingerprint(CODE_ROOT):
        raise refusal(
            "code",
            f"{published.session}: the installed code changed after the day was published.",
            remedy=f"Run the day again: `afterclose daily --date {published.session}`.",
        )
    return published


def _past(
    options: Options, home: Home, published: PublishedDay, changes: Changes
) -> AbstractContextManager[PastDay]:
    """Return the day to recompute. Raises ConfigError for changes that cannot be made, before any computation."""
    wanted_shares(published_trades(published), changes)
    return past_day(home, published, settings_of(home, options.profile).settings)


def _preview(
    past: PastDay, published: PublishedDay, changes: Changes, before: Decided, after: Decided
) -> RevisionPreview:
    then, now_ = before.signed_shares, after.signed_shares
    changed = [
        ChangedLine(symbol, then.get(symbol, 0), shares)
        for symbol, shares in now_.items()
        if then.get(symbol, 0) != shares
    ]
    checks = tuple(
        CheckLine(check.name, check.value, check.limit, check.passed, check.detail)
        for check in after.checks.checks
    )
    may_be_approved = after.checks.may_be_published
    figures = _figures(before), _figures(after)
    return RevisionPreview(
        session=str(published.session),
        lines=tuple(_revised_lines(after)),
        removed=tuple(symbol for symbol in then if symbol not in now_),
        changed=tuple(changed),
        before=figures[0],
        after=figures[1],
        limits=limits_of(
            past.run.settings,
            exposure_cap=after.portfolio.exposure_cap,
            equity_usd=after.portfolio.book.equity_usd,
            sectors={*figures[0].sectors, *figures[1].sectors},
        ),
        checks=checks,
        may_be_approved=may_be_approved,
        way_out="" if may_be_approved else way_out(changes, [one for one in checks if not one.passed]),
    )


def way_out(changes: Changes, failed: Sequence[CheckLine]) -> str:
    """Return what to do about changes with which checks fail. No re-optimized revision is to be re-optimized."""
    if not failed:
        return "Nothing may be traded while the kill switch is on: `afterclose kill-switch status` says why."
    if not changes.solve:
        return "Re-optimize the other trades (solve), or undo a change."
    named = (*changes.strike, *changes.halve)
    words = {word for check in failed for word in re.split(r"[\s,;:()]+", check.detail)}
    to_undo = [symbol for symbol in named if symbol in words] or named
    return (
        "Re-optimizing the other trades does not remedy this: undo the change of "
        f"{' or '.join(to_undo)}, or reject the day."
    )


def _revised_lines(decided: Decided) -> Iterator[RevisedLine]:
    for row in decided.lines.to_dict("records"):
        yield RevisedLine(
            row["symbol"],
            row["side"],
            int(row["shares"]),
            float(row["price"]),
            float(row["notional"]),
            row["action"],
            row["reason"],
        )


def _figures(decided: Decided) -> BookFigures:
    return figures_of(
        decided.after,
        decided.target["sector"],
        decided.risk,
        equity_usd=decided.portfolio.book.equity_usd,
        turnover_frac=decided.trades.turnover,
        cost_usd=decided.trades.cost_usd,
    )


def _refuse_failed(published: PublishedDay, preview: RevisionPreview) -> None:
    failed = [check for check in preview.checks if not check.passed]
    if not preview.may_be_approved:
        said = "; ".join(
            f"{check.name} ({check.value}{f', required: {check.limit}' if check.limit else ''})"
            for check in failed
        )
        raise SafetyError(
            f"{published.session}: the revision was not written, because checks fail: {said or 'the kill switch'}.",
            remedy=preview.way_out,
            failed=[check.name for check in failed],
        )


def _described(day: str, made: WrittenRevision) -> Iterator[str]:
    preview = made.preview
    yield f"Revision {made.number} of {day}: {counted(len(preview.lines), 'trade')}."
    for symbol in preview.removed:
        yield f"  removed {symbol}"
    for one in preview.changed:
        yield f"  changed {one.symbol}: {one.before:+,} shares to {one.after:+,}"
    yield f"Cash {dollars(preview.before.cash_usd)} to {dollars(preview.after.cash_usd)}."
    yield f"Volatility {preview.before.volatility_frac:.2%} to {preview.after.volatility_frac:.2%} a year."
    yield f"Not approved yet. Next: `afterclose approve {day} --revision {made.number} --by NAME`."

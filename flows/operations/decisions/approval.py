"""Show, approve or reject a published day in the name of a person. None of this sends an order."""

import csv
import io
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import typer

from flows.announcing import posts_news
from flows.terminal import Options, Result, preview, progress
from tasks.approval.approval_log import UNVERIFIED
from tasks.approval.day import PublishedDay
from tasks.approval.decisions import (
    Proposal,
    add_signature,
    detached_signature,
    examine,
    make_signature,
    reject_day,
)
from tasks.approval.encoding import envelope_sha256, render_detached, render_record
from tasks.approval.key_file import BY_OPTION, key_path, passphrase, read_key
from tasks.approval.keys import public_key
from tasks.approval.refusal import refusal
from tasks.approval.schema import Approval, Envelope, Signature
from tasks.approval.store import read_day, revision_numbers
from tasks.approval.task import verify_approval
from tasks.approval.verification import rejected
from tasks.core.clock import now
from tasks.core.errors import ConfigError, SafetyError
from tasks.core.homes.home import Home
from tasks.core.homes.opening import find_home, session_named, settings_of
from tasks.core.homes.run import Run
from tasks.core.ids import sha256_of_bytes, sha256_of_record
from tasks.core.json_text import parse_json
from tasks.core.masking import mask_logs
from tasks.core.sessions import EXCHANGE_TIME_ZONE
from tasks.core.text import counted, dollars, one_line
from tasks.reporting.review.recorded_limits import exceeded_limits, recorded_limits
from tasks.trades.simulated_mark import without_mark

NOTHING_TO_APPROVE = 4


@dataclass(frozen=True)
class Dialogue:
    """How the approver sees the day and gives the passphrase.

    `seen` is the digest (`shown_digest`) of what was shown before; None where it is shown by `show` now. `how` a person
    specifies another key file.
    """

    show: Callable[[str], None]
    passphrase: Callable[[Path, Home], bytes]
    seen: str | None = None
    how: str = BY_OPTION


def ask_at_terminal(path: Path, home: Home) -> bytes:
    """Return the passphrase that the environment names, or that a person enters at the terminal."""
    return passphrase(lambda: ask_passphrase(path), home)


TERMINAL = Dialogue(preview, ask_at_terminal)


@posts_news
def approve(  # noqa: PLR0913 - one parameter per option
    options: Options,
    day: str,
    *,
    by: str,
    key: Path | None = None,
    sign_only: bool = False,
    signature: str | None = None,
    overrule: str = "",
    strike: Sequence[str] = (),
    revision: int | None = None,
    dialogue: Dialogue = TERMINAL,
) -> Result:
    """Show the day, sign it with the person's key (or take a detached signature), and store the approval.

    `strike`: make a revision without these trades, and sign it. `revision`: sign this one; 0 is the day as published.
    Without either, the list that another approver has signed, else the day as published if it has no revisions.
    """
    if sign_only and signature is not None:
        raise ConfigError("--sign-only and --signature are both given.", remedy="Give only one.")
    run, at = run_of(options, day)
    if strike:
        _registered_keys(examine(run, at), by)  # before a revision is written
        revision = _struck(options, day, by, strike, revision)
    proposal = examine(run, at, revision=revision)
    if revision is None and proposal.approval is None:
        _refuse_unnamed_list(run)
    _refuse_changed(run, proposal, dialogue)
    given = None if signature is None else detached_signature(proposal, by, signature)
    if not proposal.envelope.lines:
        return Result(
            _document(run, "nothing to approve"), f"{run.session} proposes no trades.", NOTHING_TO_APPROVE
        )
    _registered_keys(proposal, by)
    if not sign_only and (by in proposal.signed_by or len(proposal.signed_by) >= proposal.envelope.persons):
        return _already_signed(run, proposal)
    dialogue.show(_described(proposal))
    _refuse_silent_overruling(proposal, overrule)
    made = given or _signed(proposal, run, by, key, overrule, dialogue)
    if sign_only:
        text = render_detached(proposal.envelope, made)
        return Result({**_document(run, "signed"), "by": by, "signature": text}, text)
    approval = add_signature(run, made, now(), revision=revision)
    missing = approval.envelope.persons - len(approval.signatures)
    if missing:
        what = f"{by} has signed {run.session}. {counted(missing, 'signature is', 'signatures are')} missing."
        return _stored(run, approval, what)
    verify_approval(run, now())
    until = _exchange_time(approval.envelope.expires_at)
    return _stored(run, approval, f"{run.session} is approved until {until}. {next_step(run)}")


def _struck(options: Options, day: str, by: str, strike: Sequence[str], revision: int | None) -> int:
    """Write a revision without these trades and return its number."""
    from flows.operations.decisions.revision import make_revision

    if revision is not None:
        raise ConfigError("--strike and --revision are both given.", remedy="Give only one.")
    reason = "struck on approval"
    with progress(options):
        made = make_revision(options, day, strike=strike, halve=(), solve=False, by=by, reason=reason)
    return made.number


@posts_news
def reject(options: Options, day: str, *, by: str, reason: str) -> Result:
    """Record that the day is rejected; an approval of it is void from now on."""
    run, at = run_of(options, day)
    reject_day(run, by, reason, at)
    by, reason = one_line(by), one_line(reason)
    return Result(
        {**_document(run, "rejected"), "by": by, "reason": reason},
        f"{run.session} is rejected by {by} ({UNVERIFIED}): {reason}. It can be run again, or approved with "
        "--overrule TEXT.",
    )


def show_approval(options: Options, day: str) -> Result:
    """Verify the approval of a day; exit 3, with the reason, if there is none that holds."""
    run, at = run_of(options, day)
    made = _revisions_made(run)
    try:
        approved = verify_approval(run, at)
    except SafetyError as error:
        if made and error.fields.get("reason") == "missing":
            raise refusal("missing", f"{error.what} {made}", remedy=_ways_to_name_a_list(run)) from None
        raise
    envelope = approved.envelope
    document = {
        **_document(run, "approved"),
        "revisions": revision_numbers(run.home, run.session),
        "approvers": list(approved.approvers),
        "approval_sha256": approved.approval_sha256,
        **envelope.model_dump(mode="json"),
    }
    revised = f", revision {envelope.revision}," if envelope.revision else ", as published," if made else ""
    text = (
        f"{run.session}{revised} is approved by {' and '.join(approved.approvers)} until "
        f"{_exchange_time(envelope.expires_at)}: {counted(len(envelope.lines), 'trade')}, account "
        f"{envelope.account} ({envelope.mode}{', simulated market' if envelope.demo else ''}). {next_step(run)}"
        f"{' ' * bool(made)}{made}"
    )
    return Result(document, text)


def run_of(options: Options, day: str) -> tuple[Run, datetime]:
    """Return the session without taking the home's lock: a decision must not wait for a run."""
    mask_logs()
    home = find_home(options.home)
    settings = settings_of(home, options.profile).settings
    at = now()
    session = session_named(day, at=at)
    if session.closes_at is None:
        raise ConfigError(
            f"The exchange was closed on {session}.",
            remedy="Choose a session that was published.",
            date=str(session),
        )
    return Run(home, session, session.closes_at, settings), at


def _refuse_unnamed_list(run: Run) -> None:
    """Raise SafetyError if the day has revisions: what was struck must not be signed because nobody named the list."""
    if made := _revisions_made(run):
        raise refusal(
            "revision",
            f"{run.session} has been revised, so the list to approve has to be named; nothing was signed. {made}",
            remedy=_ways_to_name_a_list(run),
        )


def _ways_to_name_a_list(run: Run) -> str:
    return (
        f"Approve a revision: `afterclose approve {run.session} --revision N --by NAME`; or the list as published: "
        f"`afterclose approve {run.session} --revision 0 --by NAME`."
    )


def _revisions_made(run: Run) -> str:
    """Return a sentence for each revision of the day: what it changes, who made it, when and why."""
    numbers = revision_numbers(run.home, run.session)
    return " ".join(f"Revision {number} {_revision_made(run, number)}." for number in numbers)


def _revision_made(run: Run, number: int) -> str:
    try:
        made = parse_json(read_day(run.home, run.session, revision=number)[1])["revision"]
        changes = [f"{what} {', '.join(names)}" for what in ("struck", "halved") if (names := made.get(what))]
        changes += ["the other trades re-optimized"] if made.get("solved") else []
        by, at, reason = (one_line(str(made.get(name, "unknown"))) for name in ("by", "at", "reason"))
    except (SafetyError, ValueError, KeyError, TypeError, AttributeError):
        return "cannot be read"
    return f"({one_line('; '.join(changes))}) was made by {by} ({UNVERIFIED}) at {at}: {reason}"


def shown_digest(run: Run, envelope: Envelope) -> str:
    """Return the digest of what a page shows: the envelope, and which revisions a person can choose from."""
    return sha256_of_record([envelope_sha256(envelope), *map(str, revision_numbers(run.home, run.session))])


def _refuse_changed(run: Run, proposal: Proposal, dialogue: Dialogue) -> None:
    """Raise SafetyError unless the day is the one that was shown, with the revisions that were shown."""
    if dialogue.seen is not None and dialogue.seen != shown_digest(run, proposal.envelope):
        raise refusal(
            "manifest",
            f"{proposal.day.session}: the day changed while you were reading it, so nothing was signed.",
            remedy="Read the day as it is now, then approve again.",
        )


def _refuse_silent_overruling(proposal: Proposal, overrule: str) -> None:
    rejection = proposal.requirements.decisions.rejection
    if rejection is not None and not overrule.strip():
        raise rejected(proposal.requirements.session, rejection)
    if rejection is None and overrule.strip():
        raise ConfigError(
            f"{proposal.day.session} was not rejected, so there is nothing to overrule.",
            remedy="Approve it without overruling.",
        )


def _signed(
    proposal: Proposal, run: Run, by: str, key: Path | None, overrule: str, dialogue: Dialogue
) -> Signature:
    registered = _registered_keys(proposal, by)
    path = key_path(key, run.home, how=dialogue.how)
    private = read_key(path, lambda: dialogue.passphrase(path, run.home), how=dialogue.how)
    if public_key(private) not in registered:
        raise refusal(
            "approver",
            f"{path} does not hold the key that is registered for {by}.",
            remedy=f"Specify the file with the registered key {dialogue.how}.",
            path=str(path),
        )
    return make_signature(proposal, by, private, reason=overrule)


def _registered_keys(proposal: Proposal, by: str) -> set[str]:
    """Return the valid keys of the person. Raises SafetyError if there is none."""
    keys = {one.key for one in proposal.requirements.approvers if one.name == by and not one.is_revoked}
    if not keys:
        raise refusal(
            "approver",
            f"{by[:60]!r} is not an approver of this home.",
            remedy="`afterclose approvers list` shows who may approve; `afterclose approvers add` adds a person.",
        )
    return keys


def ask_passphrase(path: Path, *, confirm: bool = False) -> str:
    """Ask a person at a terminal; elsewhere the environment has to name the passphrase."""
    if not sys.stdin.isatty():
        raise ConfigError(
            f"Cannot prompt for the passphrase of {path}: no terminal.",
            remedy="Run the command in a terminal, or set AFTERCLOSE_APPROVAL_PASSPHRASE_FILE.",
        )
    answer: str = typer.prompt(
        f"Passphrase of {path}", hide_input=True, confirmation_prompt=confirm, err=True
    )
    return answer


def _described(proposal: Proposal) -> str:
    return "\n".join(_description(proposal))


def _description(proposal: Proposal) -> Iterator[str]:
    """Yield what a person has to know before signing, from the bytes that are signed."""
    day, envelope = proposal.day, proposal.envelope
    rows = list(csv.DictReader(io.StringIO(day.trades.decode(), newline="")))
    revised = f", revision {envelope.revision}" if envelope.revision else ""
    yield f"Trades of {day.session}{revised}, from {envelope.trades_sha256[:16]}… (trades.csv):"
    yield from revision_lines(day)
    for row, line in zip(rows, envelope.lines, strict=True):
        band = f"{line.lowest_price} to {line.highest_price}"
        yield (
            f"  {line.side:<4} {line.shares:>9} {line.symbol:<8} at {line.price:>11}  valid {band:<24}"
            f"{row['action']:<9} {without_mark(row['reason'])}"
        )
    for side in ("SELL", "BUY"):
        total = sum(float(row["notional"]) for row in rows if row["side"] == side)
        yield f"  {side:<4} in total {dollars(total, 0)}"
    demo = ", simulated market: valid for a demo only" if envelope.demo else ""
    equity = dollars(float(envelope.equity_usd))
    yield f"Estimated cost {dollars(day.cost_cents / 100)}; equity before the trades {equity}."
    yield f"Account {envelope.account} ({envelope.mode}{demo}); {counted(envelope.persons, 'signature')} needed."
    yield f"Valid until the next open: {_exchange_time(envelope.expires_at)}."
    yield f"Also signed: manifest.json, {envelope.manifest_sha256[:16]}…: data, model, settings, code, positions."
    if day.differs_from_backtest:
        yield "WARNING: this day or an earlier one differs from its backtest. Read the report before you approve."
    for words in exceeded_limits(day):
        yield f"WARNING: risk limit exceeded: {words}."
    if not recorded_limits(day):
        yield "WARNING: the risk limits were not assessed for these trades."
    if rejection := proposal.requirements.decisions.rejection:
        yield f"WARNING: rejected by {rejection.by} ({UNVERIFIED}) at {rejection.at}: {rejection.reason}."
    if proposal.signed_by:
        yield f"Signed so far by {' and '.join(proposal.signed_by)}."


def revision_lines(day: PublishedDay) -> Iterator[str]:
    """Yield who revised the day, why, and what was changed; nothing for the day as published."""
    if not day.revision:
        return
    made = parse_json(day.manifest)["revision"]
    by, at, reason = (one_line(str(made.get(name, "unknown"))) for name in ("by", "at", "reason"))
    yield f"Revised by {by} ({UNVERIFIED}) at {at}: {reason}."
    for what in ("struck", "halved"):
        if names := [str(name) for name in made.get(what, ())]:
            yield f"  {what}: {', '.join(names)}"
    if made.get("solved"):
        yield "  The other trades were re-optimized."


def next_step(run: Run) -> str:
    """Return what sends the approved orders, and when."""
    by_hand = f"`afterclose execute {run.session}` shows the orders; with --no-dry-run it sends them."
    if run.settings.execution.scheduled_dry_run:
        return by_hand
    return f"Scheduled runs of execute-approved send the orders. {by_hand}"


def _already_signed(run: Run, proposal: Proposal) -> Result:
    names = " and ".join(proposal.signed_by)
    if len(proposal.signed_by) >= proposal.envelope.persons:
        verify_approval(run, now())
        text = f"{run.session} is approved by {names} already. {next_step(run)}"
        return _stored(run, proposal.approval, text)
    return _stored(run, proposal.approval, f"{names} has signed already. Another approver must sign.")


def _stored(run: Run, approval: Approval | None, text: str) -> Result:
    if approval is None:
        return Result(_document(run, "not approved"), text, SafetyError.exit_code)
    is_complete = len(approval.signatures) >= approval.envelope.persons
    document = {
        **_document(run, "approved" if is_complete else "incomplete"),
        "approvers": [one.statement.approver for one in approval.signatures],
        "revision": approval.envelope.revision,
        "missing": max(approval.envelope.persons - len(approval.signatures), 0),
        "expires_at": approval.envelope.expires_at,
        "approval_sha256": sha256_of_bytes(render_record(approval)),
    }
    return Result(document, text)


def _document(run: Run, state: str) -> dict[str, object]:
    return {"home": str(run.home.root), "session": str(run.session), "state": state}


def _exchange_time(instant: str) -> str:
    at = datetime.fromisoformat(instant).astimezone(ZoneInfo(EXCHANGE_TIME_ZONE))
    return f"{at:%a %Y-%m-%d %H:%M} New York time"

"""Approve, reject, and name approvers: what a person decides is logged, then stored.

`examine` reads a day for a person who is about to decide; `add_signature` reads it again under the lock, so that a
signature of something else is refused. A rejection needs no lock but the audit log's: it must always be possible.
"""

from dataclasses import dataclass
from datetime import datetime

from config.settings import config_hash
from tasks.approval.approval_log import (
    ADDED,
    APPROVED,
    REJECTED,
    REVOKED,
    Approver,
    approved_detail,
    approver_detail,
    approvers_in,
    decisions_about,
    rejected_detail,
)
from tasks.approval.day import PublishedDay, published_day
from tasks.approval.encoding import envelope_sha256, parse_detached, render_record, signed_bytes
from tasks.approval.envelope import Current, make_envelope
from tasks.approval.keys import PrivateKey, public_key, sign
from tasks.approval.refusal import refusal
from tasks.approval.schema import (
    LONGEST_NAME,
    LONGEST_REASON,
    Approval,
    Envelope,
    Signature,
    Statement,
    is_name,
)
from tasks.approval.store import (
    hold_approvals,
    is_executed,
    read_day,
    read_manifest,
    withdraw_approval,
    write_approval,
)
from tasks.approval.verification import (
    Requirements,
    Stored,
    check_bound,
    check_expiry,
    check_overruling,
    check_signatures,
    check_time,
    parsed,
)
from tasks.core.accountability import require_name_and_reason
from tasks.core.errors import AftercloseError, ConfigError
from tasks.core.homes.home import Home
from tasks.core.homes.run import Run
from tasks.core.ids import sha256_of_bytes
from tasks.core.sessions import Session
from tasks.core.text import instant_text, one_line
from tasks.core.versions.source_code import CODE_ROOT, code_fingerprint
from tasks.portfolio.holdings.record import positions_of
from tasks.safety.audit import has_key, read_intact, record
from tasks.safety.kill_switch.switch import read_switch, reset_command


@dataclass(frozen=True)
class Proposal:
    """A day as a person is about to decide on it: the bytes shown are the bytes that are signed."""

    day: PublishedDay
    envelope: Envelope
    requirements: Requirements
    approval: Approval | None  # signatures so far

    @property
    def signed_by(self) -> tuple[str, ...]:
        return tuple(one.statement.approver for one in self.approval.signatures) if self.approval else ()


def current(run: Run) -> Current:
    """Return what holds now: settings, code, positions, and whether the market is simulated."""
    settings = run.settings
    held = positions_of(run.home, initial_cash_usd=settings.portfolio.initial_cash_usd)
    return Current(
        config=config_hash(settings),
        code=code_fingerprint(CODE_ROOT),
        positions=held.sha256,
        demo=settings.data.is_simulated,
    )


def read_requirements(run: Run, at: datetime) -> Requirements:
    """Return what an approval of the session has to agree with. Raises SafetyError if the audit log is damaged."""
    if run.settings.approval.mode == "live" and not has_key(run.home):
        raise refusal(
            "log",
            "With real money, approvals need a keyed audit log: without a key, anyone who can write to the home can "
            "register an approver.",
            remedy="Set AFTERCLOSE_AUDIT_KEY_FILE as docs/safety.md#the-audit-log describes.",
        )
    rows = read_intact(run.home)
    return Requirements(
        session=run.session,
        terms=run.settings.approval,
        current=current(run),
        approvers=approvers_in(rows),
        decisions=decisions_about(run.session.day, rows),
        at=at,
    )


def examine(run: Run, at: datetime, *, revision: int | None = None) -> Proposal:
    """Read the day and what was decided. Raises SafetyError for a day that cannot be approved.

    `revision`: 0 is the day as published; None the one that was signed, without a signature the day as published.
    """
    session = run.session
    stored = Stored(*read_day(run.home, session, revision=revision))
    requirements = read_requirements(run, at)
    if is_executed(run.home, session):
        raise refusal(
            "decided",
            f"The execution of {session} has begun.",
            remedy="Its approval is final; run and approve the next session.",
        )
    if requirements.decisions.is_unanswered:
        raise refusal(
            "decided",
            f"Nobody answered {session} in time, so its sells will be executed without approval.",
            remedy=f"To stop them before they begin: `afterclose reject {session} --by NAME --reason TEXT`.",
        )
    day = published_day(session.day, stored.manifest, stored.files)
    envelope = make_envelope(day, requirements.current, terms=requirements.terms)
    check_expiry(envelope, requirements)
    approval = None if stored.approval is None else parsed(stored.approval, session)
    if approval is not None:
        check_signatures(approval, requirements)
        _refuse_other_revision(session, approval.envelope, envelope)
        check_bound(stored, approval.envelope, requirements)
        for one in approval.signatures:
            check_time(one, requirements)
            check_overruling(one, requirements)
    refuse_halt(run, envelope)
    return Proposal(day, envelope, requirements, approval)


def detached_signature(proposal: Proposal, by: str, text: str) -> Signature:
    """Return the signature that a person made elsewhere. Raises for one of another person, or of something else."""
    try:
        detached = parse_detached(text)
    except ValueError as error:
        raise ConfigError(
            f"The signature cannot be used: {error}.", remedy="Copy the whole line again."
        ) from None
    if detached.signature.statement.approver != by:
        raise ConfigError(
            f"The signature was not made by {by[:LONGEST_NAME]!a}.",
            remedy="Give the name of the person who signed (--by).",
        )
    if detached.envelope_sha256 != envelope_sha256(proposal.envelope):
        raise refusal(
            "signature",
            f"{proposal.day.session}: the signature of {by} does not match the trades, settings, code and positions "
            "of this home.",
            remedy="Compare the two homes (trades, settings, code, positions), then sign again.",
        )
    return detached.signature


def make_signature(proposal: Proposal, name: str, private: PrivateKey, *, reason: str) -> Signature:
    """Sign the envelope in the name of the approver; `reason` is why a rejection is overruled, "" without one."""
    rejection = proposal.requirements.decisions.rejection
    statement = Statement(
        approver=name,
        key=public_key(private),
        at=instant_text(proposal.requirements.at),
        overrules=rejection.name if rejection is not None else "",
        reason=one_line(reason)[:LONGEST_REASON],
    )
    return Signature(statement=statement, signature=sign(private, signed_bytes(proposal.envelope, statement)))


def refuse_halt(run: Run, envelope: Envelope) -> None:
    """Raise SafetyError while the kill switch is on, unless it allows reductions and there are only sales."""
    switch = read_switch(run.home)
    sells_only = all(line.side == "SELL" for line in envelope.lines)
    if switch.is_on and not (sells_only and switch.allows_reductions):
        raise refusal(
            "halted",
            f"{run.session}: no approval can be given or used while the kill switch is {switch.description}.",
            remedy=f"When the cause is understood: {reset_command(run.home, switch)}",
        )


def _refuse_other_revision(session: Session, signed: Envelope, wanted: Envelope) -> None:
    if signed.revision != wanted.revision:
        raise refusal(
            "decided",
            f"{session}: revision {signed.revision} was signed, not revision {wanted.revision} "
            "(0 is the day as published).",
            remedy=f"Sign revision {signed.revision}, or withdraw its approval with `afterclose reject {session} "
            "--by NAME --reason TEXT`.",
        )


def add_signature(run: Run, signature: Signature, at: datetime, *, revision: int | None = None) -> Approval:
    """Check the signature against the day as it is now, log it, and write approval.json.

    `revision` as in `examine`. Returns the approval, complete or not. An approver who signed already changes nothing.
    """
    with hold_approvals(run.home):
        proposal = examine(run, at, revision=revision)
        check_time(signature, proposal.requirements)
        check_overruling(signature, proposal.requirements)
        earlier = proposal.approval.signatures if proposal.approval else ()
        if proposal.approval is not None and (
            signature.statement.approver in proposal.signed_by or len(earlier) >= proposal.envelope.persons
        ):
            return proposal.approval
        approval = Approval(envelope=proposal.envelope, signatures=(*earlier, signature))
        check_signatures(approval, proposal.requirements)
        content = render_record(approval)
        detail = approved_detail(
            run.session.day,
            sha256_of_bytes(content),
            signatures=len(approval.signatures),
            persons=approval.envelope.persons,
        )
        record(run.home, event=APPROVED, by=signature.statement.approver, detail=detail, at=at)
        write_approval(run.home, run.session, content)
    return approval


def reject_day(run: Run, by: str, reason: str, at: datetime) -> None:
    """Log the rejection, which voids any approval, then withdraw approval.json, so that the day may be run again."""
    require_name_and_reason("Rejecting a day", by=by, reason=reason)
    if _is_known_executed(run):
        raise refusal(
            "decided",
            f"The execution of {run.session} has begun, so it can no longer be rejected.",
            remedy="To stop open orders: `afterclose kill-switch trip --by NAME --reason TEXT`.",
        )
    try:
        manifest = read_manifest(run.home, run.session)
    except AftercloseError as error:
        if error.fields.get("reason") != "manifest":
            raise
        manifest = None
    digest = "unreadable" if manifest is None else sha256_of_bytes(manifest)
    detail = rejected_detail(run.session.day, digest, one_line(reason))
    record(run.home, event=REJECTED, by=one_line(by)[:LONGEST_NAME], detail=detail, at=at)
    withdraw_approval(run.home, run.session)


def _is_known_executed(run: Run) -> bool:
    """Return whether the execution began. A ledger that cannot be read sends nothing, and stops no rejection."""
    try:
        return is_executed(run.home, run.session)
    except AftercloseError:
        return False


def add_approver(home: Home, name: str, key: str, by: str, reason: str, at: datetime) -> Approver:
    """Log that the person may approve with this public key. A name has one valid key, and a key one name."""
    require_name_and_reason("Adding an approver", by=by, reason=reason)
    if not is_name(name):
        raise ConfigError(
            f"{name[:LONGEST_NAME]!r} cannot be the name of an approver.",
            remedy=f"Use letters, digits, spaces and . ' - (at most {LONGEST_NAME} characters).",
        )
    with hold_approvals(home):
        known = approvers_in(read_intact(home))
        for one in known:
            if one.key == key:
                state = f"was revoked at {one.revoked_at}" if one.is_revoked else "is already registered"
                raise ConfigError(
                    f"This key belongs to {one.name} and {state}.",
                    remedy="Create another with `afterclose approvers key --key FILE`.",
                )
            if one.name.casefold() == name.casefold() and not one.is_revoked:
                raise ConfigError(
                    f"{one.name} already has a key.",
                    remedy="Revoke it first with `afterclose approvers revoke NAME --by NAME --reason TEXT`.",
                )
        record(home, event=ADDED, by=by, detail=approver_detail(name, key, one_line(reason)), at=at)
    return Approver(name, key, instant_text(at), by)


def revoke_approver(home: Home, name: str, by: str, reason: str, at: datetime) -> Approver:
    """Log that the key of the person is no longer valid; approvals signed with it are void from now on."""
    require_name_and_reason("Revoking an approver", by=by, reason=reason)
    with hold_approvals(home):
        found = [one for one in list_approvers(home) if one.name == name and not one.is_revoked]
        if not found:
            raise ConfigError(
                f"{name[:LONGEST_NAME]!r} has no valid key.",
                remedy="`afterclose approvers list` shows who may approve.",
            )
        record(
            home, event=REVOKED, by=by, detail=approver_detail(name, found[0].key, one_line(reason)), at=at
        )
    return found[0]


def list_approvers(home: Home) -> tuple[Approver, ...]:
    """Return every approver of the home, revoked ones included. Raises SafetyError if the audit log is damaged."""
    return approvers_in(read_intact(home))

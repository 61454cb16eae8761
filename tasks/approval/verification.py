"""Decide whether an approval holds. Pure: takes bytes and returns the very bytes that it checked, or raises.

The order of the checks gives the reason: first whether the approval is what its approvers signed, then whether it is
for this session, account and day, then whether it still holds.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from config.sections import Approval as Terms
from tasks.approval.approval_log import Approver, Decisions, Rejection
from tasks.approval.day import PublishedDay, published_day
from tasks.approval.encoding import parse_approval, signed_bytes
from tasks.approval.envelope import Current, make_envelope
from tasks.approval.keys import is_signed
from tasks.approval.refusal import refusal
from tasks.approval.schema import Approval, Envelope, Signature
from tasks.core.errors import SafetyError
from tasks.core.ids import sha256_of_bytes
from tasks.core.sessions import Session, exchange_minute
from tasks.core.text import counted

CLOCK_TOLERANCE = timedelta(minutes=1)  # a signature may come from another machine


@dataclass(frozen=True)
class Stored:
    """The bytes of a day's directory, each file read once. `approval` is None where there is none."""

    approval: bytes | None
    manifest: bytes
    files: Mapping[str, bytes]


@dataclass(frozen=True)
class Requirements:
    """What an approval has to agree with."""

    session: Session
    terms: Terms
    current: Current
    approvers: tuple[Approver, ...]
    decisions: Decisions
    at: datetime


@dataclass(frozen=True)
class Approved:
    """An approval that holds, and the bytes that it was checked against: use these, never the files again."""

    envelope: Envelope
    approvers: tuple[str, ...]
    approval_sha256: str
    trades: bytes
    manifest: bytes
    by_policy: bytes = b""  # no_answer.json, where nobody answered and the no-answer policy applies
    lapsed: int = 0  # lines that the policy does not cover


def verify(stored: Stored, requirements: Requirements) -> Approved:
    """Return the approval. Raises SafetyError, with the reason, if it does not hold in every respect."""
    session = requirements.session
    if stored.approval is None:
        if requirements.decisions.rejection is not None:
            raise rejected(session, requirements.decisions.rejection)
        if (lost := lost_approval(session, requirements.decisions)) is not None:
            raise lost
        raise refusal(
            "missing",
            f"{session} is not approved.",
            remedy=f"Read its report, then run `afterclose approve {session} --by NAME`.",
        )
    approval = parsed(stored.approval, session)
    check_signatures(approval, requirements)
    envelope = approval.envelope
    check_bound(stored, envelope, requirements)
    for one in approval.signatures:
        check_time(one, requirements)
    check_persons(approval, session)
    check_expiry(envelope, requirements)
    check_decisions(stored.approval, approval, requirements)
    return Approved(
        envelope=envelope,
        approvers=tuple(one.statement.approver for one in approval.signatures),
        approval_sha256=sha256_of_bytes(stored.approval),
        trades=stored.files["trades.csv"],
        manifest=stored.manifest,
    )


def lost_approval(session: Session, decisions: Decisions) -> SafetyError | None:
    """Return the error of a day without approval.json if the audit log has its approval; None if it has none."""
    if not decisions.approval_sha256 or decisions.is_unanswered:
        return None
    return refusal(
        "missing",
        f"{session}: the audit log has an approval, but approval.json is missing.",
        remedy=f"Restore approval.json from a backup, or approve again: `afterclose approve {session} --by NAME`.",
    )


def parsed(content: bytes, session: Session) -> Approval:
    """Return the approval in the file. Raises SafetyError for any other content."""
    try:
        return parse_approval(content)
    except ValueError as error:
        raise refusal(
            "approval",
            f"{session}: approval.json cannot be used: {error}.",
            remedy=_withdraw(session),
            path="approval.json",
        ) from None


def check_signatures(approval: Approval, requirements: Requirements) -> None:
    """Raise SafetyError unless every signature is by a different approver of this home and matches the envelope."""
    names = [one.statement.approver for one in approval.signatures]
    keys = [one.statement.key for one in approval.signatures]
    if len(set(names)) < len(names) or len(set(keys)) < len(keys):
        raise refusal(
            "persons",
            f"{requirements.session}: one approver signed twice.",
            remedy=_withdraw(requirements.session),
        )
    for one in approval.signatures:
        check_signature(approval.envelope, one, requirements)


def check_signature(envelope: Envelope, signature: Signature, requirements: Requirements) -> None:
    """Raise SafetyError unless an approver of this home, not revoked, signed this envelope."""
    statement, session = signature.statement, requirements.session
    known = {approver.key: approver for approver in requirements.approvers}.get(statement.key)
    if known is None or known.name != statement.approver:
        raise refusal(
            "approver",
            f"{session}: signed as {statement.approver} with a key that is not registered for that name.",
            remedy="`afterclose approvers list` shows who may approve.",
        )
    if known.is_revoked:
        raise refusal(
            "revoked",
            f"{session}: the key of {known.name} was revoked at {known.revoked_at}.",
            remedy=_withdraw(session),
        )
    if not is_signed(statement.key, signature.signature, signed_bytes(envelope, statement)):
        raise refusal(
            "signature",
            f"{session}: the signature of {known.name} does not match: the approval was changed, or it is for other "
            "trades, settings, code or positions.",
            remedy=_withdraw(session),
        )


def check_time(signature: Signature, requirements: Requirements) -> None:
    """Raise SafetyError for a signature from before the close of the session, or from the future."""
    statement, session = signature.statement, requirements.session
    signed_at, closes_at = datetime.fromisoformat(statement.at), session.closes_at
    if closes_at is None or signed_at < closes_at or signed_at > requirements.at + CLOCK_TOLERANCE:
        raise refusal(
            "time",
            f"{session}: signed at {statement.at}, which is before the close of the session or in the future.",
            remedy=f"Correct the clock of the machine. {_withdraw(session)}",
        )


def check_bound(stored: Stored, envelope: Envelope, requirements: Requirements) -> PublishedDay:
    """Raise SafetyError if the envelope is for another session, account, mode or day than this one."""
    session, terms = requirements.session, requirements.terms
    if envelope.session != str(session):
        raise refusal(
            "session",
            f"{session}: the approval is for the session {envelope.session}.",
            remedy=_withdraw(session),
        )
    if envelope.account != terms.account:
        raise refusal(
            "account",
            f"{session}: approved for the account {envelope.account}, but approval.account is {terms.account}.",
            remedy=_withdraw(session),
        )
    if envelope.mode != terms.mode or envelope.demo != requirements.current.demo:
        modes = [
            f"{mode}{' (simulated market)' if demo else ''}"
            for mode, demo in ((envelope.mode, envelope.demo), (terms.mode, requirements.current.demo))
        ]
        raise refusal(
            "mode",
            f"{session}: approved for {modes[0]} trading, but this home is set to {modes[1]} "
            "(approval.mode, data.provider).",
            remedy=_withdraw(session),
        )
    if sha256_of_bytes(stored.manifest) != envelope.manifest_sha256:
        raise refusal(
            "manifest",
            f"{session}: manifest.json is not the one that was approved.",
            remedy=_withdraw(session),
        )
    if sha256_of_bytes(stored.files.get("trades.csv", b"")) != envelope.trades_sha256:
        raise refusal(
            "trades", f"{session}: trades.csv is not the one that was approved.", remedy=_withdraw(session)
        )
    day = published_day(session.day, stored.manifest, stored.files)
    made = make_envelope(day, requirements.current, terms=terms).model_dump()
    if differing := [name for name, value in envelope.model_dump().items() if made[name] != value]:
        raise refusal(
            "terms",
            f"{session}: the terms of the approval have changed: {', '.join(differing)}.",
            remedy=_withdraw(session),
            differing=differing,
        )
    return day


def check_persons(approval: Approval, session: Session) -> None:
    """Raise SafetyError if signatures are missing."""
    missing = approval.envelope.persons - len(approval.signatures)
    if missing > 0:
        raise refusal(
            "persons",
            f"{session}: {counted(missing, 'signature is', 'signatures are')} missing; "
            f"{approval.signatures[0].statement.approver} has signed.",
            remedy=f"Another approver runs `afterclose approve {session} --by NAME`.",
        )


def check_expiry(envelope: Envelope, requirements: Requirements) -> None:
    """Raise SafetyError from the expiry on: the next regular open."""
    if requirements.at >= datetime.fromisoformat(envelope.expires_at):
        raise refusal(
            "expired",
            f"The time to approve {requirements.session}, or to use its approval, is over: it ended at the next "
            f"regular open, {exchange_minute(datetime.fromisoformat(envelope.expires_at))}.",
            remedy="Run the last closed session and approve that one: `afterclose daily`. If that is this session,"
            f" reject it first: `afterclose reject {requirements.session} --by NAME --reason TEXT`.",
        )


def check_decisions(content: bytes, approval: Approval, requirements: Requirements) -> None:
    """Raise SafetyError unless the audit log says that these bytes are the last decision about the session."""
    session, decisions = requirements.session, requirements.decisions
    digest = sha256_of_bytes(content)
    if decisions.rejection is not None and not decisions.approval_sha256:
        raise rejected(session, decisions.rejection)
    for one in approval.signatures:
        check_overruling(one, requirements)
    if digest != decisions.approval_sha256:
        raise refusal(
            "log",
            f"{session}: the audit log has no row for this approval, or has a later decision about this session.",
            remedy=_withdraw(session),
        )


def check_overruling(signature: Signature, requirements: Requirements) -> None:
    """Raise SafetyError unless the statement names the last rejection, and no other, with a reason."""
    rejection, statement = requirements.decisions.rejection, signature.statement
    named = rejection.name if rejection is not None else ""
    if statement.overrules != named or bool(statement.reason.strip()) != bool(named):
        if rejection is not None:
            raise rejected(requirements.session, rejection)
        raise refusal(
            "rejected",
            f"{requirements.session}: {statement.approver} overrules a rejection that the audit log does not have.",
            remedy=_withdraw(requirements.session),
        )


def rejected(session: Session, rejection: Rejection) -> SafetyError:
    """Return the error for a day whose last decision is a rejection."""
    return refusal(
        "rejected",
        f"{session} was rejected by {rejection.by}: {rejection.reason}.",
        remedy=f"To approve it nevertheless: `afterclose approve {session} --by NAME --overrule TEXT`.",
    )


def _withdraw(session: Session) -> str:
    return (
        f"Withdraw the approval with `afterclose reject {session} --by NAME --reason TEXT`, find the cause, then "
        f"run `afterclose approve {session} --by NAME --overrule TEXT`."
    )

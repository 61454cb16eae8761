"""Read the state of the decision about a day, for a page or a list. Decides nothing and writes nothing."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from tasks.approval.approval_log import Rejection
from tasks.approval.day import PublishedDay, published_day
from tasks.approval.decisions import Proposal, examine, read_requirements
from tasks.approval.schema import Envelope
from tasks.approval.store import is_executed, read_day
from tasks.approval.verification import Requirements, Stored, lost_approval, parsed, verify
from tasks.core.errors import SafetyError
from tasks.core.homes.run import Run

State = Literal["open", "incomplete", "approved", "rejected", "executed", "empty", "refused", "unreadable"]
SIGNABLE = frozenset({"open", "incomplete", "rejected"})


@dataclass(frozen=True)
class Standing:
    """What holds for a day now. `day` is None where its files do not agree with the manifest.

    `envelope` is what a signature would cover; None where nothing can be signed. `refusal` says why not. `lost`: the
    audit log has an approval whose file is missing.
    """

    state: State
    day: PublishedDay | None
    envelope: Envelope | None = None
    signed_by: tuple[str, ...] = ()
    rejection: Rejection | None = None
    approvers: tuple[str, ...] = ()  # valid ones
    refusal: SafetyError | None = None
    lost: SafetyError | None = None

    @property
    def revision(self) -> int:
        """The revision of the day that was read; 0 is the day as published."""
        return self.day.revision if self.day else 0

    @property
    def is_signable(self) -> bool:
        """Whether a person may sign; a rejection has to be overruled with a reason."""
        return self.state in SIGNABLE


def read_standing(run: Run, at: datetime, *, revision: int | None = None) -> Standing:
    """Return the state of the day's decision. Never raises SafetyError: an unreadable day is a state.

    `revision`: 0 is the day as published; None the one that was signed, without a signature the day as published.
    """
    try:
        stored = Stored(*read_day(run.home, run.session, revision=revision))
        day = published_day(run.session.day, stored.manifest, stored.files)
    except SafetyError as refused:
        return Standing("unreadable", None, refusal=refused)
    try:
        requirements = read_requirements(run, at)
    except SafetyError as refused:
        return Standing("refused", day, refusal=refused)
    rejection, approvers = requirements.decisions.rejection, _valid(requirements)
    try:
        signed_by = _signed_by(stored, run)
        if is_executed(run.home, run.session):
            return Standing("executed", day, None, signed_by, rejection, approvers)
        proposal = examine(run, at, revision=revision)
        state = _state(proposal, stored)
    except SafetyError as refused:
        return Standing("refused", day, None, (), rejection, approvers, refused)
    lost = lost_approval(run.session, requirements.decisions) if stored.approval is None else None
    return Standing(state, proposal.day, proposal.envelope, signed_by, rejection, approvers, lost=lost)


def _valid(requirements: Requirements) -> tuple[str, ...]:
    return tuple(one.name for one in requirements.approvers if not one.is_revoked)


def _signed_by(stored: Stored, run: Run) -> tuple[str, ...]:
    if stored.approval is None:
        return ()
    return tuple(one.statement.approver for one in parsed(stored.approval, run.session).signatures)


def _state(proposal: Proposal, stored: Stored) -> State:
    if not proposal.envelope.lines:
        return "empty"
    if len(proposal.signed_by) >= proposal.envelope.persons:
        verify(stored, proposal.requirements)
        return "approved"
    if proposal.signed_by:
        return "incomplete"
    return "rejected" if proposal.requirements.decisions.rejection is not None else "open"

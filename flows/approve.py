"""approve-day: take the signature that a person made elsewhere. Holds no key, and sends nothing."""

from tasks.approval.decisions import Proposal, add_signature, detached_signature, examine
from tasks.approval.schema import Approval
from tasks.approval.task import verify_approval
from tasks.core.clock import now
from tasks.core.homes.run import Run
from tasks.core.text import counted


def proposal_of(run: Run) -> Proposal:
    """Return what is to be signed. Raises SafetyError for a day that cannot be approved."""
    return examine(run, now())


def sign_commands(run: Run) -> str:
    """Return the commands that make a signature for this day."""
    return f"afterclose approve {run.session} --by NAME --sign-only"


def store_signature(run: Run, *, by: str, signature: str) -> Approval:
    """Verify the signature against the day as it is now, log it and store it."""
    proposal = examine(run, now())
    approval = add_signature(run, detached_signature(proposal, by, signature), now())
    if len(approval.signatures) >= approval.envelope.persons:
        verify_approval(run, now())
    return approval


def outcome(run: Run, approval: Approval) -> str:
    """Return who has signed, and what is missing."""
    names = " and ".join(one.statement.approver for one in approval.signatures)
    missing = approval.envelope.persons - len(approval.signatures)
    if missing > 0:
        return f"{run.session} is signed by {names}; {counted(missing, 'signature is', 'signatures are')} missing."
    return f"{run.session} is approved by {names} until {approval.envelope.expires_at}."

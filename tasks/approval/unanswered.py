"""The no-answer policy: what is executed of a day that nobody approved or rejected in time.

The policy replaces a signature, so it must be as binding. It covers the envelope that an approver would
have signed, with the sells alone; it holds only for a plan that was recorded, with the policy in it, before an answer
was due; and the audit log names it in place of a person (ADR 24).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from config.settings import Settings
from tasks.approval.approval_log import UNANSWERED, decisions_about, unanswered_detail
from tasks.approval.day import published_day
from tasks.approval.decisions import read_requirements
from tasks.approval.encoding import render_record
from tasks.approval.envelope import make_envelope, next_open
from tasks.approval.plans.recorded import plans_of
from tasks.approval.refusal import refusal
from tasks.approval.schema import Envelope, Unanswered
from tasks.approval.store import hold_approvals, is_revised, read_day, read_no_answer, write_no_answer
from tasks.approval.verification import (
    Approved,
    Requirements,
    Stored,
    check_expiry,
    check_signatures,
    parsed,
)
from tasks.core.homes.home import Home
from tasks.core.homes.run import Run
from tasks.core.ids import sha256_of_bytes
from tasks.core.sessions import Session, exchange_minute
from tasks.safety.audit import Row, read_intact, record

POLICY = "the setting execution.no_answer"


@dataclass(frozen=True)
class Policy:
    """What the settings say: whether sales go without an answer, and how long before the open an answer is due."""

    is_on: bool
    minutes: int

    def due_at(self, session: Session) -> datetime:
        """Return until when an answer is waited for."""
        return next_open(session.day) - timedelta(minutes=self.minutes)


def policy_of(settings: Settings) -> Policy:
    """Return the policy of the settings, which the digest in the manifest covers."""
    execution = settings.execution
    return Policy(execution.no_answer == "reductions", execution.no_answer_minutes)


def is_due(home: Home, settings: Settings, session: Session, at: datetime) -> bool:
    """Return whether the policy may apply to a day without approval.json now: it is time, and nobody answered it."""
    policy = policy_of(settings)
    if not policy.is_on or not policy.due_at(session) <= at < next_open(session.day):
        return False
    return decisions_about(session.day, read_intact(home)).leaves_unanswered("")


def is_covered(home: Home, session: Session, digest: str) -> bool:
    """Return whether what has this digest is what the policy covers of the day, and no approval."""
    content = read_no_answer(home, session)
    return content is not None and sha256_of_bytes(content) == digest


def is_unanswered(stored: Stored, requirements: Requirements, policy: Policy) -> bool:
    """Return whether the policy takes the place of an answer now: nobody rejected or revised, and too few signed.

    The audit log decides, not only the files: a day whose directory was rewritten or lost a file is not unanswered.
    """
    known = "" if stored.approval is None else sha256_of_bytes(stored.approval)
    if not (policy.is_on and requirements.decisions.leaves_unanswered(known)):
        return False
    if not policy.due_at(requirements.session) <= requirements.at < next_open(requirements.session.day):
        return False
    if stored.approval is None:
        return True
    approval = parsed(stored.approval, requirements.session)
    return len(approval.signatures) < approval.envelope.persons


def covered(stored: Stored, requirements: Requirements, policy: Policy, recorded: Iterable[Row]) -> Approved:
    """Return the sales of the day as if they were approved. Raises SafetyError if the policy does not hold for it."""
    session = requirements.session
    whole = _envelope(stored, requirements)
    check_expiry(whole, requirements)
    _check_plan(whole, requirements, policy, recorded)
    sales = tuple(line for line in whole.lines if line.side == "SELL")
    if not sales:
        raise refusal(
            "missing",
            f"{session} is not approved, and has no sell that {POLICY} would execute without an answer.",
            remedy=_approve(session),
        )
    envelope = whole.model_copy(update={"lines": sales})
    content = render_record(Unanswered(format="afterclose no answer 1", envelope=envelope))
    return Approved(
        envelope=envelope,
        approvers=(POLICY,),
        approval_sha256=sha256_of_bytes(content),
        trades=stored.files["trades.csv"],
        manifest=stored.manifest,
        by_policy=content,
        lapsed=len(whole.lines) - len(sales),
    )


def _envelope(stored: Stored, requirements: Requirements) -> Envelope:
    """Return what an approver would sign. A signature there is must be of the same, or somebody wants another list."""
    session = requirements.session
    day = published_day(session.day, stored.manifest, stored.files)
    whole = make_envelope(day, requirements.current, terms=requirements.terms)
    if stored.approval is not None:
        approval = parsed(stored.approval, session)
        check_signatures(approval, requirements)
        if approval.envelope != whole:
            raise refusal(
                "terms",
                f"{session} is not approved, and {POLICY} does not apply to it: a person signed another list.",
                remedy=_approve(session),
            )
    return whole


def read_covered(run: Run, at: datetime) -> Approved | None:
    """Return what the policy covers of the day now; None where a person's answer is what counts."""
    stored, policy = Stored(*read_day(run.home, run.session)), policy_of(run.settings)
    requirements = read_requirements(run, at)
    if is_revised(run.home, run.session) or not is_unanswered(stored, requirements, policy):
        return None
    return covered(stored, requirements, policy, read_intact(run.home, log="plans"))


def store_no_answer(run: Run, approved: Approved, at: datetime) -> None:
    """Log that the policy applies, and store what it covers: under the approvals' lock, so that none comes between."""
    with hold_approvals(run.home):
        now_covered = read_covered(run, at)
        if now_covered is None or now_covered.approval_sha256 != approved.approval_sha256:
            raise refusal(
                "decided",
                f"{run.session} was decided a moment ago: {POLICY} no longer applies to it.",
                remedy="Run the command again.",
            )
        if read_requirements(run, at).decisions.approval_sha256 != approved.approval_sha256:
            detail = unanswered_detail(
                run.session.day,
                approved.approval_sha256,
                sha256_of_bytes(approved.manifest),
                sales=len(approved.envelope.lines),
                lapsed=approved.lapsed,
            )
            record(run.home, event=UNANSWERED, by=POLICY, detail=detail, at=at)
        write_no_answer(run.home, run.session, approved.by_policy)


def _check_plan(whole: Envelope, requirements: Requirements, policy: Policy, recorded: Iterable[Row]) -> None:
    """Raise SafetyError unless the last plan recorded is this one, with the policy in it, in time for an answer."""
    session = requirements.session
    due_at = policy.due_at(session)
    plans = plans_of(session.day, recorded)
    if not plans or plans[-1].manifest_sha256 != whole.manifest_sha256:
        why = f"{POLICY} does not apply to it: the log of plans has another plan, or none"
        raise refusal("log", f"{session} is not approved, and {why}.", remedy=_approve(session))
    if plans[-1].no_answer != "reductions":
        why = f"{POLICY} was not in effect when it was published"
        raise refusal("config", f"{session} is not approved, and {why}.", remedy=_approve(session))
    if plans[-1].at >= due_at:
        why = f"was published after {exchange_minute(due_at)}: nobody had time to answer"
        raise refusal("time", f"{session} is not approved, and {why}.", remedy=_approve(session))


def _approve(session: Session) -> str:
    return f"Read its report, then run `afterclose approve {session} --by NAME`."

"""The approval stage: what the execution of a day asks before it does anything."""

import logging
from datetime import datetime

from tasks.approval.decisions import read_requirements, refuse_halt
from tasks.approval.store import read_day
from tasks.approval.unanswered import POLICY, read_covered, store_no_answer
from tasks.approval.verification import Approved, Stored, verify
from tasks.core.homes.run import Run
from tasks.core.stage import stage

log = logging.getLogger(__name__)


@stage()
def verify_approval(run: Run, at: datetime) -> Approved:
    """Return the approval of the session with the trades that it covers. Raises SafetyError if it does not hold.

    Whoever acts on it must use the bytes returned: the files may change the moment after. Needs no private key.
    """
    stored = Stored(*read_day(run.home, run.session))
    approved = verify(stored, read_requirements(run, at))
    refuse_halt(run, approved.envelope)
    log.info("%s: approved by %s", run.session, " and ".join(approved.approvers))
    return approved


@stage()
def authorize_execution(run: Run, at: datetime) -> Approved:
    """Return the approval, or what the no-answer policy covers of a day that nobody answered in time."""
    covered = read_covered(run, at)
    if covered is None:
        return verify_approval(run, at)
    refuse_halt(run, covered.envelope)
    log.warning("%s: nobody answered; its sells are executed because of %s", run.session, POLICY)
    return covered


@stage()
def apply_no_answer(run: Run, approved: Approved, at: datetime) -> None:
    """Log and store what the policy covers, before anything of it is executed."""
    store_no_answer(run, approved, at)

"""Read from the audit log who may approve, and what was decided about a session. Pure: takes verified rows.

The log is the truth: no file can be edited or put back to add an approver, or to revive an approval that was withdrawn.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date

from tasks.approval.schema import is_name
from tasks.core.text import counted
from tasks.safety.audit import Row

ADDED, REVOKED = "approver_added", "approver_revoked"
APPROVED, REJECTED, UNANSWERED = "day_approved", "day_rejected", "day_unanswered"
REVISED = "day_revised"
UNVERIFIED = "name not verified"  # of whoever rejects or revises: only an approval is signed
APPROVER_DETAIL = re.compile(r"key ([0-9a-f]{64}), (.+?): (.*)")
APPROVED_DETAIL = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}), approval ([0-9a-f]{64}), .*")
REJECTED_DETAIL = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}), manifest ([0-9a-f]{64}|unreadable): (.*)")

UNANSWERED_DETAIL = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}), no answer ([0-9a-f]{64}), manifest [0-9a-f]{64}, .*"
)
REVISED_DETAIL = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}), revision ([0-9]+), manifest [0-9a-f]{64}, .*")


@dataclass(frozen=True)
class Approver:
    """A person who may sign, with the public key of one private key. A revoked key is never valid again."""

    name: str
    key: str
    added_at: str
    added_by: str
    revoked_at: str = ""
    revoked_by: str = ""

    @property
    def is_revoked(self) -> bool:
        return bool(self.revoked_at)


@dataclass(frozen=True)
class Rejection:
    """A person's decision against the session's trades."""

    by: str  # as typed
    at: str
    reason: str

    @property
    def name(self) -> str:
        """What an approver has to name in order to overrule it."""
        return f"{self.by}, {self.at}"


@dataclass(frozen=True)
class Decisions:
    """The decisions about one session: the last rejection, and what was logged after it, by digest.

    `is_unanswered`: not an approval, but what the no-answer policy covers. `is_revised`: a person began to change the
    list, in whichever publication of the day.
    """

    rejection: Rejection | None = None
    approval_sha256: str = ""
    is_unanswered: bool = False
    is_revised: bool = False

    def leaves_unanswered(self, stored_sha256: str) -> bool:
        """Return whether no person is known to have answered; `stored_sha256` is that of approval.json, "" without one.

        A logged approval whose file is lost, or is an earlier one, is an answer all the same.
        """
        if self.rejection is not None or self.is_revised:
            return False
        return self.is_unanswered or self.approval_sha256 == stored_sha256


def approver_detail(name: str, key: str, reason: str) -> str:
    """Return the detail of a row that adds or revokes an approver."""
    return f"key {key}, {name}: {reason}"


def approved_detail(session: date, digest: str, *, signatures: int, persons: int) -> str:
    """Return the detail of a row that approves a day; `digest` is that of approval.json."""
    return f"{session}, approval {digest}, {signatures} of {persons} signed"


def rejected_detail(session: date, digest: str, reason: str) -> str:
    """Return the detail of a row that rejects a day; `digest` is that of manifest.json, or "unreadable"."""
    return f"{session}, manifest {digest}: {reason}"


def unanswered_detail(session: date, digest: str, manifest: str, *, sales: int, lapsed: int) -> str:
    """Return the detail of a row by which the no-answer policy applies; `digest` is that of no_answer.json."""
    sells, buys = counted(sales, "sell is", "sells are"), counted(lapsed, "buy lapses", "buys lapse")
    return f"{session}, no answer {digest}, manifest {manifest}, {sells} executed, {buys}"


def revised_detail(session: date, number: int, manifest: str, *, changes: str, reason: str) -> str:
    """Return the detail of a row by which a person begins a revision; `manifest` is the digest of its manifest.json."""
    return f"{session}, revision {number}, manifest {manifest}, {changes}: {reason}"


def approvers_in(rows: Iterable[Row]) -> tuple[Approver, ...]:
    """Return every approver ever added, in order; the first row of a key counts, and a revocation is permanent."""
    found: dict[str, Approver] = {}
    for row in rows:
        parsed = APPROVER_DETAIL.fullmatch(row.detail) if row.event in {ADDED, REVOKED} else None
        if parsed is None or not is_name(parsed[2]):
            continue
        key, name = parsed[1], parsed[2]
        if row.event == ADDED:
            found.setdefault(key, Approver(name, key, row.at, row.by))
        elif key in found and not found[key].is_revoked:
            known = found[key]
            found[key] = Approver(known.name, key, known.added_at, known.added_by, row.at, row.by)
    return tuple(found.values())


def decisions_about(session: date, rows: Sequence[Row]) -> Decisions:
    """Return what was decided about the session; a rejection voids every approval logged before it.

    After a rejection or a revision, only a person decides: the no-answer policy does not count any more.
    """
    patterns = {
        APPROVED: APPROVED_DETAIL,
        REJECTED: REJECTED_DETAIL,
        REVISED: REVISED_DETAIL,
        UNANSWERED: UNANSWERED_DETAIL,
    }
    decided = Decisions()
    for row in rows:
        pattern = patterns.get(row.event)
        parsed = pattern.fullmatch(row.detail) if pattern else None
        if parsed is None or parsed[1] != str(session):
            continue
        if row.event == REJECTED:
            decided = Decisions(Rejection(row.by, row.at, parsed[3]), is_revised=decided.is_revised)
        elif row.event == APPROVED:
            decided = replace(decided, approval_sha256=parsed[2], is_unanswered=False)
        elif row.event == REVISED:
            decided = replace(decided, is_revised=True)
        elif decided.rejection is None and not decided.is_revised:
            decided = replace(decided, approval_sha256=parsed[2], is_unanswered=True)
    return decided


def revoked_signer(session: date, rows: Iterable[Row]) -> str:
    """Return who signed the session's approval and was revoked afterwards, and by whom; "" if nobody was."""
    signers: set[str] = set()
    for row in rows:
        if row.event == REJECTED and row.detail.startswith(f"{session}, "):
            signers.clear()
        elif row.event == APPROVED and row.detail.startswith(f"{session}, "):
            signers.add(row.by)
        parsed = APPROVER_DETAIL.fullmatch(row.detail) if row.event == REVOKED else None
        if parsed is not None and parsed[2] in signers:
            return f"{parsed[2]} was revoked as an approver by {row.by}: {parsed[3]}"
    return ""

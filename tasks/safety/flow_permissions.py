"""Which flows may run: a person's standing permission for each flow, in the audit log.

`run` allows a flow; `no-run` refuses every start and leaves a running flow alone; `stop` also ends a running one
before its next stage. The log's integrity is not verified here, but by the checks of the day and the gates.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

from tasks.core.accountability import require_name_and_reason
from tasks.core.errors import ConfigError, SafetyError
from tasks.core.homes.home import Home
from tasks.core.text import one_line
from tasks.safety.audit import read_rows, record

Permission = Literal["run", "stop", "no-run"]

FLOW_NAMES = ("daily-live", "execute-approved", "intraday-monitor", "weekly-champion")
ALL = "all"
SET = "flow_permission"


class FlowNotPermittedError(SafetyError):
    """A person has said that this flow does not run."""


@dataclass(frozen=True)
class Permit:
    """The permission of one flow, and the person who gave it; `by` is empty if nobody ever did."""

    flow: str
    permission: Permission = "run"
    by: str = ""
    at: str = ""
    reason: str = ""

    @property
    def description(self) -> str:
        """The permission, and who gave it why, for use within a sentence."""
        given = f" (set by {self.by} at {self.at}: {self.reason})" if self.by else ""
        return f"{self.permission}{given}"


def read_permits(home: Home) -> tuple[Permit, ...]:
    """Return the permit of each flow. Raises SafetyError for a row that cannot be read."""
    permits = {flow: Permit(flow) for flow in FLOW_NAMES}
    for row in read_rows(home):
        if row.event != SET:
            continue
        named, _, rest = row.detail.partition(" ")
        permission, _, reason = rest.partition(": ")
        if named not in {*FLOW_NAMES, ALL} or permission not in get_args(Permission):
            raise SafetyError(
                f"A row of the audit log that permits a flow cannot be read: {row.detail[:60]!a}.",
                remedy="Compare live/audit_log.csv with a backup; until then no flow runs.",
                path=str(home.audit_log),
            )
        for flow in FLOW_NAMES if named == ALL else (named,):
            permits[flow] = Permit(flow, permission, row.by, row.at, reason)  # type: ignore[arg-type] # it was looked up
    return tuple(permits.values())


def set_permission(
    home: Home, flow: str, permission: Permission, *, by: str, reason: str, at: datetime
) -> tuple[Permit, ...]:
    """Log the permission of a flow, or of all, and return every permit."""
    if flow not in {*FLOW_NAMES, ALL}:
        raise ConfigError(
            f"{flow[:40]!a} is not a flow.",
            remedy=f"Give one of {', '.join(FLOW_NAMES)}, or {ALL}.",
            flow=flow[:40],
        )
    require_name_and_reason("Permitting or stopping a flow", by=by, reason=reason)
    record(home, event=SET, by=by, detail=f"{flow} {permission}: {one_line(reason)}", at=at)
    return read_permits(home)


def refuse_start(home: Home, flow: str) -> None:
    """Raise FlowNotPermittedError unless the flow may start."""
    _refuse(home, flow, ("stop", "no-run"), "does not start")


def refuse_continuing(home: Home, flow: str) -> None:
    """Raise FlowNotPermittedError if the running flow has to stop."""
    _refuse(home, flow, ("stop",), "was stopped before it finished")


def _refuse(home: Home, flow: str, refused: tuple[Permission, ...], what: str) -> None:
    permit = next(permit for permit in read_permits(home) if permit.flow == flow)
    if permit.permission in refused:
        raise FlowNotPermittedError(
            f"{flow} {what}: its permission is {permit.description}.",
            remedy=f"To allow it: `afterclose flows run {flow} --by NAME --reason TEXT`.",
            flow=flow,
            permission=permit.permission,
        )

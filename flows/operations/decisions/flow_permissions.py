"""Show and set which flows may run."""

from collections.abc import Iterable
from dataclasses import asdict

from flows.terminal import Options, Result
from tasks.core.clock import now
from tasks.core.homes.home import Home
from tasks.core.homes.opening import find_home
from tasks.safety.flow_permissions import Permission, Permit, read_permits, set_permission


def show_permits(options: Options) -> Result:
    """Return the permission of each flow; the exit code is 0 whatever they are."""
    home = find_home(options.home)
    return _result(home, read_permits(home))


def permit(options: Options, flow: str, permission: Permission, *, by: str, reason: str) -> Result:
    """Log the permission of a flow, or of all. Never waits for a run."""
    home = find_home(options.home)
    return _result(home, set_permission(home, flow, permission, by=by, reason=reason, at=now()))


def _result(home: Home, permits: Iterable[Permit]) -> Result:
    shown = tuple(permits)
    document = {"home": str(home.root), "flows": [asdict(one) for one in shown]}
    return Result(document, "\n".join(f"{one.flow:<17} {one.description}" for one in shown))

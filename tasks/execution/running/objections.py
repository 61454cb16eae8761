"""Ask before every order whether the approval still holds, and read the audit log again only once it has changed."""

from dataclasses import dataclass, field

from tasks.core.homes.home import Home
from tasks.execution.execution import Execution
from tasks.execution.start import objection_to

Stamp = tuple[tuple[int, int, int], ...]


@dataclass
class Objections:
    """The objection to an execution; `is_logged` False: what is rehearsed has no row in the log yet."""

    home: Home
    is_logged: bool = True
    _known: dict[tuple[str, Stamp], str] = field(default_factory=dict)

    def __call__(self, execution: Execution) -> str:
        """Return why the approval no longer holds; "" if it does."""
        stamp = self._stamp()
        if stamp is None:
            return objection_to(self.home, execution, is_logged=self.is_logged)
        asked = (execution.approval_sha256, stamp)
        if asked not in self._known:
            self._known = {asked: objection_to(self.home, execution, is_logged=self.is_logged)}
        return self._known[asked]

    def _stamp(self) -> Stamp | None:
        """Return a value that changes with every row; None if a file cannot be examined."""
        try:
            found = [path.stat() for path in (self.home.audit_log, self.home.audit_anchor)]
        except OSError:
            return None
        return tuple((one.st_ino, one.st_size, one.st_mtime_ns) for one in found)

"""What the safety slice hands on."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """One check with what was measured and what was allowed. A check that could not run has failed."""

    name: str
    passed: bool
    value: str
    limit: str
    detail: str  # empty when passed and nothing needs saying


@dataclass(frozen=True)
class Checks:
    """All checks of a day, and the kill switch as it stood."""

    checks: tuple[Check, ...]
    kill_switch: str  # "clear", or why it is on

    @property
    def passed(self) -> bool:
        return all(check.passed for check in self.checks)

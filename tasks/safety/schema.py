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
    is_met_rule: bool = False  # failed because a rule about new risk is met, or because such a halt stands


@dataclass(frozen=True)
class Halt:
    """What the kill switch leaves of the day, known before its trades are made."""

    reductions_only: bool


@dataclass(frozen=True)
class Checks:
    """All checks of a day, and the kill switch as it stood."""

    checks: tuple[Check, ...]
    kill_switch: str  # "clear", or why it is on
    reductions_only: bool = False  # halted by rules about new risk alone, and nothing is bought

    @property
    def passed(self) -> bool:
        return all(check.passed for check in self.checks)

    @property
    def lets_publish(self) -> bool:
        """Tell whether the day may be published: all passed and no halt, or sales alone under a halt of new risk."""
        if not self.reductions_only:
            return self.passed and self.kill_switch == "clear"
        return all(check.passed or check.is_met_rule for check in self.checks)

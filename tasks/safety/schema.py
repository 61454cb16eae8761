"""The output of the safety slice."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """One check with its value and limit. A check that could not run has failed."""

    name: str
    passed: bool
    value: str
    limit: str
    detail: str  # often empty if passed
    is_met_rule: bool = False  # failed because a rule that halts new risk is met, or such a halt is active


@dataclass(frozen=True)
class Halt:
    """The effect of the kill switch on the day, known before its trades are made."""

    reductions_only: bool


@dataclass(frozen=True)
class Checks:
    """All checks of a day, and the state of the kill switch."""

    checks: tuple[Check, ...]
    kill_switch: str  # "clear", or why it is on
    reductions_only: bool = False  # halted only by rules that halt new risk, and nothing is bought

    @property
    def passed(self) -> bool:
        return all(check.passed for check in self.checks)

    @property
    def may_be_published(self) -> bool:
        """Whether the day may be published: all passed and no halt, or sales only under a halt of new risk."""
        if not self.reductions_only:
            return self.passed and self.kill_switch == "clear"
        return all(check.passed or check.is_met_rule for check in self.checks)

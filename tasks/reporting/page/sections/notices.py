"""State what must be read before the trades: halts, failed checks, overrides, missing signals and sectors."""

from tasks.core.text import counted
from tasks.models.schema import Champion
from tasks.portfolio.explanation import unknown_sector_words
from tasks.portfolio.limits import UNKNOWN_SECTOR
from tasks.portfolio.schema import CASH
from tasks.reporting.day.inputs import DayInputs, Records
from tasks.safety.schema import Check

KILL_SWITCH = "kill_switch"  # the check that repeats the switch's state


def notices(inputs: DayInputs) -> tuple[str, ...]:
    """Return notices that must be read before the trades: once, at the top, not on every line."""
    settings = inputs.run.settings.portfolio
    weights = inputs.frames.weights
    wanted = weights[(weights["weight"] > 0) & (weights.index != CASH)]
    unknown = int((wanted["sector"] == UNKNOWN_SECTOR).sum())
    halted = (
        *_reductions_notice(inputs.records),
        *_overrides_notice(inputs),
        *_baseline_notice(inputs.records.scores.champion),
    )
    if not unknown:
        return halted
    of_all = f"The sector of {unknown} of {counted(len(wanted), 'name')} in the target portfolio is unknown"
    remedy = "Give the sectors of these names, or set portfolio.unknown_sector."
    return (*halted, f"{of_all}: {unknown_sector_words(settings)}. {remedy}")


def failed_checks(records: Records) -> list[Check]:
    """Return the failed checks, without the kill switch, which has its own text."""
    return [check for check in records.checks.checks if not check.passed and check.name != KILL_SWITCH]


def halt_words(kill_switch: str) -> str:
    """Return the continuation of the sentence 'The kill switch is on'; empty when the switch is clear."""
    if kill_switch == "clear":
        return ""
    rest = kill_switch.removeprefix("on").strip().rstrip(".")
    return rest if rest.startswith(", ") else f": {rest.lstrip(': ')}"


def _reductions_notice(records: Records) -> tuple[str, ...]:
    if records.is_blocked or not records.checks.reductions_only:
        return ()
    said = f"The kill switch is on{halt_words(records.checks.kill_switch)}."
    return (f"Reductions only. {said} Nothing is bought until a named person resets it.",)


def _overrides_notice(inputs: DayInputs) -> tuple[str, ...]:
    if inputs.overrides is not None:
        return ()
    return ("The overrides cannot be read from the audit log: nothing is executed until it is repaired.",)


def _baseline_notice(champion: Champion) -> tuple[str, ...]:
    if champion.ranks:
        return ()
    rule = (
        "The most liquid names get equal weights within limits and the regime's cap; trades only restore them"
    )
    return (f"No signal is used: {champion.name}. {rule}. {champion.selection_reason}",)

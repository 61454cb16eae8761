"""Notes on missing inputs of the regime and their substitutes."""

import math

from config import sections
from tasks.regime.exposure import is_reduced
from tasks.regime.inputs import INDEX_OVER_REALISED, REALISED_SESSIONS, RegimeInputs
from tasks.regime.rules import confirming

HALF = 0.5
NAMES = {
    "trend": "the trend",
    "volatility_pct": "volatility",
    "breadth": "breadth",
    "correlation": "the average correlation",
    "drawdown": "the drawdown",
}


def regime_notes(
    inputs: RegimeInputs, rules: sections.Regime, *, benchmark: str, index: str
) -> tuple[str, ...]:
    """Return one sentence per missing input and per reduction of the last session's cap."""
    decisive = slice(-confirming(rules), None)  # the sessions that can change the last state
    volatility = float(inputs.volatility_pct[-1])
    notes = ["The state is set by the statistical model."] if rules.model == "statistical" else []
    if realised := int(inputs.is_realised[decisive].sum()):
        notes.append(
            f"The volatility index {index} is missing on {_sessions(realised, inputs, decisive)}: realized"
            f" volatility ({REALISED_SESSIONS} sessions, × {INDEX_OVER_REALISED}) is used instead."
        )
    if synthetic := int(inputs.is_cross_section[decisive].sum()):
        notes.append(
            f"The benchmark {benchmark} is missing on {_sessions(synthetic, inputs, decisive)}: the"
            " equal-weight average of the members is used instead."
        )
    if all_names := int(inputs.is_all_names[decisive].sum()):
        notes.append(
            f"The universe is empty on {_sessions(all_names, inputs, decisive)}: every name with a bar counts as a"
            " member."
        )
    notes.extend(
        f"{words.capitalize()} cannot be measured: the worst value is assumed."
        for name, words in NAMES.items()
        if math.isnan(getattr(inputs, name)[-1])
    )
    if is_reduced(volatility, rules):
        limit = f"{rules.reduce_above_volatility:.0f}%"
        known = "unknown" if math.isnan(volatility) else f"{volatility:.1f}%, above {limit}"
        notes.append(f"Volatility is {known}: the exposure cap is {_reduced(rules)}.")
    return tuple(notes)


def _reduced(rules: sections.Regime) -> str:
    return (
        "halved"
        if rules.reduced_exposure == HALF
        else f"reduced to {rules.reduced_exposure:.0%} of its normal value"
    )


def _sessions(count: int, inputs: RegimeInputs, decisive: slice) -> str:
    return f"{count} of the last {len(inputs.trend[decisive])} sessions"

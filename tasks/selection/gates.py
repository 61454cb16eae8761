"""State every requirement on a champion as a gate, with value and limit, and apply those that come after the tests.

The statistical tests of `choice` come first and decide which candidate is examined. A gate here can only stop a
candidate that passed them; it never lets another one pass.
"""

from collections.abc import Sequence
from math import isfinite, isnan

from config.selection_section import Selection
from tasks.core.text import counted, probability
from tasks.models.kinds.registry import YARDSTICK
from tasks.selection.choice import PromotionLimits
from tasks.selection.pair_choice import thresholds_met
from tasks.selection.schema import (
    CandidateResult,
    Choice,
    Deflation,
    Gate,
    LiveVerdict,
    Looks,
    NetResult,
    Placebo,
)
from tasks.selection.statement import signed, signed_ratio, stated_p_value
from tasks.selection.statistics.sequential import look_threshold


def statistical_gates(
    examined: CandidateResult,
    results: Sequence[CandidateResult],
    deflation: Deflation,
    limits: PromotionLimits,
) -> tuple[Gate, ...]:
    """Return the requirements that the choice has applied already, for the candidate of the selection folds."""
    t = examined.confirmation["neutral_ic_t"]
    single = next((each for each in results if each.kind == YARDSTICK), None)
    found = deflation.evidence
    gates = [
        Gate(
            "neutral IC on the confirmation folds",
            f"{signed(examined.confirmation['neutral_ic'])}, t = {signed_ratio(t)}",
            f"t ≥ {limits.min_t_statistic:g}",
            t >= limits.min_t_statistic,
        )
    ]
    if single is not None and examined.learns:
        theirs = single.confirmation["neutral_ic_t"]
        gates.append(
            Gate(
                "better than the best single feature",
                f"t = {signed_ratio(t)}",
                f"t > {signed_ratio(theirs)}",
                t > theirs,
            )
        )
    gates.append(
        Gate(
            "gap between training and test",
            f"{100 * examined.train_test_gap:.1f} points",
            f"≤ {100 * limits.max_train_test_gap:g} points",
            examined.train_test_gap <= limits.max_train_test_gap,
        )
    )
    gates.append(
        Gate(
            "deflated Sharpe ratio",
            "too few sessions of returns" if found is None else probability(found.deflated),
            f"≥ {limits.min_deflated_sharpe:g}",
            found is not None and found.deflated >= limits.min_deflated_sharpe,
            required=limits.min_deflated_sharpe > 0,
        )
    )
    return tuple(gates)


def leak_gate(suspects: Sequence[str], settings: Selection) -> Gate:
    """Return the gate on features with possible look-ahead; `suspects` are their names."""
    return Gate(
        "possible look-ahead", ", ".join(suspects) or "none", "none", not suspects, settings.stop_on_leak
    )


def overfitting_gate(overfitting: float, settings: Selection) -> Gate:
    """Return the gate on the probability of backtest overfitting; NaN if there are too few candidates or sessions."""
    return Gate(
        "probability of backtest overfitting",
        _figure(overfitting),
        f"≤ {settings.max_overfitting:g}",
        overfitting <= settings.max_overfitting,
        required=settings.max_overfitting < 1,
    )


def looks_gate(examined: CandidateResult, looks: Looks, least: float, settings: Selection) -> Gate:
    """Return the gate on the t of a candidate that was not found before, given all looks since the first."""
    figures = examined.confirmation
    threshold = look_threshold(
        looks.elapsed,
        window=max(int(figures["sessions"]), 1),
        level=settings.max_false_promotions,
        least=least,
    )
    found = (
        "the first look" if not looks.elapsed else f"{counted(looks.elapsed, 'session')} after the first look"
    )
    return Gate(
        f"neutral IC, {found}",
        f"t = {signed_ratio(figures['neutral_ic_t'])}"
        + (", in production already" if looks.is_champion else ""),
        f"t ≥ {threshold:.2f}",
        figures["neutral_ic_t"] >= threshold,
        required=settings.max_false_promotions < 1 and not looks.is_champion,
    )


def live_gate(examined: CandidateResult, found: LiveVerdict) -> Gate:
    """Return the gate on the live record of the champion; required if that is the candidate itself."""
    return Gate(
        f"live record of {found.model} ({counted(found.sessions, 'session')})",
        f"{signed(found.mean)}, at most {signed(found.upper)}",
        f"≥ {signed(found.expected)}",
        found.earns_its_place,
        required=found.model == examined.name,
    )


def placebo_gate(placebo: Placebo, settings: Selection) -> Gate:
    """Return the gate on the candidate's place among the placebo runs."""
    return Gate(
        "p-value among the placebo runs",
        f"{placebo.p_value:.2f} of {counted(len(placebo.placebos), 'run')}",
        f"≤ {settings.max_placebo_p_value:g}",
        placebo.p_value <= settings.max_placebo_p_value,
        required=settings.max_placebo_p_value < 1,
    )


def placebo_missing(settings: Selection) -> Gate:
    """Return the gate for a weekly run without placebo runs: where it is required, it has failed."""
    limit = f"≤ {settings.max_placebo_p_value:g}"
    return Gate("p-value among the placebo runs", "no runs", limit, passed=False)


def net_gates(net: NetResult, settings: Selection) -> tuple[Gate, ...]:
    """Return the gates on the portfolio after costs."""
    own, equal = net.candidate, net.equal_weight
    enforced, met = settings.enforced_thresholds, thresholds_met(own, settings)
    return (
        Gate(
            "Sharpe ratio above that of equal weight, after costs",
            _figure(own.sharpe),
            f"> {_figure(equal.sharpe)}",
            own.sharpe > equal.sharpe,
            settings.must_beat_equal_weight,
        ),
        Gate(
            "p-value of that difference (SPA)",
            stated_p_value(net.p_value),
            f"≤ {settings.max_spa_p_value:g}",
            net.p_value <= settings.max_spa_p_value,
            settings.max_spa_p_value < 1,
        ),
        Gate(
            "Sharpe ratio after costs",
            _figure(own.sharpe),
            f"≥ {settings.min_sharpe:g}",
            met["sharpe"],
            "sharpe" in enforced,
        ),
        Gate(
            "largest drawdown",
            _percent(own.max_drawdown),
            f"≥ {_percent(-settings.max_drawdown_frac)}",
            met["max_drawdown"],
            "max_drawdown" in enforced,
        ),
        Gate(
            "Calmar ratio",
            _figure(own.calmar),
            f"≥ {settings.min_calmar:g}",
            met["calmar"],
            "calmar" in enforced,
        ),
        Gate(
            "monthly turnover",
            _percent(own.turnover_month),
            f"≤ {_percent(settings.max_turnover_month_frac)}",
            met["turnover"],
            "turnover" in enforced,
        ),
    )


def require_gates(choice: Choice, gates: Sequence[Gate]) -> Choice:
    """Return the choice, or none if it fails a required gate; the reason begins with every one that it fails."""
    failed = [gate for gate in gates if gate.required and not gate.passed]
    if choice.result is None or not failed:
        return choice
    named = "; ".join(f"{gate.name}: {gate.value} (required: {gate.limit})" for gate in failed)
    return Choice(None, f"No candidate is promoted: {named}. {choice.reason}")


def gates_section(gates: Sequence[Gate], examined: str | None) -> list[str]:
    """Return the section of the report, as lines of Markdown."""
    if examined is None:
        return ["No candidate is eligible: no gate was applied."]
    rows = [f"| {gate.name} | {gate.value} | {gate.limit} | {_outcome(gate)} |" for gate in gates]
    return [
        (
            f"For {examined}, the candidate selected on the selection folds."
            " Gates that are not required are shown for information."
        ),
        "",
        "| gate | value | limit | outcome |",
        "|---|---|---|---|",
        *rows,
    ]


def placebo_section(placebo: Placebo | None) -> list[str]:
    """Return the candidate's place among the placebo runs, as a section of the report; empty without a run."""
    if placebo is None:
        return []
    runs = sorted(placebo.placebos, reverse=True)
    below = sum(each < placebo.t for each in runs)
    found = (
        f"t = {signed_ratio(placebo.t)} on the confirmation folds exceeds {below} of"
        f" {counted(len(runs), 'placebo run')} (p-value {placebo.p_value:.2f})."
        f" Their t: {', '.join(map(signed_ratio, runs))}."
    )
    return [
        "## Placebo",
        "",
        found,
        "",
        "Each run repeats the selection with the features permuted among the members: there is nothing to find.",
        "",
    ]


def _outcome(gate: Gate) -> str:
    met = "passed" if gate.passed else "**failed**"
    return met if gate.required else f"{'met' if gate.passed else 'not met'} (not required)"


def _figure(value: float) -> str:
    return signed_ratio(value) if isfinite(value) else "withheld"


def _percent(fraction: float) -> str:
    return "withheld" if isnan(fraction) else f"{100 * fraction:.1f}%".replace("-", "−")

"""State in one line per topic whether the day can be approved: checks, kill switch, limits, data, model, backtest."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from tasks.core.text import counted
from tasks.reporting.day.inputs import DayInputs, Records
from tasks.reporting.day.parity import parity_headline
from tasks.reporting.page.numerals import number, short_date, words
from tasks.reporting.page.sections.notices import failed_checks, halt_words
from tasks.risk.assessment import Assessment
from tasks.safety.outcome import NEAR, is_near_limit, used_of_limit
from tasks.safety.schema import Check

Standing = Literal["good", "warn", "bad"]
MARKS: dict[Standing, str] = {"good": "OK", "warn": "Read", "bad": "Stop"}
NAMED = 2  # of the checks near their limit; the section lists all


@dataclass(frozen=True)
class Topic:
    """One line: what was checked, its state, and the section that has the details."""

    name: str
    standing: Standing
    words: str
    anchor: str


def readiness(inputs: DayInputs, assessment: Assessment) -> tuple[Topic, ...]:
    """Return the topics in the order in which they are read before an approval."""
    records = inputs.records
    return (
        _checks(records),
        _kill_switch(records),
        _limits(assessment),
        _data(records),
        _model(inputs),
        _backtest(records),
    )


def verdict(records: Records, topics: Iterable[Topic]) -> str:
    """Return the answer to "May it be approved?"."""
    if records.is_blocked:
        return "No: the day is blocked"
    is_marked = any(topic.standing != "good" for topic in topics)
    return "Yes, after reading the marked lines" if is_marked else "Yes: nothing is marked"


def near_limits(records: Records) -> tuple[Check, ...]:
    """Return the checks that passed and use at least nine tenths of their limit, the nearest first."""
    near = filter(is_near_limit, records.checks.checks)
    return tuple(sorted(near, key=lambda check: -(used_of_limit(check.value, check.limit) or 0.0)))


def _checks(records: Records) -> Topic:
    count, failed = len(records.checks.checks), failed_checks(records)
    if failed:
        names = ", ".join(words(check.name) for check in failed)
        return Topic("Checks", "bad", f"{len(failed)} of {count} failed: {names}", "checks")
    near = near_limits(records)
    if not near:
        return Topic("Checks", "good", f"All {count} passed", "checks")
    text = ", ".join(f"{words(check.name)} {check.value} ({check.limit})" for check in near[:NAMED])
    more = f" and {len(near) - NAMED} more" if len(near) > NAMED else ""
    return Topic("Checks", "good", f"All {count} passed; near the limit: {text}{more}", "checks")


def _kill_switch(records: Records) -> Topic:
    if records.checks.kill_switch == "clear":
        return Topic("Kill switch", "good", "Clear", "checks")
    return Topic("Kill switch", "bad", f"On{halt_words(records.checks.kill_switch)}", "checks")


def _limits(assessment: Assessment) -> Topic:
    count, over = len(assessment.limits), len(assessment.breached)
    if over:
        return Topic("Risk limits", "warn", f"{over} of {count} exceeded after the trades", "limits")
    near = sum(limit.state == "warning" for limit in assessment.limits)
    text = f"; {near} near the limit" if near else ""
    unknown = sum(limit.state == "unknown" for limit in assessment.limits)
    text += f"; {unknown} unknown" if unknown else ""
    return Topic(
        "Risk limits",
        "warn" if unknown else "good",
        f"{count - unknown} of {count} met after the trades{text}",
        "limits",
    )


def _data(records: Records) -> Topic:
    market = records.market
    name = f"{counted(market.universe_size, 'name')} ({market.provider})"
    if not market.findings and not market.failovers:
        return Topic("Data", "good", f"{name}: every bar passed every gate", "data")
    text = f"{name}: {counted(len(market.findings), 'finding')}, {len(market.quarantined)} in quarantine"
    if market.failovers:
        text += f", {counted(len(market.failovers), 'provider')} failed"
    return Topic("Data", "warn" if market.quarantined or market.failovers else "good", text, "data")


def _model(inputs: DayInputs) -> Topic:
    champion, oldest = inputs.records.scores.champion, inputs.run.settings.models.max_age_days
    age = (inputs.run.session.day - champion.trained_through).days
    text = (
        f"{champion.name}, trained through {short_date(champion.trained_through)}: {age} of {oldest} days old"
    )
    if champion.ranks and "neutral_ic" in champion.metrics:
        text += f"; out-of-sample IC {number(champion.metrics['neutral_ic'], 3)}"
    is_old = age > NEAR * oldest
    return Topic("Model", "warn" if is_old or not champion.ranks else "good", text, "model")


def _backtest(records: Records) -> Topic:
    parity = records.compared.parity
    standing: Standing = {"equal": "good", "different": "bad"}.get(parity.state, "warn")  # type: ignore[assignment] # of literals
    return Topic("Backtest", standing, parity_headline(parity), "parity")

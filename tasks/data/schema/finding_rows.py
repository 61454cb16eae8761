"""Findings as rows of a table, and as records."""

from collections.abc import Iterable
from functools import cache

import pandas as pd

from tasks.core.text import ascii_label
from tasks.data.schema.records import Finding, Severity
from tasks.data.schema.tables import FINDING_COLUMNS, empty_table


@cache
def no_findings() -> pd.DataFrame:
    """Return findings without rows. The frame is shared: never change it in place."""
    return empty_table("findings").drop(columns="known")


def make_findings(
    rows: pd.DataFrame, rule: str, severity: Severity, evidence: Iterable[str], action: str
) -> pd.DataFrame:
    """Return one finding for each row of `rows` (symbol, session); `evidence` has one text per row."""
    if rows.empty:
        return no_findings()
    text = {
        "symbol": [str(symbol) for symbol in rows["symbol"]],
        "rule": [rule] * len(rows),
        "severity": [severity] * len(rows),
        "evidence": list(evidence),
        "action": [action] * len(rows),
    }
    frame = pd.DataFrame({name: pd.Series(values, dtype="str") for name, values in text.items()})
    days = rows["session"].to_numpy().astype("datetime64[s]")
    return frame.assign(session=days)[list(FINDING_COLUMNS)]


def serious_findings(findings: pd.DataFrame) -> pd.DataFrame:
    """Return the findings that keep a name in quarantine: for some sessions, or for their own alone ("stop")."""
    return findings[findings["severity"] != "note"]


def refused_symbol_findings(rows: pd.DataFrame, evidence: Iterable[str]) -> pd.DataFrame:
    """Return one finding for each row, whose symbol the lake does not accept."""
    escaped = rows.assign(symbol=[ascii_label(str(name)) for name in rows["symbol"]])
    return make_findings(escaped, "unsafe_symbol", "note", evidence, "refused, nothing stored")


def to_findings(frame: pd.DataFrame) -> tuple[Finding, ...]:
    """Return findings as records, in the order of the rows."""
    days = frame["session"].to_numpy().astype("datetime64[D]").tolist()
    texts = (frame[name].tolist() for name in ("symbol", "rule", "severity", "evidence", "action"))
    return tuple(
        Finding(symbol, day, rule, severity, evidence, action)
        for day, symbol, rule, severity, evidence, action in zip(days, *texts, strict=True)
    )

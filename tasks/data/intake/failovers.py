"""Record which providers failed in a session and why, for every later reader of the day.

Stored among the findings, as a note on the whole session: it affects no symbol and no digest.
"""

from dataclasses import replace
from datetime import date

import pandas as pd

from tasks.data.schema.batch import Batch

RULE = "fall_through"  # as stored in lakes


def with_failovers(batch: Batch, reasons: tuple[str, ...], session: date) -> Batch:
    """Return the batch with one more finding that holds the reasons, one per line."""
    if not reasons:
        return batch
    day = pd.Timestamp(session).as_unit("s")
    note = {
        "symbol": "*",
        "session": day,
        "rule": RULE,
        "severity": "note",
        "evidence": "\n".join(reasons),
        "action": "another provider was used",
        "known": day,
    }
    findings = pd.concat([batch.rows["findings"], pd.DataFrame([note])], ignore_index=True)
    return replace(batch, rows={**batch.rows, "findings": findings})


def failovers_of(findings: pd.DataFrame, session: date) -> tuple[str, ...]:
    """Return the reasons stored with the session, in order."""
    ours = findings[(findings["session"] == pd.Timestamp(session)) & (findings["rule"] == RULE)]
    return tuple(reason for text in ours["evidence"] for reason in str(text).splitlines())


def without_failovers(findings: pd.DataFrame) -> pd.DataFrame:
    """Return the findings on data."""
    return findings[findings["rule"] != RULE]

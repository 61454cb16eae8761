"""Count the facts for gates/readiness, from a delivery that is not stored yet or from the lake."""

from dataclasses import replace
from datetime import date

import pandas as pd

from config.settings import Settings
from tasks.data.gates.context_rows import Known
from tasks.data.gates.readiness import SessionFacts, count_session
from tasks.data.schema.batch import Batch
from tasks.data.schema.records import Days

COUNTED = ("quarantine", "findings", "renames", "delistings")


def facts_of_batch(
    batch: Batch, known: Known, session: date, trading_days: Days, settings: Settings
) -> SessionFacts:
    """Count a session's facts from a delivery and the lake before it."""
    sessions = trading_days[-settings.data.quality.quarantine_sessions - 2 :]
    first = pd.Timestamp(sessions[0])

    def recent(name: str) -> pd.DataFrame:
        new = batch.rows[name]
        new = new[new["session"] >= first]
        if "symbol" in new.columns:
            new = new.astype({"symbol": "str"})
        old = known.bars if name == "bars" else known.tables[name]
        return pd.concat([old[old["session"] >= first], new], ignore_index=True)

    facts = count_facts(session, recent("bars"), {name: recent(name) for name in COUNTED}, sessions, settings)
    return facts if facts.last_bar else replace(facts, last_bar=_last_bar(known.bars, batch.rows["bars"]))


def _last_bar(*bars: pd.DataFrame) -> date | None:
    """Return the latest session with a bar, which may be earlier than the counted sessions; None without bars."""
    latest = [frame["session"].max().date() for frame in bars if not frame.empty]
    return max(latest, default=None)


def count_facts(
    session: date, bars: pd.DataFrame, tables: dict[str, pd.DataFrame], sessions: Days, settings: Settings
) -> SessionFacts:
    """Count a session's facts from bars and the tables `COUNTED`; `sessions` are the trading days up to it."""
    previous = pd.Timestamp(sessions[-2]) if len(sessions) > 1 else pd.Timestamp(session)
    gone = tables["delistings"]
    renamed = tables["renames"]
    names = {
        *gone.loc[gone["session"] >= previous, "symbol"],
        *renamed.loc[renamed["session"] > previous, "old"],
    }
    return count_session(
        session,
        bars=bars,
        set_aside=tables["quarantine"],
        findings=tables["findings"],
        gone=frozenset(str(name) for name in names),
        sessions=sessions,
        quarantine_sessions=settings.data.quality.quarantine_sessions,
    )

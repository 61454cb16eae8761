"""Report stored rows that a delivery changes, delivers late or withdraws: one finding per table, with examples.

Changed and late bars are reported by gates/findings. Nothing is deleted: a changed row is stored alongside the first
one, and a withdrawn row stays and is used as before. Pure.
"""

from collections.abc import Mapping
from datetime import date

import numpy as np
import pandas as pd

from tasks.core.text import counted
from tasks.data.gates.context_rows import Known
from tasks.data.schema.finding_rows import make_findings, no_findings
from tasks.data.schema.records import Finding, Mask
from tasks.data.schema.tables import SPECS

COMPARED: Mapping[str, tuple[str, ...]] = {
    "actions": ("dividend", "split"),  # the factor follows from the bar
    "levels": ("close", "open", "high", "low"),
    "members": ("end",),
    "listings": ("sector", "name", "cap_class"),
    "riskfree": ("yield_pct",),
    "delistings": ("kind", "last_price"),
    "fundamentals": (),  # every item
}
DENSE = frozenset(
    {"bars", "levels", "riskfree"}
)  # a row on every session: an overlap shows what was withdrawn
EXAMPLES = 3
CHANGED, LATE, WITHDRAWN = "changed_", "late_", "withdrawn_"
RETAINED = "stored alongside the first values, and used from now on"
STAYS = "stays in the lake and is used as before"


def revision_findings(
    appended: Mapping[str, pd.DataFrame],
    delivered: Mapping[str, pd.DataFrame],
    known: Known,
    through: date,
    *,
    whole: bool,
) -> pd.DataFrame:
    """Return findings on rewritten history.

    `appended` are the rows to store, `delivered` the source's rows. With `whole` everything was requested:
    what is stored and not delivered is withdrawn. Otherwise withdrawals are detected only for bars, levels and yields,
    in the period where the delivery overlaps the stored rows: from the first delivered session on, for names that are
    still delivered.
    """
    parts = [no_findings()]
    if known.after is None:
        return parts[0]
    after = pd.Timestamp(known.after)
    for name in COMPARED:
        changed, late = _changes(appended[name], known.tables[name], name, after)
        parts.append(_report(changed, name, CHANGED, "changed", RETAINED, through))
        if name == "actions":
            parts.append(_report(late, name, LATE, "came late", "applied from now on", through))
    for name in delivered:
        stored = known.bars if name == "bars" else known.tables[name]
        gone = _withdrawn(stored, delivered[name], name, after, whole=whole)
        parts.append(_report(gone, name, WITHDRAWN, "withdrawn by the source", STAYS, through))
    return pd.concat(parts, ignore_index=True)


def rewritten(findings: tuple[Finding, ...], session: date) -> tuple[str, ...]:
    """Return the evidence of the session's findings on rewritten history."""
    return tuple(
        one.evidence
        for one in findings
        if one.symbol == "*" and one.session == session and one.rule.startswith((CHANGED, LATE, WITHDRAWN))
    )


def _changes(
    rows: pd.DataFrame, stored: pd.DataFrame, name: str, after: pd.Timestamp
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the rows that replace a stored one, described by their first difference, and the late rows."""
    if rows.empty:
        return rows, rows
    key = list(SPECS[name].key)
    last = stored.drop_duplicates(key, keep="last")
    both = rows.merge(last, on=key, how="left", suffixes=("", "_old"), indicator=True)
    values = COMPARED[name] or tuple(
        column for column in rows.columns if f"{column}_old" in both.columns and column != "known"
    )
    is_stored = (both["_merge"] == "both").to_numpy()
    texts = np.full(len(both), "", dtype=object)
    for column in reversed(values):
        old, new = both[f"{column}_old"], both[column]
        differs = is_stored & ~((old == new) | (old.isna() & new.isna())).to_numpy()
        texts[differs] = [
            f"{column} {_text(a)} → {_text(b)}" for a, b in zip(old[differs], new[differs], strict=True)
        ]
    if name == "members":  # a membership that ended since is news, not a revision
        texts[(both["end_old"].isna() & (both["end"] > after)).to_numpy()] = ""
    if name == "levels":  # growth changed, but neither its row nor the previous one: a distribution
        moved = pd.Series(texts != "") | ~is_stored
        follows = moved.groupby(both["name"].to_numpy()).shift(fill_value=False).to_numpy()
        texts[is_stored & (texts == "") & ~follows] = "distribution changed"
    described = both.assign(difference=texts)
    is_late = ~is_stored & (both[SPECS[name].day] <= after).to_numpy()
    return described[texts != ""], described.assign(difference="")[is_late]


def _withdrawn(
    stored: pd.DataFrame, delivered: pd.DataFrame, name: str, after: pd.Timestamp, *, whole: bool
) -> pd.DataFrame:
    """Return the stored rows that the delivery should contain and does not."""
    key, day = list(SPECS[name].key), SPECS[name].day
    if stored.empty or not (whole or name in DENSE):
        return stored.iloc[:0]
    text = {column: "str" for column in key if SPECS[name].columns[column] == "text"}
    there = delivered[key].astype(text).drop_duplicates()
    expected = stored.drop_duplicates(key, keep="last")
    if not whole:
        begins = there[day].min()
        expected = expected[(expected[day] >= begins) & (expected[day] <= after)]
        for column in text:
            expected = expected[expected[column].isin(there[column])]
    return expected[~_is_in(expected[key], there)].assign(difference="")


def _is_in(rows: pd.DataFrame, there: pd.DataFrame) -> Mask:
    found: Mask = (
        rows.merge(there, how="left", on=list(rows.columns), indicator=True)["_merge"].to_numpy() == "both"
    )
    return found


def _report(rows: pd.DataFrame, name: str, kind: str, what: str, done: str, through: date) -> pd.DataFrame:
    if rows.empty:
        return no_findings()
    key = SPECS[name].key
    first = [
        " ".join([*(_text(row[column]) for column in key), row["difference"]]).strip()
        for _, row in rows.sort_values(list(key)).head(EXAMPLES).iterrows()
    ]
    more = "; …" if len(rows) > EXAMPLES else ""
    one = pd.DataFrame({"symbol": ["*"], "session": [pd.Timestamp(through)]})
    evidence = f"{counted(len(rows), 'row')} of {name} {what}: {'; '.join(first)}{more}"
    return make_findings(one, f"{kind}{name}", "note", [evidence], done)


def _text(value: object) -> str:
    if value is None or value is pd.NaT:
        return "none"
    if isinstance(value, pd.Timestamp):
        return str(value.date())
    return f"{value:.6g}" if isinstance(value, float) else str(value)

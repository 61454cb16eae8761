"""Tell which stored rows a delivery changes, brings late or no longer holds: one finding a table, with first examples.

Bars that changed or came late have findings of their own (see remarks.py). Nothing is forgotten: a changed row is
stored beside the first one, and a row that the source withdrew stays and is used as before. Pure.
"""

from collections.abc import Mapping
from datetime import date

import numpy as np
import pandas as pd

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
    "fundamentals": (),  # every figure
}
DENSE = frozenset(
    {"bars", "levels", "riskfree"}
)  # every session has a row: an overlap shows what is missing in it
EXAMPLES = 3
CHANGED, LATE, WITHDRAWN = "changed_", "late_", "withdrawn_"
KEPT = "kept beside the first values; seen from now on"
STAYS = "stays in the lake and is used as before"


def revisions(
    appended: Mapping[str, pd.DataFrame],
    delivered: Mapping[str, pd.DataFrame],
    known: Known,
    through: date,
    *,
    whole: bool,
) -> pd.DataFrame:
    """Return findings on rewritten history.

    `appended` are the rows that the lake takes in, `delivered` those that the source holds. With `whole` it was asked
    for everything: what is stored and not delivered is withdrawn. Otherwise only an overlap of bars, levels or yields
    shows that, from its first session on and of names that it still holds.
    """
    parts = [no_findings()]
    if known.after is None:
        return parts[0]
    after = pd.Timestamp(known.after)
    for name in COMPARED:
        changed, late = _changes(appended[name], known.tables[name], name, after)
        parts.append(_told(changed, name, CHANGED, "changed", KEPT, through))
        if name == "actions":
            parts.append(_told(late, name, LATE, "came late", "applied from now on", through))
    for name in delivered:
        stored = known.bars if name == "bars" else known.tables[name]
        gone = _withdrawn(stored, delivered[name], name, after, whole=whole)
        parts.append(_told(gone, name, WITHDRAWN, "withdrawn by the source", STAYS, through))
    return pd.concat(parts, ignore_index=True)


def rewritten(findings: tuple[Finding, ...], session: date) -> tuple[str, ...]:
    """Return what the findings of the session tell of rewritten history."""
    return tuple(
        one.evidence
        for one in findings
        if one.symbol == "*" and one.session == session and one.rule.startswith((CHANGED, LATE, WITHDRAWN))
    )


def _changes(
    rows: pd.DataFrame, stored: pd.DataFrame, name: str, after: pd.Timestamp
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the rows that take the place of a stored one, told by their first difference, and those that came late."""
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
    if name == "members":  # that a spell ended since is news, nothing is rewritten
        texts[(both["end_old"].isna() & (both["end"] > after)).to_numpy()] = ""
    if name == "levels":  # a growth without a change of its own row or of the one before: a distribution
        moved = pd.Series(texts != "") | ~is_stored
        follows = moved.groupby(both["name"].to_numpy()).shift(fill_value=False).to_numpy()
        texts[is_stored & (texts == "") & ~follows] = "distribution changed"
    told = both.assign(told=texts)
    is_late = ~is_stored & (both[SPECS[name].day] <= after).to_numpy()
    return told[texts != ""], told.assign(told="")[is_late]


def _withdrawn(
    stored: pd.DataFrame, delivered: pd.DataFrame, name: str, after: pd.Timestamp, *, whole: bool
) -> pd.DataFrame:
    """Return the stored rows that the delivery should hold and does not."""
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
    return expected[~_is_in(expected[key], there)].assign(told="")


def _is_in(rows: pd.DataFrame, there: pd.DataFrame) -> Mask:
    found: Mask = (
        rows.merge(there, how="left", on=list(rows.columns), indicator=True)["_merge"].to_numpy() == "both"
    )
    return found


def _told(rows: pd.DataFrame, name: str, kind: str, what: str, done: str, through: date) -> pd.DataFrame:
    if rows.empty:
        return no_findings()
    key = SPECS[name].key
    first = [
        " ".join([*(_text(row[column]) for column in key), row["told"]]).strip()
        for _, row in rows.sort_values(list(key)).head(EXAMPLES).iterrows()
    ]
    more = "; …" if len(rows) > EXAMPLES else ""
    one = pd.DataFrame({"symbol": ["*"], "session": [pd.Timestamp(through)]})
    evidence = f"{len(rows):,} rows of {name} {what}: {'; '.join(first)}{more}"
    return make_findings(one, f"{kind}{name}", "note", [evidence], done)


def _text(value: object) -> str:
    if value is None or value is pd.NaT:
        return "none"
    if isinstance(value, pd.Timestamp):
        return str(value.date())
    return f"{value:.6g}" if isinstance(value, float) else str(value)

"""Hash data by content: one digest per session, and the snapshot id over everything known at a session.

Rows are hashed in a canonical order and form, so that a digest does not depend on how they were delivered or
stored. No I/O.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

TEXT = "S32"  # symbols have at most 16 characters, rule names fewer than 32

# Columns of each session-keyed table in the session's digest; the first orders the rows.
COVERED: Mapping[str, tuple[str, ...]] = {
    "bars": ("symbol", "open", "high", "low", "close", "volume"),
    "actions": ("symbol", "dividend", "split", "factor"),
    "levels": ("name", "open", "high", "low", "close", "growth"),
    "riskfree": ("yield_pct",),
    "findings": ("symbol", "rule"),
}


def session_digests(tables: Mapping[str, pd.DataFrame]) -> dict[date, str]:
    """Return the digest of every session that occurs in any of the tables (frames by name, see COVERED)."""
    hashes: dict[date, hashlib._Hash] = {}
    tables = {**tables, "findings": _named_by_severity(tables["findings"])}
    for name, columns in COVERED.items():
        for session, content in _bytes_by_session(tables[name], columns):
            digest = hashes.setdefault(session, hashlib.sha256())
            digest.update(f"{name}:{len(content)}:".encode())
            digest.update(content)
    return {session: hashes[session].hexdigest() for session in sorted(hashes)}


def _named_by_severity(findings: pd.DataFrame) -> pd.DataFrame:
    """Return findings whose rules say whether they count for their own session alone: panels differ by that."""
    is_stop = findings["severity"] == "stop"
    return findings.assign(rule=findings["rule"].where(~is_stop, "stop:" + findings["rule"]))


def snapshot_id(sessions: pd.DataFrame, tables: Mapping[str, pd.DataFrame]) -> str:
    """Hash the digests of all sessions up to the as-of session, and every other table as known there."""
    digest = hashlib.sha256()
    ordered = sessions.sort_values("session", ignore_index=True)
    for session, session_digest in zip(_days(ordered["session"]), ordered["digest"], strict=True):
        digest.update(f"{session}:{session_digest}\n".encode())
    for name in sorted(tables):
        digest.update(f"{name}:{_frame_digest(tables[name])}\n".encode())
    return digest.hexdigest()


def _bytes_by_session(frame: pd.DataFrame, columns: tuple[str, ...]) -> Iterator[tuple[date, bytes]]:
    """Yield each session with its ordered rows; one at a time, because an import may be gigabytes."""
    if frame.empty:
        return
    values, words = {}, {}
    for name in columns:
        if _is_text(frame[name]):
            values[name], words[name] = _ranked(frame[name])
        else:
            values[name] = frame[name].to_numpy(dtype=np.float64)
    days = _days(frame["session"])
    # keys are unique: numbers are not needed for the order
    order = np.lexsort((*(values[name] for name in reversed(columns) if name in words), days))
    ordered = days[order]
    kinds = [(name, TEXT if name in words else "<f8") for name in columns]
    for rows in np.split(order, np.flatnonzero(ordered[1:] != ordered[:-1]) + 1):
        records = np.empty(len(rows), dtype=kinds)
        for name in columns:
            picked = values[name][rows]
            records[name] = words[name][picked] if name in words else picked
        yield days[rows[0]].item(), records.tobytes()


def _frame_digest(frame: pd.DataFrame) -> str:
    """Hash a table as columns in name order, rows sorted by text, then days, then the bits of numbers."""
    digest = hashlib.sha256()
    names = sorted(frame.columns)
    by_kind = sorted(names, key=lambda name: (pd.api.types.is_numeric_dtype(frame[name]), name))
    ranks = [_integers(frame[name])[0] for name in by_kind]
    order = np.lexsort(ranks[::-1]) if ranks else np.zeros(0, dtype=np.int64)
    for name in names:
        integers, words = _integers(frame[name])
        digest.update(json.dumps([name, words]).encode())
        digest.update(integers[order].astype("<i8").tobytes())
    return digest.hexdigest()


def _integers(column: pd.Series) -> tuple[NDArray[np.int64], list[str]]:
    """Return a column as integers with the same order, and for text the words that they index."""
    if pd.api.types.is_datetime64_any_dtype(column):
        return _days(column).astype(np.int64), []
    if pd.api.types.is_numeric_dtype(column):
        return column.to_numpy(dtype=np.float64, na_value=np.nan).copy().view(np.int64), []
    codes, words = pd.factorize(column.astype(str).to_numpy(dtype=object), sort=True)
    return codes.astype(np.int64), [str(word) for word in words]


def _is_text(column: pd.Series) -> bool:
    return not pd.api.types.is_numeric_dtype(column)


def _ranked(column: pd.Series) -> tuple[NDArray[np.int32], NDArray[np.bytes_]]:
    """Return each text's rank among the sorted distinct words, and these words."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        names = column.cat.categories.to_numpy(dtype=str)
        order = np.argsort(names)
        return np.argsort(order).astype(np.int32)[column.cat.codes.to_numpy()], names[order].astype(TEXT)
    ranks, names = pd.factorize(column.to_numpy(dtype=object), sort=True)
    return ranks.astype(np.int32), names.astype(str).astype(TEXT)


def _days(column: pd.Series) -> NDArray[np.datetime64]:
    return column.to_numpy().astype("datetime64[D]")

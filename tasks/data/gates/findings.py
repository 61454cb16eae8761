"""Tell what was noticed about a delivery: suspicious moves, repeated bars, silences, rewritten history.

Turns what other modules judged, or what is plain from the rows, into findings. Changes and stores nothing.
"""

from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from tasks.data.gates.bar_shapes import Shapes
from tasks.data.gates.context_rows import Known, Rows
from tasks.data.gates.price_moves import Suspect
from tasks.data.schema.finding_rows import make_findings, no_findings
from tasks.data.schema.records import Days, Mask

STAYS = "stored as delivered; not bought for some sessions"
BELIEVED = "stored and believed"


def suspicions(rows: Rows, suspects: list[Suspect]) -> pd.DataFrame:
    """Write a finding for each suspect bar."""
    parts = [_no_findings()]
    for rule in sorted({suspect.rule for suspect in suspects}):
        same = [suspect for suspect in suspects if suspect.rule == rule]
        first = same[0]
        done = "set aside for the day" if first.holds_bar else BELIEVED if first.severity == "note" else STAYS
        told = rows.frame.iloc[[suspect.row for suspect in same]]
        parts.append(make_findings(told, rule, first.severity, [suspect.evidence for suspect in same], done))
    return pd.concat(parts, ignore_index=True)


def shape_findings(rows: Rows, shapes: Shapes) -> pd.DataFrame:
    """Write a finding for each bar that looks wrong in one way."""
    done = BELIEVED if shapes.severity == "note" else STAYS
    return make_findings(rows.frame.iloc[shapes.rows], shapes.rule, shapes.severity, shapes.evidence, done)


def silences(
    rows: Rows, held: pd.DataFrame, tables: dict[str, pd.DataFrame], known: Known, trading_days: Days
) -> pd.DataFrame:
    """Note symbols that fall silent without a delisting or rename, once, and sessions without any bar."""
    if not rows.is_new.any():
        return _no_findings()
    recorded = np.unique(rows.day)
    last = recorded[-1]
    rank = np.searchsorted(recorded, rows.day)
    code = rows.code
    goes_on = np.zeros(len(code), dtype=bool)
    goes_on[:-1] = (code[1:] == code[:-1]) & (rank[1:] == rank[:-1] + 1)
    stops = ~goes_on & (rows.day < last)
    absent = recorded[np.minimum(rank + 1, len(recorded) - 1)]
    first_new = rows.day[rows.is_new].min()
    stops &= absent >= first_new
    frame = rows.frame.loc[stops, ["symbol", "session"]].assign(
        since=trading_days[absent[stops]].astype("datetime64[s]")
    )
    frame = frame[~_explained(frame, tables, known) & ~_delivered(frame, held)]
    silent = make_findings(
        frame.assign(session=frame["since"]),
        "no_bar",
        "note",
        [f"last bar of {session.date()}" for session in frame["session"]],
        "no price: exit only",
    )
    empty = np.setdiff1d(np.arange(recorded[0], last), recorded)
    empty = empty[empty >= first_new]
    nothing = pd.DataFrame({"symbol": "*", "session": trading_days[empty].astype("datetime64[s]")})
    note = make_findings(nothing, "no_session", "note", ["no bar of any symbol"] * len(empty), "left empty")
    return pd.concat([silent, note], ignore_index=True)


def _delivered(frame: pd.DataFrame, held: pd.DataFrame) -> Mask:
    """Tell for which of the symbols that fell silent a bar came that was set aside."""
    came = set(zip(held["symbol"].astype(str), held["session"], strict=True))
    return np.array(
        [(str(s), day) in came for s, day in zip(frame["symbol"], frame["since"], strict=True)], bool
    )


def _explained(frame: pd.DataFrame, tables: dict[str, pd.DataFrame], known: Known) -> Mask:
    """Tell which of the last bars were followed by a delisting or a rename."""
    gone = pd.concat([known.tables["delistings"], tables["delistings"]])[["symbol", "session"]]
    renamed = pd.concat([known.tables["renames"], tables["renames"]]).rename(columns={"old": "symbol"})
    events = pd.concat([gone, renamed[["symbol", "session"]]]).drop_duplicates()
    joined = frame.reset_index(drop=True).reset_index().astype({"symbol": "str"})
    joined = joined.merge(events, on="symbol", suffixes=("", "_event"))
    near = (joined["session_event"] >= joined["session"]) & (joined["session_event"] <= joined["since"])
    result = np.zeros(len(frame), dtype=bool)
    result[joined.loc[near, "index"].to_numpy(dtype=np.int64)] = True
    return result


def reused(lives: pd.DataFrame, known: Known) -> pd.DataFrame:
    """Note symbols that begin to stand for another company (see lines.py)."""
    both = pd.concat(
        [known.tables["lives"][["symbol", "first"]].assign(is_new=False), lives.assign(is_new=True)]
    )
    both = both.sort_values(["symbol", "first"], ignore_index=True)
    before = both.groupby("symbol")["first"].shift()
    again = both["is_new"].to_numpy(dtype=bool) & before.notna().to_numpy()
    since = before[again].dt.date
    return make_findings(
        both[again].rename(columns={"first": "session"}),
        "reused_symbol",
        "note",
        [f"the company that bore the symbol from {day} on is gone" for day in since],
        "kept apart from the history before",
    )


def restated(amendments: pd.DataFrame, known: Known, through: date, *, limit: float) -> pd.DataFrame:
    """Tell how much of the past was rewritten, in one line and by symbol; keep out closes beyond the limit."""
    if amendments.empty:
        return _no_findings()
    joined = amendments.merge(known.bars, on=["symbol", "session"], how="left", suffixes=("", "_old"))
    joined = joined.assign(change=(joined["close"] / joined["close_old"] - 1.0).abs())
    by_symbol = joined.sort_values("change", ascending=False, kind="stable").groupby("symbol", sort=True)
    worst = (
        by_symbol.first()
        .reset_index()
        .assign(changed=by_symbol["close_old"].count().to_numpy(), bars=by_symbol.size().to_numpy())
    )
    row = pd.DataFrame({"symbol": ["*"], "session": [pd.Timestamp(through)]})
    kept = "kept beside the first values; seen from now on"
    told = f"{_rewritten(int(worst['changed'].sum()), len(joined))}, of {len(worst)} symbols"
    if worst["changed"].any():
        most = worst.sort_values("change", ascending=False, kind="stable").iloc[0]
        told += (
            f"; largest change of a close {most['change']:.2%} ({most['symbol']} {most['session'].date()})"
        )
    today = worst.assign(session=pd.Timestamp(through))
    evidence = [_restatement(one) for one in worst.itertuples()]
    is_far = (worst["change"] > limit).to_numpy()
    far = [text for text, beyond in zip(evidence, is_far, strict=True) if beyond]
    near = [text for text, beyond in zip(evidence, is_far, strict=True) if not beyond]
    return pd.concat(
        [
            make_findings(row, "restated", "note", [told], kept),
            make_findings(today[~is_far], "restated", "note", near, kept),
            make_findings(today[is_far], "restated_far", "quarantine", far, STAYS),
        ],
        ignore_index=True,
    )


def _restatement(worst: Any) -> str:
    told = _rewritten(worst.changed, worst.bars)
    if not worst.changed:
        return f"{told} ({worst.session.date()})"
    return f"{told}; the close of {worst.session.date()} {worst.close_old:.6g} → {worst.close:.6g}"


def _rewritten(changed: int, bars: int) -> str:
    return f"{changed} bars changed and {bars - changed} came late"


def _no_findings() -> pd.DataFrame:
    return no_findings()

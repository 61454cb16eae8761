"""Turn the rows that the gates flagged into findings: suspicious moves and bars, missing bars, rewritten history.

Changes and stores nothing.
"""

from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from tasks.core.text import counted
from tasks.data.gates.bars.flags import FlaggedBars
from tasks.data.gates.context_rows import ContextRows, Known
from tasks.data.gates.price_moves import Suspect
from tasks.data.schema.finding_rows import make_findings, no_findings
from tasks.data.schema.records import Days, Mask, Severity

STAYS = "stored as delivered; not bought for some sessions"
ACCEPTED = "stored and used"
STOPS = "stored as delivered; the session is not traded on"
DONE: dict[Severity, str] = {"note": ACCEPTED, "quarantine": STAYS, "stop": STOPS}


def move_findings(rows: ContextRows, suspects: list[Suspect]) -> pd.DataFrame:
    """Return a finding for each suspect move."""
    parts = [no_findings()]
    for rule in sorted({suspect.rule for suspect in suspects}):
        same = [suspect for suspect in suspects if suspect.rule == rule]
        first = same[0]
        done = "set aside for the day" if first.sets_aside else DONE[first.severity]
        flagged = rows.frame.iloc[[suspect.row for suspect in same]]
        parts.append(
            make_findings(flagged, rule, first.severity, [suspect.evidence for suspect in same], done)
        )
    return pd.concat(parts, ignore_index=True)


def shape_findings(rows: ContextRows, shapes: FlaggedBars) -> pd.DataFrame:
    """Return a finding for each flagged bar of one rule."""
    return make_findings(
        rows.frame.iloc[shapes.rows], shapes.rule, shapes.severity, shapes.evidence, DONE[shapes.severity]
    )


def missing_bar_findings(
    rows: ContextRows,
    set_aside: pd.DataFrame,
    tables: dict[str, pd.DataFrame],
    known: Known,
    trading_days: Days,
) -> pd.DataFrame:
    """Note symbols whose bars end without a delisting or rename, once, and sessions without any bar."""
    if not rows.is_new.any():
        return no_findings()
    recorded = np.unique(rows.day)
    last = recorded[-1]
    rank = np.searchsorted(recorded, rows.day)
    code = rows.code
    continues = np.zeros(len(code), dtype=bool)
    continues[:-1] = (code[1:] == code[:-1]) & (rank[1:] == rank[:-1] + 1)
    stops = ~continues & (rows.day < last)
    absent = recorded[np.minimum(rank + 1, len(recorded) - 1)]
    first_new = rows.day[rows.is_new].min()
    stops &= absent >= first_new
    frame = rows.frame.loc[stops, ["symbol", "session"]].assign(
        since=trading_days[absent[stops]].astype("datetime64[s]")
    )
    frame = frame[~_explained(frame, tables, known) & ~_delivered(frame, set_aside)]
    missing = make_findings(
        frame.assign(session=frame["since"]),
        "no_bar",
        "note",
        [f"last bar on {session.date()}" for session in frame["session"]],
        "no price: exit only",
    )
    empty = np.setdiff1d(np.arange(recorded[0], last), recorded)
    empty = empty[empty >= first_new]
    nothing = pd.DataFrame({"symbol": "*", "session": trading_days[empty].astype("datetime64[s]")})
    note = make_findings(nothing, "no_session", "note", ["no bar for any symbol"] * len(empty), "left empty")
    return pd.concat([missing, note], ignore_index=True)


def _delivered(frame: pd.DataFrame, set_aside: pd.DataFrame) -> Mask:
    """Return for which of these symbols a bar was delivered but set aside."""
    delivered = set(zip(set_aside["symbol"].astype(str), set_aside["session"], strict=True))
    return np.array(
        [(str(s), day) in delivered for s, day in zip(frame["symbol"], frame["since"], strict=True)], bool
    )


def _explained(frame: pd.DataFrame, tables: dict[str, pd.DataFrame], known: Known) -> Mask:
    """Return which of the last bars are followed by a delisting or a rename."""
    gone = pd.concat([known.tables["delistings"], tables["delistings"]])[["symbol", "session"]]
    renamed = pd.concat([known.tables["renames"], tables["renames"]]).rename(columns={"old": "symbol"})
    events = pd.concat([gone, renamed[["symbol", "session"]]]).drop_duplicates()
    joined = frame.reset_index(drop=True).reset_index().astype({"symbol": "str"})
    joined = joined.merge(events, on="symbol", suffixes=("", "_event"))
    near = (joined["session_event"] >= joined["session"]) & (joined["session_event"] <= joined["since"])
    result = np.zeros(len(frame), dtype=bool)
    result[joined.loc[near, "index"].to_numpy(dtype=np.int64)] = True
    return result


def reused_symbol_findings(lives: pd.DataFrame, known: Known) -> pd.DataFrame:
    """Note symbols that begin to denote another company (panel/companies)."""
    both = pd.concat(
        [known.tables["lives"][["symbol", "first"]].assign(is_new=False), lives.assign(is_new=True)]
    )
    both = both.sort_values(["symbol", "first"], ignore_index=True)
    before = both.groupby("symbol")["first"].shift()
    is_reused = both["is_new"].to_numpy(dtype=bool) & before.notna().to_numpy()
    since = before[is_reused].dt.date
    return make_findings(
        both[is_reused].rename(columns={"first": "session"}),
        "reused_symbol",
        "note",
        [f"the company that had this symbol since {day} no longer has it" for day in since],
        "separated from the earlier history",
    )


def restatement_findings(
    amendments: pd.DataFrame, known: Known, through: date, *, limit: float
) -> pd.DataFrame:
    """Report restated and late bars, in total and by symbol; quarantine closes that changed beyond the limit."""
    if amendments.empty:
        return no_findings()
    joined = amendments.merge(known.bars, on=["symbol", "session"], how="left", suffixes=("", "_old"))
    joined = joined.assign(change=(joined["close"] / joined["close_old"] - 1.0).abs())
    by_symbol = joined.sort_values("change", ascending=False, kind="stable").groupby("symbol", sort=True)
    worst = (
        by_symbol.first()
        .reset_index()
        .assign(changed=by_symbol["close_old"].count().to_numpy(), bars=by_symbol.size().to_numpy())
    )
    row = pd.DataFrame({"symbol": ["*"], "session": [pd.Timestamp(through)]})
    done = "stored alongside the first values, and used from now on"
    evidence = f"{_rewritten(int(worst['changed'].sum()), len(joined))}, of {counted(len(worst), 'symbol')}"
    if worst["changed"].any():
        most = worst.sort_values("change", ascending=False, kind="stable").iloc[0]
        evidence += (
            f"; largest change of a close {most['change']:.2%} ({most['symbol']} {most['session'].date()})"
        )
    today = worst.assign(session=pd.Timestamp(through))
    by_name = [_restatement(one) for one in worst.itertuples()]
    is_far = (worst["change"] > limit).to_numpy()
    far = [text for text, beyond in zip(by_name, is_far, strict=True) if beyond]
    near = [text for text, beyond in zip(by_name, is_far, strict=True) if not beyond]
    return pd.concat(
        [
            make_findings(row, "restated", "note", [evidence], done),
            make_findings(today[~is_far], "restated", "note", near, done),
            make_findings(today[is_far], "restated_far", "quarantine", far, STAYS),
        ],
        ignore_index=True,
    )


def _restatement(worst: Any) -> str:
    evidence = _rewritten(worst.changed, worst.bars)
    if not worst.changed:
        return f"{evidence} ({worst.session.date()})"
    return f"{evidence}; the close of {worst.session.date()} {worst.close_old:.6g} → {worst.close:.6g}"


def _rewritten(changed: int, bars: int) -> str:
    return f"{counted(changed, 'bar')} changed, {bars - changed or 'none'} arrived late"

"""Turn a delivery into the rows that the lake adds: new, restated, or in quarantine. Pure.

A bar passes the gates in this order:

1. gates/reconcile        another source confirms or contradicts the bar
2. gates/bars/values      symbol, session and values of the bar are valid
3. intake/new_rows        its session is new, or the bar restates a stored one
4. gates/context_rows     it is combined with the stored bars of its symbol
5. gates/action_checks    splits and dividends that prices contradict are not applied
6. gates/session_moves    the moves of the whole session are plausible (else intake/update refuses the delivery)
7. gates/price_moves      its own move is plausible, or the bar is flagged or set aside
8. gates/bars/stale       bars that repeat the previous session's prices or have no volume
9. gates/bars/shapes      spikes, flat and thin bars; bars/lost_sessions: is the session stale, or the name?
10. gates/findings        missing bars, restatements, reused symbols
11. gates/readiness       enough of the session remains to trade on (else intake/update refuses the delivery)

Equal facts give equal rows, regardless of how they are split into deliveries.
"""

from collections.abc import Mapping
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from config.data_section import Quality
from tasks.core.text import ascii_label
from tasks.data.gates.bars.lost_sessions import of_lost_sessions
from tasks.data.gates.bars.shapes import check_shapes
from tasks.data.gates.bars.stale import check_stale
from tasks.data.gates.bars.values import check_bars
from tasks.data.gates.context_rows import ContextRows, Known, filter_rows, rows_with_context
from tasks.data.gates.filing_checks import check_filings
from tasks.data.gates.findings import (
    missing_bar_findings,
    move_findings,
    restatement_findings,
    reused_symbol_findings,
    shape_findings,
)
from tasks.data.gates.level_checks import LevelRules, check_levels, check_yields, closes_by_day
from tasks.data.gates.price_moves import Suspect, check_moves
from tasks.data.gates.reconcile import Reconciled, unreconciled
from tasks.data.gates.revisions import revision_findings
from tasks.data.gates.session_moves import measure_sessions
from tasks.data.intake.action_rows import applied_factors, bars_of, drop_contradicted, with_factors
from tasks.data.intake.new_rows import known_days, split_by_age, unseen, with_amendments, with_safe_symbols
from tasks.data.panel import actions as corporate
from tasks.data.panel.companies import new_lives
from tasks.data.panel.level_growth import level_rows
from tasks.data.schema.batch import Batch
from tasks.data.schema.finding_rows import no_findings, refused_symbol_findings
from tasks.data.schema.records import Days, Mask
from tasks.data.schema.symbols import is_safe_level_name, is_safe_symbol
from tasks.data.schema.tables import SPECS, changed_rows

WHOLE_TABLES = ("members", "listings", "fundamentals", "riskfree", "renames", "delistings")


def admit(
    tables: dict[str, pd.DataFrame],
    known: Known,
    *,
    through: date,
    trading_days: Days,
    limits: Quality,
    compared: Reconciled | None = None,
    level_rules: LevelRules | None = None,
    whole: bool = False,
) -> Batch:
    """Return the rows to append from a conforming delivery (gates/conform), without those already stored unchanged.

    `compared` holds the comparison with other sources (gates/reconcile). Without `level_rules` levels are not checked,
    and sessions are not compared with a benchmark. `whole`: the whole history was requested.
    """
    compared = compared or unreconciled(tables["bars"])
    checked = check_bars(compared.bars, trading_days)
    filings, filing_findings = check_filings(
        with_safe_symbols(tables["fundamentals"]), known.tables["fundamentals"]
    )
    fresh, amendments = split_by_age(checked.good, known)
    acts, act_findings = corporate.clean_actions(tables["actions"], trading_days)
    delivered = {**{name: tables[name] for name in ("bars", "levels", *WHOLE_TABLES)}, "actions": acts}
    acts = changed_rows(acts, known.tables["actions"], SPECS["actions"].key)
    rows = rows_with_context(with_amendments(known, amendments), fresh, trading_days, since=_earliest(acts))
    acts, refused = drop_contradicted(rows, acts, known, trading_days)
    bars = bars_of(rows, applied_factors(rows, acts, known, trading_days))
    levels, yields, level_findings = _checked_levels(tables, known, level_rules, trading_days)
    sessions = measure_sessions(
        bars,
        rows.frame["symbol"].cat.categories,
        trading_days,
        benchmark=_benchmark(levels, known, level_rules, trading_days),
        move_frac=limits.max_move_frac,
    )
    suspects = _accept_confirmed(check_moves(bars, limit=limits.max_move_frac), rows, compared.confirmed)
    is_bar = _are_bars(rows, suspects)
    flagged = of_lost_sessions(
        [*check_stale(bars), *check_shapes(bars)], bars, is_bar, max_frac=limits.max_quarantined_frac
    )
    findings = [
        compared.findings,
        checked.findings,
        _unsafe_symbols_in_tables(tables, checked.refused),
        act_findings,
        filing_findings,
        level_findings,
        refused,
        move_findings(rows, suspects),
        *(shape_findings(rows, one) for one in flagged),
        missing_bar_findings(rows, checked.set_aside, tables, known, trading_days),
        restatement_findings(amendments, known, through, limit=limits.max_move_frac),
    ]
    lives = _lives(rows, is_bar, tables, known, trading_days)
    findings.append(reused_symbol_findings(lives, known))
    quarantine = pd.concat([checked.set_aside, _set_aside(rows, suspects)], ignore_index=True)
    out = {
        "amendments": amendments,
        "quarantine": unseen(quarantine, known, "quarantine"),
        "actions": with_factors(rows, acts, amendments, known, trading_days, is_bar),
        "levels": level_rows(levels, known.tables["levels"]),
        "lives": lives,
        "findings": unseen(pd.concat(findings, ignore_index=True), known, "findings"),
    }
    out |= _whole_tables({**tables, "fundamentals": filings, "riskfree": yields}, known)
    revised = revision_findings(out, delivered, known, through, whole=whole)
    revised = changed_rows(revised, known.tables["findings"], SPECS["findings"].key)
    out["findings"] = pd.concat([out["findings"], revised], ignore_index=True)
    out = {name: frame.assign(known=known_days(frame, name, known, through)) for name, frame in out.items()}
    return Batch({"bars": filter_rows(rows.frame, is_bar & rows.is_new), **out}, checked.refused, sessions)


def _earliest(acts: pd.DataFrame) -> date | None:
    return None if acts.empty else acts["session"].min().date()


def _are_bars(rows: ContextRows, suspects: list[Suspect]) -> Mask:
    """Return which rows are bars: not set aside, now or earlier."""
    set_aside = np.zeros(len(rows.frame), dtype=bool)
    set_aside[[suspect.row for suspect in suspects if suspect.sets_aside]] = True
    return ~(set_aside | rows.was_set_aside)


def _whole_tables(tables: Mapping[str, pd.DataFrame], known: Known) -> dict[str, pd.DataFrame]:
    """Return the new and changed rows of the tables that a delivery contains whole."""
    return {
        name: changed_rows(with_safe_symbols(tables[name]), known.tables[name], SPECS[name].key)
        for name in WHOLE_TABLES
    }


def _accept_confirmed(suspects: list[Suspect], rows: ContextRows, confirmed: pd.MultiIndex) -> list[Suspect]:
    """Turn the suspicion of a move into a note where another source confirms the bar."""
    keys = pd.MultiIndex.from_frame(
        rows.frame.iloc[[suspect.row for suspect in suspects]][["symbol", "session"]].astype(
            {"symbol": "str"}
        )
    )
    return [
        Suspect(one.row, "large_move", f"{one.evidence}; another source confirms it", severity="note")
        if is_confirmed
        else one
        for one, is_confirmed in zip(suspects, keys.isin(confirmed), strict=True)
    ]


def _set_aside(rows: ContextRows, suspects: list[Suspect]) -> pd.DataFrame:
    doubtful = [suspect for suspect in suspects if suspect.sets_aside]
    frame = rows.frame.iloc[[suspect.row for suspect in doubtful]].astype({"symbol": "str"})
    return frame.assign(
        rule=pd.Series([suspect.rule for suspect in doubtful], index=frame.index, dtype="str")
    )


def _checked_levels(
    tables: dict[str, pd.DataFrame], known: Known, rules: LevelRules | None, trading_days: Days
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return the usable levels and yields, and findings on the others."""
    if rules is None:
        return tables["levels"], tables["riskfree"], no_findings()
    levels, of_levels = check_levels(tables["levels"], known.tables["levels"], rules, trading_days)
    yields, of_yields = check_yields(tables["riskfree"], known.tables["riskfree"], rules, trading_days)
    return levels, yields, pd.concat([of_levels, of_yields], ignore_index=True)


def _benchmark(
    levels: pd.DataFrame, known: Known, rules: LevelRules | None, trading_days: Days
) -> NDArray[np.float64]:
    """Return the benchmark's close of each trading day; a new one replaces the stored one."""
    if rules is None:
        return np.full(len(trading_days), np.nan)
    columns = ["name", "session", "close"]
    both = pd.concat([known.tables["levels"][columns], levels[columns]], ignore_index=True)
    return closes_by_day(both, rules.benchmark, trading_days)


def _lives(
    rows: ContextRows, is_bar: Mask, tables: dict[str, pd.DataFrame], known: Known, trading_days: Days
) -> pd.DataFrame:
    lives = new_lives(
        rows.frame[is_bar],
        rows.is_new[is_bar],
        rows.day[is_bar],
        renames=_both(tables, known, "renames"),
        delistings=_both(tables, known, "delistings"),
        trading_days=trading_days,
    )
    return unseen(lives, known, "lives")


def _both(tables: dict[str, pd.DataFrame], known: Known, name: str) -> pd.DataFrame:
    columns = list(SPECS[name].columns)
    return pd.concat([known.tables[name][columns], tables[name]], ignore_index=True).drop_duplicates()


def _unsafe_symbols_in_tables(tables: dict[str, pd.DataFrame], named: Mapping[str, int]) -> pd.DataFrame:
    """Note unsafe symbols of levels, members, listings and filings that have no finding among the bars."""
    parts = []
    for table in ("levels", "members", "listings", "fundamentals"):
        frame, is_safe = tables[table], is_safe_level_name if table == "levels" else is_safe_symbol
        each = frame.rename(columns={"name": "symbol"}) if table == "levels" else frame
        each = each.drop_duplicates("symbol")
        is_unsafe = [
            not is_safe(name) and ascii_label(name) not in named for name in each["symbol"].astype(str)
        ]
        out = each[np.array(is_unsafe, dtype=bool)].rename(columns={SPECS[table].day: "session"})
        parts.append(refused_symbol_findings(out, [f"in table {table}; not a valid symbol"] * len(out)))
    return pd.concat(parts, ignore_index=True).drop_duplicates("symbol")

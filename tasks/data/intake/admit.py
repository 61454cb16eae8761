"""Sort a delivery into the rows that the lake adds: new, restated, or in quarantine. Pure.

The way of a bar through the gates, in this order:

1. gates/reconcile        another source has the same bar, or contradicts it
2. gates/bars             symbol, session and the bar's own figures are possible
3. intake/news            its session is new, or the stored bar is restated
4. gates/context_rows     it is placed after the stored bars of its symbol
5. gates/action_checks    splits and dividends that prices deny are not applied
6. gates/session_moves    the session as a whole moved as one market can
7. gates/price_moves      its own move is believable, or it goes to quarantine
8. gates/bar_shapes       patterns over many bars: repeated, flat, without volume
9. gates/findings         symbols that fell silent, restatements, reused tickers
10. gates/readiness       enough of the session is left to trade on (update.py asks)

The same facts give the same rows, in however many deliveries they come.
"""

from collections.abc import Mapping
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tasks.core.text import ascii_label
from tasks.data.gates.bar_shapes import judge_shapes
from tasks.data.gates.bars import judge_bars
from tasks.data.gates.context_rows import Known, Rows, gather, kept
from tasks.data.gates.filing_checks import judge_figures
from tasks.data.gates.findings import restated, reused, shape_findings, silences, suspicions
from tasks.data.gates.level_checks import LevelRules, closes_by_day, judge_levels, judge_yields
from tasks.data.gates.price_moves import Suspect, judge_moves
from tasks.data.gates.reconcile import Reconciled, unreconciled
from tasks.data.gates.revisions import revisions
from tasks.data.gates.session_moves import measure_sessions
from tasks.data.intake.action_rows import applied_factors, bars_of, refuse_denied, with_factors
from tasks.data.intake.news import known_days, split_by_age, unseen, with_amendments, with_safe_symbols
from tasks.data.panel import actions as corporate
from tasks.data.panel.companies import new_lives
from tasks.data.panel.level_growth import level_rows
from tasks.data.schema.batch import Batch
from tasks.data.schema.finding_rows import no_findings, refused_symbols
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
    max_move_frac: float,
    compared: Reconciled | None = None,
    level_rules: LevelRules | None = None,
    whole: bool = False,
) -> Batch:
    """Return the rows to append of a delivery that conforms (gates/conform); unchanged stored rows are not among them.

    `compared` holds the comparison with other sources (gates/reconcile). Without `level_rules` levels are
    taken as they come, and no session is measured against a benchmark. `whole`: the source was asked for all it has.
    """
    compared = compared or unreconciled(tables["bars"])
    judged = judge_bars(compared.bars, trading_days)
    figures, figure_findings = judge_figures(
        with_safe_symbols(tables["fundamentals"]), known.tables["fundamentals"]
    )
    fresh, amendments = split_by_age(judged.good, known)
    acts, act_findings = corporate.clean_actions(tables["actions"], trading_days)
    delivered = {**{name: tables[name] for name in ("bars", "levels", *WHOLE_TABLES)}, "actions": acts}
    acts = changed_rows(acts, known.tables["actions"], SPECS["actions"].key)
    rows = gather(with_amendments(known, amendments), fresh, trading_days, since=_earliest(acts))
    acts, refused = refuse_denied(rows, acts, known, trading_days)
    bars = bars_of(rows, applied_factors(rows, acts, known, trading_days))
    levels, yields, level_findings = _judged_levels(tables, known, level_rules, trading_days)
    sessions = measure_sessions(
        bars,
        rows.frame["symbol"].cat.categories,
        trading_days,
        benchmark=_benchmark(levels, known, level_rules, trading_days),
        move_frac=max_move_frac,
    )
    suspects = _believe(judge_moves(bars, limit=max_move_frac), rows, compared.confirmed)
    holds = np.zeros(len(rows.frame), dtype=bool)
    holds[[suspect.row for suspect in suspects if suspect.holds_bar]] = True
    is_bar = ~(holds | rows.was_held)
    findings = [
        compared.findings,
        judged.findings,
        _refused_elsewhere(tables, judged.refused),
        act_findings,
        figure_findings,
        level_findings,
        refused,
        suspicions(rows, suspects),
        *(shape_findings(rows, shapes) for shapes in judge_shapes(bars)),
        silences(rows, judged.held, tables, known, trading_days),
        restated(amendments, known, through, limit=max_move_frac),
    ]
    lives = _lives(rows, is_bar, tables, known, trading_days)
    findings.append(reused(lives, known))
    held = pd.concat([judged.held, _held(rows, suspects)], ignore_index=True)
    out = {
        "amendments": amendments,
        "quarantine": unseen(held, known, "quarantine"),
        "actions": with_factors(rows, acts, amendments, known, trading_days, is_bar),
        "levels": level_rows(levels, known.tables["levels"]),
        "lives": lives,
        "findings": unseen(pd.concat(findings, ignore_index=True), known, "findings"),
    }
    for name in WHOLE_TABLES:
        frame = {"fundamentals": figures, "riskfree": yields}.get(name, tables[name])
        out[name] = changed_rows(with_safe_symbols(frame), known.tables[name], SPECS[name].key)
    revised = revisions(out, delivered, known, through, whole=whole)
    revised = changed_rows(revised, known.tables["findings"], SPECS["findings"].key)
    out["findings"] = pd.concat([out["findings"], revised], ignore_index=True)
    out = {name: frame.assign(known=known_days(frame, name, known, through)) for name, frame in out.items()}
    return Batch({"bars": kept(rows.frame, is_bar & rows.is_new), **out}, judged.refused, sessions)


def _earliest(acts: pd.DataFrame) -> date | None:
    return None if acts.empty else acts["session"].min().date()


def _believe(suspects: list[Suspect], rows: Rows, confirmed: pd.MultiIndex) -> list[Suspect]:
    """Take a bar for what it says where another source says the same."""
    keys = pd.MultiIndex.from_frame(
        rows.frame.iloc[[suspect.row for suspect in suspects]][["symbol", "session"]].astype(
            {"symbol": "str"}
        )
    )
    return [
        Suspect(one.row, "large_move", f"{one.evidence}; another source has it too", severity="note")
        if is_confirmed
        else one
        for one, is_confirmed in zip(suspects, keys.isin(confirmed), strict=True)
    ]


def _held(rows: Rows, suspects: list[Suspect]) -> pd.DataFrame:
    holding = [suspect for suspect in suspects if suspect.holds_bar]
    frame = rows.frame.iloc[[suspect.row for suspect in holding]].astype({"symbol": "str"})
    return frame.assign(rule=pd.Series([suspect.rule for suspect in holding], index=frame.index, dtype="str"))


def _judged_levels(
    tables: dict[str, pd.DataFrame], known: Known, rules: LevelRules | None, trading_days: Days
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return the levels and yields that can be used, and what is to tell of the others."""
    if rules is None:
        return tables["levels"], tables["riskfree"], no_findings()
    levels, of_levels = judge_levels(tables["levels"], known.tables["levels"], rules, trading_days)
    yields, of_yields = judge_yields(tables["riskfree"], known.tables["riskfree"], rules, trading_days)
    return levels, yields, pd.concat([of_levels, of_yields], ignore_index=True)


def _benchmark(
    levels: pd.DataFrame, known: Known, rules: LevelRules | None, trading_days: Days
) -> NDArray[np.float64]:
    """Return the benchmark's close of each trading day; a new one stands for the stored one."""
    if rules is None:
        return np.full(len(trading_days), np.nan)
    columns = ["name", "session", "close"]
    both = pd.concat([known.tables["levels"][columns], levels[columns]], ignore_index=True)
    return closes_by_day(both, rules.benchmark, trading_days)


def _lives(
    rows: Rows, is_bar: Mask, tables: dict[str, pd.DataFrame], known: Known, trading_days: Days
) -> pd.DataFrame:
    begun = new_lives(
        rows.frame[is_bar],
        rows.is_new[is_bar],
        rows.day[is_bar],
        renames=_both(tables, known, "renames"),
        delistings=_both(tables, known, "delistings"),
        trading_days=trading_days,
    )
    return unseen(begun, known, "lives")


def _both(tables: dict[str, pd.DataFrame], known: Known, name: str) -> pd.DataFrame:
    columns = list(SPECS[name].columns)
    return pd.concat([known.tables[name][columns], tables[name]], ignore_index=True).drop_duplicates()


def _refused_elsewhere(tables: dict[str, pd.DataFrame], named: Mapping[str, int]) -> pd.DataFrame:
    """Note the names that no other finding tells of and that may not enter: of levels, members, companies."""
    parts = []
    for table in ("levels", "members", "listings", "fundamentals"):
        frame, is_safe = tables[table], is_safe_level_name if table == "levels" else is_safe_symbol
        each = frame.rename(columns={"name": "symbol"}) if table == "levels" else frame
        each = each.drop_duplicates("symbol")
        odd = [not is_safe(name) and ascii_label(name) not in named for name in each["symbol"].astype(str)]
        out = each[np.array(odd, dtype=bool)].rename(columns={SPECS[table].day: "session"})
        parts.append(refused_symbols(out, [f"named in {table}; no symbol may be written so"] * len(out)))
    return pd.concat(parts, ignore_index=True).drop_duplicates("symbol")

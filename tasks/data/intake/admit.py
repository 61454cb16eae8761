"""Turn a delivery into the rows that the lake will add: what is new, what was restated, what is set aside.

Pure: it is handed what the lake already knows and returns what to append. Whether the session can be traded on is
readiness.py's to say; writing is store.py's. The same facts give the same rows, in however many deliveries they come.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tasks.data.gates.action_checks import confirm
from tasks.data.gates.bar_shapes import judge_shapes
from tasks.data.gates.bars import judge_bars
from tasks.data.gates.context_rows import Known, Rows, gather, kept
from tasks.data.gates.filing_checks import judge_figures
from tasks.data.gates.findings import restated, reused, shape_findings, silences, suspicions
from tasks.data.gates.level_checks import LevelRules, closes_by_day, judge_levels, judge_yields
from tasks.data.gates.price_moves import Bars, Suspect, judge_moves
from tasks.data.gates.reconcile import Reconciled, unreconciled
from tasks.data.gates.revisions import revisions
from tasks.data.gates.session_moves import measure_sessions
from tasks.data.panel import actions as corporate
from tasks.data.panel.companies import new_lives
from tasks.data.panel.level_growth import level_rows
from tasks.data.schema.batch import Batch
from tasks.data.schema.finding_rows import make_findings, no_findings, refused_symbols
from tasks.data.schema.records import Days, Mask
from tasks.data.schema.symbols import is_safe_level_name, is_safe_symbol, printable
from tasks.data.schema.tables import OHLCV, SPECS, changed_rows, known_from

WHOLE_TABLES = ("members", "listings", "fundamentals", "riskfree", "renames", "delistings")

Ints = NDArray[np.int64]


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
    """Sort a conforming delivery (see conform.py) into rows to append; an old row that is unchanged is none.

    `compared` is what other sources say of the delivered bars (see reconcile.py). Without `level_rules` levels are
    taken as they come, and no session is measured against a benchmark. `whole`: the source was asked for all it has.
    """
    compared = compared or unreconciled(tables["bars"])
    judged = judge_bars(compared.bars, trading_days)
    figures, figure_findings = judge_figures(_safe(tables["fundamentals"]), known.tables["fundamentals"])
    fresh, amendments = _split_by_age(judged.good, known)
    acts, act_findings = corporate.clean_actions(tables["actions"], trading_days)
    delivered = {**{name: tables[name] for name in ("bars", "levels", *WHOLE_TABLES)}, "actions": acts}
    acts = changed_rows(acts, known.tables["actions"], SPECS["actions"].key)
    rows = gather(_amended(known, amendments), fresh, trading_days, since=_earliest(acts))
    acts, refused = _refuse_denied(rows, acts, known, trading_days)
    bars = _bars(rows, _applied(rows, acts, known, trading_days))
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
        "quarantine": _unseen(held, known, "quarantine"),
        "actions": _with_factors(rows, acts, amendments, known, trading_days, is_bar),
        "levels": level_rows(levels, known.tables["levels"]),
        "lives": lives,
        "findings": _unseen(pd.concat(findings, ignore_index=True), known, "findings"),
    }
    for name in WHOLE_TABLES:
        frame = {"fundamentals": figures, "riskfree": yields}.get(name, tables[name])
        out[name] = changed_rows(_safe(frame), known.tables[name], SPECS[name].key)
    revised = revisions(out, delivered, known, through, whole=whole)
    revised = changed_rows(revised, known.tables["findings"], SPECS["findings"].key)
    out["findings"] = pd.concat([out["findings"], revised], ignore_index=True)
    out = {name: frame.assign(known=_known(frame, name, known, through)) for name, frame in out.items()}
    return Batch({"bars": kept(rows.frame, is_bar & rows.is_new), **out}, judged.refused, sessions)


def _split_by_age(good: pd.DataFrame, known: Known) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return bars of unseen sessions, and bars of seen sessions that are not what is stored."""
    if known.after is None:
        return good, good.iloc[:0]
    is_old = good["session"] <= pd.Timestamp(known.after)
    old = good[is_old].astype({"symbol": "str"})
    changed = changed_rows(old, known.bars, ("symbol", "session"))
    set_aside = known.tables["quarantine"]
    believed = changed_rows(changed, set_aside[[*changed.columns]], ("symbol", "session"))
    return good[~is_old], believed.reset_index(drop=True)


def _amended(known: Known, amendments: pd.DataFrame) -> Known:
    """Return what is known with the restated and late bars of this delivery in it: new bars are compared with those."""
    if amendments.empty:
        return known
    both = pd.concat([known.bars, amendments[list(SPECS["bars"].columns)]], ignore_index=True)
    return replace(known, bars=both.drop_duplicates(["symbol", "session"], keep="last", ignore_index=True))


def _earliest(acts: pd.DataFrame) -> date | None:
    return None if acts.empty else acts["session"].min().date()


def _places(rows: Rows, acts: pd.DataFrame, trading_days: Days) -> tuple[Ints, Ints]:
    """Return each action's symbol code (−1: no bars near) and trading day."""
    categories = rows.frame["symbol"].cat.categories
    code = categories.get_indexer(pd.Index(acts["symbol"].astype(str)))
    day = np.searchsorted(trading_days, acts["session"].to_numpy().astype("datetime64[D]"))
    return code.astype(np.int64), day.astype(np.int64)


def _factors(
    rows: Rows, acts: pd.DataFrame, trading_days: Days, *, is_bar: Mask | None = None
) -> NDArray[np.float64]:
    use = slice(None) if is_bar is None else is_bar
    code, day = _places(rows, acts, trading_days)
    bars = {
        "row_code": rows.code[use],
        "row_day": rows.day[use],
        "close": rows.frame["close"].to_numpy()[use],
    }
    return corporate.factors(
        acts,
        before=corporate.closes_before(code, day, **bars),
        at=corporate.closes_at(code, day, **bars),
    )


def _with_factors(
    rows: Rows, acts: pd.DataFrame, amendments: pd.DataFrame, known: Known, trading_days: Days, is_bar: Mask
) -> pd.DataFrame:
    """Return the actions to append with their factors: news, and stored ones whose bar was restated or came late."""
    news = acts.assign(factor=_factors(rows, acts, trading_days, is_bar=is_bar))
    key = list(SPECS["actions"].key)
    stored = known.tables["actions"].merge(amendments[[*key, "close"]], on=key)
    close = stored["close"].to_numpy(dtype=np.float64)
    measured = stored.assign(factor=corporate.factors(stored, before=np.full(len(stored), np.nan), at=close))
    both = pd.concat([measured[news.columns], news], ignore_index=True).drop_duplicates(key, keep="last")
    return changed_rows(both, known.tables["actions"], key)


def _refuse_denied(
    rows: Rows, acts: pd.DataFrame, known: Known, trading_days: Days
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Leave out what cannot be and what prices deny; return the actions that are news, and the findings."""
    code, day = _places(rows, acts, trading_days)
    before = corporate.closes_before(
        code, day, row_code=rows.code, row_day=rows.day, close=rows.frame["close"].to_numpy()
    )
    is_impossible = corporate.pays_out_everything(acts, before=before)
    impossible, acts = acts[is_impossible], acts[~is_impossible]
    findings = make_findings(
        impossible,
        "impossible_dividend",
        "quarantine",
        corporate.describe_actions(impossible),
        "not applied",
    )
    confirmed = confirm(
        _bars(rows, _applied(rows, acts, known, trading_days)), acts, _rows_of(rows, acts, trading_days)
    )
    news = changed_rows(confirmed.actions, known.tables["actions"], SPECS["actions"].key)
    return news, pd.concat([findings, confirmed.findings], ignore_index=True)


def _rows_of(rows: Rows, acts: pd.DataFrame, trading_days: Days) -> Ints:
    code, day = _places(rows, acts, trading_days)
    nothing = np.ones(len(acts))
    return corporate.factors_by_row(code, day, nothing, row_code=rows.code, row_day=rows.day)[1]


def _applied(rows: Rows, acts: pd.DataFrame, known: Known, trading_days: Days) -> NDArray[np.float64]:
    """Return the factor that takes effect at each row, of these actions and of those stored before."""
    stored = known.tables["actions"]
    if len(rows.frame):
        stored = stored[stored["session"] >= rows.frame["session"].min()]
    again = pd.MultiIndex.from_frame(stored[["symbol", "session"]]).isin(
        pd.MultiIndex.from_frame(acts[["symbol", "session"]])
    )
    both = pd.concat(
        [
            acts.assign(factor=_factors(rows, acts, trading_days)),
            stored.loc[~again, [*acts.columns, "factor"]],
        ]
    )
    code, day = _places(rows, both, trading_days)
    factor = both["factor"].to_numpy(dtype=np.float64)
    return corporate.factors_by_row(code, day, factor, row_code=rows.code, row_day=rows.day)[0]


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


def _bars(rows: Rows, factor: NDArray[np.float64]) -> Bars:
    return Bars(
        code=rows.code,
        day=rows.day,
        **{name: rows.frame[name].to_numpy() for name in OHLCV},
        factor=factor,
        was_held=rows.was_held,
        is_new=rows.is_new,
    )


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
    return _unseen(begun, known, "lives")


def _both(tables: dict[str, pd.DataFrame], known: Known, name: str) -> pd.DataFrame:
    columns = list(SPECS[name].columns)
    return pd.concat([known.tables[name][columns], tables[name]], ignore_index=True).drop_duplicates()


def _unseen(frame: pd.DataFrame, known: Known, name: str) -> pd.DataFrame:
    """Return the rows whose key the lake does not hold yet."""
    key = list(SPECS[name].key)
    if frame.empty:
        return frame
    seen = frame[key].merge(known.tables[name][key].drop_duplicates(), on=key, how="left", indicator=True)
    return frame[(seen["_merge"] == "left_only").to_numpy()]


def _safe(frame: pd.DataFrame) -> pd.DataFrame:
    """Leave out rows whose symbols may not enter; bars of such symbols are refused with a finding of their own."""
    columns = [name for name in ("symbol", "old", "new") if name in frame.columns]
    is_safe = np.ones(len(frame), dtype=bool)
    for name in columns:
        is_safe &= np.array([is_safe_symbol(str(symbol)) for symbol in frame[name]], dtype=bool)
    return frame[is_safe].drop_duplicates()


def _refused_elsewhere(tables: dict[str, pd.DataFrame], named: Mapping[str, int]) -> pd.DataFrame:
    """Note the names that no other finding tells of and that may not enter: of levels, members, companies."""
    parts = []
    for table in ("levels", "members", "listings", "fundamentals"):
        frame, is_safe = tables[table], is_safe_level_name if table == "levels" else is_safe_symbol
        each = frame.rename(columns={"name": "symbol"}) if table == "levels" else frame
        each = each.drop_duplicates("symbol")
        odd = [not is_safe(name) and printable(name) not in named for name in each["symbol"].astype(str)]
        out = each[np.array(odd, dtype=bool)].rename(columns={SPECS[table].day: "session"})
        parts.append(refused_symbols(out, [f"named in {table}; no symbol may be written so"] * len(out)))
    return pd.concat(parts, ignore_index=True).drop_duplicates("symbol")


def _known(frame: pd.DataFrame, name: str, known: Known, through: date) -> pd.Series:
    day = frame[SPECS[name].day]
    if name == "members" and known.after is not None:
        is_new = day > pd.Timestamp(known.after)
        day = day.where(is_new | frame["end"].isna(), frame["end"])  # that it ended is news of its last day
    if name == "findings":
        day = day.where(day <= pd.Timestamp(through), pd.Timestamp(through))
    return known_from(day, after=known.after, through=through)

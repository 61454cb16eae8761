"""Match corporate actions with bars: drop those that prices contradict, compute the factors of the others. Pure."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tasks.data.gates.action_checks import check_actions
from tasks.data.gates.context_rows import ContextRows, Known
from tasks.data.gates.price_moves import BarHistory
from tasks.data.panel import actions as corporate
from tasks.data.schema.finding_rows import make_findings
from tasks.data.schema.records import Days, Mask
from tasks.data.schema.tables import OHLCV, SPECS, changed_rows

Ints = NDArray[np.int64]


def drop_contradicted(
    rows: ContextRows, acts: pd.DataFrame, known: Known, trading_days: Days
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Drop actions that are impossible or contradicted by prices; return the new ones, and the findings."""
    code, day = _codes_and_days(rows, acts, trading_days)
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
    confirmed = check_actions(
        bars_of(rows, applied_factors(rows, acts, known, trading_days)),
        acts,
        _rows_of(rows, acts, trading_days),
    )
    news = changed_rows(confirmed.actions, known.tables["actions"], SPECS["actions"].key)
    return news, pd.concat([findings, confirmed.findings], ignore_index=True)


def with_factors(
    rows: ContextRows,
    acts: pd.DataFrame,
    amendments: pd.DataFrame,
    known: Known,
    trading_days: Days,
    is_bar: Mask,
) -> pd.DataFrame:
    """Return the actions to append with their factors: new ones, and stored ones whose bar is restated or late."""
    news = acts.assign(factor=_factors(rows, acts, trading_days, is_bar=is_bar))
    key = list(SPECS["actions"].key)
    stored = known.tables["actions"].merge(amendments[[*key, "close"]], on=key)
    close = stored["close"].to_numpy(dtype=np.float64)
    measured = stored.assign(
        factor=corporate.total_return_factors(stored, before=np.full(len(stored), np.nan), at=close)
    )
    both = pd.concat([measured[news.columns], news], ignore_index=True).drop_duplicates(key, keep="last")
    return changed_rows(both, known.tables["actions"], key)


def bars_of(rows: ContextRows, factor: NDArray[np.float64]) -> BarHistory:
    """Return the arrays for the gates, with the factor effective at each row."""
    return BarHistory(
        code=rows.code,
        day=rows.day,
        **{name: rows.frame[name].to_numpy() for name in OHLCV},
        factor=factor,
        was_set_aside=rows.was_set_aside,
        is_new=rows.is_new,
    )


def applied_factors(
    rows: ContextRows, acts: pd.DataFrame, known: Known, trading_days: Days
) -> NDArray[np.float64]:
    """Return the factor effective at each row, of these actions and the stored ones."""
    stored = known.tables["actions"]
    if len(rows.frame):
        stored = stored[stored["session"] >= rows.frame["session"].min()]
    is_replaced = pd.MultiIndex.from_frame(stored[["symbol", "session"]]).isin(
        pd.MultiIndex.from_frame(acts[["symbol", "session"]])
    )
    both = pd.concat(
        [
            acts.assign(factor=_factors(rows, acts, trading_days)),
            stored.loc[~is_replaced, [*acts.columns, "factor"]],
        ]
    )
    code, day = _codes_and_days(rows, both, trading_days)
    factor = both["factor"].to_numpy(dtype=np.float64)
    return corporate.factors_by_row(code, day, factor, row_code=rows.code, row_day=rows.day)[0]


def _codes_and_days(rows: ContextRows, acts: pd.DataFrame, trading_days: Days) -> tuple[Ints, Ints]:
    """Return each action's symbol code (−1: no bars in the context) and trading day."""
    categories = rows.frame["symbol"].cat.categories
    code = categories.get_indexer(pd.Index(acts["symbol"].astype(str)))
    day = np.searchsorted(trading_days, acts["session"].to_numpy().astype("datetime64[D]"))
    return code.astype(np.int64), day.astype(np.int64)


def _factors(
    rows: ContextRows, acts: pd.DataFrame, trading_days: Days, *, is_bar: Mask | None = None
) -> NDArray[np.float64]:
    use = slice(None) if is_bar is None else is_bar
    code, day = _codes_and_days(rows, acts, trading_days)
    bars = {
        "row_code": rows.code[use],
        "row_day": rows.day[use],
        "close": rows.frame["close"].to_numpy()[use],
    }
    return corporate.total_return_factors(
        acts,
        before=corporate.closes_before(code, day, **bars),
        at=corporate.closes_at(code, day, **bars),
    )


def _rows_of(rows: ContextRows, acts: pd.DataFrame, trading_days: Days) -> Ints:
    code, day = _codes_and_days(rows, acts, trading_days)
    nothing = np.ones(len(acts))
    return corporate.factors_by_row(code, day, nothing, row_code=rows.code, row_day=rows.day)[1]

"""Place corporate actions among the bars: what prices deny is left out, what stands gets its factor. Pure."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tasks.data.gates.action_checks import confirm
from tasks.data.gates.context_rows import Known, Rows
from tasks.data.gates.price_moves import Bars
from tasks.data.panel import actions as corporate
from tasks.data.schema.finding_rows import make_findings
from tasks.data.schema.records import Days, Mask
from tasks.data.schema.tables import OHLCV, SPECS, changed_rows

Ints = NDArray[np.int64]


def refuse_denied(
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
        bars_of(rows, applied_factors(rows, acts, known, trading_days)),
        acts,
        _rows_of(rows, acts, trading_days),
    )
    news = changed_rows(confirmed.actions, known.tables["actions"], SPECS["actions"].key)
    return news, pd.concat([findings, confirmed.findings], ignore_index=True)


def with_factors(
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


def bars_of(rows: Rows, factor: NDArray[np.float64]) -> Bars:
    """Return the columns that the gates compare, with the factor that takes effect at each row."""
    return Bars(
        code=rows.code,
        day=rows.day,
        **{name: rows.frame[name].to_numpy() for name in OHLCV},
        factor=factor,
        was_held=rows.was_held,
        is_new=rows.is_new,
    )


def applied_factors(rows: Rows, acts: pd.DataFrame, known: Known, trading_days: Days) -> NDArray[np.float64]:
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


def _rows_of(rows: Rows, acts: pd.DataFrame, trading_days: Days) -> Ints:
    code, day = _places(rows, acts, trading_days)
    nothing = np.ones(len(acts))
    return corporate.factors_by_row(code, day, nothing, row_code=rows.code, row_day=rows.day)[1]

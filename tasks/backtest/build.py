"""Build the point-in-time data of a backtest from stored tables. No I/O; panel/as_known decides what is known when.

A dividend's pay date is not in the tables: it is paid a fixed number of sessions after the ex-date. A listing whose
delisting is recorded ends two sessions after its last bar, or when the delisting becomes known if that is later, at the
amount that holders received. If a listing has not traded for so long that its symbol would be treated as a new
company's, it is closed at its last price.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tasks.backtest.accounting.money import to_cents
from tasks.backtest.accounting.overnight import Closing, Dividend, Night, Split
from tasks.backtest.world import Corrections, World
from tasks.data.panel.as_known import (
    KNOWN_ROW,
    in_known_order,
    late_cells,
    listed_by_session,
    lost_by_session,
    members_by_session,
    quarantine_by_session,
    row_of,
    split_by_lateness,
)
from tasks.data.panel.assemble import amended_bars, cumulative_factors
from tasks.data.panel.companies import MAX_GAP_SESSIONS, CompanyIndex, company_index
from tasks.data.panel.grid import Grid, Ints, cells_of, days_of, grid_of, scatter
from tasks.data.panel.levels import level_of, market_level, risk_free_rate
from tasks.data.panel.listings import NO_SECTOR
from tasks.data.panel.membership import session_age
from tasks.data.panel.universe import decide_members
from tasks.data.schema.bar_columns import BarColumns
from tasks.data.schema.records import Days, Mask, Matrix, PanelRules
from tasks.portfolio.quotes import price_per_current_share

CLOSED_AFTER_SESSIONS = 2  # O5
TABLES = (
    *("amendments", "actions", "levels", "members", "listings", "riskfree"),
    *("renames", "lives", "findings", "delistings"),
)


@dataclass(frozen=True)
class Bars:
    """Raw values by session and company; `late` corrects closes and volumes."""

    open: Matrix
    close: Matrix
    volume: Matrix
    late: Corrections


def build_world(
    bars: BarColumns,
    tables: Mapping[str, pd.DataFrame],
    sessions: Days,
    *,
    rules: PanelRules,
    dividend_pay_sessions: int,
) -> World:
    """Return the world of these sessions.

    `bars` are as first delivered, `tables` hold every revision known by the last session. The sessions begin with
    the first bar, since age and membership count from there.
    """
    companies = known_companies(tables, sessions)
    grid = grid_of(sessions, np.arange(len(companies.ids)), companies)
    raw = _bars(bars, tables["amendments"], grid, companies)
    on_time, late = split_by_lateness(tables["actions"], "actions", sessions)
    total, split = cumulative_factors(grid, on_time, companies)
    quarantined = quarantine_by_session(grid, tables["findings"], companies, length=rules.quarantine_sessions)
    closings, has_ended = _closings(raw.close, tables["delistings"], grid, companies)
    levels, late_levels = split_by_lateness(tables["levels"], "levels", sessions)
    risk_free = _risk_free(tables["riskfree"], sessions)
    return World(
        sessions=sessions,
        company=companies.ids[grid.companies],
        first_row=row_of(companies.first[grid.companies], sessions),
        symbol=companies.names[grid.companies],
        raw_close=raw.close,
        raw_volume=raw.volume,
        total_factor=total,
        open_cents=to_cents(raw.open),
        close_cents=to_cents(raw.close),
        price_cents=to_cents(price_per_current_share(raw.close, split)),
        is_member=_members(raw, grid, companies, tables, quarantined, rules),
        is_quarantined=quarantined,
        is_lost=lost_by_session(tables["findings"], sessions),
        has_ended=has_ended,
        sector=listed_by_session(grid, tables["listings"], companies, "sector", unknown=NO_SECTOR),
        cap_class=listed_by_session(grid, tables["listings"], companies, "cap_class", unknown=""),
        market=market_level(levels, rules.benchmark, sessions),
        volatility_index=level_of(levels, rules.volatility_index, sessions),
        risk_free=risk_free,
        nights=_nights(
            sessions, risk_free, _actions(on_time, late, grid, companies), closings, dividend_pay_sessions
        ),
        restated_bars=raw.late,
        restated_index=_late_index(late_levels[late_levels["name"] == rules.volatility_index], sessions),
        restated_factors=_late_factors(on_time, late, grid, companies),
    )


def known_companies(tables: Mapping[str, pd.DataFrame], sessions: Days) -> CompanyIndex:
    """Join listing periods by the renames known in time: a later one must not join companies that were separate."""
    lives, _ = split_by_lateness(tables["lives"], "lives", sessions)
    renames, _ = split_by_lateness(tables["renames"], "renames", sessions)
    return company_index(lives, renames)


def _bars(bars: BarColumns, amendments: pd.DataFrame, grid: Grid, companies: CompanyIndex) -> Bars:
    on_time, late = split_by_lateness(amendments, "amendments", grid.sessions)
    parts = [bars, amended_bars(on_time, since=grid.sessions[0])]
    cells = [cells_of(grid, part, companies.of_rows(part.symbols, part.code, part.day)) for part in parts]
    places = list(late_cells(grid, late, companies))
    values = late[["close", "volume"]].to_numpy(dtype=np.float64)[[place for place, _, _, _ in places]]
    return Bars(
        open=scatter(grid, parts, cells, "open"),
        close=scatter(grid, parts, cells, "close"),
        volume=scatter(grid, parts, cells, "volume"),
        late=_corrections([cell for _, *cell in places], values),
    )


def _corrections(cells: list[list[int]], values: Matrix) -> Corrections:
    known, row, company = np.array(cells, dtype=np.int64).reshape(-1, 3).T
    return Corrections(known, row, company, values)


def _late_index(levels: pd.DataFrame, sessions: Days) -> Corrections:
    row, known = row_of(days_of(levels["session"]), sessions), levels[KNOWN_ROW].to_numpy()
    inside = (days_of(levels["session"]) >= sessions[0]) & (np.maximum(row, known) < len(sessions))
    cells = [[int(k), int(r), 0] for k, r in zip(known[inside], row[inside], strict=True)]
    return _corrections(cells, levels[["close"]].to_numpy(dtype=np.float64)[inside])


def _members(
    raw: Bars,
    grid: Grid,
    companies: CompanyIndex,
    tables: Mapping[str, pd.DataFrame],
    quarantined: Mask,
    rules: PanelRules,
) -> Mask:
    """Return the universe as known at each session: corrections change the volume of later sessions' windows."""
    in_index = members_by_session(grid, tables["members"], tables["renames"], companies)
    age = session_age(grid, companies, grid.sessions, 0)
    dollar_volume = raw.close * raw.volume

    def decided(dollars: Matrix, columns: slice | list[int]) -> Mask:
        return decide_members(
            raw.close[:, columns],
            dollars,
            in_index=in_index[:, columns],
            quarantined=quarantined[:, columns],
            age=age[:, columns],
            rules=rules,
        )

    member = decided(dollar_volume, slice(None))
    late = raw.late
    for column in np.unique(late.company).tolist():
        corrected = dollar_volume[:, [column]]
        own = np.flatnonzero(late.company == column)
        for place, following in pairwise([*own.tolist(), None]):
            close, volume = late.entries[place]
            corrected[late.row[place], 0] = close * volume
            since = late.known_row[place]
            if following is None or late.known_row[following] > since:
                member[since:, column] = decided(corrected, [column])[since:, 0]
    return member


def _risk_free(riskfree: pd.DataFrame, sessions: Days) -> NDArray[np.float64]:
    """Return the yield as known at each session: one that is published late counts from that session on."""
    first = in_known_order(riskfree, sessions).drop_duplicates("session")
    effective = np.maximum(days_of(first["session"]), days_of(first["known"]))
    dated = first.assign(session=effective.astype("datetime64[s]")).sort_values("session", kind="stable")
    return risk_free_rate(dated, sessions)


def _actions(
    on_time: pd.DataFrame, late: pd.DataFrame, grid: Grid, companies: CompanyIndex
) -> list[tuple[int, int, float, float]]:
    """Return row, company, dividend and split of each action; one that was not known in time counts when it was."""
    rows = on_time
    if len(late):
        key = ["symbol", "session"]
        known = set(zip(on_time["symbol"], on_time["session"], strict=True))
        is_new = [pair not in known for pair in zip(late["symbol"], late["session"], strict=True)]
        news = late[np.array(is_new, dtype=bool)].drop_duplicates(key, keep="first")
        rows = pd.concat([on_time, news])
    company = companies.of_frame(rows, "session") if len(rows) else np.zeros(0, dtype=np.int64)
    row = np.maximum(row_of(days_of(rows["session"]), grid.sessions), rows[KNOWN_ROW].to_numpy())
    fits = (company >= 0) & (row < len(grid.sessions))
    fits &= days_of(rows["session"]) > np.maximum(companies.first[company], grid.sessions[0])
    amounts = (rows[name].to_numpy(dtype=np.float64)[fits] for name in ("dividend", "split"))
    columns = row[fits], grid.column_of[company[fits]], *amounts
    return list(zip(*(column.tolist() for column in columns), strict=True))


def _late_factors(
    on_time: pd.DataFrame, late: pd.DataFrame, grid: Grid, companies: CompanyIndex
) -> Corrections:
    cells: list[list[int]] = []
    ratios: list[list[float]] = []
    if late.empty:
        return _corrections(cells, np.zeros((0, 1)))
    factor = {
        (symbol, day): value
        for symbol, day, value in zip(on_time["symbol"], on_time["session"], on_time["factor"], strict=True)
    }
    begun = row_of(companies.first[grid.companies], grid.sessions)
    for place, *cell in late_cells(grid, late, companies):
        _, row, column = cell
        if row == begun[column]:  # prices are compounded from the first bar on
            continue
        action = late.iloc[place]
        key = action["symbol"], action["session"]
        ratios.append([action["factor"] / factor.get(key, 1.0)])
        factor[key] = action["factor"]
        cells.append(cell)
    return _corrections(cells, np.array(ratios, dtype=np.float64).reshape(-1, 1))


def _closings(
    close: Matrix, delistings: pd.DataFrame, grid: Grid, companies: CompanyIndex
) -> tuple[dict[int, list[Closing]], Mask]:
    """Return the listings that are closed before each row's open, and where a listing has ended."""
    rows = len(grid.sessions)
    has_bar = np.isfinite(close)
    ended = np.zeros(grid.shape, dtype=bool)
    amounts: dict[tuple[int, int], float | None] = {}
    for row, column, usd in [*_delisted(has_bar, delistings, grid, companies), *_silent(has_bar)]:
        if row >= rows or (ended[row, column] and (row, column) not in amounts):
            continue
        amounts[row, column] = usd  # the last amount known by then
        later = np.flatnonzero(has_bar[row:, column])
        ended[row : row + later[0] if len(later) else rows, column] = True
    found: dict[int, list[Closing]] = {}
    for (row, column), usd in sorted(amounts.items()):
        found.setdefault(row, []).append(Closing(column, usd))
    return found, ended


def _delisted(
    has_bar: Mask, delistings: pd.DataFrame, grid: Grid, companies: CompanyIndex
) -> list[tuple[int, int, float | None]]:
    """Return row, column and amount of the recorded delistings that later bars do not contradict."""
    recorded = in_known_order(delistings, grid.sessions)
    result = []
    for place, known, last, column in late_cells(grid, recorded, companies):
        row = max(
            last + CLOSED_AFTER_SESSIONS, known + 1
        )  # known at a close, it is applied before the next open
        if not has_bar[last + 1 : row, column].any():
            usd = float(recorded["last_price"].iloc[place])
            result.append((row, column, usd if np.isfinite(usd) and usd >= 0 else None))
    return result


def _silent(has_bar: Mask) -> list[tuple[int, int, float | None]]:
    """Return row and column of companies without a bar for so long that another listing period would begin."""
    result: list[tuple[int, int, float | None]] = []
    for column in range(has_bar.shape[1]):
        traded = np.flatnonzero(has_bar[:, column])
        if not len(traded):  # no bar in the window
            continue
        is_last = np.r_[np.diff(traded) > MAX_GAP_SESSIONS, True]
        result += [(int(row) + MAX_GAP_SESSIONS + 1, column, None) for row in traded[is_last]]
    return result


def _joined(actions: list[tuple[int, int, float, float]]) -> dict[tuple[int, int], tuple[float, float]]:
    """Return dividend and split by row and company: one that became known late may fall on the day of another."""
    joined: dict[tuple[int, int], tuple[float, float]] = {}
    for row, column, dividend, split in sorted(actions):
        paid, ratio = joined.get((row, column), (0.0, 1.0))
        joined[row, column] = paid + max(dividend, 0.0), ratio * (split if split > 0 else 1.0)
    return joined


def _nights(
    sessions: Days,
    risk_free: NDArray[np.float64],
    actions: list[tuple[int, int, float, float]],
    closings: Mapping[int, list[Closing]],
    pay_sessions: int,
) -> tuple[Night, ...]:
    splits: dict[int, list[Split]] = {}
    dividends: dict[int, list[Dividend]] = {}
    for (row, column), (dividend, split) in sorted(_joined(actions).items()):
        if split > 0 and split != 1:
            splits.setdefault(row, []).append(Split(column, split))
        if dividend > 0:
            dividends.setdefault(row, []).append(Dividend(column, dividend, row + pay_sessions))
    days: Ints = np.diff(sessions, prepend=sessions[:1]).astype(np.int64)
    return tuple(
        Night(
            row=row,
            days=int(days[row]),
            interest_rate=float(risk_free[row - 1]) if row else 0.0,
            splits=tuple(splits.get(row, ())),
            dividends=tuple(dividends.get(row, ())),
            closings=tuple(closings.get(row, ())),
        )
        for row in range(len(sessions))
    )

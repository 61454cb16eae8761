"""Figures of a sequence of states and caps against the benchmark, for choosing the rules and for reporting them.

A cap known at a session's close is held from the next open to the one after it. What is not invested earns the Treasury
bill rate. Every change of exposure costs COST_BPS of what is traded.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from config import sections
from tasks.regime.inputs import RegimeInputs, compute_inputs
from tasks.regime.rules import CRASH
from tasks.regime.schema import STATES
from tasks.regime.statistical import expected_volatility
from tests.real_market import BENCHMARK, REAL_DATA, read_levels, read_regime_panel

Numbers = NDArray[np.float64]
States = NDArray[np.int64]

SESSIONS_PER_YEAR = 252
COST_BPS = 5.0
SHORT_EPISODE = 10
WHIPSAW_SESSIONS = 21  # a cap that was lowered and is back within a month
CALM_DRAWDOWN = -0.10  # a calendar year without a close this far below the 252-session high is calm
LOW_SESSIONS = 63  # a low is the lowest close of this many sessions before and after it


@dataclass(frozen=True)
class History:
    """Inputs and returns by session. `benchmark`: from the next open to the one after it, NaN where unknown."""

    sessions: pd.DatetimeIndex
    inputs: RegimeInputs
    close: Numbers
    benchmark: Numbers
    bill: Numbers
    expected_pct: Numbers  # volatility that the statistical model expects; NaN without a model

    def until(self, last: str) -> "History":
        """Return the sessions before this date; returns that end after it are unknown."""
        count = int(np.searchsorted(self.sessions, pd.Timestamp(last)))
        inputs = RegimeInputs(**{name: values[:count] for name, values in vars(self.inputs).items()})
        benchmark = np.r_[self.benchmark[: count - 2], np.nan, np.nan]
        return History(
            self.sessions[:count],
            inputs,
            self.close[:count],
            benchmark,
            self.bill[:count],
            self.expected_pct[:count],
        )

    def rows(self, first: int, last: int) -> NDArray[np.bool_]:
        """Return which sessions lie in these years and have a known return."""
        years = self.sessions.year
        return np.asarray((years >= first) & (years <= last) & np.isfinite(self.benchmark))


@dataclass(frozen=True)
class Figures:
    """What a sequence of states did; money figures are net of costs."""

    changes_a_year: float
    short_episodes: int
    calm_crashes: int  # CRASH sessions in calm years
    mean_cap: float
    sharpe: float
    growth_a_year: float
    drawdown: float
    turnover_a_year: float  # sum of the changes of the cap
    whipsaws: int
    whipsaw_bps_a_year: float  # return lost between the lowered cap and its return, costs included


def read_history() -> History:
    """Read the real market; the statistical model is fitted once a year on the benchmark since 1993."""
    panel = read_regime_panel()
    sessions = pd.DatetimeIndex(panel.sessions)
    levels = read_levels(BENCHMARK).reindex(sessions)
    bills = pd.read_parquet(REAL_DATA / "riskfree.parquet")
    whole = read_levels(BENCHMARK)["adj_close"]
    days = whole.index.to_numpy().astype("datetime64[D]")
    expected = pd.Series(expected_volatility(days, whole.pct_change().to_numpy()), whole.index)
    yield_pct = bills.set_index(pd.DatetimeIndex(bills["date"]))["tbill_13w_yield_pct"]
    return History(
        sessions,
        compute_inputs(panel),
        levels["adj_close"].to_numpy(),
        next_open_returns(levels).to_numpy(),
        yield_pct.reindex(sessions, method="ffill").to_numpy() / 100 / SESSIONS_PER_YEAR,
        expected.reindex(sessions).to_numpy(),
    )


def next_open_returns(levels: pd.DataFrame) -> pd.Series:
    """Return the total return from each session's next open to the one after it."""
    opened = levels["open"] * levels["adj_close"] / levels["close"]
    return opened.shift(-2) / opened.shift(-1) - 1


def caps_of(states: States, volatility_pct: Numbers, rules: sections.Regime) -> Numbers:
    """Return the exposure cap of each session."""
    by_name = {str(name): cap for name, cap in rules.exposure_cap.items()}
    caps = np.array([by_name[state] for state in STATES])[states]
    is_reduced = ~(volatility_pct <= rules.reduce_above_volatility)
    return np.where(is_reduced, caps * rules.reduced_exposure, caps)


def capped_returns(history: History, cap: Numbers) -> Numbers:
    """Return each session's return at this exposure, net of costs."""
    traded = np.abs(np.diff(cap, prepend=cap[0]))
    return cap * history.benchmark + (1 - cap) * history.bill - COST_BPS / 1e4 * traded


def figures_of(history: History, states: States, cap: Numbers, *, first: int, last: int) -> Figures:
    """Return the figures of these years."""
    rows = history.rows(first, last)
    years = rows.sum() / SESSIONS_PER_YEAR
    inside, exposure = states[rows], cap[rows]
    changed = np.flatnonzero(np.diff(inside)) + 1
    episodes = np.diff(np.r_[0, changed, len(inside)])
    returns, bill = capped_returns(history, cap)[rows], history.bill[rows]
    is_calm = np.isin(history.sessions.year[rows], calm_years(history))
    lost, whipsaws = whipsaw_cost(exposure, history.benchmark[rows] - bill)
    return Figures(
        changes_a_year=float(len(changed) / years),
        short_episodes=int((episodes < SHORT_EPISODE).sum()),
        calm_crashes=int(((inside == CRASH) & is_calm).sum()),
        mean_cap=float(exposure.mean()),
        sharpe=sharpe(returns - bill),
        growth_a_year=float(np.prod(1 + returns) ** (1 / years) - 1),
        drawdown=largest_drawdown(returns),
        turnover_a_year=float(np.abs(np.diff(exposure)).sum() / years),
        whipsaws=whipsaws,
        whipsaw_bps_a_year=float(1e4 * lost / years),
    )


def calm_years(history: History) -> list[int]:
    """Return the calendar years in which the benchmark stayed near its high."""
    lowest = pd.Series(history.inputs.drawdown, history.sessions.year).groupby(level=0).min()
    return [int(year) for year in lowest.index[lowest > CALM_DRAWDOWN]]


def whipsaw_cost(cap: Numbers, excess: Numbers) -> tuple[float, int]:
    """Return what lowered caps that were back within WHIPSAW_SESSIONS lost, trading included, and their number.

    A negative figure is a gain. `excess`: return of the benchmark above the Treasury bill.
    """
    lost, count, row = 0.0, 0, 1
    while row < len(cap):
        before = cap[row - 1]
        back = np.flatnonzero(cap[row : row + WHIPSAW_SESSIONS + 1] >= before)
        if cap[row] < before and len(back):
            end = row + int(back[0])
            traded = np.abs(np.diff(cap[row - 1 : end + 1])).sum()
            lost += float(((before - cap[row:end]) * excess[row:end]).sum() + COST_BPS / 1e4 * traded)
            count, row = count + 1, end
        row += 1
    return lost, count


def market_lows(history: History, *, first: int, last: int) -> NDArray[np.int64]:
    """Return the rows of closes that are the lowest of LOW_SESSIONS before and after, in no calm market."""
    close = pd.Series(history.close)
    around = close.rolling(2 * LOW_SESSIONS + 1, center=True).min()
    is_low = (close == around) & (history.inputs.drawdown <= CALM_DRAWDOWN) & history.rows(first, last)
    return np.flatnonzero(is_low)


def sessions_to_recover(states: States, lows: NDArray[np.int64]) -> list[int]:
    """Return, for each low, the number of sessions until the first one that is not CRASH."""
    return [int(np.argmax(states[low:] != CRASH)) for low in lows]


def month_frac(history: History, states: States, month: str) -> float:
    """Return the fraction of the month's sessions in CRASH."""
    inside = history.sessions.strftime("%Y-%m") == month
    return float((states[inside] == CRASH).mean())


def sharpe(excess: Numbers) -> float:
    """Return the annualized Sharpe ratio."""
    return float(excess.mean() / excess.std(ddof=1) * np.sqrt(SESSIONS_PER_YEAR))


def largest_drawdown(returns: Numbers) -> float:
    """Return the largest fall from a high, zero or negative."""
    level = np.cumprod(np.r_[1.0, 1 + returns])
    return float((level / np.maximum.accumulate(level) - 1).min())

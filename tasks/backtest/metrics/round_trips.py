"""Find round trips (from a name's first share bought to its last one sold); measure hit rate and holding time.

Works on holdings and profits, not on fills, so that splits, dividends, mergers and delistings need no special rule.
"""

import numpy as np
import pandas as pd

from tasks.backtest.metrics.figures import Figure, figure
from tasks.data.schema.records import Days, Mask, Matrix

COLUMNS = ("company", "entry", "exit", "sessions", "pnl_usd", "is_open")


def round_trips(sessions: Days, held: Mask, pnl_usd: Matrix) -> pd.DataFrame:
    """Return one row per round trip, by entry and company (its column).

    `held`: whether the company was held at the close; `pnl_usd`: profit of the session after costs; both sessions ×
    companies. A trip's profit is the profit of the sessions in which it was held and of the session of its exit.
    `sessions` is the number of closes at which it was held; a position bought and sold within one session is a trip
    of 0 sessions. `exit` is NaT and `is_open` true for what is held at the end. The profits of all trips sum to
    `pnl_usd`.
    """
    before = np.vstack([np.zeros((1, held.shape[1]), dtype=bool), held[:-1]])
    starts = held & ~before
    stray = ~held & ~before & (pnl_usd != 0)
    active = held | before | stray
    numbers = np.cumsum(
        (starts | stray).T.ravel()
    )  # names in turn, so that a trip is one run of equal numbers
    place = active.T.ravel()
    owner = numbers[place] - 1
    count = int(numbers[-1]) if numbers.size else 0
    company, entry = np.divmod(np.flatnonzero((starts | stray).T.ravel()), max(len(held), 1))
    closes = np.bincount(owner, weights=held.T.ravel()[place], minlength=count).astype(int)
    profit = np.bincount(owner, weights=pnl_usd.T.ravel()[place], minlength=count)
    end = entry + closes
    is_open = end >= len(held)
    exits = pd.DatetimeIndex(sessions[np.minimum(end, len(held) - 1)]).where(~is_open)
    table = pd.DataFrame(
        {
            "company": company,
            "entry": pd.DatetimeIndex(sessions[entry]),
            "exit": exits,
            "sessions": closes,
            "pnl_usd": profit,
            "is_open": is_open,
        },
        columns=list(COLUMNS),
    )
    return table.sort_values(["entry", "company"], kind="stable", ignore_index=True)


def measure_trips(trips: pd.DataFrame) -> dict[str, Figure]:
    """Return hit_rate, holding_sessions (mean), median_holding_sessions, mean_gain_usd, mean_loss_usd, profit_factor.

    Of closed round trips only; the count with each figure is the number of trips. NaN if there are none.
    """
    closed = trips[~trips["is_open"]]
    profit = closed["pnl_usd"].to_numpy(dtype=float)
    held = closed["sessions"].to_numpy(dtype=float)
    gains, losses = profit[profit > 0], profit[profit < 0]
    values = {
        "hit_rate": _ratio(len(gains), len(profit)),
        "holding_sessions": held.mean() if held.size else float("nan"),
        "median_holding_sessions": np.median(held) if held.size else float("nan"),
        "mean_gain_usd": gains.mean() if gains.size else float("nan"),
        "mean_loss_usd": losses.mean() if losses.size else float("nan"),
        "profit_factor": _ratio(float(gains.sum()), -float(losses.sum())),
    }
    return {name: figure(name, float(value), len(profit)) for name, value in values.items()}


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole > 0 else float("nan")

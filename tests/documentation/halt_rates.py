"""How often the halt rule about the Sharpe ratio trips, by the true Sharpe ratio of a strategy, in simulated years.

`python -m tests.documentation.halt_rates` prints the table of docs/safety.md. Daily returns are Student-t with four
degrees of freedom, independent; the portfolio has been invested for two years before the year that is counted, and a
person resets each trip before the next session.
"""

import sys

import numpy as np
from numpy.typing import NDArray

YEARS, SESSIONS = 4_000, 252
BEFORE = 504
TRUE_SHARPE = (2.0, 1.0, 0.5, 0.0, -1.0, -2.0, -3.0)
RULES = ((30, 0.5), (30, -4.0), (63, -2.0), (126, -1.5), (126, -1.0), (252, -1.0), (252, -0.5), (252, 0.0))
SEED = 20240614


def trips_per_year(true_sharpe: float, *, window: int, limit: float, years: int = YEARS) -> NDArray[np.int64]:
    """Return the number of trips in each simulated year."""
    rng = np.random.default_rng(SEED)
    noise = rng.standard_t(4, (years, BEFORE + SESSIONS)) / np.sqrt(2)
    ratio = rolling_sharpe(noise + true_sharpe / np.sqrt(SESSIONS), window)
    trips = np.zeros(years, dtype=np.int64)
    last = np.full(years, -1)  # the session of the last reset
    for session in range(window - 1, BEFORE + SESSIONS):
        met = (ratio[:, session] < limit) & (session - last >= window)
        last[met] = session
        if session >= BEFORE:
            trips += met
    return trips


def rolling_sharpe(returns: NDArray[np.float64], window: int) -> NDArray[np.float64]:
    """Return the annualized Sharpe ratio of the last `window` returns by session; NaN before there are as many."""
    padded = np.pad(returns, ((0, 0), (1, 0)))
    sums, squares = np.cumsum(padded, axis=1), np.cumsum(padded**2, axis=1)
    mean = (sums[:, window:] - sums[:, :-window]) / window
    variance = ((squares[:, window:] - squares[:, :-window]) / window - mean**2) * window / (window - 1)
    found = np.full(returns.shape, np.nan)
    found[:, window - 1 :] = mean / np.sqrt(variance) * np.sqrt(SESSIONS)
    return found


def table() -> str:
    """Return the share of years with a trip and the trips per year, by rule and true Sharpe ratio."""
    lines = [
        "| rule | " + " | ".join(f"{sharpe:g}" for sharpe in TRUE_SHARPE) + " |",
        "|---" * (len(TRUE_SHARPE) + 1) + "|",
    ]
    for window, limit in RULES:
        cells = []
        for sharpe in TRUE_SHARPE:
            trips = trips_per_year(sharpe, window=window, limit=limit)
            cells.append(f"{(trips > 0).mean():.0%}, {trips.mean():.1f}")
        lines.append(f"| below {limit:g} over {window} sessions | " + " | ".join(cells) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.write(table() + "\n")

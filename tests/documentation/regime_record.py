"""Rewrite the record of the regime rules on real prices in docs/regime.md (`make regime`).

The exposure cap is known at a session's close and held from the next open to the one after it; what is not invested
earns the Treasury bill rate. No costs.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tasks.regime.exposure import exposure_cap
from tasks.regime.history import history_table
from tasks.regime.inputs import compute_inputs
from tasks.regime.schema import STATES
from tests.builders import make_settings
from tests.real_market import BENCHMARK, REAL_DATA, read_levels, read_regime_panel

PAGE = Path(__file__).parents[2] / "docs" / "regime.md"
BEGIN, END = "<!-- record: begin -->", "<!-- record: end -->"
FIRST_YEAR = 2001  # before it the 252-session high is incomplete
PERIODS = {"2001–2020": (2001, 2020), "2021–2025, after the rules were set": (2021, 2025)}
SESSIONS_PER_YEAR = 252
DRAWS, BLOCK = (
    2000,
    63,
)  # of the bootstrap: sessions stay in blocks of a quarter, with their clustered volatility

Returns = NDArray[np.float64]


@dataclass(frozen=True)
class Record:
    """One row per session: state, cap, and the returns from the next open to the one after it."""

    state: pd.Series
    cap: pd.Series
    benchmark: pd.Series
    capped: pd.Series
    bill: pd.Series

    def between(self, first: int, last: int) -> "Record":
        """Return the sessions of these years."""
        span = slice(str(first), str(last))
        return Record(*(each.loc[span] for each in vars(self).values()))


def record_of(states: pd.DataFrame, levels: pd.DataFrame, yield_pct: pd.Series) -> Record:
    """Return the record; `states` as `history_table` returns them, the others by session."""
    rules = make_settings().regime
    known = levels.reindex(states.index)
    opened = known["open"] * known["adj_close"] / known["close"]
    benchmark = opened.shift(-2) / opened.shift(-1) - 1
    bill = yield_pct.reindex(states.index, method="ffill") / 100 / SESSIONS_PER_YEAR
    cap = pd.Series(
        [
            exposure_cap(state, volatility, rules)
            for state, volatility in zip(states["state"], states["volatility_pct"], strict=True)
        ],
        index=states.index,
    )
    return Record(states["state"], cap, benchmark, cap * benchmark + (1 - cap) * bill, bill)


def by_year(record: Record) -> str:
    """Return the table of years: sessions by state, and what benchmark and capped benchmark earned and lost."""
    rows = [
        "| year | CRASH | BEAR | NEUTRAL | BULL | mean cap | return | capped | largest drawdown | capped |"
    ]
    rows.append("|---" * 10 + "|")
    for year in sorted(set(record.state.index.year)):
        inside = record.between(year, year)
        counts = [int((inside.state == state).sum()) for state in STATES]
        figures = [
            f"{100 * inside.cap.mean():.0f}%",
            *(_percent(_growth(each)) for each in (inside.benchmark, inside.capped)),
            *(_percent(_drawdown(each)) for each in (inside.benchmark, inside.capped)),
        ]
        rows.append(f"| {year} | {' | '.join(map(str, counts))} | {' | '.join(figures)} |")
    return "\n".join(rows)


def by_period(record: Record) -> str:
    """Return the table of periods, with the confidence interval of the difference between the Sharpe ratios."""
    head = ["period", "sessions", "mean cap", "Sharpe ratio", "capped", "difference (95% CI)"]
    head += ["return a year", "capped", "largest drawdown", "capped"]
    rows = [f"| {' | '.join(head)} |", "|---" * 10 + "|"]
    for name, (first, last) in PERIODS.items():
        inside = record.between(first, last)
        plain, capped, bill = (each.to_numpy() for each in (inside.benchmark, inside.capped, inside.bill))
        low, high = sharpe_difference_band(plain - bill, capped - bill)
        sharpes = _sharpe(plain - bill), _sharpe(capped - bill)
        figures = [
            f"{len(plain):,}",
            f"{100 * inside.cap.mean():.0f}%",
            *(f"{sharpe:.2f}" for sharpe in sharpes),
            f"{_signed(sharpes[1] - sharpes[0])} ({_signed(low)} to {_signed(high)})",
            *(
                _percent((1 + _growth(each)) ** (SESSIONS_PER_YEAR / len(plain)) - 1)
                for each in (plain, capped)
            ),
            *(_percent(_drawdown(each)) for each in (plain, capped)),
        ]
        rows.append(f"| {name} | {' | '.join(figures)} |")
    return "\n".join(rows)


def sharpe_difference_band(plain: Returns, capped: Returns) -> tuple[float, float]:
    """Return the 95% confidence interval of capped less plain Sharpe ratio, by a circular block bootstrap."""
    draw = np.random.default_rng(0)
    count = len(plain)
    blocks = -(-count // BLOCK)
    differences = np.empty(DRAWS)
    for number in range(DRAWS):
        starts = draw.integers(0, count, blocks)
        rows = ((starts[:, None] + np.arange(BLOCK)) % count).ravel()[:count]
        differences[number] = _sharpe(capped[rows]) - _sharpe(plain[rows])
    low, high = np.quantile(differences, [0.025, 0.975])
    return float(low), float(high)


def _sharpe(excess: Returns) -> float:
    return float(excess.mean() / excess.std(ddof=1) * np.sqrt(SESSIONS_PER_YEAR))


def _growth(returns: Returns | pd.Series) -> float:
    return float(np.prod(1 + np.asarray(returns)) - 1)


def _drawdown(returns: Returns | pd.Series) -> float:
    level = np.cumprod(np.r_[1.0, 1 + np.asarray(returns)])
    return float((level / np.maximum.accumulate(level) - 1).min())


def _percent(fraction: float) -> str:
    return f"{100 * fraction:.1f}%".replace("-", "−")


def _signed(figure: float) -> str:
    return f"{figure:+.2f}".replace("-", "−")


def main() -> None:
    """Print the two tables and write them between the markers of docs/regime.md."""
    panel = read_regime_panel()
    states = history_table(panel, compute_inputs(panel), make_settings().regime)
    bills = pd.read_parquet(REAL_DATA / "riskfree.parquet")
    yield_pct = bills.set_index(pd.DatetimeIndex(bills["date"]))["tbill_13w_yield_pct"]
    last_year = max(last for _, last in PERIODS.values())
    record = record_of(states, read_levels(BENCHMARK), yield_pct).between(FIRST_YEAR, last_year)
    tables = f"{by_period(record)}\n\n{by_year(record)}"
    before, rest = PAGE.read_text().split(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}\n\n{tables}\n\n{END}{rest.split(END)[1]}")
    sys.stdout.write(f"{tables}\n")


if __name__ == "__main__":
    main()

"""Rewrite the record of the regime on real prices in docs/regime.md (`make regime`).

The tables between the markers: the choice of the parameters on prices before 2016, and what the rules so chosen did
before and after.
"""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from config import sections
from tasks.regime.rules import CRASH, regime_path
from tasks.regime.schema import STATES
from tasks.regime.statistical import states_of
from tests.builders import make_settings
from tests.documentation.regime_figures import (
    SESSIONS_PER_YEAR,
    History,
    Numbers,
    States,
    calm_years,
    capped_returns,
    caps_of,
    figures_of,
    largest_drawdown,
    market_lows,
    read_history,
    sessions_to_recover,
    sharpe,
)
from tests.documentation.regime_study import CONFIRMATIONS, THRESHOLDS, marginal_table, study

PAGE = Path(__file__).parents[2] / "docs" / "regime.md"
FIRST, LAST = 2001, 2025  # before 2001 the 252-session high is incomplete
PERIODS = {
    "2001–2015, in-sample": (2001, 2015),
    "2016–2025": (2016, 2025),
    "2020–2025": (2020, 2025),
}
DRAWS, BLOCK = (
    2000,
    63,
)  # of the bootstrap: sessions stay in blocks of a quarter, with their clustered volatility


def paths(history: History, rules: sections.Regime) -> dict[str, States]:
    """Return the states of the rules, of the statistical model, and of the 200-day rule as CRASH and BULL."""
    by_rules = regime_path(history.inputs, rules)
    return {
        "regime rules": by_rules,
        "statistical model": states_of(history.expected_pct, by_rules, rules),
        "200-day rule": np.where(history.inputs.trend > 0, len(STATES) - 1, CRASH),
    }


def exposures(history: History, rules: sections.Regime, first: int, last: int) -> dict[str, Numbers]:
    """Return the exposure of each session under the strategies compared; the constant is the rules' mean."""
    states = paths(history, rules)
    volatility_pct = history.inputs.volatility_pct
    cap = caps_of(states["regime rules"], volatility_pct, rules)
    return {
        "benchmark (SPY)": np.ones_like(cap),
        "regime rules": cap,
        "statistical model": caps_of(states["statistical model"], volatility_pct, rules),
        "constant exposure": np.full_like(cap, cap[history.rows(first, last)].mean()),
        "200-day rule": (history.inputs.trend > 0).astype(float),
    }


def by_period(history: History, rules: sections.Regime) -> str:
    """Return the table of strategies by period, with the interval of the Sharpe ratio's difference to SPY."""
    head = ["period", "strategy", "mean exposure", "Sharpe ratio", "minus SPY's (95% CI)", "return a year"]
    head += ["largest drawdown", "exposure traded a year"]
    rows = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for name, (first, last) in PERIODS.items():
        inside = history.rows(first, last)
        plain = (history.benchmark - history.bill)[inside]
        for strategy, cap in exposures(history, rules, first, last).items():
            returns = capped_returns(history, cap)[inside]
            excess = returns - history.bill[inside]
            growth = np.prod(1 + returns) ** (SESSIONS_PER_YEAR / len(returns)) - 1
            low, high = sharpe_difference_band(plain, excess)
            difference = f"{_signed(sharpe(excess) - sharpe(plain))} ({_signed(low)} to {_signed(high)})"
            cells = [
                name,
                strategy,
                f"{100 * cap[inside].mean():.0f}%",
                f"{sharpe(excess):.2f}",
                "" if strategy.startswith("benchmark") else difference,
                _percent(growth),
                _percent(largest_drawdown(returns)),
                f"{100 * np.abs(np.diff(cap[inside])).sum() * SESSIONS_PER_YEAR / len(returns):.0f}%",
            ]
            rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def by_change(history: History, rules: sections.Regime) -> str:
    """Return the table of state changes, false crashes and whipsaws, for the rules and the 200-day rule."""
    head = ["period", "rules", "state changes a year", "episodes under 10 sessions"]
    head += ["CRASH sessions in calm years", "whipsaws", "their cost a year"]
    rows = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for name, (first, last) in PERIODS.items():
        for strategy, states in paths(history, rules).items():
            cap = exposures(history, rules, first, last)[strategy]
            figures = figures_of(history, states, cap, first=first, last=last)
            calm = len([year for year in calm_years(history) if first <= year <= last])
            cells = [
                name,
                strategy,
                f"{figures.changes_a_year:.1f}",
                str(figures.short_episodes),
                f"{figures.calm_crashes} in {calm} years",
                str(figures.whipsaws),
                f"{figures.whipsaw_bps_a_year / 100:.1f}%".replace("-", "−"),
            ]
            rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def by_crash(history: History, states: States) -> str:
    """Return the table of months that fell at least 8%: sessions in each state."""
    months = history.sessions.strftime("%Y-%m")
    close = pd.Series(history.close, history.sessions)
    ends = close.groupby(months).last()
    fell = (ends / ends.shift() - 1).loc[f"{FIRST}-01" : f"{LAST}-12"]
    worst = [*fell.index[fell <= -0.08]]
    rows = [f"| month | benchmark | {' | '.join(STATES)} |", "|---" * (2 + len(STATES)) + "|"]
    for month in worst:
        inside = states[months == month]
        counts = " | ".join(str(int((inside == place).sum())) for place in range(len(STATES)))
        rows.append(f"| {month} | {_percent(fell[month])} | {counts} |")
    return "\n".join(rows)


def by_low(history: History, states: States) -> str:
    """Return the table of market lows after a crash, and the sessions until the state was no longer CRASH."""
    rows = ["| low of the benchmark | sessions until the state was no longer CRASH |", "|---|---|"]
    lows = market_lows(history, first=FIRST, last=LAST)
    for low, sessions in zip(lows, sessions_to_recover(states, lows), strict=True):
        rows.append(f"| {history.sessions[low].date()} | {sessions} |")
    return "\n".join(rows)


def transitions(states: States) -> str:
    """Return the transition matrix: how often each state followed each other one, in sessions."""
    rows = [f"| from | sessions | {' | '.join(f'to {state}' for state in STATES)} |", "|---" * 6 + "|"]
    for place, state in enumerate(STATES):
        after = states[1:][states[:-1] == place]
        counts = " | ".join(f"{int((after == other).sum()):,}" for other in range(len(STATES)))
        rows.append(f"| {state} | {int((states == place).sum()):,} | {counts} |")
    return "\n".join(rows)


def by_year(history: History, states: States, cap: Numbers) -> str:
    """Return the table of years: sessions by state, and what benchmark and capped benchmark earned and lost."""
    head = ["year", *STATES, "mean cap", "return", "capped", "largest drawdown", "capped"]
    rows = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    capped = capped_returns(history, cap)
    for year in range(FIRST, LAST + 1):
        inside = history.rows(year, year)
        counts = [str(int((states[inside] == place).sum())) for place in range(len(STATES))]
        both = history.benchmark[inside], capped[inside]
        figures = [
            f"{100 * cap[inside].mean():.0f}%",
            *(_percent(np.prod(1 + each) - 1) for each in both),
            *(_percent(largest_drawdown(each)) for each in both),
        ]
        rows.append(f"| {year} | {' | '.join([*counts, *figures])} |")
    return "\n".join(rows)


def sharpe_difference_band(plain: NDArray[np.float64], capped: NDArray[np.float64]) -> tuple[float, float]:
    """Return the 95% confidence interval of capped less plain Sharpe ratio, by a circular block bootstrap."""
    draw = np.random.default_rng(0)
    count = len(plain)
    blocks = -(-count // BLOCK)
    differences = np.empty(DRAWS)
    for number in range(DRAWS):
        starts = draw.integers(0, count, blocks)
        rows = ((starts[:, None] + np.arange(BLOCK)) % count).ravel()[:count]
        differences[number] = sharpe(capped[rows]) - sharpe(plain[rows])
    low, high = np.quantile(differences, [0.025, 0.975])
    return float(low), float(high)


def choice_tables(history: History, rules: sections.Regime) -> str:
    """Return the two tables of what was tried before 2016."""
    confirmations, thresholds = study(history, rules)
    return f"{marginal_table(confirmations, CONFIRMATIONS)}\n\n{marginal_table(thresholds, THRESHOLDS)}"


def record_tables(history: History, rules: sections.Regime) -> str:
    """Return the tables of results."""
    states = regime_path(history.inputs, rules)
    cap = caps_of(states, history.inputs.volatility_pct, rules)
    inside = history.rows(FIRST, LAST)
    parts = [
        by_period(history, rules),
        by_change(history, rules),
        by_crash(history, states),
        by_low(history, states),
        transitions(states[inside]),
        by_year(history, states, cap),
    ]
    return "\n\n".join(parts)


def rewrite(page: str, name: str, tables: str) -> str:
    """Return the page with these tables between the markers of `name`."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    before, rest = page.split(begin)
    return f"{before}{begin}\n\n{tables}\n\n{end}{rest.split(end)[1]}"


def _percent(fraction: float) -> str:
    return f"{100 * fraction:.1f}%".replace("-", "−")


def _signed(figure: float) -> str:
    return f"{figure:+.2f}".replace("-", "−")


def main() -> None:
    """Print the tables and write them between the markers of docs/regime.md."""
    history, rules = read_history(), make_settings().regime
    makers: dict[str, Callable[[History, sections.Regime], str]] = {
        "choice": choice_tables,
        "record": record_tables,
    }
    page = PAGE.read_text()
    for name, make in makers.items():
        tables = make(history, rules)
        page = rewrite(page, name, tables)
        sys.stdout.write(f"{tables}\n\n")
    PAGE.write_text(page)


if __name__ == "__main__":
    main()

"""Backtest two plain rules on real prices, with the regime and without; rewrite the table in docs/backtest.md.

`make strategies`: imports the real data into a home of its own, then runs the command `backtest` four times: four
minutes of processor time.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from tests.documentation.regime_record import rewrite
from tests.homes import afterclose
from tests.real_market import REAL_DATA

PAGE = Path(__file__).parents[2] / "docs" / "backtest.md"
MARKER = "strategies"
RULES = {"momentum_52_week": "52-week-high momentum", "equal_weight": "equal weight"}
OPTIMIZER = "equal_weight"
FIGURES = {
    "sharpe": "Sharpe",
    "cagr": "CAGR",
    "max_drawdown": "max drawdown",
    "calmar": "Calmar",
    "turnover": "annual turnover",
}
RATIOS = frozenset({"sharpe", "calmar", "turnover"})
LEAST = {"sharpe": 0.8, "cagr": 0.10}  # the gate of a strategy

Figures = Mapping[
    tuple[str, bool], pd.DataFrame
]  # figures.csv, indexed by figure, of a rule with or without the regime


def table(figures: Figures) -> str:
    """Return the table: each rule without the regime, with it, and the change; then the benchmarks."""
    rows = [
        f"| | {' | '.join(FIGURES.values())} | Sharpe ≥ 0.8 and CAGR ≥ 10% |",
        "|---" * (len(FIGURES) + 2) + "|",
    ]
    for rule, called in RULES.items():
        plain, capped = (figures[rule, regime]["value"] for regime in (False, True))
        rows.append(_row(f"{called}, without the regime", plain))
        rows.append(_row(f"{called}, with the regime", capped))
        change = (capped - plain)[list(FIGURES)]
        rows.append(_row("change due to the regime", change, is_change=True))
    some = next(iter(figures.values()))
    rows.append(_row("all members, equal-weighted, monthly", some["equal_weight"]))
    rows.append(_row("SPY with dividends, no costs", some["benchmark"]))
    return "\n".join(rows)


def intervals(figures: Figures) -> str:
    """Return the 95% intervals of the Sharpe ratio, and of its difference to equal weight of all members."""
    rows = ["| | Sharpe, 95% | minus that of all members, 95% |", "|---|---|---|"]
    for rule, called in RULES.items():
        for regime in (False, True):
            row = figures[rule, regime].loc["sharpe"]
            own, above = (
                f"{row[low]:.2f} to {row[high]:.2f}".replace("-", "−")
                for low, high in (("low", "high"), ("above_equal_weight_low", "above_equal_weight_high"))
            )
            rows.append(f"| {called}, {'with' if regime else 'without'} the regime | {own} | {above} |")
    return "\n".join(rows)


def read_figures(folder: Path) -> pd.DataFrame:
    """Return the figures that a backtest published."""
    return pd.read_csv(folder / "figures.csv", index_col="figure")


def _row(label: str, values: pd.Series, *, is_change: bool = False) -> str:
    sign = "+" if is_change else ""
    cells = [
        "–"
        if pd.isna(values[name])
        else f"{values[name]:{sign}.2f}"
        if name in RATIOS
        else f"{100 * values[name]:{sign}.1f}{' points' if is_change else '%'}"
        for name in FIGURES
    ]
    reached = (
        "" if is_change else "yes" if all(values[name] >= least for name, least in LEAST.items()) else "no"
    )
    return f"| {' | '.join([label, *(cell.replace('-', '−') for cell in cells), reached])} |"


def main() -> None:
    """Print the tables and write them between the markers of docs/backtest.md."""
    environ = {"AFTERCLOSE_DATA__PROVIDER": "files", "AFTERCLOSE_DATA__FILES__PATH": str(REAL_DATA)}
    figures = {}
    with TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        done = afterclose("data", "import", str(REAL_DATA), home=home, **environ)
        if done.returncode:
            raise SystemExit(done.stderr)
        for rule in RULES:
            for regime in (False, True):
                words = (
                    "--model",
                    rule,
                    "--optimizer",
                    OPTIMIZER,
                    "--regime",
                    "on" if regime else "off",
                    "--json",
                )
                done = afterclose("backtest", *words, home=home, **environ)
                if done.returncode:
                    raise SystemExit(done.stderr)
                figures[rule, regime] = read_figures(Path(json.loads(done.stdout)["folder"]))
    tables = f"{table(figures)}\n\n{intervals(figures)}"
    PAGE.write_text(rewrite(PAGE.read_text(), MARKER, tables))
    sys.stdout.write(f"{tables}\n")


if __name__ == "__main__":
    main()

"""Backtests as whole commands: a combination decided every session, and a matrix at a cadence of five sessions.

The lake is warm and the scores are stored. They are generated: slow random numbers with a small part of the next
returns, because training is not what is measured. `python -m tests.bench.backtest SYMBOLS YEARS` measures one size.
"""

import shutil
import subprocess
import sys
from pathlib import Path

from tests.bench.day import BIN, HOMES, IMPORTS
from tests.bench.measure import command, once
from tests.bench.table import Row, table

LAST = "2024-06-14"
YEAR_OF_LAST = 2024
MODELS = tuple(f"model_{number}" for number in range(1, 7))
OPTIMIZERS = (
    *("max_sharpe", "min_volatility", "hrp", "inverse_volatility"),
    *("equal_weight", "score_weighted", "black_litterman", "risk_parity"),
)
CADENCE = 5


def measure() -> dict[str, str]:
    """Return the table, by title."""
    return {
        "Backtests": table(
            [
                *(
                    combination(500, 10, optimizer, goal="25 s, 1.5 GB (next goal: 10 s)")
                    for optimizer in ("max_sharpe", "hrp")
                ),
                matrix(300, 8, goal="6 min, 1.5 GB"),
            ]
        )
    }


def home_of(symbols: int, years: int) -> Path:
    """Return the home whose walks are this long."""
    return HOMES / f"backtest-{symbols}x{years}y"


def first_session(years: int) -> str:
    """Return the first day of a history that has `years` after the year without scores."""
    return f"{YEAR_OF_LAST - years - 1}-06-14"


def combination(symbols: int, years: int, optimizer: str, *, goal: str) -> Row:
    """Measure one combination, decided every session."""
    home = _ready(symbols, years)
    words = ["--model", MODELS[0], "--optimizer", optimizer]
    ours = command(
        [str(BIN / "afterclose"), "--home", str(home), "backtest", *words],
        runs=1,
        before=lambda: _forget(home),
    )
    imports = command([sys.executable, "-c", IMPORTS], runs=3)
    return Row(
        f"`afterclose backtest`, {symbols} × {years} y, `{optimizer}`, decided every session",
        f"{ours.seconds:.1f} s, {ours.peak_mb:,.0f} MB",
        f"imports of a day alone {imports.seconds:.1f} s, {imports.peak_mb:,.0f} MB",
        f"{ours.seconds / imports.seconds:.1f}×",
        goal,
    )


def matrix(symbols: int, years: int, *, goal: str) -> Row:
    """Measure the matrix of all models and optimizers with the regime, in as many processes as there are cores."""
    home = _ready(symbols, years)
    _forget(home)
    chosen = [word for name in OPTIMIZERS for word in ("--optimizer", name)]
    words = ["--matrix", "--regime", "on", "--cadence", str(CADENCE), *chosen]
    whole = once([str(BIN / "afterclose"), "--home", str(home), "backtest", *words])
    combinations = len(MODELS) * len(OPTIMIZERS)
    return Row(
        f"`afterclose backtest --matrix`, {len(MODELS)} × {len(OPTIMIZERS)} over {symbols} × {years} y,"
        f" every {CADENCE} sessions",
        f"{whole.seconds:.0f} s, {whole.peak_mb:,.0f} MB",
        f"{whole.seconds / combinations:.1f} s per combination",
        "–",
        goal,
    )


def _ready(symbols: int, years: int) -> Path:
    """Create the home and its scores, in its own process: a child's peak memory includes its parent's."""
    home = home_of(symbols, years)
    words = [sys.executable, "-m", "tests.bench.ready_backtest", str(symbols), str(years)]
    subprocess.run(words, check=True)
    return home


def _forget(home: Path) -> None:
    for folder in (home / "reports" / "backtests", home / "data" / "backtests"):
        shutil.rmtree(folder, ignore_errors=True)


def main() -> None:
    """Measure a combination and a matrix of one size, and print the rows."""
    symbols, years = map(int, sys.argv[1:])
    rows = [combination(symbols, years, OPTIMIZERS[0], goal="–"), matrix(symbols, years, goal="–")]
    sys.stdout.write(f"{table(rows)}\n")


if __name__ == "__main__":
    main()

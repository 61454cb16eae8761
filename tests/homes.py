"""Homes for running a day: a small simulated market and a trained champion."""

import csv
import json
import os
import shutil
import subprocess
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from io import StringIO
from pathlib import Path
from typing import Any, TextIO
from unittest.mock import patch

import yaml

from flows.cli.app import answer
from flows.daily import daily_live
from flows.weekly import weekly_champion
from tasks.core.homes.home import Home
from tasks.core.homes.opening import open_run
from tasks.core.homes.setup import set_up
from tasks.portfolio.schema import CASH
from tasks.reporting.schema import Day
from tasks.simulation import provider

LAST_SESSION = date(2024, 6, 14)
SESSION_BEFORE = date(2024, 6, 13)

SMALL_MARKET: dict[str, dict[str, Any]] = {
    "data": {
        "simulated": {"symbols": 40, "first_session": "2020-06-01", "seed": 7, "information_coefficient": 0.2}
    },
    "models": {
        "train_sessions": 252,
        "test_sessions": 63,
        "folds": 3,
        "quick_candidates": ["lightgbm"],
        "max_train_test_gap": 1.0,  # models overfit a market this small
        "min_t_statistic": 0.0,
    },
}


def configure(home: Path, settings: dict[str, object] | None = None) -> Path:
    """Create a home whose config.yaml describes a market small enough for a test."""
    blank(home)
    (home / "config.yaml").write_text(yaml.safe_dump(SMALL_MARKET if settings is None else settings))
    return home


def blank(home: Path) -> Path:
    """Create a home without data, days or its own settings."""
    set_up(Home(home))
    return home


def make_trained_home(home: Path) -> Path:
    """Simulate, refresh and train up to the session before the last."""
    configure(home)
    with open_run(home=home, day=SESSION_BEFORE.isoformat(), profile=None, doing="test", environ={}) as run:
        weekly_champion(run, quick=True)
    return home


def make_backtest_home(home: Path, last: str) -> Path:
    """Simulate and refresh 25 names over two years, for backtests."""
    simulated = {**SMALL_MARKET["data"]["simulated"], "symbols": 25, "first_session": "2021-06-01"}
    models = {**SMALL_MARKET["models"], "min_train_sessions": 126}
    configure(home, {"data": {"simulated": simulated}, "models": models})
    ended = afterclose("refresh", "--date", last, home=home)
    if ended.returncode != 0:
        raise AssertionError(ended.stderr)
    return home


def copy_of(home: Path, target: Path) -> Path:
    """Copy a home for a test to modify."""
    shutil.copytree(home, target)
    return target


@contextmanager
def simulated_once() -> Iterator[None]:
    """Simulate each market once per process: the history is pure, and most homes of tests have the same one."""
    with patch.object(provider, "simulate_history", _history):
        yield


_history = lru_cache(maxsize=8)(provider.simulate_history)


def run_day(home: Path, day: date = LAST_SESSION) -> Day:
    """Run a day in this process, as the CLI does."""
    with (
        simulated_once(),
        open_run(home=home, day=day.isoformat(), profile=None, doing="test", environ={}) as run,
    ):
        return daily_live(run)


def fill_at_the_close(home: Path, day: date) -> None:
    """Write the positions after a published day's trades, filled at the prices of the day."""
    with (home / "live" / str(day) / "portfolio_weights.csv").open(encoding="utf-8", newline="") as file:
        rows = [
            f"{row['symbol']},{row['shares']},{day}" for row in csv.DictReader(file) if float(row["shares"])
        ]
    Home(home).positions_file.write_text("\n".join(["symbol,shares,session", *rows]) + "\n")


@dataclass(frozen=True)
class Ended:
    """The exit code and output of a command."""

    returncode: int
    stdout: str
    stderr: str


def afterclose(*arguments: str, home: Path, **environ: str) -> Ended:
    """Run a command in this process with a clean environment.

    Imports take most of a command's time. To test the process itself, use `afterclose_process`.
    """
    out, err = StringIO(), StringIO()
    with (
        patch.dict(os.environ, clean_environ(home, environ), clear=True),
        warnings.catch_warnings(),
        simulated_once(),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        code = answer(["--home", str(home), *arguments])
    return Ended(code, out.getvalue(), err.getvalue())


def afterclose_process(*arguments: str, home: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run the command in its own process."""
    return subprocess.run(
        [str(Path(sys.executable).parent / "afterclose"), "--home", str(home), *arguments],
        env=clean_environ(home, environ),
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )


@contextmanager
def closed_pipe() -> Iterator[TextIO]:
    """Yield a pipe whose reader, like `head`, has ended already."""
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as pipe:
        yield pipe


def clean_environ(home: Path, environ: dict[str, str]) -> dict[str, str]:
    return {"PATH": "/usr/bin:/bin", "HOME": str(home), "COLUMNS": "120", **environ}


def fill_as_proposed(home: Path, session: date) -> None:
    """Hold what the day proposed, filled at its own prices, without approval and execution."""
    place = Home(home)
    with (place.day_folder(session) / "portfolio_weights.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["symbol"] == CASH or float(row["shares"]) != 0]
    lines = ["symbol,shares,session", *(f"{row['symbol']},{row['shares']},{session}" for row in rows)]
    place.positions_file.write_text("\n".join(lines) + "\n")


def day_bytes(home: Path, day: date = LAST_SESSION) -> dict[str, bytes]:
    """Return the day's files by name, without the timings, which differ between runs."""
    files = {path.name: path.read_bytes() for path in sorted(home.joinpath("live", str(day)).iterdir())}
    manifest = json.loads(files["manifest.json"])
    del manifest["timings"]
    files["manifest.json"] = json.dumps(manifest, sort_keys=True).encode()
    return files


def tree_bytes(folder: Path) -> dict[str, bytes]:
    """Return the content of every file in the directory by relative path."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }

"""Time a command as a whole process: median wall seconds and peak memory over several runs."""

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """Seconds and megabytes of one piece of work."""

    seconds: float
    peak_mb: float


def command(words: Sequence[str], *, runs: int, before: Callable[[], object] = lambda: None) -> Figure:
    """Run the command once to warm up, then `runs` times, each after `before`; one that fails stops the bench."""
    figures = []
    for _ in range(runs + 1):
        before()
        figures.append(once(words))
    figures = figures[1:]
    return Figure(
        statistics.median(figure.seconds for figure in figures), max(figure.peak_mb for figure in figures)
    )


def once(words: Sequence[str]) -> Figure:
    """Run the command and return its wall time and its own peak memory."""
    started = time.perf_counter()
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(words)} ended with {process.returncode}")
    return Figure(time.perf_counter() - started, usage.ru_maxrss / 1024)

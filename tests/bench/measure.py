"""Time a command as a whole process, or what it times itself: median seconds, and peak memory over several runs."""

import json
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
    peak_mb = _waited_for(process)
    return Figure(time.perf_counter() - started, peak_mb)


def inside(words: Sequence[str]) -> tuple[list[float], float]:
    """Run a command that prints the seconds of its runs as a JSON list; return them and its peak memory."""
    process = subprocess.Popen(words, stdout=subprocess.PIPE)
    assert process.stdout is not None
    with process.stdout:
        printed = process.stdout.read()
    peak_mb = _waited_for(process)
    return json.loads(printed), peak_mb


def _waited_for(process: subprocess.Popen[bytes]) -> float:
    """Return the peak memory of the process in MB (of the largest one, if it started others) once it has ended.

    The system counts what this process held when it started the other, so it has to be the smaller one.
    """
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, process.args))} ended with {process.returncode}")
    return usage.ru_maxrss / 1024

"""Measure many markets in two processes; each result is a file, so that an interrupted run continues."""

import hashlib
import json
import os
import sys
import time
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from itertools import chain
from multiprocessing import get_context
from pathlib import Path

from tests.power.measure import SESSIONS, SETTINGS, SYMBOLS, Result, measure_market

Market = tuple[float, int]  # planted information coefficient, seed

STRENGTHS = (0.03, 0.05, 0.08)
EMPTY: tuple[Market, ...] = tuple((0.0, seed) for seed in range(601, 641))
PLANTED: dict[float, tuple[Market, ...]] = {
    strength: tuple((strength, seed) for seed in range(first, first + 20))
    for strength, first in zip(STRENGTHS, (701, 801, 901), strict=True)
}
# in this order a part of the markets already gives every row of the table
MARKETS: tuple[Market, ...] = tuple(
    chain.from_iterable(zip(EMPTY[::2], EMPTY[1::2], *PLANTED.values(), strict=True))
)
PROCESSES = 2
ROOT = Path(__file__).parents[2]
FOLDER = Path.home() / ".cache" / "afterclose-power"
SOURCES = ("config", "tasks/core", "tasks/features", "tasks/models", "tasks/selection", "tasks/simulation")


def folder_of_this_code(folder: Path) -> Path:
    """Return the directory for the results of this source code; results of other code are never read."""
    sources = sorted(chain.from_iterable((ROOT / source).rglob("*.py") for source in SOURCES))
    tests = [ROOT / "tests" / name for name in ("power/measure.py", "power/looks.py", "simulated.py")]
    return folder / f"{digest(SETTINGS.model_dump_json(), [*sources, *tests])}-{SYMBOLS}-{SESSIONS}"


def digest(settings: str, sources: Sequence[Path]) -> str:
    """Return twelve hexadecimal digits that identify the settings and the content of these files."""
    code = hashlib.sha256(settings.encode())
    for path in sources:
        code.update(path.read_bytes())
    return code.hexdigest()[:12]


def stored(folder: Path, markets: Sequence[Market]) -> list[Result]:
    """Return the results there are, in the order of the markets."""
    paths = [_path(folder, market) for market in markets]
    return [read_result(path) for path in paths if path.is_file()]


def measure_and_store(folder: Path, market: Market) -> Result:
    """Return the stored result of the market, or measure and store it."""
    path = _path(folder, market)
    if path.is_file():
        return read_result(path)
    result = measure_market(*market)
    write_result(path, result)
    return result


def write_result(path: Path, result: Result) -> None:
    """Write the file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(f".{os.getpid()}")
    part.write_text(json.dumps(result, indent=1))
    part.replace(path)


def read_result(path: Path) -> Result:
    """Return a stored result."""
    return dict(json.loads(path.read_text()))


def measure_all(folder: Path, markets: Sequence[Market], *, minutes: float) -> None:
    """Measure what is not stored; after this many minutes no other market begins."""
    os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}  # for the processes started below
    missing = [market for market in markets if not _path(folder, market).is_file()]
    started, done = time.monotonic(), len(markets) - len(missing)
    with ProcessPoolExecutor(PROCESSES, get_context("spawn")) as processes:
        running: set[Future[Result]] = set()
        while True:
            while missing and len(running) < PROCESSES and _minutes_since(started) < minutes:
                running.add(processes.submit(measure_and_store, folder, missing.pop(0)))
            if not running:
                return
            ready, running = wait(running, return_when=FIRST_COMPLETED)
            for each in ready:
                done += 1
                progress = f"{done} of {len(markets)}, {_minutes_since(started):.1f} min"
                sys.stdout.write(f"{progress}: {_line(each.result())}\n")
                sys.stdout.flush()


def _minutes_since(started: float) -> float:
    return (time.monotonic() - started) / 60


def _path(folder: Path, market: Market) -> Path:
    planted, seed = market
    return folder / f"{planted:g}-{seed}.json"


def _line(result: Result) -> str:
    name = result["selected"]
    found = result["found"][name]["neutral_ic_t"] if name else 0.0
    verdict = "confirmed" if result["confirmed"] else "not confirmed"
    return f"planted {result['planted']:g}, seed {result['seed']}: {name}, t {found:.2f}, {verdict}"

"""Mutate the modules that handle money, time or halting, and run the tests on each mutant (`make mutate`).

mutmut does the work: `[tool.mutmut]` in pyproject.toml names modules and tests. This module adds what it has no setting
for. Wording is not behavior, so string literals, log lines and error texts are not mutated. A mutant is tested with
few examples of each property, and only by the fastest tests that reach it. A slice that exceeds its time is ended, and
the next one continues there. Each module's mutants are tried in a random order, and the modules take turns, so an
incomplete run is a random sample of each module.

Run as a program, it prints the survivors by module, and exits 1 if a score is below its bound. As a pytest plugin
(`-p tests.mutate`), it lowers the number of examples.
"""

import argparse
import gc
import os
import random
import signal
import subprocess
import sys
import time
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator
from fnmatch import fnmatch
from itertools import accumulate
from math import ceil
from pathlib import Path

import libcst as cst
import pytest
from mutmut.configuration import config
from mutmut.mutation import file_mutation
from mutmut.mutation.data import SourceFileMutationData
from mutmut.mutation.diff_apply import get_diff_for_mutant
from mutmut.state import state
from mutmut.stats import status_by_exit_code
from mutmut.utils.file_utils import walk_mutatable_files
from mutmut.workers.isolation import ForkServerRunner

from tests.examples import draw_at_most

ROOT = Path(__file__).parents[1]
SLICE_S = 20 * 60
SLICES = 12
EXAMPLES = 12
TESTS_S = 4.0  # of tests per mutant at most, fastest first; a mutant may take four times as long as its tests
START_S = 1.5  # of a mutant's process, added to its tests: most that exceed their time would never end
SEED = 10
CHILDREN = 2 * (os.cpu_count() or 1)  # many wait for the disk
LEAST_TOTAL, LEAST_EACH = 0.90, 0.85
CAUGHT = {"killed", "timeout", "segfault", "suspicious", "caught by type check"}
LEAN = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
TRAINED = "trained_home_template"  # a fixture that every mutant's process would build again
UNTESTED = 255  # exit code: pytest refused the names of the tests; mutmut counts it as a timeout
LIVED = {0, 5, 33, UNTESTED}  # exit codes: the tests passed, or there were none
MUTANTS = ROOT / "mutants"
COLLECTED = MUTANTS / "mutmut-stats.json"


def pytest_configure() -> None:
    """Disable garbage collection: a mutant's process is short, and touching objects after a fork copies memory."""
    gc.disable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Deselect tests that need a trained home, and limit the examples of properties.

    A mutant that needs more than that to be seen counts as one that lived.
    """
    items[:] = [item for item in items if TRAINED not in getattr(item, "fixturenames", ())]
    draw_at_most(EXAMPLES, items)


def is_words(node: cst.CSTNode) -> bool:
    """Return whether the node is only text for a reader: a string, a log line, an error text."""
    if isinstance(node, cst.BaseString):
        return True
    if not isinstance(node, cst.Call):
        return False
    called = node.func
    if isinstance(called, cst.Attribute):
        return isinstance(called.value, cst.Name) and called.value.value == "log"
    return isinstance(called, cst.Name) and called.value.endswith(("Error", "_refused"))


def run_slice(names: tuple[str, ...]) -> None:
    """Run mutmut in this process, without mutants of wording."""
    from mutmut import __main__ as main

    skip = file_mutation.MutationVisitor._skip_node_and_children

    def skip_words(visitor: file_mutation.MutationVisitor, node: cst.CSTNode) -> bool:
        return is_words(node) or skip(visitor, node)

    submit = ForkServerRunner.submit

    def submit_fastest(
        runner: ForkServerRunner, mutant_name: str, tests: list[str], _limit: int, _estimate: float
    ) -> None:
        fastest, seconds = fastest_tests(tests)
        limit_s = ceil((seconds + START_S) * 8)  # of CPU time; half of that in wall time
        submit(runner, mutant_name, fastest, limit_s, seconds)

    ForkServerRunner.submit = submit_fastest  # type: ignore[method-assign]
    ForkServerRunner.run_clean_tests = lambda *_, **__: 0  # type: ignore[method-assign] # measuring them has run them
    turns: dict[str, tuple[int, str]] = {}

    def turn(mutant_name: str) -> tuple[int, str]:
        if not turns:
            turns.update(random_turns())
        return turns[mutant_name]

    main.estimated_worst_case_time = turn  # mutmut sorts by this
    file_mutation.MutationVisitor._skip_node_and_children = skip_words  # type: ignore[method-assign]
    signal.signal(signal.SIGINT, signal.default_int_handler)  # background jobs ignore it by default
    del sys.modules["tests"]  # the tests to run are in mutants/, next to the code that they import
    main._run(names, CHILDREN)


def fastest_tests(tests: list[str]) -> tuple[list[str], float]:
    """Return the fastest tests that fit into the time of a mutant (at least one), and their duration in seconds."""
    duration = state().duration_by_test
    ordered = sorted(tests, key=lambda test: (duration[test], test))
    ends = list(accumulate(duration[test] for test in ordered))
    count = max(bisect_right(ends, TESTS_S), 1)
    return ordered[:count], ends[count - 1]


def random_turns() -> dict[str, tuple[int, str]]:
    """Return the position of each mutant in the random order of its module."""
    by_module: dict[str, list[str]] = {}
    for module, _, name, _ in outcomes():
        by_module.setdefault(module, []).append(name)
    turns = {}
    for names in by_module.values():
        random.Random(SEED).shuffle(names)
        turns.update({name: (place, name) for place, name in enumerate(names)})
    return turns


def drop_stale_copies() -> None:
    """Delete what mutmut would retain of an earlier run: copies of deleted files, and files that are not code."""
    for folder in ("config", "flows", "tasks", "tests"):
        for copy in (MUTANTS / folder).rglob("*.*"):
            name = copy.name.removesuffix(".meta").removesuffix(".spans")
            source = ROOT / copy.relative_to(MUTANTS).with_name(name)
            if copy.is_file() and not (source.exists() and name.endswith(".py")):
                copy.unlink()


def try_again_what_lived() -> None:
    """Reset outcomes that better tests may change; mutmut itself resets those of changed functions."""
    for data in mutated_files():
        for name, code in data.exit_code_by_key.items():
            if code in LIVED:
                data.exit_code_by_key[name] = None
        data.save()


def run_slices(count: int) -> None:
    """Run slices, each in its own process, until every mutant is tried or the time is up.

    The first one runs all tests once, without a mutant, and measures them.
    """
    COLLECTED.unlink(missing_ok=True)
    for number in range(1, count + 1):
        slice_ = subprocess.Popen(
            [sys.executable, "-m", "tests.mutate", "--one-slice"],
            cwd=ROOT,
        )
        try:
            code = slice_.wait(SLICE_S)
        except subprocess.TimeoutExpired:
            slice_.send_signal(signal.SIGINT)
            code = slice_.wait()
        if code == 0 and not any(status == "not checked" for *_, status in outcomes()):
            return
        if not COLLECTED.exists():
            sys.exit(f"mutmut stopped with exit code {code} before it tried a mutant")
        print(f"slice {number} is over, some mutants are left")


def mutated_files() -> Iterator[SourceFileMutationData]:
    for path in sorted(walk_mutatable_files()):
        if (MUTANTS / f"{path}.meta").exists():
            data = SourceFileMutationData(path=path)
            data.load()
            yield data


def outcomes() -> Iterator[tuple[str, str, str, str]]:
    """Return module (as `only_mutate` names it), file, name and outcome of every mutant."""
    for data in mutated_files():
        file = str(data.path)
        module = next(pattern for pattern in config().only_mutate if fnmatch(file, pattern))
        for name, code in data.exit_code_by_key.items():
            yield module, file, name, "untested" if code == UNTESTED else status_by_exit_code[code]


def report(*, differences: bool) -> bool:
    """Print the survivors, then the scores; return whether every module reaches its required score."""
    total, tried, caught = Counter[str](), Counter[str](), Counter[str]()
    modules = ["total"]
    for module, file, name, status in outcomes():
        rows = {file, module, "total"}
        modules += [module] * (module not in modules)
        total.update(rows)
        tried.update(rows if status != "not checked" else ())
        caught.update(rows if status in CAUGHT else ())
        if status not in CAUGHT | {"not checked"}:
            print(f"{status}: {name}")
            if differences:
                print(get_diff_for_mutant(name, path=Path(file)))
    for row in sorted(total.keys() - set(modules)) + modules:
        print(
            f"{caught[row] / max(tried[row], 1):7.1%} {caught[row]:5} of {tried[row]:5} tried, of {total[row]:5} {row}"
        )
    least = {module: LEAST_TOTAL if module == "total" else LEAST_EACH for module in modules}
    return all(caught[module] >= least[module] * max(tried[module], 1) for module in modules)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--slices", type=int, default=SLICES, help="of 20 minutes, at most; 0: only report")
    parser.add_argument("--differences", action="store_true", help="show what each surviving mutant changed")
    parser.add_argument("--one-slice", action="store_true", help="run mutmut once, for as long as it takes")
    parser.add_argument("names", nargs="*", help="with --one-slice, the mutants to try: 'tasks.costs.*'")
    options = parser.parse_args()
    os.chdir(ROOT)
    os.environ.update(LEAN)
    if options.one_slice:
        run_slice(tuple(options.names))
        return 0
    started = time.monotonic()
    if options.slices:
        drop_stale_copies()
        try_again_what_lived()
        run_slices(options.slices)
    good = report(differences=options.differences)
    print(f"{(time.monotonic() - started) / 60:.0f} minutes")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())

"""Check a home: report what is missing or stale, and how to fix it. Changes nothing.

Works on an empty directory too. A check that cannot run has failed.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace

from flows.operations.homes.checked import CheckedHome, CheckResult
from flows.operations.homes.home_checks import CHECKS
from flows.terminal import Options, Result, failure_of, with_home
from tasks.core.homes.home import Home
from tasks.core.text import counted

PREREQUISITES = ("home", "settings", "lake")  # without them no run starts
FIXED_BY_A_RUN = frozenset({"lake", "champion", "last day"})
FIX_FIRST = "Fix this first: "
MARKS = {"ok": "✓", "warn": "!", "fail": "✗"}


def examine(options: Options) -> Result:
    """Run every check; the exit code is the first failed check's, 0 if none failed."""
    checked = CheckedHome(options)
    results = _after_prerequisites([_run(name, check, checked) for name, check in CHECKS.items()], options)
    failed = [result for result in results if result.verdict == "fail"]
    document = {
        "home": str(checked.home.root),
        "healthy": not failed,
        "checks": [result.document() for result in results],
    }
    return Result(document, "\n".join(_lines(checked.home, results)), failed[0].exit_code if failed else 0)


def _after_prerequisites(results: list[CheckResult], options: Options) -> list[CheckResult]:
    """Name the user's home in every remedy; where no run can start, replace remedies that consist of a run."""
    failed = [
        result.check for result in results if result.check in PREREQUISITES and result.verdict == "fail"
    ]
    return [
        replace(result, remedy=f"{FIX_FIRST}{failed[0]}.")
        if failed and result.check in FIXED_BY_A_RUN and result.check not in failed and result.remedy
        else replace(result, remedy=with_home(result.remedy, options))
        for result in results
    ]


def _run(name: str, check: Callable[[CheckedHome], CheckResult], checked: CheckedHome) -> CheckResult:
    try:
        return check(checked)
    except Exception as error:  # noqa: BLE001 - a check that cannot run has failed, and the others still run
        failure = failure_of(error, Options())
        message = str(failure.details.get("what", failure.message))
        return CheckResult(name, "fail", message, str(failure.details.get("remedy", "")), failure.exit_code)


def _lines(home: Home, results: list[CheckResult]) -> Iterator[str]:
    yield f"{home.root}"
    for result in results:
        line = f"{MARKS[result.verdict]} {result.check:<13} {result.message}"
        if result.remedy.startswith(FIX_FIRST):
            yield f"{line} → {result.remedy}"
            continue
        yield line
        if result.remedy:
            yield f"{'':<16}→ {result.remedy}"
    counts = {verdict: sum(result.verdict == verdict for result in results) for verdict in MARKS}
    yield f"{counts['ok']} ok, {counted(counts['warn'], 'warning')}, {counts['fail']} failed"

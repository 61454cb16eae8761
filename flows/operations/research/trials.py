"""Show the trial ledger, or record that a named person accepts it as it is."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict

from flows.operations.homes.inspection import aligned
from flows.terminal import Options, Result, with_home
from tasks.core.clock import now
from tasks.core.errors import SafetyError
from tasks.core.homes.home import Home
from tasks.core.homes.opening import find_home
from tasks.core.text import counted
from tasks.selection.trials.deflation import bar_of, effective_number
from tasks.selection.trials.ledger import REMEDY, Contents, accept, history_in, read_contents

YEARS = 3  # of returns, as in the folds of the default settings


def show_trials(options: Options) -> Result:
    """Return the trials by candidate and the Sharpe ratio expected by chance.

    The exit code is 3 if the ledger is not intact.
    """
    home = find_home(options.home)
    return _result(home, read_contents(home), options)


def accept_trials(options: Options, *, by: str, reason: str) -> Result:
    """Append the row that accepts everything before it."""
    home = find_home(options.home)
    return _result(home, accept(home, by=by, reason=reason, at=now()), options)


def _result(home: Home, contents: Contents, options: Options) -> Result:
    history = history_in(home, contents)
    effective = effective_number(history)
    bar = bar_of(effective, years=YEARS)
    counts = Counter(entry.candidate for entry in contents.entries)
    document = {
        "home": str(home.root),
        "trials": contents.count,
        "without_returns": history.unknown,
        "effective_trials": effective,
        "sharpe_by_luck": bar,
        "years": YEARS,
        "candidates": dict(counts),
        "problems": list(contents.problems),
        "entries": [asdict(entry) for entry in contents.entries],
    }
    lines = [
        f"{counted(contents.count, 'trial')} to date, equivalent to {effective:.1f} independent trials.",
        f"Over {YEARS} years, the best of them would be expected to reach a Sharpe ratio of {bar:.2f} by chance.",
    ]
    if counts:
        lines.append(aligned([("candidate", "trials", "first", "last"), *_rows(contents)]))
    if contents.lost:
        lines.append(f"{counted(contents.lost, 'trial')} lost from the ledger, still counted.")
    if contents.problems:
        lines += [*contents.problems, with_home(REMEDY, options)]
    return Result(document, "\n".join(lines), SafetyError.exit_code if contents.problems else 0)


def _rows(contents: Contents) -> Iterator[tuple[str, ...]]:
    """Yield each candidate with its number of trials (largest first) and the first and last session it was tried."""
    sessions: dict[str, list[str]] = {}
    for entry in contents.entries:
        sessions.setdefault(entry.candidate, []).append(entry.session)
    for name, weeks in sorted(sessions.items(), key=lambda item: -len(item[1])):
        yield name, str(len(weeks)), min(weeks), max(weeks)

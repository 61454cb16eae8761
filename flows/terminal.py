"""Print for a person or a script: results to stdout, progress and errors to stderr.

With --json exactly one document goes to stdout, for a failure too. External text (symbols, names, reasons) is printed
with control characters escaped and secrets masked.
"""

import json
import logging
import math
import os
import re
import shlex
import sys
import traceback
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from tasks.core.errors import AftercloseError, StorageError
from tasks.core.masking import masked
from tasks.core.text import escape_controls

if TYPE_CHECKING:
    from rich.console import Console

LINES_EVERY_S = 30.0
STAGE_LOGGER, STEP_LOGGER = "tasks.core.stage", "tasks.core.stage.steps"
# A command in a text that names no home. `init` takes its directory as an argument.
COMMAND = re.compile(
    r"\bafterclose (?!init\b)[a-z][a-z-]*( [a-z][a-z-]*)?(?=[`.,;:)\n]|$| -| [A-Z0-9])(?![^`\n;,]*--(home|help)\b)"
)


@dataclass(frozen=True)
class Options:
    """The global options; `home` is None unless --home was given."""

    home: Path | None = None
    profile: str | None = None
    as_json: bool = False
    debug: bool = False
    verbose: bool = False


@dataclass(frozen=True)
class Result:
    """The outcome of a command: the document for a script, the text for a person."""

    document: Mapping[str, object]
    text: str
    exit_code: int = 0


@dataclass(frozen=True)
class Failure:
    """An error as it is printed: one paragraph; `details` go into the JSON document."""

    message: str
    exit_code: int
    details: Mapping[str, object] = field(default_factory=dict)


def show(result: Result, options: Options) -> int:
    """Print the result; return its exit code even if the reader closes the pipe early: the command's effects remain."""
    text = _as_json(result.document) if options.as_json else with_home(result.text, options)
    show_pieces([f"{text}\n"], options)
    return result.exit_code


def show_pieces(pieces: Iterable[str], options: Options) -> None:
    """Print a result piece by piece, each of whole lines. A reader such as `head` may close the pipe early."""
    try:
        for piece in pieces:
            typer.echo(masked(piece) if options.as_json else _shown(piece), nl=False)
        sys.stdout.flush()
    except BrokenPipeError:
        _discard_output()
    except OSError as error:  # a full disk: the pieces raise errors of ours alone
        _discard_output()
        raise StorageError(
            f"The output cannot be written: {error.strerror}.",
            remedy="Write it where there is space; what was printed so far is incomplete.",
        ) from None


def _discard_output() -> None:
    """Send what is left to nowhere: Python flushes standard output once more at the end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def preview(text: str) -> None:
    """Print to stderr what a person reads before deciding; the result still goes to stdout."""
    typer.echo(_shown(text), err=True)


def report_failure(failure: Failure, options: Options) -> int:
    """Print the failure, with its traceback when --debug asks for it; return its exit code."""
    if options.debug:
        typer.echo(masked(traceback.format_exc()), err=True)
    typer.echo(f"afterclose: {_shown(failure.message)}", err=True)
    if options.as_json:
        document = {"error": failure.message, "exit_code": failure.exit_code, **failure.details}
        with suppress(StorageError):  # a person has read it
            show_pieces([f"{_as_json(document)}\n"], options)
    return failure.exit_code


def failure_of(error: Exception, options: Options) -> Failure:
    """Describe an exception in one paragraph; an unexpected one points to --debug."""
    if isinstance(error, AftercloseError):
        remedy = with_home(error.remedy, options)
        details = {
            "what": error.what,
            "remedy": remedy,
            "runbook": error.runbook,
            "fields": error.fields,
        }
        message = f"{error.what} {remedy} (docs/runbooks.md#{error.runbook})"
        return Failure(message, error.exit_code, details)
    kind = type(error).__name__
    return Failure(
        f"Unexpected error ({kind}: {error}). What was published before is intact; "
        "run again with --debug for the traceback. (docs/runbooks.md#unexpected)",
        exit_code=1,
    )


def with_home(text: str, options: Options) -> str:
    """Add --home to every command in the text that names none, so that it works in any directory.

    Nothing is added for the checkout, the default everywhere, and for the home that AFTERCLOSE_HOME names.
    """
    home = _home_to_name(options) if COMMAND.search(text) else None
    if home is None:
        return text
    option = f" --home {shlex.quote(str(home))}"
    return COMMAND.sub(lambda command: command[0] + option, text)


def _home_to_name(options: Options) -> Path | None:
    if options.home is not None:
        return options.home.expanduser().absolute()
    if os.environ.get("AFTERCLOSE_HOME"):
        return None
    from tasks.core.homes.home import Home
    from tasks.core.homes.opening import checkout

    here = Path.cwd()
    return here if Home(here).marker_file.exists() and here != checkout() else None


@contextmanager
def progress(options: Options) -> Iterator[None]:
    """Print the running stage to stderr while the block runs."""
    handler = _StageLines(options)
    root = logging.getLogger()
    before = root.level
    root.setLevel(logging.DEBUG if options.debug else logging.INFO)
    root.addHandler(handler)
    try:
        with handler.spinner():
            yield
    finally:
        root.removeHandler(handler)
        root.setLevel(before)


@contextmanager
def progress_bar(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """Show a progress bar; without a terminal, print a line at the start and every 30 s. Both show the time left.

    Yields a function that takes the number of finished units.
    """
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True, highlight=False)
    if not console.is_terminal:
        console.print(f"{_shown(what)} …", markup=False, soft_wrap=True)
        yield _lines_of_progress(console, _shown(what), total)
        return
    columns = TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}/{task.total}")
    with Progress(*columns, TimeRemainingColumn(), console=console, transient=True) as shown:
        task = shown.add_task(_shown(what), total=total)

        def report(done: int) -> None:
            shown.update(task, completed=done)

        yield report


def _lines_of_progress(console: "Console", what: str, total: int) -> Callable[[int], None]:
    """Return a function that takes the number of finished units and prints a line every LINES_EVERY_S seconds."""
    from tasks.core.clock import stopwatch

    started = printed = stopwatch()

    def report(done: int) -> None:
        nonlocal printed
        now = stopwatch()
        if total / 100 <= done < total and now - printed >= LINES_EVERY_S:  # an earlier estimate misleads
            printed = now
            left_s = (now - started) * (total - done) / done
            console.print(
                f"{what}: {done / total:.0%}, about {_duration(left_s)} left", markup=False, soft_wrap=True
            )

    return report


def _duration(seconds: float) -> str:
    """Write 40 s, 12 min or 1 h 05 min."""
    minutes = round(seconds / 60)
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"


class _StageLines(logging.Handler):
    """Print the start and end of stages, log lines of flows, and our warnings; log lines of stages only with -v."""

    def __init__(self, options: Options) -> None:
        super().__init__()
        from rich.console import Console

        self._options = options
        self._console = Console(stderr=True, highlight=False)
        self._status = self._console.status("preparing …") if self._console.is_terminal else None
        self._began: dict[str, float] = {}  # when the steps of each kind began
        self._printed = 0.0

    @contextmanager
    def spinner(self) -> Iterator[None]:
        if self._status is None:
            yield
        else:
            with self._status:
                yield

    def emit(self, record: logging.LogRecord) -> None:
        ours = record.name.startswith(("tasks.", "flows."))
        is_shown = (
            record.name.startswith("flows.") or record.levelno >= logging.WARNING or self._options.verbose
        )
        if record.name == STAGE_LOGGER:
            self._stage(record)
        elif record.name == STEP_LOGGER:
            self._step(record)
        elif self._options.debug or (ours and is_shown and record.levelno >= logging.INFO):
            self._line(f"  {record.levelname.lower()}: {record.getMessage()}")

    def _stage(self, record: logging.LogRecord) -> None:
        message = record.getMessage().replace("_", " ")
        if self._status is None:
            self._line(message)
        elif message.endswith("…"):
            self._status.update(message)
        else:
            self._line(f"✓ {message.replace(' done in ', ', ')}")

    def _step(self, record: logging.LogRecord) -> None:
        """Show the steps done and the time left; without a terminal, at most every LINES_EVERY_S seconds."""
        what, done, total = (getattr(record, name) for name in ("what", "done", "total"))
        if not done:
            self._began[what] = self._printed = record.created
        text = record.getMessage()
        if 0 < done < total:
            left_s = (record.created - self._began.get(what, record.created)) * (total - done) / done
            text += f", about {_duration(left_s)} left"
        if self._status is not None:
            self._status.update(_shown(text))
        elif 0 < done < total and record.created - self._printed >= LINES_EVERY_S:
            self._printed = record.created
            self._line(text)

    def _line(self, text: str) -> None:
        self._console.print(_shown(text), markup=False, soft_wrap=True)


def _shown(text: str) -> str:
    return escape_controls(masked(text))


def _as_json(document: Mapping[str, object]) -> str:
    return json.dumps(_plain(document), indent=2, default=str, allow_nan=False)


def _plain(value: object) -> object:
    """Replace NaN and infinity, which JSON does not have, by text."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(inside) for key, inside in value.items()}
    return [_plain(inside) for inside in value] if isinstance(value, list | tuple) else value


def silence_library_warnings(options: Options) -> None:
    """Hide warnings of libraries unless --debug or python -W asks for them."""
    if not options.debug and not sys.warnoptions:
        warnings.simplefilter("ignore")

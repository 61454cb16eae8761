"""Speak to a person or to a script: results to stdout, progress and complaints to stderr.

With --json exactly one document goes to stdout, for a failure too. Whatever came from outside (symbols, names,
reasons) is shown without control characters, which a terminal obeys, and without the value of a secret.
"""

import json
import logging
import math
import sys
import traceback
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import typer

from tasks.core.errors import AftercloseError
from tasks.core.secrets import masked
from tasks.core.text import escape_controls

STAGE_LOGGER = "tasks.core.stage"


@dataclass(frozen=True)
class Options:
    """What every command takes."""

    home: Path | None = None
    profile: str | None = None
    as_json: bool = False
    debug: bool = False
    verbose: bool = False


@dataclass(frozen=True)
class Result:
    """What a command found or did: the document for a script, the text for a person."""

    document: Mapping[str, object]
    text: str
    exit_code: int = 0


@dataclass(frozen=True)
class Failure:
    """What went wrong, in the words of the error."""

    message: str
    exit_code: int
    details: Mapping[str, object] = field(default_factory=dict)


def show(result: Result, options: Options) -> int:
    """Print the result; return its exit code."""
    typer.echo(_as_json(result.document) if options.as_json else _shown(result.text))
    return result.exit_code


def complain(failure: Failure, options: Options) -> int:
    """Print the failure, with its traceback when --debug asks for it; return its exit code."""
    if options.debug:
        typer.echo(masked(traceback.format_exc()), err=True)
    typer.echo(f"afterclose: {_shown(failure.message)}", err=True)
    if options.as_json:
        typer.echo(_as_json({"error": failure.message, "exit_code": failure.exit_code, **failure.details}))
    return failure.exit_code


def failure_of(error: Exception) -> Failure:
    """Put an exception into one paragraph; what nobody foresaw is named and points to --debug."""
    if isinstance(error, AftercloseError):
        details = {
            "what": error.what,
            "remedy": error.remedy,
            "runbook": error.runbook,
            "fields": error.fields,
        }
        return Failure(str(error), error.exit_code, details)
    kind = type(error).__name__
    return Failure(
        f"Something unforeseen happened ({kind}: {error}). What was published before is intact; "
        "run again with --debug for the traceback. (docs/runbooks.md#unexpected)",
        exit_code=1,
    )


@contextmanager
def progress(options: Options) -> Iterator[None]:
    """Tell on stderr which stage runs, while the block runs."""
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


class _StageLines(logging.Handler):
    """Show stages as they begin and end, what flows say, and our warnings; what stages report only with -v."""

    def __init__(self, options: Options) -> None:
        super().__init__()
        from rich.console import Console

        self._options = options
        self._console = Console(stderr=True, highlight=False)
        self._status = self._console.status("preparing …") if self._console.is_terminal else None

    @contextmanager
    def spinner(self) -> Iterator[None]:
        if self._status is None:
            yield
        else:
            with self._status:
                yield

    def emit(self, record: logging.LogRecord) -> None:
        ours = record.name.startswith(("tasks.", "flows."))
        told = record.name.startswith("flows.") or record.levelno >= logging.WARNING or self._options.verbose
        if record.name == STAGE_LOGGER:
            self._stage(record)
        elif self._options.debug or (ours and told and record.levelno >= logging.INFO):
            self._line(f"  {record.levelname.lower()}: {record.getMessage()}")

    def _stage(self, record: logging.LogRecord) -> None:
        message = record.getMessage().replace("_", " ")
        if self._status is None:
            self._line(message)
        elif message.endswith("…"):
            self._status.update(message)
        else:
            self._line(f"✓ {message.replace(' done in ', ', ')}")

    def _line(self, text: str) -> None:
        self._console.print(_shown(text), markup=False, soft_wrap=True)


def _shown(text: str) -> str:
    return escape_controls(masked(text))


def _as_json(document: Mapping[str, object]) -> str:
    return masked(json.dumps(_plain(document), indent=2, default=str, allow_nan=False))


def _plain(value: object) -> object:
    """Turn NaN and infinity, which JSON does not know, into text."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(inside) for key, inside in value.items()}
    return [_plain(inside) for inside in value] if isinstance(value, list | tuple) else value


def quieten_libraries(options: Options) -> None:
    """Keep the libraries' own warnings from drowning the result, unless --debug or python -W asks for them."""
    if not options.debug and not sys.warnoptions:
        warnings.simplefilter("ignore")

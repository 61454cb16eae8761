"""Answer questions in SQL about a home: as a table, CSV, JSON or Parquet. Changes nothing in the home."""

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from flows.operations.exports import export_path
from flows.operations.research.query_results import (
    csv_pieces,
    end_of_failed_json,
    json_pieces,
    table_text,
    write_parquet,
)
from flows.terminal import Failure, Options, Result, failure_of, report_failure, show, show_pieces
from tasks.core.errors import AftercloseError
from tasks.core.homes.opening import find_home, settings_of
from tasks.core.text import counted
from tasks.monitoring.store import QueryResult, Views, bounded_memory, open_views

PROMPT, CONTINUED = "sql> ", "...> "
PROBLEMS = "SELECT session, problem FROM days WHERE problem <> ''"
LEAVE = frozenset({"exit", "quit", ".exit", ".quit"})
INTERRUPTED = 130


def answer_question(options: Options, question: str, *, csv: bool, parquet: Path | None) -> int:
    """Print the result of one query; with `parquet` write it to that file. Returns the exit code."""
    home = find_home(options.home)
    settings = settings_of(home, options.profile).settings
    target = None if parquet is None else export_path(parquet, home, settings, suffix=".parquet")
    with bounded_memory(), open_views(home, settings) as views:
        if target is not None:
            return show(_written(views, question, target, options), options)
        if csv and not options.as_json:
            with views.answer(question) as result:
                show_pieces(csv_pieces(result), options)
            return 0
        return _show_result(views, question, options)


def run_shell(options: Options) -> int:
    """Read questions from standard input, each ended by a semicolon, until `exit` or the end of the input."""
    home = find_home(options.home)
    is_terminal = sys.stdin.isatty()
    if is_terminal:
        import readline  # noqa: F401 - gives input() a history and editing keys
    code = 0
    settings = settings_of(home, options.profile).settings
    with bounded_memory(), open_views(home, settings) as views:
        for question in _typed(prompted=is_terminal):
            try:
                code = _show_result(views, question, options)
            except AftercloseError as error:
                code = report_failure(failure_of(error, options), options)
            except KeyboardInterrupt:
                if not is_terminal:
                    raise
                code = report_failure(Failure("The query was stopped.", INTERRUPTED), options)
    return 0 if is_terminal else code


def _show_result(views: Views, question: str, options: Options) -> int:
    """Print the result as a table with a note about days that cannot be read, or as JSON."""
    if options.as_json:
        with views.answer(question) as result:
            return _show_json(result, options)
    with views.answer(question) as result:
        table = table_text(result)
    show_pieces([f"{table}{_note_of_problems(views)}\n"], options)
    return 0


def _show_json(result: QueryResult, options: Options) -> int:
    try:
        show_pieces(json_pieces(result), options)
    except AftercloseError as error:  # the document has begun: it ends with the error
        failure = failure_of(error, options)
        show_pieces([end_of_failed_json(failure.message, failure.exit_code)], options)
        return report_failure(failure, replace(options, as_json=False))
    return 0


def _written(views: Views, question: str, target: Path, options: Options) -> Result:
    with views.answer(question) as result:
        columns = result.schema.names
        count = write_parquet(result, target)
    note = "" if options.as_json else _note_of_problems(views)
    document = {"file": str(target), "columns": columns, "count": count}
    return Result(document, f"{counted(count, 'row')} written to {target}.{note}")


def _typed(*, prompted: bool) -> Iterator[str]:
    lines: list[str] = []
    while True:
        try:
            line = input((CONTINUED if lines else PROMPT) if prompted else "")
        except EOFError:
            line, ends = ";", True
        else:
            ends = not lines and line.strip().rstrip(";").lower() in LEAVE
        if ends and not "".join(lines).strip():
            return
        lines.append(line)
        if line.rstrip().endswith(";"):
            question = "\n".join(lines).strip()
            lines = []
            if question.strip("; \n"):
                yield question


def _note_of_problems(views: Views) -> str:
    """Return a line about days that cannot be read, if the question was about days."""
    if not views.has_read_days:
        return ""
    count = views.ask(PROBLEMS).num_rows
    if not count:
        return ""
    verb = "is" if count == 1 else "are"
    return f"\n{counted(count, 'day')} cannot be read and {verb} not in the result; the reasons: {PROBLEMS}"

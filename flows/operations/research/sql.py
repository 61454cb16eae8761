"""Answer questions in SQL about a home: as a table, CSV, JSON or Parquet. Changes nothing in the home."""

import sys
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from flows.terminal import Options, Result, failure_of, report_failure, show
from tasks.core.atomic import replace_file
from tasks.core.errors import AftercloseError, ConfigError
from tasks.core.homes.home import Home
from tasks.core.homes.opening import find_home, settings_of
from tasks.core.text import counted
from tasks.monitoring.store import Views, open_views
from tasks.reporting.day.cells import csv_bytes, csv_cell

if TYPE_CHECKING:
    import pyarrow as pa

ROWS_SHOWN = 200
WIDEST_CELL = 60
PROMPT, CONTINUED = "sql> ", "...> "
PROBLEMS = "SELECT session, problem FROM days WHERE problem <> ''"
PLAN = ["explain_key", "explain_value"]  # the answer of EXPLAIN
LEAVE = frozenset({"exit", "quit", ".exit", ".quit"})


def answer_question(options: Options, question: str, *, csv: bool, parquet: Path | None) -> Result:
    """Return the answer to one question; with `parquet` it is written to that file."""
    home = find_home(options.home)
    target = None if parquet is None else _target(parquet, home)
    with open_views(home, settings_of(home, options.profile).settings) as views:
        answer = views.ask(question)
        note = "" if options.as_json or csv else _note_of_problems(views)
    if target is not None:
        _write_parquet(answer, target)
        document = {"file": str(target), "columns": answer.column_names, "count": answer.num_rows}
        return Result(document, f"{counted(answer.num_rows, 'row')} written to {target}.{note}")
    rows = _plain_rows(answer)
    if csv:
        return Result(_document(answer, rows), _as_csv(answer.column_names, rows))
    return Result(_document(answer, rows), f"{_as_table(answer.column_names, rows)}{note}")


def run_shell(options: Options) -> int:
    """Read questions from standard input, each ended by a semicolon, until `exit` or the end of the input."""
    home = find_home(options.home)
    is_terminal = sys.stdin.isatty()
    if is_terminal:
        import readline  # noqa: F401 - gives input() a history and editing keys
    code = 0
    with open_views(home, settings_of(home, options.profile).settings) as views:
        for question in _typed(prompted=is_terminal):
            try:
                answer = views.ask(question)
                rows = _plain_rows(answer)
                code = show(Result(_document(answer, rows), _as_table(answer.column_names, rows)), options)
            except AftercloseError as error:
                code = report_failure(failure_of(error, options), options)
    return 0 if is_terminal else code


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
    return f"\n{counted(count, 'day')} cannot be read and {verb} not in the answer; the reasons: {PROBLEMS}"


def _target(path: Path, home: Home) -> Path:
    """Return where the answer may be written: a .parquet file outside the folders that hold the home's state."""
    target = path.expanduser().absolute()
    inside = next(
        (one for one in (home.live, home.production, home.root / "data") if _is_in(target, one)), None
    )
    if target.suffix != ".parquet" or target.is_dir() or inside is not None:
        why = f"it is in {inside}, which only the program writes" if inside else "it is not a .parquet file"
        raise ConfigError(
            f"The answer cannot be written to {target}: {why}.",
            remedy="Name another file, such as answer.parquet.",
            path=str(target),
        )
    return target


def _is_in(target: Path, folder: Path) -> bool:
    return target.parent.resolve().is_relative_to(folder.resolve())


def _write_parquet(answer: "pa.Table", target: Path) -> None:
    import pyarrow.parquet as pq

    with replace_file(target) as file:
        pq.write_table(answer, file, compression="zstd")


def _document(answer: "pa.Table", rows: Sequence[Sequence[object]]) -> dict[str, object]:
    names = answer.column_names
    return {
        "columns": [{"name": field.name, "type": str(field.type)} for field in answer.schema],
        "rows": [dict(zip(names, row, strict=True)) for row in rows],
        "count": answer.num_rows,
    }


def _plain_rows(answer: "pa.Table") -> list[list[object]]:
    """Return the rows; days, instants and other types without a JSON form become text."""
    columns = [[_plain(value) for value in column.to_pylist()] for column in answer.columns]
    return [list(row) for row in zip(*columns, strict=True)]


def _plain(value: object) -> object:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return value.isoformat() if isinstance(value, date | datetime) else str(value)


def _as_csv(names: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    cells = [[_csv_cell(value) for value in row] for row in rows]
    return csv_bytes([csv_cell(name) for name in names], cells).decode().rstrip("\n")


def _csv_cell(value: object) -> str:
    """Write a number as it is; text is quoted where a spreadsheet would evaluate it."""
    if value is None:
        return ""
    return repr(value) if isinstance(value, int | float) else csv_cell(str(value))


def _as_table(names: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Draw the first rows as a table of the terminal's width; a plan, which is drawn already, as it is."""
    if list(names) == PLAN:
        return "\n".join(str(row[1]) for row in rows).rstrip("\n")
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="")
    for place, name in enumerate(names):
        is_number = any(isinstance(row[place], int | float) for row in rows[:ROWS_SHOWN])
        table.add_column(Text(_cell(name)), justify="right" if is_number else "left", overflow="fold")
    for row in rows[:ROWS_SHOWN]:
        table.add_row(*(Text(_cell(value)) for value in row))
    console = Console(width=None if sys.stdout.isatty() else 10_000, highlight=False)
    with console.capture() as capture:
        console.print(table)
    more = f"; the first {ROWS_SHOWN} are shown (--csv prints all)" if len(rows) > ROWS_SHOWN else ""
    lines = (line.rstrip() for line in capture.get().strip("\n").split("\n"))
    return "\n".join([*lines, f"{counted(len(rows), 'row')}{more}."])


def _cell(value: object) -> str:
    """Write a value for a person: six significant digits, one line, at most WIDEST_CELL characters."""
    if isinstance(value, float):
        return f"{value:,.2f}" if abs(value) >= 1000 else f"{value:.6g}"
    text = " ".join(str("" if value is None else value).split())
    return text if len(text) <= WIDEST_CELL else f"{text[: WIDEST_CELL - 1]}…"

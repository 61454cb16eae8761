"""Open the views of a home in DuckDB and answer questions. The connection cannot reach files, network or extensions."""

import os
import re
import resource
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, Protocol, TypeVar

from tasks.core.clock import stopwatch
from tasks.core.errors import ConfigError
from tasks.core.homes.home import Home
from tasks.core.json_text import parse_json
from tasks.core.reading import read_text
from tasks.monitoring.views.catalog import DAY_VIEWS, VIEWS
from tasks.monitoring.views.question import Question, question_of, refused
from tasks.monitoring.views.schema import SQL_TYPES, View
from tasks.monitoring.views.sources import Load, sources_of

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

    from config.settings import Settings

LONGEST_S = 60.0
GRACE_S = 5.0  # for a query to stop once it is interrupted
MEMORY = "2GB"
LARGEST_GROWTH = (
    4 * 2**30
)  # of the process: DuckDB's memory, the views, and values that DuckDB does not count
STATM = Path("/proc/self/statm")
ROWS_PER_BATCH = 2_048  # DuckDB's own unit; larger batches are no faster
LONGEST_STATEMENT = 100_000
CONFIG: dict[str, str | int | float | list[str]] = {
    "enable_external_access": False,
    "autoload_known_extensions": False,
    "autoinstall_known_extensions": False,
    "allow_community_extensions": False,
    "allow_unsigned_extensions": False,
    "python_enable_replacements": False,
    "temp_directory": "",
    "memory_limit": MEMORY,
}
EXPLAIN = re.compile(r"\s*explain\s+(analyze\s+)?(?=\S)", re.IGNORECASE)

T = TypeVar("T")


@dataclass(frozen=True)
class QueryResult:
    """The rows of a query result in batches that are computed as they are read. Reading one may raise ConfigError."""

    schema: "pa.Schema"
    batches: "Iterator[pa.RecordBatch]"


class _Run(Protocol):
    def __call__(self, step: Callable[[], T]) -> T: ...


@dataclass
class Views:
    """The views of a home. A view is loaded when a question first names it."""

    connection: "duckdb.DuckDBPyConnection"
    sources: Mapping[str, Load]
    loaded: set[str] = field(default_factory=set)

    def ask(self, text: str, *, longest_s: float = LONGEST_S) -> "pa.Table":
        """Return the answer as an Arrow table, all of it in memory. Raises ConfigError as `answer` does."""
        import pyarrow as pa

        with self.answer(text, longest_s=longest_s) as answer:
            return pa.Table.from_batches(answer.batches, answer.schema)

    @contextmanager
    def answer(self, text: str, *, longest_s: float = LONGEST_S) -> Iterator[QueryResult]:
        """Yield the answer in batches. Raises ConfigError for a statement that may not run or fails.

        The question is stopped after `longest_s` seconds, which include what the block does with the rows, and at once
        by Ctrl-C. Until the block ends, the connection answers no other question.
        """
        import pyarrow as pa

        question = self._question(text)
        for name in sorted(question.views):
            self._load(name)
        with _stoppable(self.connection, longest_s) as run:
            reader = run(lambda: self.connection.sql(question.text).to_arrow_reader(ROWS_PER_BATCH))
            try:
                names = _distinct(reader.schema.names)
                schema = pa.schema(
                    field.with_name(name) for field, name in zip(reader.schema, names, strict=True)
                )
                yield QueryResult(schema, _batches(reader, names, run))
            finally:
                reader.close()

    @property
    def has_read_days(self) -> bool:
        """Whether a question was about the days in live/."""
        return not self.loaded.isdisjoint(view.name for view in DAY_VIEWS)

    def _question(self, text: str) -> Question:
        """Return the question behind the text. EXPLAIN is checked by what it explains."""
        if len(text) > LONGEST_STATEMENT:
            raise refused(f"it has more than {LONGEST_STATEMENT:,} characters")
        explained = EXPLAIN.match(text)
        inner = text[explained.end() :] if explained else text
        found = question_of(text, self._parsed(inner), views=self.sources)
        return Question(text, found.views)

    def _parsed(self, text: str) -> Any:
        import duckdb

        try:
            rows = self.connection.execute("SELECT json_serialize_sql(?::VARCHAR)", [text]).fetchall()
        except duckdb.Error as error:
            raise _failed(error) from None
        return parse_json(str(rows[0][0]))

    def _load(self, name: str) -> None:
        if name in self.loaded:
            return
        rows = self.sources[name]()
        self.connection.execute(f'DROP TABLE "{name}"')
        self.connection.register(name, rows)
        self.loaded.add(name)


@contextmanager
def open_views(home: Home, settings: "Settings") -> Iterator[Views]:
    """Yield the views of the home, read-only; the connection is closed at the end of the block."""
    import duckdb

    connection = duckdb.connect(":memory:", config={**CONFIG})
    try:
        for view in VIEWS.values():
            connection.execute(_placeholder(view))
        connection.execute("SET enable_progress_bar = false")
        connection.execute("SET lock_configuration = true")
        yield Views(connection, sources_of(home, settings))
    finally:
        connection.close()


@contextmanager
def _stoppable(connection: "duckdb.DuckDBPyConnection", longest_s: float) -> Iterator[_Run]:
    """Yield a function that runs one step of a question in a thread, and stops it at the limit or by Ctrl-C.

    DuckDB computes without looking at signals; this thread only waits.
    """
    import duckdb
    import pyarrow as pa

    ends = stopwatch() + longest_s

    def run(step: Callable[[], T]) -> T:
        waiting = worker.submit(step)
        try:
            wait([waiting], timeout=max(0.0, ends - stopwatch()))
            is_late = not waiting.done() or stopwatch() > ends
        finally:
            gives_up = stopwatch() + GRACE_S
            while not waiting.done():  # until it is seen: an interrupt before the query began has no effect
                connection.interrupt()
                wait([waiting], timeout=0.05)
                if stopwatch() > gives_up and not waiting.done():
                    _end_process(_stopped(longest_s))
        if is_late:
            raise _stopped(longest_s)
        try:
            return waiting.result()
        except (duckdb.OutOfMemoryException, MemoryError):
            raise _too_large() from None
        except (duckdb.Error, pa.ArrowException, OSError) as error:
            raise _failed(error) from None

    with ThreadPoolExecutor(1) as worker:
        yield run


def _end_process(error: ConfigError) -> NoReturn:
    """End the program with the error: one call of a function of SQL cannot be interrupted, nor its thread ended."""
    sys.stderr.write(f"afterclose: {error}\n")
    sys.stderr.flush()
    os._exit(error.exit_code)


@contextmanager
def bounded_memory() -> Iterator[None]:
    """Let the process grow by LARGEST_GROWTH at most while the block runs, where the system can tell its size (Linux).

    DuckDB's own limit does not count the values that functions such as repeat() make. An allocation that fails is an
    error of the query.
    """
    if not STATM.exists():
        yield
        return
    used = int(read_text(STATM).split()[5]) * resource.getpagesize()
    before = resource.getrlimit(resource.RLIMIT_DATA)
    most = used + LARGEST_GROWTH
    if before[0] != resource.RLIM_INFINITY:
        most = min(most, before[0])
    resource.setrlimit(resource.RLIMIT_DATA, (most, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, before)


def _batches(reader: "pa.RecordBatchReader", names: list[str], run: _Run) -> "Iterator[pa.RecordBatch]":
    while (batch := run(lambda: next(reader, None))) is not None:
        yield batch.rename_columns(names)


def _distinct(given: Sequence[str]) -> list[str]:
    """Return the names with a number after each that an earlier column has."""
    names: list[str] = []
    for name in given:
        number = sum(known == name or known.startswith(f"{name}_") for known in names)
        names.append(f"{name}_{number}" if name in names else name)
    return names


def _stopped(longest_s: float) -> ConfigError:
    return ConfigError(
        f"The query was stopped after {longest_s:g} s, including the output.",
        remedy="Select fewer sessions or columns, or aggregate before joining; --parquet FILE is the fastest output.",
    )


def _too_large() -> ConfigError:
    return ConfigError(
        "The query was stopped: it needs more memory than a query may have.",
        remedy="Select fewer sessions or columns, or aggregate before joining.",
    )


def _placeholder(view: View) -> str:
    """Return the statement for an empty table: views that no question has named yet are listed and described too."""
    columns = ", ".join(f'"{column.name}" {SQL_TYPES[column.kind]}' for column in view.columns)
    return f'CREATE TABLE "{view.name}" ({columns})'


def _failed(error: Exception) -> ConfigError:
    """Return the error in one paragraph with DuckDB's hint, without its picture of the statement."""
    lines = str(error).split("\nLINE ")[0].split()
    return ConfigError(
        f"The query failed: {' '.join(lines)[:600].rstrip('.')}.",
        remedy="`DESCRIBE VIEW` lists the columns of a view, `SHOW TABLES` the views (docs/sql.md).",
    )

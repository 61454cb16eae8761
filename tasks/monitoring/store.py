"""Open the views of a home in DuckDB and answer questions. The connection cannot reach files, network or extensions."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Timer
from typing import TYPE_CHECKING, Any

from tasks.core.errors import ConfigError
from tasks.core.homes.home import Home
from tasks.core.json_text import parse_json
from tasks.monitoring.views.catalog import DAY_VIEWS, VIEWS
from tasks.monitoring.views.question import Question, question_of, refused
from tasks.monitoring.views.schema import SQL_TYPES, View
from tasks.monitoring.views.sources import Load, sources_of

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

    from config.settings import Settings

LONGEST_S = 60.0
MEMORY = "2GB"
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


@dataclass
class Views:
    """The views of a home. A view is loaded when a question first names it."""

    connection: "duckdb.DuckDBPyConnection"
    sources: Mapping[str, Load]
    loaded: set[str] = field(default_factory=set)

    def ask(self, text: str, *, longest_s: float = LONGEST_S) -> "pa.Table":
        """Return the answer as an Arrow table. Raises ConfigError for a statement that may not run or fails.

        The question is stopped after `longest_s` seconds.
        """
        import duckdb

        question = self._question(text)
        for name in sorted(question.views):
            self._load(name)
        timer = Timer(longest_s, self.connection.interrupt)
        timer.start()
        try:
            return _distinct(self.connection.sql(question.text).to_arrow_table())
        except duckdb.InterruptException:
            raise ConfigError(
                f"The question was stopped after {longest_s:g} s.",
                remedy="Select fewer sessions or columns, or aggregate before joining.",
            ) from None
        except duckdb.Error as error:
            raise _failed(error) from None
        finally:
            timer.cancel()

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


def _distinct(table: "pa.Table") -> "pa.Table":
    """Return the table with a number after each name that an earlier column has."""
    names: list[str] = []
    for name in table.column_names:
        number = sum(known == name or known.startswith(f"{name}_") for known in names)
        names.append(f"{name}_{number}" if name in names else name)
    return table.rename_columns(names)


def _placeholder(view: View) -> str:
    """Return the statement for an empty table: views that no question has named yet are listed and described too."""
    columns = ", ".join(f'"{column.name}" {SQL_TYPES[column.kind]}' for column in view.columns)
    return f'CREATE TABLE "{view.name}" ({columns})'


def _failed(error: "duckdb.Error") -> ConfigError:
    """Return the error in one paragraph with DuckDB's hint, without its picture of the statement."""
    lines = str(error).split("\nLINE ")[0].split()
    return ConfigError(
        f"The question failed: {' '.join(lines)[:600].rstrip('.')}.",
        remedy="`DESCRIBE VIEW` lists the columns of a view, `SHOW TABLES` the views (docs/sql.md).",
    )

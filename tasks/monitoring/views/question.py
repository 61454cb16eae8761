"""Decide which statements may run: reading the views, and nothing else. Pure: takes a parsed statement, not text.

DuckDB itself is opened without access to files, network, extensions or its settings (tasks/monitoring/store.py). This
is the second lock: what the parser does not recognise as a read of a view or a harmless function is refused before it
runs.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from tasks.core.errors import ConfigError

READS = frozenset({"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"})
TABLE_FUNCTIONS = frozenset({"range", "generate_series", "unnest"})
SHOWN = frozenset({"tables", "__show_tables_expanded"})
CATALOG = ("information_schema", frozenset({"tables", "columns"}))
# functions that wait, log, keep state or reveal the process
REFUSED_FUNCTIONS = frozenset(
    {
        "currval",
        "current_setting",
        "getenv",
        "getvariable",
        "json_execute_serialized_sql",
        "nextval",
        "pg_sleep",
        "setseed",
        "setval",
        "sleep_ms",
        "write_log",
    }
)
ALLOWED = "SELECT, WITH, FROM, DESCRIBE, SHOW TABLES, SUMMARIZE and EXPLAIN"


@dataclass(frozen=True)
class Question:
    """A statement that may run, and the views that it reads."""

    text: str
    views: frozenset[str]


def question_of(text: str, parsed: Any, *, views: Collection[str]) -> Question:
    """Return the question. `parsed`: DuckDB's JSON of the statement. Raises ConfigError if it is not a pure read."""
    if parsed["error"]:
        raise _unparsed(parsed)
    if len(parsed["statements"]) != 1:
        raise refused("it is more than one statement")
    nodes = list(_nodes(parsed["statements"]))
    common = {str(entry["key"]).lower() for node in nodes for entry in _entries(node.get("cte_map"))}
    read: set[str] = set()
    for node in nodes:
        if why := _objection(node, views, common):
            raise refused(why)
        if node.get("type") == "BASE_TABLE":
            read.add(str(node["table_name"]).lower())
    return Question(text, frozenset(read & set(views)))


def refused(why: str) -> ConfigError:
    """Return the error for a statement that may not run."""
    return ConfigError(
        f"The statement was not run: {why}.",
        remedy=f"`sql` only reads the views: {ALLOWED}; `SHOW TABLES` lists them (docs/sql.md).",
    )


def _objection(node: dict[str, Any], views: Collection[str], common: Collection[str]) -> str:
    """Return why the node may not run; empty if it may."""
    kind = node.get("type")
    if "cte_map" in node and kind not in READS:
        return f"{str(kind).removesuffix('_QUERY_NODE').removesuffix('_NODE')} is not a read"
    if kind == "BASE_TABLE":
        return _objection_to_table(
            [str(name).lower() for name in node["qualified_name"]["path"]], views, common
        )
    if kind == "SHOW_REF" and node.get("show_type") == "SHOW_SPECIAL":
        shown = str(node.get("table_name")).strip('"')
        return "" if shown in SHOWN else f"SHOW {shown.upper()} is not offered"
    if kind == "TABLE_FUNCTION":
        name = str(node["function"].get("function_name", "")).lower()
        return "" if name in TABLE_FUNCTIONS else f"the table function {name} is not offered"
    name = str(node.get("function_name", "")).lower()
    return f"the function {name} is not offered" if name in REFUSED_FUNCTIONS else ""


def _objection_to_table(path: list[str], views: Collection[str], common: Collection[str]) -> str:
    *schema, name = path
    if schema == [CATALOG[0]] and name in CATALOG[1]:
        return ""
    if not schema and (name in views or name in common):
        return ""
    close = _closest(name, views)
    return f"there is no view {'.'.join(path)[:80]!r}" + (f" (did you mean {close}?)" if close else "")


def _closest(name: str, views: Collection[str]) -> str:
    from difflib import get_close_matches

    return next(iter(get_close_matches(name, sorted(views), n=1)), "")


def _unparsed(parsed: Any) -> ConfigError:
    if parsed.get("error_subtype") == "SYNTAX_ERROR" or parsed.get("error_type") == "parser":
        where = f" (at character {int(parsed['position']) + 1})" if "position" in parsed else ""
        return ConfigError(
            f"The statement cannot be parsed: {parsed['error_message']}{where}.",
            remedy="docs/sql.md has examples; text is quoted with ' and names with \".",
        )
    return refused("it is not a read")


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    """Yield every object of the tree, without recursion: a statement may be nested deeply."""
    waiting = [tree]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            yield one
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)


def _entries(common: Any) -> list[Any]:
    return list(common.get("map", ())) if isinstance(common, dict) else []

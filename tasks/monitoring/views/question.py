"""Decide which statements may run: reading the views, and nothing else. Pure: takes a parsed statement, not text.

DuckDB itself is opened without access to files, network, extensions or its settings (tasks/monitoring/store.py). This
is the second barrier: only the kinds of nodes below are accepted, and a table must be a view or a common table
expression (CTE) that is in scope where it is named. DuckDB's own catalog, which cannot be removed, is not in the list.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from tasks.core.errors import ConfigError

READS = frozenset({"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"})
SOURCES = frozenset(
    {
        "BASE_TABLE",
        "EMPTY",
        "EXPRESSION_LIST",
        "JOIN",
        "PIVOT",
        "SHOW_REF",
        "SUBQUERY",
        "TABLE_FUNCTION",
    }
)
DESCRIPTIONS = frozenset({"DESCRIBE", "SUMMARY"})  # of a query, which is checked like any other
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
    if not parsed["statements"]:
        raise refused("it is empty")
    if len(parsed["statements"]) != 1:
        raise refused("it is more than one statement")
    read: set[str] = set()
    for node, common in _nodes(parsed["statements"]):
        if why := _objection(node, views, common):
            raise refused(why)
        if node.get("type") == "BASE_TABLE" and (name := str(node["table_name"]).lower()) not in common:
            read.add(name)
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
    is_source = "sample" in node and "alias" in node and "class" not in node
    if ("cte_map" in node and kind not in READS) or (is_source and kind not in SOURCES):
        return f"{str(kind).removesuffix('_QUERY_NODE').removesuffix('_NODE')} is not a query"
    if kind == "BASE_TABLE":
        return _objection_to_table(
            [str(name).lower() for name in node["qualified_name"]["path"]], views, common
        )
    if kind == "SHOW_REF" and not (node["show_type"] in DESCRIPTIONS and node["query"]):
        shown = str(node.get("table_name")).strip('"')
        is_allowed = node["show_type"] == "SHOW_SPECIAL" and shown in SHOWN
        return "" if is_allowed else f"SHOW {shown.upper()} is not allowed"
    if kind == "TABLE_FUNCTION":
        name = str(node["function"].get("function_name", "")).lower()
        return "" if name in TABLE_FUNCTIONS else f"the table function {name} is not allowed"
    name = str(node.get("function_name", "")).lower()
    return f"the function {name} is not allowed" if name in REFUSED_FUNCTIONS else ""


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
    return refused("it is not a query")


def _nodes(tree: Any) -> Iterator[tuple[dict[str, Any], frozenset[str]]]:
    """Yield every object of the tree with the CTEs in scope, without recursion: a statement may be nested deeply.

    A CTE is in scope in its query and in the CTEs after it; in its own body only if it is recursive, and there not in
    the first part.
    """
    waiting: list[tuple[Any, frozenset[str]]] = [(tree, frozenset())]
    while waiting:
        one, common = waiting.pop()
        if isinstance(one, list):
            waiting.extend((inside, common) for inside in one)
        elif isinstance(one, dict):
            entries = _entries(one.get("cte_map"))
            for entry in entries:
                waiting.append((entry["value"], common))
                common |= {str(entry["key"]).lower()}
            yield one, common
            inside = {name: value for name, value in one.items() if name != "cte_map"}
            if one.get("type") == "RECURSIVE_CTE_NODE":
                waiting.append((inside.pop("right"), common | {str(one["cte_name"]).lower()}))
            waiting.extend((value, common) for value in inside.values())


def _entries(common: Any) -> list[Any]:
    return list(common.get("map", ())) if isinstance(common, dict) else []

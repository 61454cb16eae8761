"""Read a YAML file as plain data: mappings, lists, text, numbers, booleans, dates.

Tags, anchors, aliases, duplicate keys, deep nesting and large files are rejected, so that a hostile file or a mistake
cannot have hidden effects.
"""

import re
from collections.abc import Hashable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from config.problems import InvalidSettings, Problem
from config.regular_file import open_regular

Tree = dict[str, Any]

MOST_BYTES = 256 * 1024
DEEPEST = 12
OTHER_BASES = re.compile(
    r"[-+]?(0[0-7_]+|[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?)"
)  # YAML 1.1: 010 is 8, 1:30 is 90

_FastLoader: type[yaml.SafeLoader] = getattr(
    yaml, "CSafeLoader", yaml.SafeLoader
)  # libyaml where it is built in


def read_yaml(path: Path, *, name: str) -> Tree:
    """Return the file's mapping; an empty file gives an empty one. `name` is the file's name in problems.

    Not to be changed: a process that reads the same text again gets the same mapping, because parsing takes 6 ms.
    """
    return _mapping(_read_text(path, name), name)


@lru_cache(maxsize=32)
def _mapping(text: str, name: str) -> Tree:
    try:
        if refusal := next(_refusals(text), None):
            raise InvalidSettings([Problem(name, "", refusal)])
        tree = yaml.load(text, Loader=_PlainLoader)  # noqa: S506 - a SafeLoader, made stricter
    except yaml.YAMLError as error:
        raise InvalidSettings(
            [Problem(name, "", f"is not valid YAML: {_first_complaint(error)}.")]
        ) from error
    except ValueError as error:  # an invalid date, a number of a million digits
        raise InvalidSettings([Problem(name, "", f"holds a value that cannot be read: {error}.")]) from error
    if tree is None:
        return {}
    if not isinstance(tree, dict):
        raise InvalidSettings(
            [Problem(name, "", "must consist of sections (`section:` followed by its keys).")]
        )
    problems = [Problem(name, key, "is not text; put the key in quotes.") for key in _odd_keys(tree)]
    if problems:
        raise InvalidSettings(problems)
    return tree


def _read_text(path: Path, name: str) -> str:
    try:
        with open_regular(path) as file:
            content = file.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            raise InvalidSettings([Problem(name, "", f"is larger than {MOST_BYTES // 1024} KiB.")])
        return content.decode()
    except OSError as error:
        raise InvalidSettings([Problem(name, "", f"cannot be read: {error.strerror}.")]) from error
    except UnicodeDecodeError as error:
        raise InvalidSettings([Problem(name, "", "is not UTF-8 text.")]) from error


def _refusals(text: str) -> Iterator[str]:
    """Yield objections from the file's events, before anything is constructed."""
    depth = 0
    for event in yaml.parse(text, Loader=_FastLoader):
        line = f"line {event.start_mark.line + 1}" if event.start_mark else "somewhere"
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > DEEPEST:
            yield f"{line}: nested more than {DEEPEST} levels deep."
        if isinstance(event, yaml.NodeEvent) and event.anchor is not None:
            yield f"{line}: anchors (&) and aliases (*) are not allowed; write the value out."
        if isinstance(event, yaml.ScalarEvent) and event.implicit[0] and OTHER_BASES.fullmatch(event.value):
            yield f"{line}: YAML reads {event.value[:20]} as another number; write it without leading zeros or colons."
        if tag := getattr(event, "tag", None):
            yield f"{line}: tags ({tag}) are not allowed; settings are plain values."


class _PlainLoader(_FastLoader):  # type: ignore[misc,valid-type] # which of the two base classes depends on the build
    """A safe loader that rejects duplicate keys."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001, FBT002 - PyYAML's signature
        names = [key.value for key, _ in node.value]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise yaml.MarkedYAMLError(problem=f"duplicate key {twice!r}", problem_mark=node.start_mark)
        mapping: dict[Hashable, Any] = super().construct_mapping(node, deep=deep)
        return mapping


def _odd_keys(value: object, path: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for key, inside in value.items():
            dotted = f"{path}.{key}" if path else str(key)
            if not isinstance(key, str):
                yield dotted
            yield from _odd_keys(inside, dotted)
    elif isinstance(value, list):
        for inside in value:
            yield from _odd_keys(inside, path)


def _first_complaint(error: yaml.YAMLError) -> str:
    mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
    if mark is None or problem is None:
        return str(error).split("\n", maxsplit=1)[0]
    return f"{problem}, line {mark.line + 1}, column {mark.column + 1}"

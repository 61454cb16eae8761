"""Translate pydantic's errors into problems: file, dotted key, allowed values, given value."""

import math
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from config.keys import Key
from config.problems import Problem, did_you_mean, replacement, shown

SHIPPED_FILE = "base.yaml"


def problems_of(error: ValidationError, keys: Mapping[str, Key], origins: Mapping[str, str]) -> list[Problem]:
    """Return one problem per key, in the order found."""
    problems: dict[str, Problem] = {}
    for found in error.errors(include_url=False, include_context=False):
        dotted, key = _located(found["loc"], keys, unknown=found["type"] == "extra_forbidden")
        problems.setdefault(
            dotted, Problem(_origin(dotted, origins), dotted, _in_words(found, dotted, key, keys))
        )
    return [
        problem for key, problem in problems.items() if not any(_is_below(key, other) for other in problems)
    ]


def _in_words(found: Any, dotted: str, key: Key | None, keys: Mapping[str, Key]) -> str:
    if found["type"] == "extra_forbidden" or "[key]" in found["loc"]:
        return f"is not a setting.{_guess(dotted, keys)}"
    if key is None or found["type"] == "value_error":  # a rule of the models that spans several values
        return f"{found['msg'].removeprefix('Value error, ').rstrip('.')}."
    if found["type"] == "missing":
        return f"is not set, and has no default. It must be {key.allowed}."
    if key.is_secret:
        return f"must be {key.allowed}."
    return f"must be {key.allowed}, not {shown(found['input'])}.{_quoted_number(found['input'], key)}"


def _quoted_number(value: object, key: Key) -> str:
    """Return a hint for a number that YAML reads as text, such as "0.1" and 1e-3."""
    if not isinstance(value, str) or not key.types & {"number", "integer"}:
        return ""
    try:
        number = float(value)
    except ValueError:
        return ""
    return f" It is text here; write {number!r}." if math.isfinite(number) else ""


def _located(loc: tuple[int | str, ...], keys: Mapping[str, Key], *, unknown: bool) -> tuple[str, Key | None]:
    """Return the dotted key as written, and the known key it refers to.

    pydantic appends the alternatives of a union to the location; they are cut off. What remains names a known key,
    or one entry of a mapping whose keys the user chooses. If the key is unknown, the dotted key is the whole location.
    """
    dotted, pattern, key = "", "", None
    for step in loc:
        if step == "[key]":
            break
        longer, longer_pattern = _joined(dotted, step, f"[{step}]"), _joined(pattern, step, "[]")
        if not (unknown or _is_known(longer_pattern, keys)):
            is_free = key is not None and key.types == {"object"} and not key.is_section
            return (longer if is_free else dotted), key
        dotted, pattern, key = longer, longer_pattern, keys.get(longer_pattern)
    return dotted, key


def _joined(path: str, step: int | str, as_index: str) -> str:
    if isinstance(step, int):
        return f"{path}{as_index}"
    return f"{path}.{step}" if path else step


def _is_known(pattern: str, keys: Mapping[str, Key]) -> bool:
    return pattern in keys or any(known.startswith(f"{pattern}.") for known in keys)


def _is_below(dotted: str, other: str) -> bool:
    """Return whether `other` is inside `dotted`: problems inside are more specific."""
    return other.startswith((f"{dotted}.", f"{dotted}["))


def _guess(dotted: str, keys: Mapping[str, Key]) -> str:
    """Return a hint: the replacement, the same name in another section, or a similar name in the same section."""
    if replaced := replacement(dotted):
        return replaced
    section, _, name = dotted.rpartition(".")
    if elsewhere := next((known for known in keys if known.rpartition(".")[2] == name), None):
        return f' Did you mean "{elsewhere}"?'
    return did_you_mean(
        name, [known.rpartition(".")[2] for known in keys if known.rpartition(".")[0] == section]
    )


def _origin(dotted: str, origins: Mapping[str, str]) -> str:
    """Return the layer that set the key or a key inside it, else one that set a key of an enclosing section.

    If several layers did, returns the one that changed the shipped value.
    """
    place = dotted.split("[", maxsplit=1)[0]
    while place:
        layers = [origin for key, origin in origins.items() if key == place or key.startswith(f"{place}.")]
        if layers:
            return next((layer for layer in reversed(layers) if layer != SHIPPED_FILE), SHIPPED_FILE)
        place = place.rpartition(".")[0]
    return SHIPPED_FILE

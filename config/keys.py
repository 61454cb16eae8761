"""List every setting with its allowed values, derived from the models.

Used for the reference in docs/, the names of environment variables, and error messages.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel

Schema = dict[str, Any]


@dataclass(frozen=True)
class Key:
    """One setting, or one section of settings. `[]` in a dotted name stands for every entry of a list or mapping."""

    dotted: str
    types: frozenset[str]  # JSON types: string, number, integer, boolean, array, object, null
    allowed: str
    description: str
    is_section: bool
    is_secret: bool
    is_path: bool


@cache  # the schema takes most of the time in which settings are loaded
def keys_of(model: type[BaseModel]) -> Mapping[str, Key]:
    """Return every key below the model, in the order of the models."""
    schema = model.model_json_schema()
    return MappingProxyType({key.dotted: key for key in _keys_in(schema, schema.get("$defs", {}), "")})


def _keys_in(section: Schema, shared: dict[str, Schema], path: str) -> Iterator[Key]:
    for name, given in section.get("properties", {}).items():
        yield from _key(f"{path}{name}", given, shared)


def _key(dotted: str, given: Schema, shared: dict[str, Schema]) -> Iterator[Key]:
    schema = _resolved(given, shared)
    is_section = "properties" in schema
    yield Key(
        dotted,
        frozenset(_each("type", schema)),
        "a section" if is_section else allowed_by(schema, shared),
        given.get("description") or schema.get("description", ""),
        is_section,
        "password" in _each("format", schema),
        "path" in _each("format", schema),
    )
    yield from _keys_in(schema, shared, f"{dotted}.")
    for name in schema.get("propertyNames", {}).get("enum", []):
        yield from _key(f"{dotted}.{name}", schema["additionalProperties"], shared)
    has_free_names = "enum" not in schema.get("propertyNames", {})
    values = schema.get("additionalProperties") if has_free_names else None
    for entry in (schema.get("items", {}), values if isinstance(values, dict) else {}):
        yield from _keys_in(_resolved(entry, shared), shared, f"{dotted}[].")


def allowed_by(schema: Schema, shared: dict[str, Schema]) -> str:
    """Describe the values that the schema allows."""
    schema = _resolved(schema, shared)
    if "anyOf" in schema:
        return ", or ".join(dict.fromkeys(allowed_by(choice, shared) for choice in schema["anyOf"]))
    if "enum" in schema or "const" in schema:
        values = schema.get("enum", [schema.get("const")])
        return "empty text" if values == [""] else "one of " + ", ".join(map(str, values))
    if "properties" in schema:
        return "a section"
    kind = schema.get("type")
    words = {"integer": "a whole number", "number": "a number", "boolean": "true or false", "null": "null"}
    if kind == "array":
        return _list_in_words(schema, shared)
    if kind == "object":
        return _mapping_in_words(schema, shared)
    return _text_in_words(schema) if kind == "string" else words.get(kind or "", "a value") + _bounds(schema)


def _bounds(schema: Schema) -> str:
    if "minimum" in schema and "maximum" in schema:
        return f" from {schema['minimum']:,g} to {schema['maximum']:,g}"
    words = {
        "minimum": "of at least",
        "exclusiveMinimum": "above",
        "maximum": "at most",
        "exclusiveMaximum": "below",
    }
    return " and".join(f" {word} {schema[name]:,g}" for name, word in words.items() if name in schema)


def _text_in_words(schema: Schema) -> str:
    kind = {"date": "a date, YYYY-MM-DD", "path": "a path", "password": "text (secret)"}.get(
        schema.get("format", ""), "text"
    )
    if "pattern" in schema:
        return f"text that matches {schema['pattern']}"
    return f"{kind} of at most {schema['maxLength']} characters" if "maxLength" in schema else kind


def _list_in_words(schema: Schema, shared: dict[str, Schema]) -> str:
    entry = _resolved(schema.get("items", {}), shared)
    inside = "sections" if "properties" in entry else f"entries, each {allowed_by(entry, shared)}"
    few = f"{schema['minItems']} or more " if "minItems" in schema else ""
    if "minItems" in schema and schema.get("maxItems") == schema["minItems"]:
        few = f"{schema['minItems']} "
    return f"a list of {few}{inside}"


def _mapping_in_words(schema: Schema, shared: dict[str, Schema]) -> str:
    names = schema.get("propertyNames", {}).get("enum")
    which = f"the keys {', '.join(names)}" if names else "keys of your choice"
    return f"a mapping with {which}, each {allowed_by(schema.get('additionalProperties', {}), shared)}"


def _each(word: str, schema: Schema) -> Iterator[str]:
    """Yield the value of the keyword in the schema, or in each of its alternatives."""
    for choice in schema.get("anyOf", [schema]):
        if word in choice:
            yield choice[word]


def _resolved(schema: Schema, shared: dict[str, Schema]) -> Schema:
    if "$ref" not in schema:
        return schema
    return shared[schema["$ref"].removeprefix("#/$defs/")]

"""What the JSON Schema of a key says: what it allows, in words, and examples."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any

from settings.keys import Key
from settings.model import Settings


@cache
def key_schema(key: Key) -> Mapping[str, Any]:
    """The JSON Schema of a key's value, and in `fields` those of an object, also in a list."""
    model = Settings if key.group is None else Settings.model_fields[key.group].annotation
    assert model is not None
    schema: dict[str, Any] = model.model_json_schema()
    found, definitions = _plain(schema["properties"][key.name]), schema.get("$defs", {})
    named = next((each["$ref"] for each in (found, found.get("items", {})) if "$ref" in each), "")
    fields = definitions[named.rpartition("/")[2]] if named else {}
    return {"fields": fields.get("properties", {}), **found, **({} if "items" in found else fields)}


def _plain(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """A schema without its null alternative."""
    return {**schema, **schema["anyOf"][0]} if "anyOf" in schema else schema


def allowed(schema: Mapping[str, Any]) -> str:
    """What a JSON Schema allows, in words."""
    schema = _plain(schema)
    if "errorMessage" in schema:
        return str(schema["errorMessage"])
    if "enum" in schema:
        return " or ".join(schema["enum"])
    if schema["type"] == "boolean":
        return "true or false"
    if schema["type"] == "array":
        return f"a list, each entry once: {allowed(schema['items'])}"
    if "properties" in schema:
        return f"an object with {', '.join(schema['properties'])}"
    values = allowed(value_schema(schema))
    return f"an object; names: {allowed(schema['propertyNames'])}; values: {values}"


def value_schema(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = next(iter(schema["patternProperties"].values()))
    return found


def at(key: Key, place: Iterable[str | int]) -> Mapping[str, Any]:
    """The schema of what lies at a place within a key's value; empty when there is none."""
    fields = key_schema(key)["fields"]
    found = key_schema(key)
    for part in place:
        if "items" in found:
            found = {"properties": fields} if "$ref" in found["items"] else found["items"]
        elif "properties" in found:
            found = _plain(found["properties"].get(part, {}))
        elif "patternProperties" in found:
            found = value_schema(found)
        else:
            found = found.get("additionalProperties") or {}
    return found


def takes_text(key: Key, place: Iterable[str | int]) -> bool:
    """Whether a text belongs at a place within a key's value."""
    kinds = at(key, place).get("type", ())
    return "string" in ([kinds] if isinstance(kinds, str) else kinds)


def examples(schema: Mapping[str, Any]) -> Iterator[Any]:
    """Values that a schema allows, those that its type names first."""
    schema = _plain(schema)
    yield from schema.get("examples", ())
    yield from schema.get("enum", ())
    if schema.get("type") == "boolean":
        yield True
    elif schema.get("type") == "array":
        yield [next(examples(schema["items"]))]
    elif "properties" in schema:
        needed = {name: schema["properties"][name] for name in schema.get("required", ())}
        yield {name: next(examples(each)) for name, each in needed.items()}
    elif "propertyNames" in schema:
        yield {next(examples(schema["propertyNames"])): next(examples(value_schema(schema)))}

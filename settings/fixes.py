"""Commands that fix an invalid value, and what is wrong inside a list or an object."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Annotated, Any

from pydantic import TypeAdapter

from settings.key_schema import allowed, at, examples, key_schema, value_schema
from settings.keys import Key
from settings.nearest import nearest
from settings.problem import config_rm, config_set, config_set_secret


def detail(key: Key, error: Mapping[str, Any]) -> str:
    """What of a list or an object is invalid; empty when it is the value as a whole."""
    cause, place, schema = error.get("ctx", {}).get("error"), error["loc"], key_schema(key)
    if not place:
        return str(cause or "")
    name = place[-1]
    if name == "[key]":
        return f"the name {place[-2]!r} isn't {allowed(at(key, place[:-2])['propertyNames'])}"
    if error["type"] == "extra_forbidden":
        near = nearest(str(name), schema["fields"])
        return f"{name!r} is unknown" + (f"; did you mean {near}?" if near else "")
    if error["type"] == "missing":
        return f"{name} is missing" if "properties" in schema else ""
    if len(place) > 1 and "patternProperties" in (held := at(key, place[:-1])):
        return f"the value of {name} isn't {allowed(value_schema(held))}"
    if "properties" in schema:
        return f"the value of {place[0]} isn't {allowed(schema['fields'][place[0]])}"
    if schema.get("type") == "object":
        return (
            f"{name} {cause}"
            if cause
            else f"the value of {name} isn't {allowed(value_schema(schema))}"
        )
    items = at(key, place)
    if error["type"] == "model_type":
        return f"entry {name} isn't an object"
    meaning = allowed(items) if "errorMessage" in items else f"valid: {error['msg']}"
    return f"{as_text(error['input'])!r} isn't {meaning}" + (
        f", {cause}" if str(cause or "") else ""
    )


def _path(key: Key, place: Iterable[str | int]) -> str:
    """A place within a key's value, as `pulumi config --path` takes it."""
    return key.name + "".join(
        f"[{part}]" if isinstance(part, int) else f".{part}" for part in place
    )


def fix_of(key: Key, details: list[Any]) -> str:
    """A command that keeps the valid entries of an object or of a list of texts."""
    schema, entries = (
        key_schema(key),
        dict.fromkeys(each["loc"][0] for each in details if each["loc"]),
    )
    given = details[0]["input"]
    if isinstance(given, list) and not entries and len(given) > schema.get("minItems", 0):
        twice = (number for number, each in enumerate(given) if each in given[:number])
        if (number := next(twice, None)) is not None:
            return config_rm(key.name, number)
    if all(_is_nested(key, each["loc"]) for each in details):
        return " && ".join(dict.fromkeys(_fix_within(key, each) for each in details))
    if entries and "properties" in schema:
        fields = ((str(name), schema["fields"].get(name, {})) for name in entries)
        return " && ".join(_fix_of_a_field(key.name, name, field) for name, field in fields)
    if entries and schema["type"] == "object":
        return " && ".join(config_rm(key.name, str(name)) for name in entries)
    if len(entries) == 1 and "items" in schema:
        example = next(examples(schema["items"]), None)
        if isinstance(example, str):
            return config_set(f"{key.name}[{next(iter(entries))}]", example, "--path")
    return set_command(key, example_of(key))


def _is_nested(key: Key, place: list[Any]) -> bool:
    """Whether it is a field of an object in a list, or an entry of an object in an object."""
    named = "patternProperties" in at(key, place[: -2 if place[-1:] == ["[key]"] else -1])
    return len(place) > 1 and ("$ref" in key_schema(key).get("items", {}) or named)


def _fix_within(key: Key, error: Mapping[str, Any]) -> str:
    place = error["loc"]
    if place[-1] == "[key]":
        return config_rm(_path(key, place[:-2]), place[-2])
    above, name = _path(key, place[:-1]), place[-1]
    example = next(examples(at(key, place)), None)
    if example is not None:
        return config_set(_path(key, place), as_text(example), "--path")
    near = (
        nearest(str(name), key_schema(key)["fields"]) if error["type"] == "extra_forbidden" else ""
    )
    removed = config_rm(above, name)
    return f"{removed} && {config_set(f'{above}.{near}', 'VALUE', '--path')}" if near else removed


def _fix_of_a_field(key: str, name: str, field: Mapping[str, Any]) -> str:
    example = None if "default" in field else next(examples(field), None)
    if isinstance(example, list):  # the CLI takes JSON for a text
        first = config_set(f"{key}.{name}[0]", example[0], "--path")
        return f"{config_rm(key, name)} && {first}"
    if isinstance(example, dict):
        [(entry, value)] = example.items()
        first = config_set(f"{key}.{name}.{entry}", value, "--path")
        return f"{config_rm(key, name)} && {first}"
    if example is None:
        return config_rm(key, name)
    return config_set(f"{key}.{name}", as_text(example), "--path")


_TRUE = ("yes", "y", "on", "1", "enabled", "true")
_FALSE = ("no", "n", "off", "0", "disabled", "false")
_UNITS = ((r"^([0-9]+) ?[gG]i?[bB]?$", r"\1Gi"), (r"^([0-9]+) ?[mM]i?[bB]?$", r"\1Mi"))


def meant(key: Key, text: str) -> str | None:
    """A value that an invalid one resembles; None if it is of many parts or resembles none."""
    schema = key_schema(key)
    if schema.get("type") == "boolean":
        word = text.strip().lower()
        return "true" if word in _TRUE else "false" if word in _FALSE else None
    if "enum" in schema:
        return nearest(text, schema["enum"])
    if schema.get("type") not in ("string", "integer", "number") or key.reads_file:
        return None
    found = (each for each in _rewritten(text.strip()) if takes(key, each))
    return next((each for each in found if "/" in each or "/" not in example_of(key)), None)


def _rewritten(text: str) -> Iterator[str]:
    """A text without what people add to a value: capitals, a scheme, a tag, a path, a unit."""
    yield text
    yield text.lower()
    address = re.sub(r"^[a-z]+://", "", text.lower())
    yield address
    yield re.sub(r"(?<=/)([^/:@]+)[:@][^/]*$", r"\1", address)
    host = re.split(r"[/:?#]", address)[0]
    yield from [host] if "." in host else []
    yield from (re.sub(pattern, unit, text) for pattern, unit in _UNITS)
    if number := re.match(r"[0-9]+(?:\.[0-9]+)?(?=\D*$)", text):
        yield f"{float(number[0]):g}"


def takes(key: Key, text: str) -> bool:
    """Whether a key accepts a text for itself, whatever the rules say of it."""
    try:
        _validator(key).validate_python(text if key.is_text else json.loads(text))
    except (ValueError, RecursionError):
        return False
    return True


@cache
def _validator(key: Key) -> TypeAdapter[Any]:
    # Annotated takes no type alone; pydantic passes over a text.
    return TypeAdapter(Annotated[key.field.annotation, key.name, *key.field.metadata])


def example_of(key: Key) -> str:
    """A value that a copied command can set: the default, or else an example."""
    schema = key_schema(key)
    default = schema.get("default")
    if default not in (None, "", [], {}):
        return f"{default:g}" if isinstance(default, float) else as_text(default)
    return as_text(next(examples(schema)))


def set_command(key: Key, value: str) -> str:
    if key.holds_secrets:
        return config_set_secret("NAME", key.name)
    return config_set(key.name, value)


def as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)

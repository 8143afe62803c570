"""What is invalid inside a list or an object."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from settings.examples import as_text
from settings.key_schema import allowed, at, key_schema, value_schema
from settings.keys import Key
from settings.nearest import did_you_mean, nearest


def detail(key: Key, error: Mapping[str, Any]) -> str:
    """What of a list or an object is invalid; empty when it is the value as a whole."""
    cause, place, schema = error.get("ctx", {}).get("error"), error["loc"], key_schema(key)
    if not place:
        return str(cause or "")
    name = place[-1]
    if name == "[key]":
        return f"the name {place[-2]!r} isn't {allowed(at(key, place[:-2])['propertyNames'])}"
    if error["type"] == "extra_forbidden":
        return f"{name!r} is unknown{did_you_mean(str(name), schema['fields'])}"
    if error["type"] == "missing":
        return f"{name} is missing" if "properties" in schema else ""
    if len(place) > 1 and "patternProperties" in (held := at(key, place[:-1])):
        return f"the value of {name} isn't {allowed(value_schema(held))}"
    if "properties" in schema:
        return f"the value of {place[0]} isn't {allowed(schema['fields'][place[0]])}"
    if schema.get("type") == "object":
        if cause:
            return f"{name} {cause}"
        return f"the value of {name} isn't {allowed(value_schema(schema))}"
    items = at(key, place)
    if error["type"] == "model_type":
        return f"entry {name} isn't an object"
    meaning = allowed(items) if "errorMessage" in items else f"valid: {error['msg']}"
    if meaning in allowed(schema):  # which the message says already
        meaning = "one"
    reason = f", {cause}" if str(cause or "") else ""
    return f"{as_text(error['input'])!r} isn't {meaning}{reason}"


def without_renamed(key: Key, value: Any, details: list[Any]) -> list[Any]:
    """The errors, unknown names first, without those of a name that is there under another one."""
    missing: set[tuple[Any, ...]] = set()
    for each in details:
        *above, name = each["loc"] or [""]
        holder = value
        for part in above:
            holder = holder[part]
        if each["type"] == "extra_forbidden" and (near := nearest_free(key, name, holder)):
            missing.add((*above, near))
    left = [each for each in details if tuple(each["loc"]) not in missing]
    return sorted(left, key=lambda each: each["type"] != "extra_forbidden")


def nearest_free(key: Key, name: Any, holder: Mapping[str, Any]) -> str | None:
    """The field that an unknown one stands for; none that the object has."""
    return nearest(str(name), (each for each in key_schema(key)["fields"] if each not in holder))

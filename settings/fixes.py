"""Commands that fix an invalid value, and what is wrong inside a list or an object."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from settings.key_schema import allowed, at, examples, key_schema, value_schema
from settings.keys import Key
from settings.meant import means_nothing, meant_entry
from settings.nearest import nearest
from settings.problem import config_path, config_rm, config_set, config_set_secret


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


def fixes_of(key: Key, text: str, value: Any, details: list[Any]) -> tuple[str, ...]:
    """Commands for a value that resembles no allowed one; one for each where there are few."""
    schema = key_schema(key)
    default = key.field.get_default(call_default_factory=True)
    may_be_unset = default in (None, (), {}) and not key.holds_secrets
    if may_be_unset and means_nothing(text):
        return (config_rm(key.name),)
    choices = schema.get("enum") or ["true", "false"] * (schema.get("type") == "boolean")
    if choices:
        first = sorted(choices, key=lambda each: each != as_text(default))
        unset = [config_rm(key.name)] * may_be_unset
        return (*(set_command(key, each) for each in first), *unset)
    return (_fix_of(key, value, details),)


def _fix_of(key: Key, value: Any, details: list[Any]) -> str:
    """A command that keeps the valid entries of an object or of a list of texts."""
    schema = key_schema(key)
    entries = dict.fromkeys(each["loc"][0] for each in details if each["loc"])
    if isinstance(value, list) and not entries and len(value) > schema.get("minItems", 0):
        twice = (number for number, each in enumerate(value) if each in value[:number])
        if (number := next(twice, None)) is not None:
            return config_rm(key.name, number)
    if all(_is_nested(key, each["loc"]) for each in details):
        return " && ".join(dict.fromkeys(_fix_within(key, each) for each in details))
    if entries and "properties" in schema:
        fields = {str(name): schema["fields"].get(name, {}) for name in entries}
        renamed = {name: near for name, field in fields.items()
                   if not field and (near := _near(key, name, value))}  # fmt: skip
        return " && ".join(
            _rename(key.name, name, _first(renamed[name], schema["fields"]))
            if name in renamed
            else _fix_of_a_field(key.name, name, field)
            for name, field in fields.items()
        )
    if entries and schema["type"] == "object":
        return " && ".join(config_rm(key.name, str(name)) for name in entries)
    if entries and "items" in schema:
        example = _example_of_an_entry(schema)
        if isinstance(example, str):
            valid = [each for number, each in enumerate(value) if number not in entries]
            meant = ((entry, meant_entry(key, value[entry], valid) or example) for entry in entries)
            return " && ".join(
                config_set(f"{key.name}[{entry}]", each, "--path") for entry, each in meant
            )
        if isinstance(example, int) and len(entries) == 1 < len(value):
            return config_rm(key.name, *entries)
    return set_command(key, example_of(key))


def _example_of_an_entry(schema: Mapping[str, Any]) -> Any:
    """What an entry may be; VALUE, where any choice of several would be a guess."""
    return (
        "VALUE" if "enum" in schema["items"] else placeholder(next(examples(schema["items"]), None))
    )


def _is_nested(key: Key, place: list[Any]) -> bool:
    """Whether it is a field of an object in a list, or an entry of an object in an object."""
    named = "patternProperties" in at(key, place[: -2 if place[-1:] == ["[key]"] else -1])
    return len(place) > 1 and ("$ref" in key_schema(key).get("items", {}) or named)


def _fix_within(key: Key, error: Mapping[str, Any]) -> str:
    place = error["loc"]
    if place[-1] == "[key]":
        return config_rm(config_path(key.name, place[:-2]), place[-2])
    above, name = config_path(key.name, place[:-1]), place[-1]
    example = next(examples(at(key, place)), None)
    if example is not None:
        return config_set(config_path(key.name, place), as_text(placeholder(example)), "--path")
    unknown = error["type"] == "extra_forbidden"
    near = nearest(str(name), key_schema(key)["fields"]) if unknown else ""
    if not near:
        return config_rm(above, name)
    return _rename(above, str(name), _first(near, key_schema(key)["fields"]))


def without_renamed(key: Key, value: Any, details: list[Any]) -> list[Any]:
    """The errors, unknown names first, without those of a name that is there under another one."""
    missing: set[tuple[Any, ...]] = set()
    for each in details:
        *above, name = each["loc"] or [""]
        holder = value
        for part in above:
            holder = holder[part]
        if each["type"] == "extra_forbidden" and (near := _near(key, name, holder)):
            missing.add((*above, near))
    left = [each for each in details if tuple(each["loc"]) not in missing]
    return sorted(left, key=lambda each: each["type"] != "extra_forbidden")


def _near(key: Key, name: Any, holder: Mapping[str, Any]) -> str | None:
    """The field that an unknown one stands for; none that the object has."""
    return nearest(str(name), (each for each in key_schema(key)["fields"] if each not in holder))


def _first(name: str, fields: Mapping[str, Any]) -> str:
    """A field, or the first entry of one that is a list or an object."""
    return name + {"array": "[0]", "object": ".NAME"}.get(fields[name].get("type"), "")


def _rename(above: str, name: str, near: str) -> str:
    return f"{config_rm(above, name)} && {config_set(f'{above}.{near}', 'VALUE', '--path')}"


def _fix_of_a_field(key: str, name: str, field: Mapping[str, Any]) -> str:
    example = None if "default" in field else placeholder(next(examples(field), None))
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


def example_of(key: Key) -> str:
    """A value that a copied command can set: the default, or else an example."""
    schema = key_schema(key)
    default = schema.get("default")
    if default not in (None, "", [], {}):
        return f"{default:g}" if isinstance(default, float) else as_text(default)
    if "enum" in schema.get("items", {}):
        return as_text([_example_of_an_entry(schema)])
    return as_text(placeholder(next(examples(schema))))


# Identifiers and networks in examples: pasted as they are, the next preview would accept them.
_IDENTIFIERS = (
    (r"arn:.*", "ARN"),
    (r"subnet-[0-9a-f]+", "SUBNET"),
    (r"sg-[0-9a-f]+", "SECURITY_GROUP"),
    (r"sha256:[0-9a-f]+", "sha256:DIGEST"),
    (r"[0-9a-f]{40}", "SHA"),
    (r"[0-9]{12}", "ACCOUNT"),
    (r"[0-9]{12}\.dkr\..*", "REGISTRY/REPOSITORY"),
    (r"cluster-[A-Z0-9]+", "ID"),
    (r"[0-9.]+/[0-9]+", "CIDR"),
    (r"https://.*example\.com.*", "URL"),
    (r"example\.(?:com|onmicrosoft\.com)", "DOMAIN"),
    (r"backstage\.example\.com", "HOST"),
    (r"registry\.example\.com/.*", "REGISTRY/IMAGE"),
    (r"us-east-1", "REGION"),
    (r"platform-alb-logs", "BUCKET"),
    (r"platform-prod", "CLUSTER"),
    (r"kind-backstage", "CONTEXT"),
    (r"backstage-final-1", "SNAPSHOT"),
    (r"123456", "APP_ID"),
    (r"Iv23li\w+|1example\w+", "CLIENT_ID"),
)


def placeholder(example: Any) -> Any:
    """An example with a word in capitals for each identifier of an account."""
    if isinstance(example, list):
        return [placeholder(each) for each in example]
    if isinstance(example, dict):
        return {name: placeholder(each) for name, each in example.items()}
    found = (word for pattern, word in _IDENTIFIERS if re.fullmatch(pattern, str(example)))
    return next(found, example)


def set_command(key: Key, value: str) -> str:
    """The command that sets a key; of a key that holds secrets, an entry of it."""
    if key.holds_secrets:
        return config_set_secret("NAME", key.name)
    return config_set(key.name, value)


def as_text(value: Any) -> str:
    """A value as `pulumi config set` takes it."""
    return value if isinstance(value, str) else json.dumps(value)

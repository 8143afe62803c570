"""Commands that fix an invalid value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from settings.examples import as_text, example_of, example_of_an_entry, placeholder
from settings.faults import nearest_free
from settings.key_schema import at, examples, key_schema
from settings.keys import Key
from settings.meant import means_nothing, meant_entry
from settings.nearest import nearest
from settings.problem import config_path, config_rm, config_set, config_set_secret


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
    if (bound := _passed(key, value)) is not None:
        usual = config_rm(key.name) if may_be_unset else set_command(key, example_of(key))
        return tuple(dict.fromkeys((set_command(key, as_text(bound)), usual)))
    if key.holds_secrets and not isinstance(value, dict):  # no entry can be set in a text
        return (f"{config_rm(key.name)} && {set_command(key, '')}",)
    return (_fix_of(key, value, details),)


# Numbers that say which one, or what there is: the nearest one that is allowed says something else.
_NAMING = ("port", "Port", "Generation", "Version", "Connections")


def _passed(key: Key, value: Any) -> Any:
    """The bound that a number is beyond; None if it is beyond none."""
    if not isinstance(value, (int, float)) or key.name.endswith(_NAMING):
        return None
    low, high = (key_schema(key).get(bound, value) for bound in ("minimum", "maximum"))
    return low if value < low else high if value > high else None


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
                   if not field and (near := nearest_free(key, name, value))}  # fmt: skip
        return " && ".join(
            _rename(key.name, name, _first(renamed[name], schema["fields"]))
            if name in renamed
            else _fix_of_a_field(key.name, name, field)
            for name, field in fields.items()
        )
    if entries and schema["type"] == "object":
        return " && ".join(config_rm(key.name, str(name)) for name in entries)
    if entries and "items" in schema:
        example = example_of_an_entry(schema)
        if isinstance(example, str):
            valid = [each for number, each in enumerate(value) if number not in entries]
            meant = ((entry, meant_entry(key, value[entry], valid) or example) for entry in entries)
            return " && ".join(
                config_set(f"{key.name}[{entry}]", each, "--path") for entry, each in meant
            )
        if isinstance(example, int) and len(entries) == 1 < len(value):
            return config_rm(key.name, *entries)
    return set_command(key, example_of(key))


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


def set_command(key: Key, value: str) -> str:
    """The command that sets a key; of a key that holds secrets, the entries that it needs."""
    if key.holds_secrets:
        names = key.entries or ("NAME",)
        return " && ".join(config_set_secret(name, key.name) for name in names)
    return config_set(key.name, value)

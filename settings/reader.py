"""Reads a stack's configuration and reports every problem in it at once."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any

import pulumi
from pulumi.runtime import get_config, get_config_env, is_config_secret
from pydantic import ValidationError

from settings.files import FileError
from settings.keys import GROUPS, KEYS, SECRETS, Key
from settings.model import Settings
from settings.problem import (
    Misspelt,
    Problem,
    Warn,
    config_rm,
    config_set,
    config_set_secret,
    nearest,
)
from settings.rules.rule import Rule

SHOWN_CHARACTERS = 100  # of an invalid value
SHOWN_DETAILS = 3  # of an invalid list or object


class Reader:
    """Reads the configuration, checks it, and collects the problems."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self._invalid: set[str] = set()  # keys whose value is refused for itself
        self._refused: set[str] = set()  # those, and keys that break a rule
        self._project = pulumi.get_project()

    def read(self) -> Settings:
        """The settings; an invalid value is replaced by the default."""
        found: dict[str, Any] = {group: {} for group in GROUPS}
        texts: dict[str, str] = {}
        for key in KEYS.values():
            text = self._text(key)
            if text is not None:
                texts[key.name] = text
                group = found[key.group] if key.group else found
                group[key.name] = text if key.is_text else _decoded(text)
        self._refuse_unknown_keys()
        try:
            settings = Settings.model_validate(found, by_alias=True, by_name=False)
        except ValidationError as error:
            for name, details in _by_key(error).items():
                key = KEYS[name]
                self._report_invalid(key, texts[name], details)
                del (found[key.group] if key.group else found)[name]
            settings = Settings.model_validate(found, by_alias=True, by_name=False)
        self._invalid = set(self._refused)
        return settings

    def check(self, rules: Iterable[Rule], settings: Settings) -> None:
        """Runs the rules between keys, and skips those on an invalid key."""
        for rule in rules:
            if not self._refused & rule.keys and rule.target in (None, settings.target):
                for found in rule.check(settings):
                    if isinstance(found, Warn):
                        pulumi.log.warn(found)
                    elif KEYS[found.key].name not in self._invalid:
                        self._report(found)

    def raise_problems(self) -> None:
        """Raises one pulumi.RunError that lists every problem, if there is any."""
        if not self.problems:
            return
        count = len(self.problems)
        head = f"Stack '{pulumi.get_stack()}' has {count} configuration problem{'s'[: count > 1]}:"
        blocks = [
            f"  {each.key}\n"
            f"    given:   {each.given}\n"
            f"    allowed: {each.allowed}\n"
            f"    fix:     {each.fix}"
            for each in self.problems
        ]
        raise pulumi.RunError("\n".join([head, *blocks, "Nothing was changed."]))

    def _report(self, problem: Problem) -> None:
        self.problems.append(problem)
        self._refused.add(problem.key)

    def _text(self, key: Key) -> str | None:
        full = key.name if ":" in key.name else f"{self._project}:{key.name}"
        text = get_config(full)
        if text is None or not is_config_secret(full) or key.holds_secrets:
            return None if text is None else _as_text(text)
        self._report(
            Problem(
                key.name,
                "an encrypted value",
                "a plain value; " + " and ".join(SECRETS) + " hold secrets",
                # Only one of its values may be encrypted; an example would replace the others.
                config_set(key.name, "VALUE", "--plaintext")
                if key.is_text
                else config_set(f"{key.name}.NAME", "VALUE", "--path --plaintext"),
            )
        )
        return None

    def _report_invalid(self, key: Key, text: str, details: list[Any]) -> None:
        value = _decoded(text)
        given = "[secret]" if key.holds_secrets else _shown(_names(value) or text)
        cause = details[0].get("ctx", {}).get("error")
        if isinstance(cause, FileError):
            given, place = _shown(str(details[0]["input"])), details[0]["loc"]
            other = config_rm(key.name, *place) if place else _set_command(key, _example(key))
            fix = f"fix it, or {other}"
            self._report(Problem(key.name, f"{given} ({cause})", allowed(_schema(key)), fix))
            return
        said = [each for each in (_detail(key, one) for one in details) if each]
        reason = f" ({'; '.join(said[:SHOWN_DETAILS])})" if said else ""
        fix = _set_command(key, cause.meant) if isinstance(cause, Misspelt) else _fix(key, details)
        self._report(Problem(key.name, given, allowed(_schema(key)) + reason, fix))

    def _refuse_unknown_keys(self) -> None:
        owned = {
            self._project: "a key of the configuration tables in docs/configuration.md",
            "aws": "an aws: key that this program passes on to its provider; credentials come "
            "from the environment or the profile",
            "kubernetes": "no kubernetes: key: the program configures its own provider",
        }
        for full in sorted(get_config_env()):
            namespace, _, name = full.partition(":")
            key = name if namespace == self._project else full
            if namespace not in owned and nearest(namespace, owned):
                meant = f"did you mean the namespace {nearest(namespace, owned)}?"
                self._report(Problem(key, "an unknown namespace", meant, config_rm(key)))
            if namespace not in owned or key in KEYS:
                continue
            prefix = key[: len(key) - len(name)]
            names = [each.removeprefix(prefix) for each in KEYS if each.startswith(prefix)]
            near = nearest(name, [each for each in names if ":" not in each])
            meaning, fix = owned[namespace], config_rm(key)
            if near:
                meaning = f"did you mean {prefix}{near}?"
                fix += f" && {_set_command(KEYS[prefix + near], 'VALUE')}"
            self._report(Problem(key, "an unknown key", meaning, fix))


def _names(value: Any) -> str:
    """Of objects the names only: a value may be a secret in the wrong place."""
    if isinstance(value, list) and all(isinstance(each, dict) for each in value):
        return "; ".join(", ".join(each) for each in value)
    return ", ".join(value) if isinstance(value, dict) else ""


def _by_key(error: ValidationError) -> dict[str, list[Any]]:
    """The errors of each key, their `loc` from there on."""
    found: dict[str, list[Any]] = {}
    for each in error.errors(include_url=False):
        grouped = each["loc"][0] in GROUPS
        _, name, *place = each["loc"] if grouped else (None, *each["loc"])
        found.setdefault(str(name), []).append({**each, "loc": place})
    return found


@cache
def _schema(key: Key) -> Mapping[str, Any]:
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
        return f"a list, each entry once and {allowed(schema['items'])}"
    if "properties" in schema:
        return f"an object with {', '.join(schema['properties'])}"
    values = allowed(_value_schema(schema))
    return f"an object; names: {allowed({**schema['propertyNames']})}; values: {values}"


def _value_schema(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = next(iter(schema["patternProperties"].values()))
    return found


def _at(key: Key, place: Iterable[str | int]) -> Mapping[str, Any]:
    """The schema of what lies at a place within a key's value; empty when there is none."""
    fields = _schema(key)["fields"]
    found = _schema(key)
    for part in place:
        if "items" in found:
            found = {"properties": fields} if "$ref" in found["items"] else found["items"]
        elif "properties" in found:
            found = _plain(found["properties"].get(part, {}))
        elif "patternProperties" in found:
            found = _value_schema(found)
        else:
            found = found.get("additionalProperties") or {}
    return found


def _path(key: Key, place: Iterable[str | int]) -> str:
    """A place within a key's value, as `pulumi config --path` takes it."""
    return key.name + "".join(
        f"[{part}]" if isinstance(part, int) else f".{part}" for part in place
    )


def _detail(key: Key, error: Mapping[str, Any]) -> str:
    """What of a list or an object is invalid; empty when it is the value as a whole."""
    cause, place, schema = error.get("ctx", {}).get("error"), error["loc"], _schema(key)
    if not place:
        return str(cause or "")
    name = place[-1]
    if name == "[key]":
        return f"the name {place[-2]!r} isn't {allowed(_at(key, place[:-2])['propertyNames'])}"
    if error["type"] == "extra_forbidden":
        near = nearest(str(name), schema["fields"])
        return f"{name!r} is unknown" + (f"; did you mean {near}?" if near else "")
    if error["type"] == "missing":
        return f"{name} is missing" if "properties" in schema else ""
    if len(place) > 1 and "patternProperties" in (held := _at(key, place[:-1])):
        return f"the value of {name} isn't {allowed(_value_schema(held))}"
    if "properties" in schema:
        return f"the value of {place[0]} isn't {allowed(schema['fields'][place[0]])}"
    if schema.get("type") == "object":
        return (
            f"{name} {cause}"
            if cause
            else f"the value of {name} isn't {allowed(_value_schema(schema))}"
        )
    items = _at(key, place)
    if error["type"] == "model_type":
        return f"entry {name} isn't an object"
    meaning = allowed(items) if "errorMessage" in items else f"valid: {error['msg']}"
    return f"{_as_text(error['input'])!r} isn't {meaning}" + (
        f", {cause}" if str(cause or "") else ""
    )


def _fix(key: Key, details: list[Any]) -> str:
    """A command that keeps the valid entries of an object or of a list of texts."""
    schema, entries = _schema(key), dict.fromkeys(each["loc"][0] for each in details if each["loc"])
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
        example = next(_examples(schema["items"]), None)
        if isinstance(example, str):
            return config_set(f"{key.name}[{next(iter(entries))}]", example, "--path")
    return _set_command(key, _example(key))


def _is_nested(key: Key, place: list[Any]) -> bool:
    """Whether it is a field of an object in a list, or an entry of an object in an object."""
    named = "patternProperties" in _at(key, place[: -2 if place[-1:] == ["[key]"] else -1])
    return len(place) > 1 and ("$ref" in _schema(key).get("items", {}) or named)


def _fix_within(key: Key, error: Mapping[str, Any]) -> str:
    place = error["loc"]
    if place[-1] == "[key]":
        return config_rm(_path(key, place[:-2]), place[-2])
    above, name = _path(key, place[:-1]), place[-1]
    example = next(_examples(_at(key, place)), None)
    if example is not None:
        return config_set(_path(key, place), _as_text(example), "--path")
    near = nearest(str(name), _schema(key)["fields"]) if error["type"] == "extra_forbidden" else ""
    removed = config_rm(above, name)
    return f"{removed} && {config_set(f'{above}.{near}', 'VALUE', '--path')}" if near else removed


def _fix_of_a_field(key: str, name: str, field: Mapping[str, Any]) -> str:
    example = None if "default" in field else next(_examples(field), None)
    if isinstance(example, list):  # the CLI takes JSON for a text
        first = config_set(f"{key}.{name}[0]", example[0], "--path")
        return f"{config_rm(key, name)} && {first}"
    if isinstance(example, dict):
        [(entry, value)] = example.items()
        first = config_set(f"{key}.{name}.{entry}", value, "--path")
        return f"{config_rm(key, name)} && {first}"
    if example is None:
        return config_rm(key, name)
    return config_set(f"{key}.{name}", _as_text(example), "--path")


def _example(key: Key) -> str:
    """A value that a copied command can set: the default, or else an example."""
    schema = _schema(key)
    default = schema.get("default")
    if default not in (None, "", [], {}):
        return f"{default:g}" if isinstance(default, float) else _as_text(default)
    return _as_text(next(_examples(schema)))


def _examples(schema: Mapping[str, Any]) -> Iterator[Any]:
    schema = _plain(schema)
    yield from schema.get("examples", ())
    yield from schema.get("enum", ())
    if schema.get("type") == "boolean":
        yield True
    elif schema.get("type") == "array":
        yield [next(_examples(schema["items"]))]
    elif "properties" in schema:
        yield {name: next(_examples(each)) for name, each in schema["properties"].items()}
    elif "propertyNames" in schema:
        yield {next(_examples(schema["propertyNames"])): next(_examples(_value_schema(schema)))}


def _set_command(key: Key, value: str) -> str:
    if key.holds_secrets:
        return config_set_secret("NAME", key.name)
    return config_set(key.name, value)


def _decoded(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _shown(text: str) -> str:
    if not text.strip() or text in ("[]", "{}"):
        return {"[]": "an empty list", "{}": "an empty object"}.get(text, "an empty value")
    if not text.isprintable():  # a line break would tear the message apart
        text = repr(text)
    return text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS] + " ..."

"""Reads a stack's configuration and reports every problem in it at once."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pulumi
from pulumi.runtime import get_config, get_config_env, is_config_secret
from pydantic import ValidationError

from settings.examples import as_text, example_of
from settings.faults import detail, without_renamed
from settings.files import FileError
from settings.fixes import fixes_of, set_command
from settings.key_schema import allowed, key_schema
from settings.keys import GROUPS, KEYS, SECRETS, Key
from settings.meant import meant, reveals_nothing, takes
from settings.model import Settings
from settings.nearest import alike, nearest
from settings.problem import (
    ConfigurationError,
    Problem,
    StandsFor,
    Warn,
    config_rm,
    config_set,
    with_faults,
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
        """Raises ConfigurationError, if there is any problem."""
        if self.problems:
            raise ConfigurationError(pulumi.get_stack(), self.problems)

    def _report(self, problem: Problem) -> None:
        self.problems.append(problem)
        self._refused.add(problem.key)

    def _text(self, key: Key) -> str | None:
        full = key.full(self._project)
        text = get_config(full)
        if text is None or not is_config_secret(full) or key.holds_secrets:
            return None if text is None else as_text(text)
        self._report(
            Problem(
                key.name,
                "an encrypted value",
                f"a plain value; only {', '.join(SECRETS)} hold secrets",
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
        causes = [each.get("ctx", {}).get("error") for each in details]
        cause = causes[0]
        if isinstance(cause, FileError):
            for each, fault in zip(details, causes, strict=True):
                if isinstance(fault, FileError):
                    self._report_file(key, str(each["input"]), each["loc"], fault)
            return
        details = without_renamed(key, value, details)
        said = [each for each in (detail(key, one) for one in details) if each]
        reason = f" ({'; '.join(said[:SHOWN_DETAILS])})" if said else ""
        clear = cause if isinstance(cause, StandsFor) else None
        near = clear.value if clear else meant(key, text)
        unset = config_rm(key.name) if clear else fixes_of(key, text, value, details)
        fix = set_command(key, near) if near else unset
        then = f". {clear.then}" if clear and clear.then else ""
        refused = f"; the policy refuses {key.policy_refuses.what}" if key.policy_refuses else ""
        meaning = f"{allowed(key_schema(key))}{reason}{refused}{then}"
        self._report(Problem(key.name, given, meaning, fix))

    def _report_file(self, key: Key, path: str, place: list[Any], error: FileError) -> None:
        path = _shown(path)
        other = config_rm(key.name, *place) if place else set_command(key, example_of(key))
        first = "create" if str(error).lower().startswith("no such") else "correct"
        given = with_faults(path, error.faults)
        self._report(Problem(key.name, given, allowed(key_schema(key)), (f"{first} {path}", other)))

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
            if namespace not in owned and (meant_namespace := nearest(namespace, owned)):
                said = f"did you mean the namespace {meant_namespace}?"
                self._report(Problem(key, "an unknown namespace", said, config_rm(key)))
            if namespace not in owned or key in KEYS:
                continue
            prefix = key[: len(key) - len(name)]
            names = [each.removeprefix(prefix) for each in KEYS if each.startswith(prefix)]
            near = [KEYS[prefix + each] for each in alike(name, names)]
            if len(near) == 1 and get_config(near[0].full(self._project)) is None:
                self._refused.add(near[0].name)  # it is there, under this name
            meaning, removal = owned[namespace], config_rm(key)
            if near:
                *others, last = (each.name for each in near)
                offered = f"{', '.join(others)} or {last}" if others else last
                meaning = f"did you mean {offered}?"
            ways = [f"{removal} && {set_command(each, _value(full, each))}" for each in near]
            self._report(Problem(key, "an unknown key", meaning, tuple(ways) or removal))


def _value(full: str, key: Key) -> str:
    """What an unknown key says, if that can't be a secret and `key` takes it."""
    text = get_config(full) or ""
    if is_config_secret(full):
        return "VALUE"
    shown = reveals_nothing(key, text, full) if key.is_text else takes(key, text)
    return text if shown else "VALUE"


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


def _decoded(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _shown(text: str) -> str:
    if not text.strip() or text in ("[]", "{}"):
        return {"[]": "an empty list", "{}": "an empty object"}.get(text, "an empty value")
    if not text.isprintable():  # a line break would tear the message apart
        text = repr(text)
    return text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS] + " ..."

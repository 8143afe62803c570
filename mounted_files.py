"""The two files that are mounted into the portal's pods, read and checked before anything runs.

`AppConfig` is Backstage's configuration, `CaBundle` the root certificates that the database's
TLS certificate is verified with. Both raise ValueError for a text that would break the portal.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

# libyaml where the wheel has it: a tenth of the time
_YamlLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

CONFIG_MAP_LIMIT = 1_000_000  # bytes; an object of the API server holds at most 1 MiB

KNEX_POOL_SIZE = 10  # knex's own upper limit, where the configuration gives none

# Of variables that override single values, by their path.
# Source: @backstage/config-loader, readEnvConfig.
OVERRIDE = "APP_CONFIG_"

# Backstage's substitution: ${NAME}, ${NAME:-default}; $${NAME} stands for itself.
# Source: @backstage/config-loader, substitution transform.
_SUBSTITUTION = re.compile(r"(\$?)\$\{([^{}]*)\}")
_SHIPPED_REGION = re.compile(r"# Amazon RDS (\S+) Root CA .*")
_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----")


@dataclass(frozen=True)
class AppConfig:
    """A Backstage configuration file.

    text: the file, at most 1 MB, a YAML mapping. overrides: the portal's variables; an
    `APP_CONFIG_a_b` stands for the value at a.b.
    """

    text: str = ""
    overrides: Mapping[str, str] = field(default_factory=dict)
    variables: frozenset[str] = field(init=False)
    """Environment variables that it needs: every `${NAME}` without a default."""
    unsafe: tuple[str, ...] = field(init=False)
    """Settings that must not reach production, each as `path why`."""
    pool_size: int = field(init=False)
    """The most connections to the database that one plugin of one pod keeps."""
    sign_in: Mapping[str, frozenset[str]] = field(init=False)
    """By sign-in provider: variables without which it is there and signs nobody in."""

    def __post_init__(self) -> None:
        if len(self.text.encode()) > CONFIG_MAP_LIMIT:
            raise ValueError("larger than a ConfigMap holds, 1 MB")
        try:
            document = yaml.load(self.text, Loader=_YamlLoader)  # noqa: S506, a safe loader
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            where = f"line {mark.line + 1}" if mark else "unreadable"
            problem = getattr(error, "problem", None) or "not YAML"
            raise ValueError(f"{where}: {problem}") from error
        if not isinstance(document, dict) and self.text:
            raise ValueError("not a YAML mapping")
        object.__setattr__(self, "variables", frozenset(_required_variables(document)))
        document = _overridden(document, self.overrides)
        object.__setattr__(self, "unsafe", tuple(_unsafe_settings(document)))
        object.__setattr__(self, "pool_size", _pool_size(document))
        providers = _at(document, "auth", "providers")
        sign_in = {
            name: frozenset(_placeholders(provider))
            for name, provider in (providers if isinstance(providers, dict) else {}).items()
            if provider is not None
        }
        object.__setattr__(self, "sign_in", sign_in)


@dataclass(frozen=True)
class CaBundle:
    """Root certificates in PEM form.

    text: one certificate or more, and no private key.
    """

    text: str = ""

    def __post_init__(self) -> None:
        if "PRIVATE KEY" in self.text:
            raise ValueError("it holds a private key")
        if len(self.text.encode()) > CONFIG_MAP_LIMIT:
            raise ValueError("larger than a ConfigMap holds, 1 MB")
        if self.text and not _CERTIFICATE.search(self.text):
            raise ValueError("no certificate in it")

    def for_region(self, region: str) -> str:
        """The certificates of one AWS region; all of them where the file names no regions.

        Returns an empty string when the file names regions and `region` isn't among them.
        """
        headings = list(_SHIPPED_REGION.finditer(self.text))
        if not headings:
            return self.text
        ends = [heading.start() for heading in headings[1:]] + [len(self.text)]
        return "".join(
            self.text[heading.start() : end]
            for heading, end in zip(headings, ends, strict=True)
            if heading.group(1) == region
        )


def _strings(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for value in node.values():
            yield from _strings(value)
    elif isinstance(node, list):
        for value in node:
            yield from _strings(value)
    elif isinstance(node, str):
        yield node


def _required_variables(document: Any) -> Iterator[str]:
    for text in _strings(document):
        for escape, expression in _SUBSTITUTION.findall(text):
            if not escape and ":-" not in expression:
                yield expression.strip()


def _placeholders(node: Any) -> Iterator[str]:
    """Variables that stand in for a value which has to be replaced: `${NAME:-something}`."""
    for text in _strings(node):
        for escape, expression in _SUBSTITUTION.findall(text):
            name, _, default = expression.partition(":-")
            if not escape and default:
                yield name.strip()


def _overridden(document: Any, variables: Mapping[str, str]) -> Any:
    result = copy.deepcopy(document) or {}
    for name, text in variables.items():
        if not name.startswith(OVERRIDE):
            continue
        try:
            value = json.loads(text)
        except ValueError:
            value = text
        *path, last = name.removeprefix(OVERRIDE).split("_")
        node = result
        for key in path:
            if not isinstance(node.get(key), dict):
                node[key] = {}
            node = node[key]
        node[last] = _merged(node.get(last), value)
    return result


def _merged(below: Any, above: Any) -> Any:
    if not isinstance(below, dict) or not isinstance(above, dict):
        return above
    return {**below, **{key: _merged(below.get(key), value) for key, value in above.items()}}


def _pool_size(document: Any) -> int:
    """Of the plugin that may have most."""
    database = _at(document, "backend", "database")
    plugins = _at(database, "plugin")
    nodes = [database, *(plugins.values() if isinstance(plugins, dict) else ())]
    shared, *own = (_at(node, "knexConfig", "pool", "max") for node in nodes)
    sizes = [size for size in own if isinstance(size, int)]
    return max(shared if isinstance(shared, int) and shared > 0 else KNEX_POOL_SIZE, *sizes, 1)


def _at(node: Any, *path: str) -> Any:
    for name in path:
        node = node.get(name) if isinstance(node, Mapping) else None
    return node


def _unsafe_settings(document: Any) -> Iterator[str]:
    if _at(document, "auth", "providers", "guest") is not None:
        yield "auth.providers.guest lets anyone in without a password; set it to null"
    connection = _at(document, "backend", "database", "connection")
    ssl = _at(connection, "ssl")
    if ssl is False or _at(ssl, "rejectUnauthorized") is False:
        yield "backend.database.connection.ssl doesn't verify the database's certificate"
    if isinstance(connection, str) and re.search(r"sslmode=(disable|no-verify|allow)", connection):
        yield "backend.database.connection doesn't verify the database's certificate"
    if _at(document, "backend", "database", "client") == "better-sqlite3":
        yield "backend.database.client is a database that is lost with the pod; use pg"

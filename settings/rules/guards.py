"""What must not reach production in Backstage's configuration, by path."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from settings.app_config import AppConfig
from settings.overrides import Path


@dataclass(frozen=True)
class Guard:
    """A path whose value decides who may do what.

    path: `*` is any name or index. unsafe: whether a value is. why: what it does, and what to set.
    """

    path: Path
    unsafe: Callable[[Any], bool]
    why: str

    @property
    def root(self) -> Path:
        """The path before its first `*`."""
        return tuple(takewhile(lambda part: part != "*", self.path))


def _at(path: str, unsafe: Callable[[Any], bool], why: str) -> Guard:
    return Guard(tuple(path.split(".")), unsafe, why)


def _set(value: Any) -> bool:
    return value is not None


def _true(value: Any) -> bool:
    return value is True or value == "true"


def _false(value: Any) -> bool:
    return value is False or value == "false"


def _unverified_url(value: Any) -> bool:
    return isinstance(value, str) and bool(
        re.search(r"sslmode=(disable|no-verify|allow|prefer)", value)
    )


def _everything(value: Any) -> bool:
    host = value.get("host") if isinstance(value, dict) else None
    return host in ("*", "*.*") or bool(isinstance(host, str) and re.fullmatch(r"\*\.[a-z]+", host))


def _people(value: Any) -> bool:
    """A rule that admits people from every location: one without a condition."""
    if not isinstance(value, dict) or value.get("locations"):
        return False
    allow = value.get("allow")
    kinds = allow if isinstance(allow, list) else []
    names = {str(kind.get("kind") if isinstance(kind, dict) else kind).lower() for kind in kinds}
    return bool(names & {"user", "group"})


def _metadata_service(value: Any) -> bool:
    target = value.get("target") if isinstance(value, dict) else value
    return isinstance(target, str) and "//169.254." in target


def _resolvers_without_catalog(value: Any) -> bool:
    return isinstance(value, list) and any(
        isinstance(each, dict) and _true(each.get("dangerouslyAllowSignInWithoutUserInCatalog"))
        for each in value
    )


GUEST = _at("auth.providers.guest", _set, "lets anyone in without a password; set it to null")
GUARDS = (
    GUEST,
    _at(
        "auth.providers.*.*.signIn.resolvers",
        _resolvers_without_catalog,
        "signs in people whom the catalog doesn't know",
    ),
    _at(
        "backend.auth.dangerouslyDisableDefaultAuthPolicy",
        _true,
        "answers every request without authentication",
    ),
    _at("permission.enabled", _false, "lets every request do everything; set it to true"),
    _at(
        "backend.database.connection", _unverified_url, "doesn't verify the database's certificate"
    ),
    _at("backend.database.connection.ssl", _false, "doesn't verify the database's certificate"),
    _at(
        "backend.database.connection.ssl.rejectUnauthorized",
        _false,
        "doesn't verify the database's certificate",
    ),
    _at(
        "backend.database.client",
        lambda value: value == "better-sqlite3",
        "is a database that is lost with the pod; use pg",
    ),
    _at(
        "backend.reading.allow.*",
        _everything,
        "lets every user read any URL through the portal; name the hosts",
    ),
    _at(
        "backend.cors.origin",
        lambda value: value == "*" or (isinstance(value, list) and "*" in value),
        "lets every site call the portal; name the origins",
    ),
    _at(
        "catalog.rules.*",
        _people,
        "takes users and groups from any location; allow them for the locations that hold them",
    ),
    _at(
        "proxy.endpoints.*.credentials",
        lambda value: value == "dangerously-allow-unauthenticated",
        "forwards requests without authentication",
    ),
    _at("proxy.endpoints.*", _metadata_service, "reaches the node's metadata service"),
    _at(
        "kubernetes.clusterLocatorMethods.*.clusters.*.skipTLSVerify",
        _true,
        "doesn't verify the cluster's certificate",
    ),
)


def unsafe(config: AppConfig) -> Iterator[tuple[Guard, str]]:
    """Every guard that the configuration violates, with `path why`."""
    for guard in GUARDS:
        for path, value in config.values(guard.path):
            if guard.unsafe(value):
                yield guard, f"{'.'.join(path)} {guard.why}"

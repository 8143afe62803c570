"""Who may do what in the portal: the two files of the RBAC plugin that its policy reads.

Source: @backstage-community/plugin-rbac-backend, csv-file-watcher and condition-validation.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from settings.files import FileError, parse_documents, read_text
from settings.nearest import nearest

ACTIONS = ("create", "read", "update", "delete", "use")
SHOWN_FAULTS = 3
FILE_BYTES = 500_000  # two of them in a ConfigMap of at most 1 MiB
_NAME = r"[a-zA-Z0-9]+(?:[._-][a-zA-Z0-9]+)*"
_NAMESPACE = r"[a-z0-9]+(?:-[a-z0-9]+)*"
_ROLE = re.compile(rf"role:{_NAMESPACE}/{_NAME}")
_MEMBER = re.compile(rf"(user|group):{_NAMESPACE}/{_NAME}", re.IGNORECASE)
_FIELDS = ("conditions", "permissionMapping", "pluginId", "resourceType", "result", "roleEntityRef")


@dataclass(frozen=True)
class Grant:
    """What a line lets a role do, or denies it.

    place: `line 3`, or the key of the app-config. object: a permission's name or a resource type.
    """

    place: str
    role: str
    object: str
    action: str
    allows: bool


@dataclass(frozen=True)
class Permissions:
    """The CSV file that `permissionsPath` names.

    members: users and groups by role, each with the line that binds it.
    """

    path: str
    text: str
    grants: tuple[Grant, ...]
    members: Mapping[str, Mapping[str, str]]

    @classmethod
    def load(cls, path: str) -> Permissions:
        """Raises FileError with the first malformed lines."""
        text = _text(path)
        grants: dict[tuple[str, ...], Grant] = {}
        members: dict[str, dict[str, str]] = {}
        faults: list[str] = []
        for number, line in enumerate(text.split("\n"), 1):
            fields = [field.strip() for field in line.split(",")]
            if not line.strip() or fields[0].startswith("#"):
                continue
            place = f"line {number}"
            if found := next(_faults_of_line(fields), None):
                faults.append(f"{place}: {found}")
            elif fields[0] == "g":
                members.setdefault(fields[2], {}).setdefault(fields[1].lower(), place)
            elif (first := grants.get(tuple(fields[1:4]))) is not None:
                same = first.allows == (fields[4] == "allow")
                faults.append(f"{place}: {'repeats' if same else 'contradicts'} {first.place}")
            else:
                _, role, name, action, effect = fields
                grants[role, name, action] = Grant(place, role, name, action, effect == "allow")
        _refuse(faults)
        return cls(path, text, tuple(grants.values()), members)


@dataclass(frozen=True)
class Condition:
    """A document of the file: what a role may do with some resources.

    permissions: by action; a name, or None for every permission of the resource type. rules: name,
    resource type and parameters of each.
    """

    place: str
    role: str
    plugin: str
    resource_type: str
    actions: Mapping[str, str | None]
    rules: tuple[tuple[str, str, Mapping[str, Any]], ...]


@dataclass(frozen=True)
class Conditions:
    """The YAML file that `permissionConditionsPath` names."""

    path: str
    text: str
    conditions: tuple[Condition, ...]

    @classmethod
    def load(cls, path: str) -> Conditions:
        """Raises FileError with the first malformed documents."""
        text = _text(path)
        conditions, faults = [], []
        for number, document in enumerate(parse_documents(text), 1):
            place = f"document {number}"
            if found := next(_faults_of_document(document), None):
                faults.append(f"{place}: {found}")
                continue
            mapping = [
                (each, None) if isinstance(each, str) else (each["action"], each["name"])
                for each in document["permissionMapping"]
            ]
            conditions.append(
                Condition(
                    place,
                    document["roleEntityRef"],
                    document["pluginId"],
                    document["resourceType"],
                    dict(mapping),
                    tuple(
                        (each["rule"], each["resourceType"], each.get("params", {}))
                        for each in _rules(document["conditions"])
                    ),
                )
            )
        _refuse(faults)
        return cls(path, text, tuple(conditions))


def _text(path: str) -> str:
    text = read_text(path)
    if len(text.encode()) > FILE_BYTES:
        raise FileError(f"larger than {FILE_BYTES:,} bytes")
    return text


def _refuse(faults: list[str]) -> None:
    if faults:
        raise FileError(shown(faults))


def _faults_of_line(fields: list[str]) -> Iterator[str]:
    if (fields[0], len(fields)) not in (("p", 5), ("g", 3)):
        yield 'neither "p, ROLE, PERMISSION, ACTION, allow|deny" nor "g, USER or GROUP, ROLE"'
        return
    role = fields[1] if fields[0] == "p" else fields[2]
    if not _ROLE.fullmatch(role):
        yield f"{role!r} is no role such as role:default/administrators"
    if fields[0] == "g":
        if not _MEMBER.fullmatch(fields[1]):
            yield f"{fields[1]!r} is no user or group such as group:default/platform"
        return
    if not fields[2] or '"' in fields[2]:
        yield f"{fields[2]!r} is no permission"
    if fields[3] not in ACTIONS:
        yield f"{fields[3]!r} is no action{meant(fields[3], ACTIONS)}"
    if fields[4] not in ("allow", "deny"):
        yield f"{fields[4]!r} is neither allow nor deny"


def _faults_of_document(document: Mapping[Any, Any]) -> Iterator[str]:
    for name in (name for name in document if name not in _FIELDS):
        yield f"{name!r} is unknown{meant(str(name), _FIELDS)}"
    for name in (name for name in _FIELDS if not document.get(name)):
        yield f"no {name}"
    role, mapping = document.get("roleEntityRef"), document.get("permissionMapping")
    if document.get("result") != "CONDITIONAL":
        yield "result isn't CONDITIONAL"
    if not isinstance(role, str) or not _ROLE.fullmatch(role):
        yield f"{role!r} is no role such as role:default/administrators"
    for name in ("pluginId", "resourceType"):
        if not isinstance(document.get(name), str):
            yield f"{name} is no text"
    actions = []
    for each in mapping if isinstance(mapping, list) else [None]:
        action = each
        if isinstance(each, dict) and {*each} == {"name", "action"}:
            action = each["action"] if isinstance(each["name"], str) else None
        if action not in ACTIONS:
            yield (
                f"permissionMapping is no list of {', '.join(ACTIONS)}, or of objects with name "
                "and action"
            )
        actions.append(action)
    if len({*actions}) < len(actions):
        yield "permissionMapping names an action twice"
    yield from _faults_of_criteria(document["conditions"], "conditions")


def _faults_of_criteria(criteria: Any, place: str) -> Iterator[str]:
    names = {*criteria} if isinstance(criteria, dict) else set()
    if names in ({"anyOf"}, {"allOf"}):
        [name] = names
        inner = criteria[name]
        if not isinstance(inner, list) or not inner:
            yield f"{place}.{name} is no list of conditions"
            return
        for number, each in enumerate(inner):
            yield from _faults_of_criteria(each, f"{place}.{name}[{number}]")
    elif names == {"not"}:
        yield from _faults_of_criteria(criteria["not"], f"{place}.not")
    elif not {"rule", "resourceType"} <= names <= {"rule", "resourceType", "params"} or not (
        isinstance(criteria["rule"], str)
        and isinstance(criteria["resourceType"], str)
        and isinstance(criteria.get("params", {}), dict)
    ):
        yield f"{place} is none of anyOf, allOf, not, or rule with resourceType and params"


def _rules(criteria: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    inner = criteria.get("anyOf") or criteria.get("allOf")
    if inner or "not" in criteria:
        for each in inner or [criteria["not"]]:
            yield from _rules(each)
    else:
        yield criteria


def shown(faults: list[str]) -> str:
    """The first faults, and how many there are besides."""
    more = len(faults) - SHOWN_FAULTS
    return "; ".join([*faults[:SHOWN_FAULTS], *([f"{more} more"] if more > 0 else [])])


def meant(name: str, names: Iterable[str]) -> str:
    """`; did you mean NAME?`, or nothing."""
    near = nearest(name, names)
    return f"; did you mean {near}?" if near else ""

"""Who may do what in the portal: the two files of the RBAC plugin that its policy reads.

Source: @backstage-community/plugin-rbac-backend, csv-file-watcher and condition-validation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from settings.files import FileError, parse_documents, read_text
from settings.permission_faults import faults_of_document, faults_of_line, shown

FILE_BYTES = 500_000  # two of them in a ConfigMap of at most 1 MiB


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
        """Raises FileError with the malformed lines."""
        text = _text(path)
        grants: dict[tuple[str, ...], Grant] = {}
        members: dict[str, dict[str, str]] = {}
        faults: list[str] = []
        for number, line in enumerate(text.split("\n"), 1):
            fields = [field.strip() for field in line.split(",")]
            if not line.strip() or fields[0].startswith("#"):
                continue
            place = f"line {number}"
            if found := [*faults_of_line(fields)]:
                faults += [f"{place}: {each}" for each in found]
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
        """Raises FileError with what is malformed in each document."""
        text = _text(path)
        conditions: list[Condition] = []
        faults: list[str] = []
        for number, document in enumerate(parse_documents(text), 1):
            place = f"document {number}"
            if found := [*faults_of_document(document)]:
                faults += [f"{place}: {each}" for each in found]
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
        raise FileError(*shown(faults))


def _rules(criteria: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    inner = criteria.get("anyOf") or criteria.get("allOf")
    if inner or "not" in criteria:
        for each in inner or [criteria["not"]]:
            yield from _rules(each)
    else:
        yield criteria

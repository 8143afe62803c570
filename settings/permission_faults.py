"""What is malformed in the files of permissions, line by line and document by document.

Source: @backstage-community/plugin-rbac-backend, csv-file-watcher and condition-validation.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from settings.nearest import did_you_mean, nearest

ACTIONS = ("create", "read", "update", "delete", "use")
SHOWN_FAULTS = 20
_NAME = r"[a-zA-Z0-9]+(?:[._-][a-zA-Z0-9]+)*"
_NAMESPACE = r"[a-z0-9]+(?:-[a-z0-9]+)*"
_ROLE = re.compile(rf"role:{_NAMESPACE}/{_NAME}")
_MEMBER = re.compile(rf"(user|group):{_NAMESPACE}/{_NAME}", re.IGNORECASE)
_FIELDS = ("conditions", "permissionMapping", "pluginId", "resourceType", "result", "roleEntityRef")


def faults_of_line(fields: list[str]) -> Iterator[str]:
    """What is malformed in a line of the CSV file, without blanks around its fields."""
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
        yield f"{fields[3]!r} is no action{did_you_mean(fields[3], ACTIONS)}"
    if fields[4] not in ("allow", "deny"):
        yield f"{fields[4]!r} is neither allow nor deny"


def faults_of_document(document: Mapping[Any, Any]) -> Iterator[str]:
    """What is malformed in a document of the YAML file; what is missing, in one fault."""
    unknown = [str(name) for name in document if name not in _FIELDS]
    yield from (f"{name!r} is unknown{did_you_mean(name, _FIELDS)}" for name in unknown)
    missing = [name for name in _FIELDS if not document.get(name)]
    renamed = {nearest(name, missing) for name in unknown}
    if left := [name for name in missing if name not in renamed]:
        yield f"no {', '.join(left)}"
    given = {name: document[name] for name in _FIELDS if name not in missing}
    if given.get("result", "CONDITIONAL") != "CONDITIONAL":
        yield "result isn't CONDITIONAL"
    role = given.get("roleEntityRef")
    if role and not (isinstance(role, str) and _ROLE.fullmatch(role)):
        yield f"{role!r} is no role such as role:default/administrators"
    for name in ("pluginId", "resourceType"):
        if not isinstance(given.get(name, ""), str):
            yield f"{name} is no text"
    if "permissionMapping" in given:
        yield from _faults_of_mapping(given["permissionMapping"])
    if "conditions" in given:
        yield from _faults_of_criteria(given["conditions"], "conditions")


def _faults_of_mapping(mapping: Any) -> Iterator[str]:
    actions = []
    for each in mapping if isinstance(mapping, list) else [None]:
        action = each
        if isinstance(each, dict) and {*each} == {"name", "action"}:
            action = each["action"] if isinstance(each["name"], str) else None
        actions.append(action)
    if any(action not in ACTIONS for action in actions):
        allowed = ", ".join(ACTIONS)
        yield f"permissionMapping is no list of {allowed}, or of objects with name and action"
    elif len({*actions}) < len(actions):
        yield "permissionMapping names an action twice"


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


def shown(faults: list[str]) -> list[str]:
    """The first faults, and how many there are besides."""
    more = len(faults) - SHOWN_FAULTS
    return [*faults[:SHOWN_FAULTS], *([f"{more} more"] if more > 0 else [])]

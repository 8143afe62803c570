"""What a stack's permissions amount to: who may do what."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from settings.app_config import AppConfig
from settings.files import parse_yaml, read_text
from settings.model import Settings
from settings.permission_faults import ACTIONS
from settings.permissions import Condition, Grant

RBAC = ("permission", "rbac")
DEFAULTS = (*RBAC, "defaultPermissions")
# Who may delete every entity is an administrator.
ADMINISTRATION = "catalog.entity.delete"
EVERYONE = "everyone who is signed in"

_DATA = parse_yaml(read_text("assets/permissions.yaml"))
# Action and resource type, if any, of the shipped plugins' permissions, by name.
PERMISSIONS: Mapping[str, tuple[str, str | None]] = {
    name: (*text.split(), None)[:2]
    for name, text in {**_DATA["permissions"], **_DATA["added"]}.items()
}
# Actions by what a line may name: a permission or a resource type.
OBJECTS: dict[str, set[str]] = {}
for _name, (_action, _type) in PERMISSIONS.items():
    for _object in filter(None, (_name, _type)):
        OBJECTS.setdefault(_object, set()).add(_action)
# By resource type: its `plugin`, and the parameters of each rule.
RULES: Mapping[str, Mapping[str, Any]] = _DATA["rules"]


def default_role(config: AppConfig) -> str | None:
    """The role of everyone who is signed in."""
    role = config.value(*DEFAULTS, "defaultRole")
    return role if isinstance(role, str) else None


def default_grants(config: AppConfig) -> tuple[Grant, ...]:
    """What the app-config allows everyone who is signed in; malformed entries are left out."""
    role = default_role(config)
    return tuple(
        Grant(".".join(path), role, each["permission"], each.get("action", "use"), True)
        for path, each in config.values((*DEFAULTS, "basicPermissions", "*"))
        if role and isinstance(each, dict) and isinstance(each.get("permission"), str)
    )


def grants(s: Settings) -> tuple[Grant, ...]:
    """Of the app-config and of the file."""
    return (*default_grants(s.backstage), *s.portal.permissions.grants)


def administrators(s: Settings) -> list[str]:
    """Users and groups that may delete every entity, or EVERYONE."""
    action, resource_type = PERMISSIONS[ADMINISTRATION]
    basic = s.backstage.value(*RBAC, "policyDecisionPrecedence") == "basic"
    everyone, members = default_role(s.backstage), s.portal.permissions.members
    found = []
    for role in filter(None, {*members, everyone}):
        both = (role, everyone)
        lines = {
            name: [
                each.allows
                for each in grants(s)
                if each.role in both and (each.object, each.action) == (name, action)
            ]
            for name in (ADMINISTRATION, resource_type)
        }
        limited = not basic and any(
            each.role in both and each.resource_type == resource_type and action in each.actions
            for each in s.portal.permission_conditions.conditions
        )
        deciding = lines[ADMINISTRATION] or lines[resource_type]
        if deciding and all(deciding) and not limited:
            found += [*members[role]] if role in members else [EVERYONE]
    return found


def access(s: Settings) -> dict[str, dict[str, list[str]]]:
    """By role: its members, and what it may do, such as `catalog-entity (update, delete)`."""
    everyone, members = default_role(s.backstage), s.portal.permissions.members
    conditions = s.portal.permission_conditions.conditions
    roles = [*(each.role for each in grants(s)), *(each.role for each in conditions)]
    return {
        role: {
            "members": [EVERYONE] if role == everyone else [*members.get(role, ())],
            "may": [
                *_granted([each for each in grants(s) if each.role == role]),
                *(_conditional(each) for each in conditions if each.role == role),
            ],
        }
        for role in dict.fromkeys(roles)
    }


def _granted(found: list[Grant]) -> Iterator[str]:
    objects: dict[tuple[bool, str], set[str]] = {}
    for each in found:
        objects.setdefault((not each.allows, each.object), set()).add(each.action)
    for (denies, name), actions in sorted(objects.items()):
        shown = name if name in PERMISSIONS else _with_actions(name, actions)
        yield f"not {shown}" if denies else shown


def _conditional(condition: Condition) -> str:
    rules = ", ".join(dict.fromkeys(rule for rule, _, _ in condition.rules))
    return f"{_with_actions(condition.resource_type, condition.actions)} by {rules}"


def _with_actions(name: str, actions: Iterable[str]) -> str:
    return f"{name} ({', '.join(each for each in ACTIONS if each in actions)})"

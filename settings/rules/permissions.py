"""Rules of the permission files: assets/permissions.yaml knows the shipped plugins' names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from settings.access import (
    DEFAULTS,
    OBJECTS,
    PERMISSIONS,
    RULES,
    administrators,
    default_grants,
    default_role,
)
from settings.keys import KEYS
from settings.model import Settings
from settings.nearest import did_you_mean, nearest
from settings.overrides import overriding
from settings.permission_faults import ACTIONS, shown
from settings.permissions import Condition, Grant
from settings.problem import Problem, Warn, config_rm, config_set, with_faults
from settings.rules.rule import rule

_TYPES: dict[str, Any] = {"string": str, "list": list, "boolean": bool, "number": (int, float)}


def _problem(key: str, path: str, faults: list[str], allowed: str) -> Iterator[Problem]:
    if faults:
        default = KEYS[key].field.default
        fix = (f"correct {path}", *([config_set(key, default)] if path != default else []))
        yield Problem(key, with_faults(path, shown(faults)), allowed, fix)


@rule("permissionsPath", "permissionConditionsPath", "permissionNames", "appConfigPaths", "env")
def names_in_the_lines(s: Settings) -> Iterator[Problem]:
    csv, everyone = s.portal.permissions, default_grants(s.backstage)
    roles = {*(each.role for each in csv.grants), *filter(None, [default_role(s.backstage)])}
    roles |= {each.role for each in s.portal.permission_conditions.conditions}
    names = _names_of_the_stack(s)
    allowed = (
        "permissions, resource types and actions in assets/permissions.yaml, names of own plugins "
        "in permissionNames, and roles with permissions; the file replaces assets/permissions.csv"
    )
    unknown = [
        f"{place}: no line gives {role} a permission{_meant_role(role, roles)}"
        for role, members in csv.members.items()
        if role not in roles
        for place in members.values()
    ]
    faults = [f"{each.place}: {said}" for each in csv.grants for said in _faults(each, names)]
    yield from _problem("permissionsPath", csv.path, faults + unknown, allowed)
    faults = [f"{each.place}: {said}" for each in everyone for said in _faults(each, names)]
    if len(everyone) < len([*s.backstage.values((*DEFAULTS, "basicPermissions", "*"))]):
        faults.append(f"{'.'.join(DEFAULTS)}: no defaultRole, or an entry without permission")
    variables = overriding(s.portal.env, DEFAULTS)
    files = [each for each in s.portal.app_configs if each.value(*DEFAULTS)]
    if faults and variables:
        said = with_faults(variables[0], shown(faults))
        yield Problem("env", said, allowed, config_rm("env", variables[0]))
    elif faults and files:
        said = with_faults(str(files[-1]), shown(faults))
        yield Problem("appConfigPaths", said, allowed, f"fix {files[-1]}")


def _meant_role(role: str, roles: Iterable[str]) -> str:
    """By name alone: roles have the namespace in common."""
    names = {each.rpartition("/")[2]: each for each in roles}
    near = nearest(role.rpartition("/")[2], names)
    return f"; did you mean {names[near]}?" if near else ""


@rule("permissionConditionsPath", "permissionNames")
def names_in_the_conditions(s: Settings) -> Iterator[Problem]:
    file = s.portal.permission_conditions
    first: dict[tuple[str, ...], str] = {}
    faults: list[str] = []
    for each in file.conditions:
        for action in each.actions:
            before = first.setdefault((each.role, each.resource_type, action), each.place)
            if before != each.place:
                faults.append(f"{each.place}: {before} has one of {each.resource_type} ({action})")
        if each.resource_type not in s.portal.permission_names:
            faults += [f"{each.place}: {said}" for said in _faults_of(each)]
    allowed = (
        "rules in assets/permissions.yaml with their parameters, or resource types of own plugins "
        "in permissionNames; one condition for each role, resource type and action"
    )
    yield from _problem("permissionConditionsPath", file.path, faults, allowed)


def _names_of_the_stack(s: Settings) -> set[str]:
    """Permissions of own plugins and of proxy endpoints."""
    endpoints = [path[-1] for path, _ in s.backstage.values(("proxy", "endpoints", "*"))]
    return {*s.portal.permission_names} | {
        f"proxy.use.{each.strip('/').partition('/')[0]}" for each in endpoints
    }


def _faults(grant: Grant, names: set[str]) -> Iterator[str]:
    name, action = grant.object, grant.action
    if action not in ACTIONS:
        yield f"{action!r} is no action{did_you_mean(action, ACTIONS)}"
    elif name in names:
        return
    elif name not in OBJECTS:
        yield f"{name} is unknown{did_you_mean(name, {*OBJECTS, *names})}"
    elif action not in OBJECTS[name]:
        yield f"{name} has the action {' or '.join(sorted(OBJECTS[name]))}, not {action}"


def _faults_of(condition: Condition) -> Iterator[str]:
    kind = condition.resource_type
    if kind not in RULES:
        yield f"{kind} is unknown{did_you_mean(kind, RULES)}"
        return
    rules = {**RULES[kind]}
    if condition.plugin != (plugin := rules.pop("plugin")):
        yield f"the plugin of {kind} is {plugin}"
    for action, name in condition.actions.items():
        if name and PERMISSIONS.get(name) != (action, kind):
            yield f"{kind} has no permission {name} with the action {action}"
        elif action not in OBJECTS[kind]:
            yield f"{kind} has no action {action}"
    for name, resource_type, params in condition.rules:
        if resource_type != kind:
            yield f"{name} is a rule of {resource_type}, not of {kind}"
        elif name not in rules:
            yield f"{name} is no rule of {kind}{did_you_mean(name, rules)}"
        else:
            types = rules[name]
            required = {each for each, type_ in types.items() if not type_.startswith("optional")}
            for each in sorted({*params, *required}):
                if each not in types:
                    yield f"{name} has no parameter {each}{did_you_mean(each, types)}"
                elif each not in params:
                    yield f"{name} needs the parameter {each}"
                elif not isinstance(params[each], _TYPES[type_ := types[each].split()[-1]]):
                    yield f"{each} of {name} is no {type_}"


@rule("permissionsPath", "permissionConditionsPath", "appConfigPaths", "env", target="eks")
def an_administrator(s: Settings) -> Iterator[Problem]:
    if not administrators(s):
        allowed = (
            "a user or a group with a role that may delete every catalog-entity, such as: "
            "g, group:default/administrators, role:default/administrators"
        )
        path = s.portal.permissions.path
        yield from _problem("permissionsPath", path, ["nobody is an administrator"], allowed)


@rule("permissionsPath", "permissionConditionsPath", "appConfigPaths", "env")
def unbound_roles(s: Settings) -> Iterator[Warn]:
    csv, yaml = s.portal.permissions, s.portal.permission_conditions
    bound = {*csv.members, *filter(None, [default_role(s.backstage)])}
    for path, found in ((csv.path, csv.grants), (yaml.path, yaml.conditions)):
        for role in dict.fromkeys(each.role for each in found if each.role not in bound):
            yield Warn(f"{path}: nobody has {role}; bind a group or a user to it with a g line.")

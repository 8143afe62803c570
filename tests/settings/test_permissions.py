"""Permission files: what the preview refuses, and who may do what."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from settings.access import EVERYONE, PERMISSIONS, RULES, access, administrators
from settings.permissions import Conditions, Permissions
from tests.settings.stack import LOCAL, loaded, refused, warnings

ADMINISTRATOR = (
    "p, role:default/a, catalog-entity, delete, allow\ng, group:default/a, role:default/a\n"
)
DOCUMENT = """\
result: CONDITIONAL
roleEntityRef: role:default/a
pluginId: catalog
resourceType: catalog-entity
permissionMapping: [read]
conditions: {rule: IS_ENTITY_KIND, resourceType: catalog-entity, params: {kinds: [API]}}
"""


def csv(tmp_path: Path, lines: str) -> dict[str, object]:
    path = tmp_path / "permissions.csv"
    path.write_text(lines, encoding="utf-8")
    return {"permissionsPath": str(path)}


def conditions(tmp_path: Path, text: str) -> dict[str, object]:
    path = tmp_path / "conditions.yaml"
    path.write_text(text, encoding="utf-8")
    return {**csv(tmp_path, ADMINISTRATOR), "permissionConditionsPath": str(path)}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("p, role:default/a, catalog-entity, read", 'neither "p, ROLE'),
        ("q, role:default/a", 'neither "p, ROLE'),
        ("p, a, catalog-entity, read, allow", "'a' is no role such as role:default/"),
        ("p, role:default/a, , read, allow", "'' is no permission"),
        (
            "p, role:default/a, catalog-entity, raed, allow",
            "'raed' is no action; did you mean read",
        ),
        ("p, role:default/a, catalog-entity, read, yes", "'yes' is neither allow nor deny"),
        ("p, role:default/a, catalog-entity, delete, deny", "contradicts line 1"),
        ("g, group:a, role:default/a", "'group:a' is no user or group such as group:default/"),
        ("g, role:default/b, role:default/a", "'role:default/b' is no user or group"),
        ("g, group:default/a, admins", "'admins' is no role"),
        (
            "p, role:default/a, catalog.entity.raed, read, allow",
            "catalog.entity.raed is unknown; did you mean catalog.entity.read?",
        ),
        ("p, role:default/a, jenkins.run, use, allow", "jenkins.run is unknown)"),
        (
            "p, role:default/a, kubernetes.proxy, read, allow",
            "kubernetes.proxy has the action use, not read",
        ),
        (
            "p, role:default/a, catalog-entity, create, allow",
            "catalog-entity has the action delete or read or update, not create",
        ),
        (
            "g, group:default/b, role:default/reader\n"
            "p, role:default/readers, catalog-entity, read, allow",
            "no line gives role:default/reader a permission; did you mean role:default/readers?",
        ),
        ("p, role:default/a, proxy.use.jenkins, use, allow", "proxy.use.jenkins is unknown"),
    ],
)
def test_a_line_that_is_wrong(tmp_path: Path, line: str, said: str) -> None:
    changes = csv(tmp_path, f"{ADMINISTRATOR}# comment\n\n{line}\n")
    message = refused(changes)
    assert message.startswith("Stack 'test' has 1 configuration problem:\n  permissionsPath\n")
    assert f"{changes['permissionsPath']} (line 5: {said}" in message
    assert "\n    or:      pulumi config set --stack test permissionsPath assets/perm" in message


def test_no_role_is_meant_by_its_namespace_alone(tmp_path: Path) -> None:
    lines = (
        "p, role:default/sre, kubernetes.proxy, use, allow\ng, group:default/a, role:default/sre\n"
    )
    message = refused(
        {**csv(tmp_path, f"{lines}g, group:default/b, role:default/administrators\n"), **LOCAL}
    )
    assert "gives role:default/administrators a permission)" in message
    assert "the file replaces assets/permissions.csv" in message


def test_every_fault_is_on_a_line(tmp_path: Path) -> None:
    changes = csv(tmp_path, "a\ng, bob, x\n" + "a\n" * 20)
    lines = refused(changes).splitlines()
    assert lines[2:6] == [
        f"    given:   {changes['permissionsPath']}:",
        '             line 1: neither "p, ROLE, PERMISSION, ACTION, allow|deny" nor "g, USER or '
        'GROUP, ROLE"',
        "             line 2: 'x' is no role such as role:default/administrators",
        "             line 2: 'bob' is no user or group such as group:default/platform",
    ]
    assert lines[22].startswith("             line 19: ")
    assert lines[23] == "             3 more"


def test_every_fault_of_a_document_is_on_a_line(tmp_path: Path) -> None:
    text = "result: X\nroleEntityRef: x\nplugin: a\npermissionMapping: [raed]\n---\nresult: X\n"
    message = refused(conditions(tmp_path, text))
    faults = message.partition(":\n             ")[2].partition("\n    allowed: ")[0]
    assert faults.split("\n             ") == [
        "document 1: 'plugin' is unknown; did you mean pluginId?",
        "document 1: no conditions, resourceType",
        "document 1: result isn't CONDITIONAL",
        "document 1: 'x' is no role such as role:default/administrators",
        "document 1: permissionMapping is no list of create, read, update, delete, use, or of "
        "objects with name and action",
        "document 2: no conditions, permissionMapping, pluginId, resourceType, roleEntityRef",
        "document 2: result isn't CONDITIONAL",
    ]


def test_every_unusable_file_is_a_problem(tmp_path: Path) -> None:
    message = refused({"appConfigPaths": [str(tmp_path / "none.yaml"), str(tmp_path)]})
    assert message.startswith("Stack 'test' has 2 configuration problems:")
    assert f"given:   {tmp_path}/none.yaml (No such file" in message
    assert f"given:   {tmp_path} (Is a directory)" in message


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("pluginId: catalog", "plugin: catalog", "'plugin' is unknown; did you mean pluginId?"),
        ("pluginId: catalog\n", "", "no pluginId"),
        ("pluginId: catalog", "pluginId: [x]", "pluginId is no text"),
        ("CONDITIONAL", "ALLOW", "result isn't CONDITIONAL"),
        ("role:default/a", "a", "'a' is no role"),
        ("[read]", "read", "permissionMapping is no list of create, read"),
        ("[read]", "[raed]", "permissionMapping is no list"),
        ("[read]", "[read, read]", "names an action twice"),
        ("[read]", "[{name: catalog.entity.read}]", "permissionMapping is no list"),
        ("{rule: IS_ENTITY_KIND", "{anyOf: [], rule: X", "conditions is none of anyOf"),
        ("conditions: {", "conditions: {not: {anyOf: [{a: 1}]}}\nx: {", "'x' is unknown"),
        ("{kinds: [API]}", "[]", "conditions is none of"),
        ("catalog-entity\n", "catalog-entty\n", "catalog-entty is unknown; did you mean catalog-e"),
        ("pluginId: catalog", "pluginId: catlog", "the plugin of catalog-entity is catalog"),
        ("[read]", "[create]", "catalog-entity has no action create"),
        (
            "[read]",
            "[{name: catalog.entity.delete, action: read}]",
            "has no permission catalog.entity.delete with the action read",
        ),
        ("IS_ENTITY_KIND", "IS_ENTITY_KND", "no rule of catalog-entity; did you mean IS_ENTITY_K"),
        (
            "resourceType: catalog-entity,",
            "resourceType: scaffolder-task,",
            "a rule of scaffolder-task, not of catalog-entity",
        ),
        ("{kinds: [API]}", "{kind: [API]}", "has no parameter kind; did you mean kinds?"),
        ("{kinds: [API]}", "{}", "IS_ENTITY_KIND needs the parameter kinds"),
        ("{kinds: [API]}", "{kinds: $ownerRefs}", "kinds of IS_ENTITY_KIND is no list"),
    ],
)
def test_a_condition_that_is_wrong(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in DOCUMENT
    changes = conditions(tmp_path, f"---\n{DOCUMENT.replace(old, new, 1)}")
    message = refused(changes)
    assert message.startswith("Stack 'test' has 1 configuration problem:\n  permissionConditionsP")
    assert re.search(rf"{changes['permissionConditionsPath']}(:\n +| \()document 1: ", message)
    assert said in message


@pytest.mark.parametrize(
    ("criteria", "place"),
    [
        ("{anyOf: [{not: {a: 1}}]}", "conditions.anyOf[0].not is none of"),
        ("{allOf: {}}", "conditions.allOf is no list"),
    ],
)
def test_where_a_condition_is_wrong(tmp_path: Path, criteria: str, place: str) -> None:
    text = DOCUMENT.partition("conditions:")[0] + f"conditions: {criteria}\n"
    assert f"document 2: {place}" in refused(conditions(tmp_path, f"{DOCUMENT}---\n{text}"))


def test_two_conditions_for_one_action(tmp_path: Path) -> None:
    said = "document 2: document 1 has one of catalog-entity (read)"
    assert said in refused(conditions(tmp_path, f"{DOCUMENT}---\n{DOCUMENT}"))


def test_nested_conditions_and_no_conditions_are_read(tmp_path: Path) -> None:
    rule = "{rule: HAS_LABEL, resourceType: catalog-entity, params: {label: a}}"
    nested = f"conditions: {{not: {{allOf: [{rule}, {{anyOf: [{rule}]}}]}}}}\n"
    text = DOCUMENT.partition("conditions:")[0] + nested
    found = Conditions.load(str(conditions(tmp_path, text)["permissionConditionsPath"]))
    assert [rule for rule, *_ in found.conditions[0].rules] == ["HAS_LABEL", "HAS_LABEL"]
    loaded(conditions(tmp_path, "# none\n"))


def test_names_of_own_plugins_and_proxy_endpoints(tmp_path: Path) -> None:
    lines = (
        "p, role:default/a, jenkins.run, create, allow\n"
        "p, role:default/a, jenkins-job, use, allow\n"
        "p, role:default/a, proxy.use.jenkins, use, allow\n"
    )
    document = DOCUMENT.replace("catalog-entity", "jenkins-job").replace("catalog", "jenkins")
    changes = {
        **conditions(tmp_path, document),
        **csv(tmp_path, ADMINISTRATOR + lines),
        "env": {
            "APP_CONFIG_proxy_endpoints": json.dumps({"/jenkins/api": "https://ci.example.com"})
        },
        "permissionNames": ["jenkins.run", "jenkins-job"],
    }
    loaded(changes)
    message = refused({**changes, "env": None, "permissionNames": None})
    assert message.count("is unknown") == 4


def test_defaults_of_the_app_config_are_checked(tmp_path: Path) -> None:
    name = "APP_CONFIG_permission_rbac_defaultPermissions_basicPermissions"
    message = refused({"env": {name: '[{"permission":"catalog-entity","action":"raed"}]'}})
    assert "basicPermissions.0: 'raed' is no action; did you mean read?" in message
    assert message.endswith(f"--path 'env.{name}'\nNothing was changed.")
    assert "no defaultRole, or an entry without permission" in refused({"env": {name: "[{}]"}})
    path = tmp_path / "own.yaml"
    grant = "{permission: catalog-entty, action: read}"
    path.write_text(
        f"permission: {{rbac: {{defaultPermissions: {{basicPermissions: [{grant}]}}}}}}"
    )
    message = refused({"appConfigPaths": [str(path)]})
    assert "catalog-entty is unknown; did you mean catalog-entity?" in message
    assert message.endswith(f"fix {path}\nNothing was changed.")


@pytest.mark.parametrize(
    "lines",
    [
        "",
        "p, role:default/a, catalog-entity, delete, allow\n",
        "p, role:default/a, catalog-entity, read, allow\ng, group:default/a, role:default/a\n",
        f"{ADMINISTRATOR}p, role:default/a, catalog.entity.delete, delete, deny\n",
    ],
)
def test_eks_needs_an_administrator(tmp_path: Path, lines: str) -> None:
    message = refused(csv(tmp_path, lines))
    assert "(nobody is an administrator)" in message
    assert "such as: g, group:default/administrators, role:default/administrators" in message
    loaded({**LOCAL, **csv(tmp_path, lines)})


def test_a_condition_limits_an_administrator_unless_lines_come_first(tmp_path: Path) -> None:
    first = "APP_CONFIG_permission_rbac_policyDecisionPrecedence"
    changes = csv(tmp_path, ADMINISTRATOR)
    assert administrators(loaded(changes)[0]) == ["group:default/a"]
    assert "nobody is an administrator" in refused({**changes, "env": {first: "conditional"}})


def test_everyone_may_be_an_administrator() -> None:
    name = "APP_CONFIG_permission_rbac_defaultPermissions_basicPermissions"
    grants = '[{"permission":"catalog.entity.delete","action":"delete"}]'
    settings, _ = loaded({"env": {name: grants}})
    assert EVERYONE in administrators(settings)


def test_a_role_that_nobody_has(tmp_path: Path) -> None:
    lines = f"{ADMINISTRATOR}p, role:default/b, catalog-entity, read, allow\n"
    assert any(
        "permissions.csv: nobody has role:default/b; bind" in each
        for each in warnings(csv(tmp_path, lines))
    )
    assert not any("nobody has" in each for each in warnings({}))


def test_who_may_do_what(tmp_path: Path) -> None:
    lines = (
        "p, role:default/a, catalog-entity, read, allow\np, role:default/a, proxy.use, use, deny\n"
    )
    settings, _ = loaded({**conditions(tmp_path, DOCUMENT), **csv(tmp_path, ADMINISTRATOR + lines)})
    assert access(settings)["role:default/a"] == {
        "members": ["group:default/a"],
        "may": [
            "catalog-entity (read, delete)",
            "not proxy.use",
            "catalog-entity (read) by IS_ENTITY_KIND",
        ],
    }


def test_the_shipped_files_decide_on_every_permission() -> None:
    """Administrators may do everything, by a line of their own."""
    lines = Permissions.load("assets/permissions.csv").grants
    own = {(each.object, each.action) for each in lines if each.role.endswith("administrators")}
    undecided = {
        name
        for name, (action, resource_type) in PERMISSIONS.items()
        if not {(name, action), (resource_type, action)} & own
    }
    assert undecided == set()
    assert {kind for _, kind in PERMISSIONS.values() if kind} == set(RULES)

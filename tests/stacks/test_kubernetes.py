"""What the Kubernetes plugin may read, and what of it and of MCP is configured."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from settings.mcp import TOOLS
from tests.programs import STACKS, Program, changed, differing, previewed
from tests.tokens import BINDING, CLUSTER_ROLE, CONFIG_MAP, ROLE_OF_NAMESPACE


def layer(program: Program) -> Any:
    """What the program adds to Backstage's configuration."""
    data = program.inputs(CONFIG_MAP, "backstage-app-config")["data"]
    return yaml.safe_load(data.get("app-config.stack.yaml", "null"))


@pytest.mark.parametrize("stack", STACKS)
def test_no_configuration_and_no_secret_of_others(stack: str) -> None:
    for role in previewed(stack).all(CLUSTER_ROLE):
        for rule in role.inputs["rules"]:
            forbidden = {"configmaps", "secrets", "limitranges", "resourcequotas", "*"}
            assert not forbidden & {*rule["resources"], *rule["apiGroups"]}


def test_an_override_changes_what_is_readable() -> None:
    types = "APP_CONFIG_kubernetes_objectTypes"
    program = changed("prod", {"env": {types: json.dumps(["deployments"])}})
    rules = program.inputs(CLUSTER_ROLE)["rules"]
    assert [(rule["apiGroups"], rule["resources"]) for rule in rules] == [
        (["apps"], ["deployments"])
    ]


def test_namespaces_get_a_role_each_and_nothing_else_changes() -> None:
    program = changed("prod", {"kubernetesNamespaces": ["shop", "backstage"]})
    roles = program.all(ROLE_OF_NAMESPACE)
    namespaces = sorted(each.inputs["metadata"]["namespace"] for each in roles)
    assert namespaces == ["backstage", "shop"]
    assert len(program.all(BINDING)) == 2
    assert not program.all(CLUSTER_ROLE)
    names = differing(previewed("prod"), program)
    assert all(name.startswith("backstage-kubernetes-plugin") for name in names), names


def test_without_the_plugin_the_portal_has_no_configuration_of_it() -> None:
    program = changed("prod", {"kubernetesPlugin": False})
    assert not program.all(CLUSTER_ROLE)
    assert layer(program)["kubernetes"] == {"objectTypes": None}


def test_mcp_adds_its_sources_and_nothing_else() -> None:
    program = changed("prod", {"mcp": True})
    before, after = layer(previewed("prod")), layer(program)
    assert {name: after[name] for name in TOOLS} == TOOLS
    assert {**after, **dict.fromkeys(TOOLS)} == {**(before or {}), **dict.fromkeys(TOOLS)}
    names = differing(previewed("prod"), program)
    assert "backstage-app-config" in names
    assert all(not name.startswith("backstage-kubernetes") for name in names)

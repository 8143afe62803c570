"""Keys that fit a stack into an account and a cluster with rules of their own."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.programs import EKS_STACKS, ROOT, STACKS, Program, changed, differing, previewed
from tests.settings.key_table import BOUNDARY
from tests.tokens import NAMESPACE, RELEASE, ROLE
from tools.preview.manifests import manifests

# Together they have every kind of role and of object without a namespace.
VARIED = ("dev", "irsa", "iam", "csi", "auto-mode")


@pytest.mark.parametrize("stack", VARIED)
def test_every_role_has_the_boundary_and_nothing_else_changes(stack: str) -> None:
    program = changed(stack, {"permissionsBoundaryArn": BOUNDARY})
    roles = program.all(ROLE)
    assert {each.inputs["permissionsBoundary"] for each in roles} <= {BOUNDARY}
    assert differing(previewed(stack), program) == {each.name for each in roles}


def test_the_stacks_have_every_kind_of_role() -> None:
    names = {each.name for stack in EKS_STACKS for each in previewed(stack).all(ROLE)}
    assert names >= {
        "backstage-1-monitoring-role",
        "backstage-techdocs-role",
        "backstage-load-balancer-controller-role",
    }


# The keys that the page names, and what each leaves out of a stack that had it.
NAMESPACED: dict[str, Any] = {
    "createNamespace": False,
    "kubernetesPlugin": True,
    "kubernetesNamespaces": ["backstage"],
    "loadBalancerController": None,
    "installLoadBalancerController": None,
}


def cluster_scoped(program: Program) -> set[str]:
    """Kinds of the program's objects that belong to no namespace, and of charts."""
    kinds = {
        manifest["kind"]
        for manifest in manifests(program.recording)
        if "namespace" not in manifest["metadata"]
    }
    return kinds | {"Release" for _ in program.all(RELEASE)}


@pytest.mark.parametrize("stack", VARIED)
def test_a_stack_can_do_with_rights_in_namespaces(stack: str) -> None:
    assert cluster_scoped(changed(stack, NAMESPACED, creates=True)) == set()


@pytest.mark.parametrize("keys", [{"aws:allowedAccountIds": ["210987654321"]}, {}], ids=str)
def test_offline_the_account_is_the_stacks(keys: dict[str, object]) -> None:
    """Without allowedAccountIds that of the boundary, which has to be of the same account."""
    boundary = BOUNDARY.replace("123456789012", "210987654321")
    given = {"aws:allowedAccountIds": None, "permissionsBoundaryArn": boundary, **keys}
    program = changed("irsa", given)
    trusts = str([each.inputs["assumeRolePolicy"] for each in program.all(ROLE)])
    assert ":iam::210987654321:oidc-provider/" in trusts
    assert ":123456789012:" not in trusts


def test_a_portal_without_the_kubernetes_plugin_needs_no_namespaces() -> None:
    without_plugin = {**NAMESPACED, "kubernetesNamespaces": None, "kubernetesPlugin": False}
    assert cluster_scoped(changed("dev", without_plugin, creates=True)) == set()


def test_the_page_lists_every_cluster_scoped_object() -> None:
    page = (ROOT / "docs" / "existing-environment.md").read_text(encoding="utf-8")
    section = page.partition("## Rights in namespaces only")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (.+?) \| `(\w+)", section, re.MULTILINE)
    assert {key for _, key in rows} <= set(NAMESPACED)
    kinds = {kind for stack in STACKS for kind in cluster_scoped(previewed(stack, creates=True))}
    listed = {kind for objects, _ in rows for kind in re.findall(r"`(\w+)`", objects)}
    assert listed == kinds


@pytest.mark.parametrize("stack", [*VARIED, "local"])
def test_an_existing_namespace_changes_nothing_else(stack: str) -> None:
    program = changed(stack, {"createNamespace": False})
    assert program.all(NAMESPACE) == []
    assert not [each for each in program.recording.warnings if "Namespace" in each]
    differences = differing(previewed(stack), program)
    assert differences <= {"backstage-namespace"}
    assert program.outputs["namespace"] == previewed(stack).outputs["namespace"]

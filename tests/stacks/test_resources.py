"""The resources of each stack: URNs, providers, Kubernetes schema."""

from __future__ import annotations

import pytest

from tests.kubernetes_schema import validate
from tests.programs import IN_CLUSTER_STACKS, OWN_NAMESPACE, ROOT, STACKS, previewed
from tools.preview.manifests import manifests

GOLDEN = ROOT / "tests" / "golden"
# Custom resources, which no Kubernetes schema knows; test_crds.py has all but the first.
CUSTOM = (
    "eks.amazonaws.com/v1",
    "external-secrets.io/v1",
    "monitoring.coreos.com/v1",
    "secrets-store.csi.x-k8s.io/v1",
)


@pytest.mark.parametrize("stack", STACKS)
def test_urns_are_unchanged(stack: str, request: pytest.FixtureRequest) -> None:
    """A renamed or moved resource is deleted and created: that has to be a decision.

    `pytest --update-golden` rewrites the lists.
    """
    urns = "".join(f"{urn}\n" for urn in sorted(previewed(stack).recording.resources))
    golden = GOLDEN / f"{stack}.txt"
    if request.config.getoption("--update-golden"):
        golden.write_text(urns, encoding="utf-8")
    assert urns == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize("stack", STACKS)
def test_preview_and_update_register_the_same(stack: str) -> None:
    """No resource depends on a value that only an update knows."""
    created = previewed(stack, creates=True).recording.resources
    assert set(previewed(stack).recording.resources) == set(created)


@pytest.mark.parametrize("stack", STACKS)
def test_manifests_follow_the_kubernetes_schema(stack: str) -> None:
    found = list(manifests(previewed(stack, creates=True).recording))
    kinds = {"Deployment", "Job", "Secret", "Service"}
    if stack in OWN_NAMESPACE:
        kinds.add("Namespace")
    if stack in IN_CLUSTER_STACKS:
        kinds.add("StatefulSet")
    if stack != "local":
        kinds.add("Ingress")
    assert {each["kind"] for each in found} >= kinds
    for manifest in found:
        if manifest["apiVersion"] not in CUSTOM:
            validate(manifest)


@pytest.mark.parametrize("stack", STACKS)
def test_every_cloud_resource_has_an_explicit_provider(stack: str) -> None:
    for resource in previewed(stack).recording.resources.values():
        package = resource.type.split(":")[0]
        if resource.custom and package in ("aws", "kubernetes"):
            assert f"::backstage-{package}::" in resource.provider

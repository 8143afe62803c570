"""The local target: nothing of AWS, Postgres in the cluster, any Ingress controller or none."""

from __future__ import annotations

import os

import pytest

from tests.programs import changed, previewed
from tests.stacks.pods import templates
from tests.tokens import IMAGE, INGRESS, KUBERNETES_PROVIDER, STATEFUL_SET

ECR = "123456789012.dkr.ecr.us-east-1.amazonaws.com/portal"


@pytest.mark.parametrize(
    ("changes", "builds", "reference"),
    [
        ({}, False, "backstage-portal:local"),
        ({"imageRepository": ECR}, False, f"{ECR}:local"),
        ({"imageRepository": None, "appPath": "portal"}, True, "backstage-local:local"),
        ({"imageRepository": ECR, "appPath": "portal"}, True, f"{ECR}@sha256:"),
        ({"ingressClassName": "nginx", "host": "portal.test.example"}, False, "backstage-portal:"),
    ],
    ids=["pulled", "pulled from ECR", "built", "built for ECR", "with an Ingress"],
)
def test_aws_is_neither_queried_nor_changed(
    changes: dict[str, object], builds: bool, reference: str
) -> None:
    program = changed("local", changes, creates=True)
    assert program.recording.look_ups == []
    packages = {type_.partition(":")[0] for type_ in program.types()}
    docker = {"docker"} if builds else set()
    assert packages == {"pulumi", "backstage", "kubernetes", "random"} | docker
    providers = [each for each in program.types() if each.startswith("pulumi:providers:")]
    assert providers == [KUBERNETES_PROVIDER]
    for template in templates(program).values():
        [found] = template["spec"]["containers"]
        assert found["imagePullPolicy"] == "IfNotPresent"
    assert program.outputs["image"].startswith(reference)
    for image in program.all(IMAGE):
        assert image.inputs["skipPush"] is (changes["imageRepository"] is None)
        assert "registry" not in image.inputs


def test_look_ups_are_recorded() -> None:
    """Otherwise the test above proves nothing."""
    found = {token for token, _ in previewed("dev", creates=True).recording.look_ups}
    assert "aws:eks/getCluster:getCluster" in found
    assert "aws:ecr/getAuthorizationToken:getAuthorizationToken" in found


@pytest.mark.parametrize(
    ("stack", "image", "context"),
    [
        ("local", "postgres:17", None),
        ("local-build", "registry.example.com/postgres:16.8", "kind-portal"),
    ],
)
def test_postgres_runs_in_the_cluster_of_the_context(
    stack: str, image: str, context: str | None
) -> None:
    program = previewed(stack, creates=True)
    spec = program.inputs(STATEFUL_SET)["spec"]
    [found] = spec["template"]["spec"]["containers"]
    assert found["image"] == image
    assert ("volumeClaimTemplates" in spec) == (stack == "local")
    provider = program.inputs(KUBERNETES_PROVIDER)
    assert provider.get("context") == context
    assert provider["clusterIdentifier"] == f"local/{context or 'current'}"
    assert provider.get("kubeconfig") == os.environ.get("KUBECONFIG")  # as kubectl finds it


def test_no_ingress_without_a_class() -> None:
    program = previewed("local")
    assert program.all(INGRESS) == []
    assert "backstage:ingress:PlainIngress" not in program.types()
    assert program.outputs["portForwardCommand"] == (
        "kubectl --namespace backstage port-forward service/backstage 7007"
    )


@pytest.mark.parametrize(
    ("changes", "url", "host"),
    [
        ({"ingressClassName": "traefik"}, "http://localhost", None),
        (
            {"ingressClassName": "traefik", "host": "portal.test.example"},
            "http://portal.test.example",
            "portal.test.example",
        ),
    ],
    ids=["any host", "a host"],
)
def test_ingress_of_any_controller(changes: dict[str, object], url: str, host: str | None) -> None:
    program = changed("local", changes)
    spec = program.inputs(INGRESS)["spec"]
    assert spec["ingressClassName"] == "traefik"
    [rule] = spec["rules"]
    assert rule.get("host") == host
    assert rule["http"]["paths"][0]["backend"]["service"] == {
        "name": "backstage",
        "port": {"number": 7007},
    }
    assert program.outputs["url"] == url
    assert "portForwardCommand" not in program.outputs

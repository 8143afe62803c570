"""Stack outputs."""

from __future__ import annotations

import re

import pytest

from tests.programs import (
    AURORA_STACKS,
    EKS_STACKS,
    EXISTING_STACKS,
    MANAGED_STACKS,
    ROOT,
    STACKS,
    TOKEN_STACKS,
    previewed,
)
from tools.preview.recording import COMPUTED

COMMON = {"url", "namespace", "image", "databaseEndpoint", "permissions"}
EKS = {"loadBalancerHostname", "kubeconfigCommand"}
AURORA = {"databaseSecretArn", "databaseAdministratorSecretArn"}
FURTHER = {
    "dev": {"ecrRepositoryUrl", "techdocsBucketName", "loadBalancerControllerRoleArn"},
    "existing-environment": {
        "alarmTopicArn",
        "dashboardName",
        "ecrRepositoryUrl",
        "techdocsBucketName",
    },
    "irsa": {"techdocsBucketName", "loadBalancerControllerRoleArn"},
    "snapshot-restore": {"loadBalancerControllerRoleArn"},
    "internet-facing": {"signInCallbackUrls"},
    "oidc": {"signInCallbackUrls"},
    "secrets": {"signInCallbackUrls"},
    "local": {"portForwardCommand"},
}


@pytest.mark.parametrize("stack", STACKS)
def test_outputs_are_those_of_the_stack(stack: str) -> None:
    expected = COMMON | FURTHER.get(stack, set())
    expected |= EKS if stack in EKS_STACKS else set()
    if stack in AURORA_STACKS:
        expected |= AURORA - ({"databaseSecretArn"} if stack in TOKEN_STACKS else set())
    if stack in EXISTING_STACKS:
        expected |= {"databaseAdministratorSecretArn"}
    assert set(previewed(stack).outputs) == expected
    assert set(previewed(stack, creates=True).outputs) == expected


@pytest.mark.parametrize("stack", AURORA_STACKS)
def test_outputs_of_aurora_are_known_after_creation(stack: str) -> None:
    assert previewed(stack).outputs["databaseEndpoint"] == COMPUTED
    created = previewed(stack, creates=True).outputs
    assert created["databaseEndpoint"].endswith(".rds.amazonaws.com")
    if stack not in TOKEN_STACKS:
        assert created["databaseSecretArn"].endswith(":backstage-postgres-role")
    kept = ":rds!cluster-standin" if stack in MANAGED_STACKS else ":backstage-postgres-password"
    assert created["databaseAdministratorSecretArn"].endswith(kept)


@pytest.mark.parametrize(
    ("stack", "urls"),
    [
        ("internet-facing", {"github": "/api/auth/github/handler/frame"}),
        ("oidc", {"alb": "/oauth2/idpresponse"}),
    ],
)
def test_callback_urls_are_those_to_register(stack: str, urls: dict[str, str]) -> None:
    outputs = previewed(stack).outputs
    assert outputs["url"] == "https://portal.example.com"
    assert outputs["signInCallbackUrls"] == {key: outputs["url"] + urls[key] for key in urls}


@pytest.mark.parametrize(
    ("stack", "namespace"),
    [("local", "backstage"), ("local-build", "developer-portal"), ("in-cluster", "backstage")],
)
def test_database_in_the_cluster_is_a_service(stack: str, namespace: str) -> None:
    outputs = previewed(stack).outputs
    assert outputs["namespace"] == namespace
    assert outputs["databaseEndpoint"] == f"postgres.{namespace}.svc"


def test_the_documentation_lists_every_output() -> None:
    page = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    section = page.partition("\n## Stack outputs\n")[2]
    table = dict(re.findall(r"^\| `(\w+)` \| (.*?) \|", section.partition("\n## ")[0], re.M))
    exporting: dict[str, set[str]] = {}
    for stack in STACKS:
        for output in previewed(stack).outputs:
            exporting.setdefault(output, set()).add(stack)
    assert set(table) == set(exporting)
    everywhere = {"always": {*STACKS}, "eks": {*EKS_STACKS}, "database aurora": {*AURORA_STACKS}}
    for output, where in table.items():
        if where in everywhere:
            assert exporting[output] == everywhere[where], output
        else:
            assert exporting[output] not in everywhere.values(), output

"""The existing EKS cluster: look-ups and providers."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pulumi
import pytest

from components.cluster.cluster import Cluster, ClusterArgs
from settings.keys import AwsSettings
from tests.components.parts import MODES
from tests.programs import built
from tests.tokens import AWS_PROVIDER, KUBERNETES_PROVIDER
from tools.preview.run import PreviewError


@MODES
def test_facts_are_looked_up_by_name(creates: bool) -> None:
    def build() -> None:
        cluster = Cluster("c", ClusterArgs("shop", AwsSettings(region="eu-west-1"), {"a": "b"}))
        for field in dataclasses.fields(cluster.facts):
            pulumi.export(field.name, getattr(cluster.facts, field.name))

    outputs = built(build, creates).outputs
    assert outputs["partition"] == "aws"
    assert outputs["account_id"] == "123456789012"
    assert outputs["service_cidr"] == "172.20.0.0/16"
    assert outputs["security_group_id"].startswith("sg-")
    assert outputs["oidc_issuer"].startswith("https://oidc.eks.eu-west-1.")
    assert len(outputs["subnet_ids"]) == 5


@pytest.mark.parametrize("owner", ["123456789012", "aws"])
@MODES
def test_a_boundary_of_the_account_or_of_aws_is_a_fact(owner: str, creates: bool) -> None:
    arn = f"arn:aws:iam::{owner}:policy/boundary"

    def build() -> None:
        args = ClusterArgs("shop", AwsSettings(region="eu-west-1"), {}, arn)
        pulumi.export("boundary", Cluster("c", args).facts.permissions_boundary_arn)

    assert built(build, creates).outputs == {"boundary": arn}


@MODES
def test_a_boundary_of_another_account_ends_the_preview(creates: bool) -> None:
    arn = "arn:aws:iam::{}:policy/boundary"

    def build() -> None:
        args = ClusterArgs("shop", AwsSettings(region="eu-west-1"), {}, arn.format(210987654321))
        pulumi.export("boundary", Cluster("c", args).facts.permissions_boundary_arn)

    fix = f"pulumi config set --stack test permissionsBoundaryArn {arn.format(123456789012)}"
    with pytest.raises(PreviewError, match=rf"cluster shop's, 123456789012(.|\n)*Fix: {fix}"):
        built(build, creates)


def configured(options: AwsSettings) -> tuple[dict[str, Any], dict[str, Any], str]:
    """Inputs of the AWS and the Kubernetes provider, and the command for a kubeconfig."""
    commands: list[str] = []

    def build() -> None:
        commands.append(Cluster("c", ClusterArgs("shop", options, {})).kubeconfig_command)

    program = built(build, creates=False)
    return program.inputs(AWS_PROVIDER), program.inputs(KUBERNETES_PROVIDER), commands[0]


def test_aws_provider_takes_every_option() -> None:
    options = AwsSettings(
        region="eu-west-1",
        profile="ops",
        assume_roles=(
            {"role_arn": "arn:aws:iam::123456789012:role/one"},
            {"role_arn": "arn:aws:iam::123456789012:role/two", "session_name": "s"},
        ),
        allowed_account_ids=("123456789012",),
        endpoints=({"rds": "https://rds.test"},),
        skip_credentials_validation=True,
        skip_requesting_account_id=True,
        skip_metadata_api_check=True,
        s3_use_path_style=True,
    )
    assert set(options.model_fields_set) == set(AwsSettings.model_fields)  # none is forgotten here

    def build() -> None:
        Cluster("c", ClusterArgs("shop", options, {"team": "x"}))

    inputs = built(build, creates=False).inputs(AWS_PROVIDER)
    texts = ("region", "profile")
    assert {key: value if key in texts else json.loads(value) for key, value in inputs.items()} == {
        "skipRegionValidation": True,  # the SDK's default
        "region": "eu-west-1",
        "profile": "ops",
        "assumeRoles": [
            {"roleArn": "arn:aws:iam::123456789012:role/one"},
            {"roleArn": "arn:aws:iam::123456789012:role/two", "sessionName": "s"},
        ],
        "allowedAccountIds": ["123456789012"],
        "endpoints": [{"rds": "https://rds.test"}],
        "defaultTags": {"tags": {"team": "x"}},
        "skipCredentialsValidation": True,
        "skipRequestingAccountId": True,
        "skipMetadataApiCheck": True,
        "s3UsePathStyle": True,
    }


def test_kubeconfig_gets_tokens_as_the_aws_provider_does() -> None:
    """With its profile, and the last of its roles: the AWS CLI assumes one."""
    roles = tuple({"role_arn": f"arn:aws:iam::123456789012:role/{name}"} for name in ("one", "two"))
    options = AwsSettings(region="eu-west-1", profile="ops", assume_roles=roles)
    _, kubernetes, command = configured(options)
    assert kubernetes["clusterIdentifier"] == "eks/eu-west-1/shop"
    [user] = json.loads(kubernetes["kubeconfig"])["users"]
    cli_options = [
        *("--region", "eu-west-1", "--profile", "ops"),
        *("--role-arn", "arn:aws:iam::123456789012:role/two"),
    ]
    assert user["user"] == {
        "exec": {
            "apiVersion": "client.authentication.k8s.io/v1beta1",
            "command": "aws",
            "args": [
                *("eks", "get-token", "--cluster-name", "shop", "--output", "json"),
                *cli_options,
            ],
            "interactiveMode": "Never",
        }
    }
    assert command == f"aws eks update-kubeconfig --name shop {' '.join(cli_options)}"


def test_kubeconfig_without_profile_and_roles() -> None:
    aws, kubernetes, command = configured(AwsSettings(region="eu-west-1"))
    assert not {"profile", "assumeRoles", "allowedAccountIds", "endpoints"} & set(aws)
    [user] = json.loads(kubernetes["kubeconfig"])["users"]
    assert user["user"]["exec"]["args"][-2:] == ["--region", "eu-west-1"]
    assert command == "aws eks update-kubeconfig --name shop --region eu-west-1"

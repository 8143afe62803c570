"""What the recorder keeps of each protocol, and what moto refuses here as AWS does."""

from __future__ import annotations

import contextlib
import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tools.alb.aws import moto_server

if TYPE_CHECKING:
    from tests.aws.account import Account

pytestmark = pytest.mark.aws

REGION = "eu-central-1"
PASSWORD = "of-the-database"
POSTGRES: dict[str, Any] = {
    "DBClusterIdentifier": "backstage",
    "Engine": "aurora-postgresql",
    "MasterUsername": "backstageadmin",
    "MasterUserPassword": PASSWORD,
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a server of this module's own."""
    if importlib.util.find_spec("moto") is None:
        pytest.skip("needs moto of requirements-aws.txt; run `make test-aws`")
    recording: Path = tmp_path_factory.mktemp("moto") / "recording"
    with moto_server("tests.aws.moto_server", MOTO_RECORDER_FILEPATH=str(recording)) as url:
        yield url


@pytest.fixture
def empty(server: str) -> Account:
    """An empty account."""
    from tests.aws.account import Account

    account = Account(server)
    account.empty()
    return account


@pytest.mark.parametrize(
    ("service", "method", "given", "operation"),
    [
        ("rds", "create_db_cluster", POSTGRES, "CreateDBCluster"),
        ("ec2", "describe_vpcs", {"MaxResults": 5}, "DescribeVpcs"),
        ("iam", "get_role", {"RoleName": "portal"}, "GetRole"),
        (
            *("secretsmanager", "create_secret", {"Name": "portal", "SecretString": PASSWORD}),
            "CreateSecret",
        ),
        ("eks", "describe_cluster", {"name": "platform"}, "DescribeCluster"),
        ("s3", "get_bucket_policy", {"Bucket": "documents"}, "GetBucketPolicy"),
        ("route53", "get_hosted_zone", {"Id": "Z0123"}, "GetHostedZone"),
        ("elbv2", "describe_tags", {"ResourceArns": ["arn:aws:x"]}, "DescribeTags"),
    ],
)
def test_calls_are_recorded_without_secrets(
    empty: Account, service: str, method: str, given: dict[str, Any], operation: str
) -> None:
    from tests.aws.calls import MASK

    client = empty.client(service, REGION)
    # An empty account has none of what is asked for.
    with empty.recorded() as calls, contextlib.suppress(client.exceptions.ClientError):
        getattr(client, method)(**given)
    (call,) = calls
    prefix = {"elbv2": "elasticloadbalancing"}.get(service, service)
    assert (call.service, call.operation, call.region) == (prefix, operation, REGION)
    masked = {key: MASK if value == PASSWORD else value for key, value in given.items()}
    assert masked.items() <= call.parameters.items()
    assert PASSWORD not in call.line("prod", "up")


def refused(message: str, method: Any, **given: Any) -> None:
    """Asserts that AWS refuses a client's call with a message."""
    with pytest.raises(method.__self__.exceptions.ClientError, match=message):
        method(**given)


def test_rds_refuses_what_it_can_not_upgrade(empty: Account) -> None:
    rds = empty.client("rds", REGION)
    for major in ("17", "18"):
        rds.create_db_cluster_parameter_group(
            DBClusterParameterGroupName=f"of-{major}",
            DBParameterGroupFamily=f"aurora-postgresql{major}",
            Description="for the test",
        )
    group = {"DBClusterParameterGroupName": "of-17"}
    created = rds.create_db_cluster(**POSTGRES, **group, EngineVersion="17")["DBCluster"]
    assert created["EngineVersion"] == "17.5"
    name = {"DBClusterIdentifier": "backstage"}
    change = rds.modify_db_cluster
    refused(
        "Cannot upgrade aurora-postgresql from 17.5 to 17.4", change, **name, EngineVersion="17.4"
    )
    refused("AllowMajorVersionUpgrade", change, **name, EngineVersion="18.1")
    allowed = {**name, "AllowMajorVersionUpgrade": True, "EngineVersion": "18.1"}
    refused("of-17", change, **allowed)
    refused("still uses of-17", rds.delete_db_cluster_parameter_group, **group)
    rds.modify_db_cluster(**allowed, DBClusterParameterGroupName="of-18")
    rds.delete_db_cluster_parameter_group(**group)
    (cluster,) = rds.describe_db_clusters()["DBClusters"]
    assert cluster["EngineVersion"] == "18.1"


def test_a_service_account_has_one_association(empty: Account) -> None:
    empty.seed({"aws:region": REGION, "backstage:clusterName": "platform"}, "")
    eks = empty.client("eks", REGION)
    given = {"clusterName": "platform", "namespace": "backstage", "serviceAccount": "backstage"}
    made = eks.create_pod_identity_association(**given, roleArn="arn:aws:iam::1:role/portal")
    found = {"clusterName": "platform", "associationId": made["association"]["associationId"]}
    refused(
        "Association already exists",
        eks.create_pod_identity_association, **given, roleArn="arn:aws:iam::1:role/other",
    )  # fmt: skip
    eks.tag_resource(resourceArn=made["association"]["associationArn"], tags={"owner": "portal"})
    described = eks.describe_pod_identity_association(**found)["association"]
    assert described["tags"] == {"owner": "portal"}
    eks.delete_pod_identity_association(**found)
    refused("No association", eks.describe_pod_identity_association, **found)

"""The database of each stack: protection, versions, network, passwords."""

from __future__ import annotations

import pytest

from tests.programs import AURORA_STACKS, changed, differing, previewed
from tests.tokens import AWS_SECRET, CLUSTER, INGRESS_RULE, INSTANCE, PASSWORD, SUBNET_GROUP


def test_prod_database_is_protected_and_backed_up() -> None:
    cluster = previewed("prod").one(CLUSTER)
    assert cluster.protect
    expected = {
        "deletionProtection": True,
        "skipFinalSnapshot": False,
        "deleteAutomatedBackups": False,
        "storageEncrypted": True,
        "iamDatabaseAuthenticationEnabled": True,
        "copyTagsToSnapshot": True,
        "serverlessv2ScalingConfiguration": {"minCapacity": 1, "maxCapacity": 4},
    }
    assert {key: cluster.inputs[key] for key in expected} == expected
    assert "availabilityZones" not in cluster.inputs


def test_prod_instances_are_private_with_a_failover_target() -> None:
    instances = previewed("prod").all(INSTANCE)
    assert sorted(each.inputs["promotionTier"] for each in instances) == [0, 1]
    for instance in instances:
        assert instance.inputs["publiclyAccessible"] is False
        # The cluster's; an instance of Aurora takes none.
        assert not {"preferredBackupWindow", "engineVersion"} & set(instance.inputs)


def test_dev_database_is_disposable() -> None:
    cluster = previewed("dev").one(CLUSTER)
    assert not cluster.protect
    assert cluster.inputs["deletionProtection"] is False
    assert cluster.inputs["skipFinalSnapshot"] is True
    assert cluster.inputs["deleteAutomatedBackups"] is True
    secrets = previewed("dev").all(AWS_SECRET)
    assert [each.inputs["recoveryWindowInDays"] for each in secrets] == [0, 0]


@pytest.mark.parametrize(
    ("stack", "version", "follows"), [("prod", "17", True), ("snapshot-restore", "16.8", False)]
)
def test_a_pinned_minor_version_turns_minor_upgrades_off(
    stack: str, version: str, follows: bool
) -> None:
    program = previewed(stack)
    assert program.inputs(CLUSTER)["engineVersion"] == version
    for each in (program.one(CLUSTER), *program.all(INSTANCE)):
        assert each.inputs["autoMinorVersionUpgrade"] is follows


@pytest.mark.parametrize("stack", AURORA_STACKS)
def test_database_refuses_connections_without_tls(stack: str) -> None:
    group = previewed(stack).one("aws:rds/clusterParameterGroup:ClusterParameterGroup")
    parameters = {each["name"]: each["value"] for each in group.inputs["parameters"]}
    assert parameters["rds.force_ssl"] == "1"
    assert {"log_statement", "log_min_duration_statement"} <= set(parameters)
    # A family can't be changed: a major upgrade needs a group of another name.
    assert group.name.endswith(group.inputs["family"])


@pytest.mark.parametrize("stack", AURORA_STACKS)
def test_only_named_sources_may_connect(stack: str) -> None:
    program = previewed(stack)
    group = program.inputs("aws:ec2/securityGroup:SecurityGroup")
    assert not {"ingress", "egress"} & set(group)
    rules = program.all(INGRESS_RULE)
    sources = {
        each.inputs.get("referencedSecurityGroupId") or each.inputs["cidrIpv4"] for each in rules
    }
    expected = {"sg-0f1e2d3c4b5a69788"}
    if stack == "snapshot-restore":
        expected |= {"sg-0123456789abcdef0", "172.23.40.0/24"}
    assert sources == expected
    assert {(each.inputs["fromPort"], each.inputs["toPort"]) for each in rules} == {(5432, 5432)}


@pytest.mark.parametrize(
    ("stack", "subnets"),
    [
        (
            "prod",
            ["subnet-0aaaaaaaaaaaaaaa1", "subnet-0bbbbbbbbbbbbbbb2", "subnet-0ccccccccccccccc3"],
        ),
        ("snapshot-restore", ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]),
    ],
    ids=["private by default", "given"],
)
def test_subnets(stack: str, subnets: list[str]) -> None:
    assert previewed(stack).inputs(SUBNET_GROUP)["subnetIds"] == subnets


def test_names_carry_the_generation() -> None:
    program = previewed("snapshot-restore")
    cluster = program.one(CLUSTER)
    assert cluster.name == "backstage-2-cluster"
    assert cluster.inputs["clusterIdentifier"] == "backstage-snapshot-restore-2"
    log_group = program.inputs("aws:cloudwatch/logGroup:LogGroup")
    assert log_group["name"] == "/aws/rds/cluster/backstage-snapshot-restore-2/postgresql"


def test_snapshot_is_read_at_creation_only() -> None:
    cluster = previewed("snapshot-restore").one(CLUSTER)
    assert cluster.inputs["snapshotIdentifier"] == "backstage-dev-1-final-0a1b2c3d"
    assert "snapshotIdentifier" in cluster.ignore_changes


def test_provisioned_class_keeps_a_scaling_block() -> None:
    """Without it a change from db.serverless sends a minimum of 0 first, which RDS refuses."""
    program = previewed("snapshot-restore")
    assert {each.inputs["instanceClass"] for each in program.all(INSTANCE)} == {"db.r7g.large"}
    scaling = program.inputs(CLUSTER)["serverlessv2ScalingConfiguration"]
    assert scaling == {"minCapacity": 0.5, "maxCapacity": 4}


@pytest.mark.parametrize(
    ("stack", "versions"),
    [
        ("snapshot-restore", {"backstage-password": "3", "backstage-role-password": "3"}),
        ("local-build", {"backstage-password": "1", "backstage-role-password": "2"}),
    ],
)
def test_password_version_is_a_keeper(stack: str, versions: dict[str, str]) -> None:
    """Postgres in the cluster reads its own password only when the volume is new."""
    keepers = {each.name: each.inputs.get("keepers") for each in previewed(stack).all(PASSWORD)}
    assert keepers == {
        **{name: {"version": version} for name, version in versions.items()},
        "backstage-session-secret": None,
    }


@pytest.mark.parametrize(
    ("stack", "rotated"),
    [
        ("prod", {"backstage-password", "backstage-role-password"}),
        ("local", {"backstage-role-password"}),
    ],
)
def test_raised_password_version_rotates(stack: str, rotated: set[str]) -> None:
    after = changed(stack, {"databasePasswordVersion": 2})
    assert differing(previewed(stack), after) == rotated

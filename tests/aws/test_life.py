"""Every phase of a stack's life, in this order, for every stack file of the target eks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pytest

from tools.diff.comparison.replacements import table

if TYPE_CHECKING:
    from tests.aws.life import Life

pytestmark = pytest.mark.aws

AGAIN = "again"


@pytest.fixture
def deployed(life: Life) -> Life:
    """The stack, if its first update succeeded."""
    if not life.deployed:
        pytest.skip(f"{life.name} was not deployed")
    return life


@pytest.fixture
def aurora(deployed: Life) -> Life:
    """The stack, if its database is Aurora."""
    if not deployed.has_aurora:
        pytest.skip(f"{deployed.name} has no Aurora")
    return deployed


def changes(life: Life, phase: str, keys: Mapping[str, str | None]) -> dict[str, set[str]]:
    """Changes keys. Returns the changed AWS resources; the next preview has to find none."""
    from tests.aws.life import aws_steps

    run = life.change(phase, keys)
    assert life.settled(AGAIN)
    return aws_steps(run)


def test_preview_only_reads(life: Life) -> None:
    run = life.operate("preview", "preview")
    assert set(run.changes) == {"create"}
    assert [call for call in life.calls["preview"] if not call.reads] == []


def test_up_creates_what_was_planned(life: Life) -> None:
    assert set(life.operate("up", "up", "--skip-preview").changes) == {"create"}
    life.deployed = True
    if life.value("databaseSnapshotIdentifier"):
        # RDS restores without IAM authentication; the next update turns it on (operations.md).
        life.operate("restored", "up", "--skip-preview")
    assert life.settled(AGAIN)


def test_refresh_finds_no_drift(deployed: Life) -> None:
    assert set(deployed.operate("refresh", "refresh", "--skip-preview").changes) == {"same"}


def passwords(life: Life) -> set[str]:
    """The passwords in the stack's Secrets Manager secrets."""
    client = life.client("secretsmanager")
    return {
        json.loads(client.get_secret_value(SecretId=each["ARN"])["SecretString"])["password"]
        for each in client.list_secrets()["SecretList"]
    }


def test_rotation_replaces_passwords_and_their_versions_only(aurora: Life) -> None:
    if aurora.value("databaseMasterPassword") == "managed":
        pytest.skip(f"RDS rotates {aurora.name}'s password")
    before = passwords(aurora)
    version = aurora.value("databasePasswordVersion", 1) + 1
    assert changes(aurora, "rotation", {"databasePasswordVersion": str(version)}) == {
        "update": {f"backstage-{aurora.value('databaseGeneration', 1)}-cluster"},
        "replace": {"backstage-postgres-password-version", "backstage-postgres-role-version"},
    }
    after = passwords(aurora)
    assert len(after) == 2
    assert not before & after
    assert after <= set(aurora.world.secrets)
    (sent,) = aurora.sent("rotation", "ModifyDBCluster")
    assert "MasterUserPassword" in sent


def test_capacity_changes_in_place(aurora: Life) -> None:
    keys: dict[str, str | None] = {"databaseMinCapacity": "1.5", "databaseMaxCapacity": "6"}
    assert changes(aurora, "capacity", keys) == {
        "update": {f"backstage-{aurora.value('databaseGeneration', 1)}-cluster"}
    }
    scaling = aurora.cluster()["ServerlessV2ScalingConfiguration"]
    assert (scaling["MinCapacity"], scaling["MaxCapacity"]) == (1.5, 6)


def test_instance_class_keeps_the_capacity(aurora: Life) -> None:
    serverless = aurora.value("databaseInstanceClass", "db.serverless") == "db.serverless"
    other = "db.r7g.large" if serverless else "db.serverless"
    generation = f"backstage-{aurora.value('databaseGeneration', 1)}"
    assert changes(aurora, "class", {"databaseInstanceClass": other}) == {
        "update": {
            f"{generation}-instance-{each}" for each in range(aurora.value("databaseInstances", 1))
        }
    }
    assert {each["DBInstanceClass"] for each in aurora.instances()} == {other}
    # A provider that finds no scaling configuration sends a minimum of 0 first.
    lowest = [
        sent["ServerlessV2ScalingConfiguration"]["MinCapacity"]
        for calls in aurora.calls.values()
        for sent in [call.parameters for call in calls]
        if "ServerlessV2ScalingConfiguration" in sent
    ]
    assert min(lowest) > 0


def test_another_instance_has_the_clusters_window(aurora: Life) -> None:
    count = aurora.value("databaseInstances", 1)
    generation = f"backstage-{aurora.value('databaseGeneration', 1)}"
    assert changes(aurora, "instances", {"databaseInstances": str(count + 1)}) == {
        "create": {f"{generation}-instance-{count}"}
    }
    assert len(aurora.instances()) == count + 1
    windows = {each["PreferredMaintenanceWindow"] for each in aurora.instances()}
    assert windows == {aurora.cluster()["PreferredMaintenanceWindow"]}


def test_engine_is_upgraded_in_place(aurora: Life) -> None:
    generation = f"backstage-{aurora.value('databaseGeneration', 1)}"
    major = int(str(aurora.value("databaseEngineVersion", "17")).partition(".")[0])
    minor = f"{major}.11"
    done = changes(aurora, "minor-version", {"databaseEngineVersion": minor})
    # The instances too, if they followed AWS's minor versions until now.
    assert set(done) == {"update"}
    assert f"{generation}-cluster" in done["update"]
    assert aurora.cluster()["EngineVersion"] == minor
    done = changes(aurora, "major-version", {"databaseEngineVersion": f"{major + 1}.1"})
    assert done["update"] == {f"{generation}-cluster"}
    assert done["create"] == {f"backstage-parameters-aurora-postgresql{major + 1}"}
    assert done["delete"] == {f"backstage-parameters-aurora-postgresql{major}"}
    assert aurora.cluster()["EngineVersion"] == f"{major + 1}.1"
    order = [call.operation for call in aurora.calls["major-version"]]
    assert order.index("CreateDBClusterParameterGroup") < order.index("ModifyDBCluster")
    assert order.index("ModifyDBCluster") < order.index("DeleteDBClusterParameterGroup")


def tagged(life: Life, key: str) -> list[bool]:
    """Whether each resource with tags of the stack's has one with that key."""
    secrets = life.client("secretsmanager").list_secrets()["SecretList"]
    # Those that RDS manages belong to RDS.
    tags = [each["Tags"] for each in secrets if not each["Name"].startswith("rds!")]
    if life.has_aurora:
        tags += [each["TagList"] for each in [life.cluster(), *life.instances()]]
        assert tags
    return [key in [tag["Key"] for tag in each] for each in tags]


def test_tag_comes_and_goes_in_place(deployed: Life) -> None:
    assert set(changes(deployed, "tags", {"tags.owner": "portal-team"})) <= {"update"}
    assert all(tagged(deployed, "owner"))
    assert set(changes(deployed, "untag", {"tags.owner": None})) <= {"update"}
    assert not any(tagged(deployed, "owner"))


def test_another_boundary_is_set_in_place(deployed: Life) -> None:
    given = deployed.value("permissionsBoundaryArn")
    if given is None:
        pytest.skip(f"{deployed.name} has no permissions boundary")
    for phase, arn in (("boundary", f"{given}-2"), ("former-boundary", given)):
        assert set(changes(deployed, phase, {"permissionsBoundaryArn": arn})) == {"update"}
        roles = deployed.client("iam").list_roles()["Roles"]
        found = [deployed.client("iam").get_role(RoleName=each["RoleName"]) for each in roles]
        boundaries = [each["Role"].get("PermissionsBoundary", {}) for each in found]
        assert {each["PermissionsBoundaryArn"] for each in boundaries if each} == {arn}


def buckets(life: Life) -> list[str]:
    """The account's buckets."""
    return [each["Name"] for each in life.client("s3").list_buckets()["Buckets"]]


def test_bucket_is_created_and_deleted_by_its_key(deployed: Life) -> None:
    given = deployed.value("techdocsBucket")
    if given == "create":
        steps = [("no-bucket", None), ("bucket", "create")]
    else:
        steps = [("bucket", "create"), ("no-bucket", given)]
    for phase, value in steps:
        done = changes(deployed, phase, {"techdocsBucket": value})
        if value == "create":
            (bucket,) = buckets(deployed)
            s3 = deployed.client("s3")
            blocked = s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
            assert set(blocked.values()) == {True}
            assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
            assert "backstage-techdocs" in done["create"]
        else:
            assert buckets(deployed) == []
            assert "backstage-techdocs" in done["delete"]


def domains(life: Life) -> list[str]:
    """Domains of the account's certificates."""
    found = life.client("acm").list_certificates()["CertificateSummaryList"]
    return [each["DomainName"] for each in found]


def test_new_host_replaces_record_and_certificate(deployed: Life) -> None:
    zone = deployed.value("hostedZoneName")
    host = f"moved.{zone or 'example.com'}"
    issued = zone is not None and deployed.value("certificateArn") is None
    done = changes(deployed, "host", {"host": host})
    certificate = {
        "backstage-certificate", "backstage-certificate-issue",
        "backstage-certificate-validation",
    }  # fmt: skip
    replaced = {*({"backstage-alias"} if zone else ()), *(certificate if issued else ())}
    assert done == ({"replace": replaced} if replaced else {})
    assert domains(deployed) == ([host] if issued else [])
    names = {record.partition(" ")[0] for record in deployed.account.records()}
    assert all(name.endswith(f"{host}.") for name in names)
    assert (f"{host}." in names) == bool(zone)


def test_new_certificate_is_the_ingress_alone(deployed: Life) -> None:
    if deployed.value("certificateArn") is None:
        pytest.skip(f"{deployed.name} has no certificate of its own")
    arn = deployed.value("certificateArn")[:-4] + "0000"
    assert changes(deployed, "certificate", {"certificateArn": arn}) == {}


def test_restore_creates_a_generation_beside_the_old_one(aurora: Life) -> None:
    old = aurora.value("databaseGeneration", 1)
    new = {"databaseGeneration": str(old + 1)}
    if aurora.protected:
        refused = aurora.change("refused", new, check=False)
        assert refused.code != 0
        assert "databaseDeletionProtection false" in refused.output
        assert [call for call in aurora.calls["refused"] if not call.reads] == []
        lifted = {"databaseGeneration": str(old), "databaseDeletionProtection": "false"}
        assert changes(aurora, "unprotect", lifted) == {"update": {f"backstage-{old}-cluster"}}
    former = aurora.cluster()
    aurora.client("rds").create_db_cluster_snapshot(
        DBClusterIdentifier=former["DBClusterIdentifier"], DBClusterSnapshotIdentifier="nightly"
    )
    aurora.change("restore", {**new, "databaseSnapshotIdentifier": "nightly"})
    order = [call.operation for call in aurora.calls["restore"]]
    assert order.index("RestoreDBClusterFromSnapshot") < order.index("DeleteDBCluster")
    assert aurora.cluster()["DBClusterIdentifier"].endswith(f"-{old + 1}")
    (deletion,) = aurora.sent("restore", "DeleteDBCluster")
    assert deletion["SkipFinalSnapshot"] == aurora.value("databaseSkipFinalSnapshot", False)
    # RDS restores without IAM authentication; the next update turns it on (operations.md).
    aurora.operate("restored", "up", "--skip-preview")
    assert aurora.settled(AGAIN)
    assert aurora.cluster()["IAMDatabaseAuthenticationEnabled"]


def test_protection_covers_the_new_generation(aurora: Life) -> None:
    generation = str(aurora.value("databaseGeneration", 1) + 1)
    on: dict[str, str | None] = {
        "databaseDeletionProtection": "true",
        "databaseProtectedGeneration": generation,
        "databaseSnapshotIdentifier": None,
    }
    assert changes(aurora, "protect", on) == {"update": {f"backstage-{generation}-cluster"}}
    assert aurora.cluster()["DeletionProtection"]
    stopped = aurora.operate("protected", "destroy", check=False)
    assert stopped.code != 0
    assert "pulumi state unprotect" in stopped.output
    assert [call for call in aurora.calls["protected"] if not call.reads] == []


def snapshots(life: Life) -> list[dict[str, Any]]:
    """Snapshots of the account's database clusters."""
    found = life.client("rds").describe_db_cluster_snapshots()["DBClusterSnapshots"]
    return [each for each in found if "-final-" in each["DBClusterSnapshotIdentifier"]]


def test_destroy_leaves_final_snapshots_alone(life: Life) -> None:
    if life.deployed and life.has_aurora:
        life.change("unprotect", {"databaseDeletionProtection": "false"})
    before = len(snapshots(life))
    life.operate("destroy", "destroy")
    assert life.account.names(life.region) - life.before == set()
    dropped = not life.deployed or life.value("databaseSkipFinalSnapshot", not life.has_aurora)
    assert len(snapshots(life)) - before == (0 if dropped else 1)


def test_doubles_decide_as_the_provider_did(life: Life) -> None:
    for step in life.steps:
        if step.type.startswith("aws:") and step.operation in ("replace", "update"):
            doubles = any(table()[step.type].by((name,)) for name in step.changed)
            assert doubles == (step.operation == "replace"), step

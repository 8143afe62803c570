"""What interrupts the database's users, and what a running database ignores."""

from __future__ import annotations

from typing import Any

import pytest
from pulumi.runtime import rpc

from tests.programs import changed
from tests.tools.diff.plans import noted, plan, replacing, reviewed, with_inputs
from tools.preview.recording import Recording

CLUSTER = "backstage-1-cluster"
KEY = "arn:aws:kms:us-east-1:123456789012:key/8f7e6d5c"
MEANWHILE = "Meanwhile catalog requests fail; the pods serve everything else (docs/reliability.md)."


def cluster(**given: Any) -> Recording:
    return with_inputs(plan("prod"), CLUSTER, lambda inputs: inputs.update(given))


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        (
            "17",
            "18",
            "PostgreSQL is upgraded in place, 17 -> 18, immediately. It is down meanwhile, "
            "typically for minutes. Snapshot and rehearsal first: docs/operations.md, Upgrade "
            "PostgreSQL.",
        ),
        (
            "18",
            "17.7",
            "AWS refuses an older PostgreSQL, 18 -> 17.7: restore a snapshot (docs/operations.md, "
            "Upgrade PostgreSQL).",
        ),
        (
            "17.6",
            "17.7",
            "PostgreSQL is upgraded, 17.6 -> 17.7, immediately; connections may end.",
        ),
        (
            "17",
            "17.7",
            "PostgreSQL is upgraded, 17 -> 17.7, immediately; connections may end, unless 17.7 "
            "runs already. No minor upgrade is automatic from now on.",
        ),
        (
            "17.7",
            "17",
            "AWS upgrades PostgreSQL 17 to minor versions automatically, in the maintenance window "
            "sun:09:30-sun:10:30 (UTC).",
        ),
    ],
)
def test_another_version(before: str, after: str, says: str) -> None:
    found = reviewed(cluster(engineVersion=before), cluster(engineVersion=after))
    assert noted(found, "Database") == [says]


def test_a_version_that_is_not_known() -> None:
    found = reviewed(cluster(engineVersion="17"), cluster(engineVersion=rpc.UNKNOWN))
    assert noted(found, "Database") == []


def test_an_upgrade_that_waits_for_the_window() -> None:
    found = reviewed(plan("prod"), cluster(engineVersion="18", applyImmediately=False))
    (says,) = noted(found, "Database")
    assert "17 -> 18, in the maintenance window sun:09:30-sun:10:30 (UTC). " in says


def test_a_class_restarts_the_instances() -> None:
    after = plan("prod")
    for number in range(2):
        after = with_inputs(
            after,
            f"backstage-1-instance-{number}",
            lambda inputs: inputs.update(instanceClass="db.r8g.large"),
        )
    assert noted(reviewed(plan("prod"), after), "Database") == [
        "backstage-1-instance-0, backstage-1-instance-1: db.serverless -> db.r8g.large, "
        f"immediately; each restarts, and connections to it end. {MEANWHILE}"
    ]


def test_one_instance_more_or_less() -> None:
    (reader,) = [each for each in plan("prod").resources if each.endswith("-instance-1")]
    fewer = replacing(plan("prod"), reader)
    assert noted(reviewed(fewer, plan("prod")), "Database") == [
        "backstage-1-instance-1 is added as a reader; no connection ends."
    ]
    (risk,) = reviewed(plan("prod"), fewer).risks
    assert risk.details[-1].endswith("the portal's, if a failover made it the writer.")


def test_a_larger_capacity_needs_a_reboot_for_more_connections() -> None:
    def capacity(most: float) -> Recording:
        return cluster(serverlessv2ScalingConfiguration={"minCapacity": 1, "maxCapacity": most})

    (says,) = noted(reviewed(capacity(4), capacity(8)), "Database")
    assert "max_connections only when an instance reboots" in says
    assert noted(reviewed(capacity(8), capacity(4)), "Database") == []


def test_a_key_changes_nothing_of_what_runs() -> None:
    found = reviewed(plan("dev"), changed("dev", {"kmsKeyArn": KEY}).recording, "dev")
    assert found.risks == []
    kept = noted(found, "Kept")
    assert {each.partition(" keeps the key that it was created with")[0] for each in kept} == {
        "The database",
        "The image repository",
    }
    assert all("docs/existing-environment.md, KMS key" in each for each in kept)


def test_a_snapshot_is_not_restored_into_what_runs() -> None:
    (says,) = noted(reviewed(plan("prod"), cluster(snapshotIdentifier="s")), "Kept")
    assert "by the next databaseGeneration (docs/operations.md, Restore from a snapshot)" in says


def test_objects_under_a_former_key() -> None:
    def encrypted(key: str | None) -> Recording:
        rule = {"applyServerSideEncryptionByDefault": {"kmsMasterKeyId": key}}
        return with_inputs(
            plan("dev"), "backstage-techdocs-encryption", lambda inputs: inputs.update(rules=[rule])
        )

    for new in (None, f"{KEY}-2"):
        (says,) = noted(reviewed(encrypted(KEY), encrypted(new), "dev"), "Kept")
        assert "so the portal can no longer read them. Rewrite them first: " in says
    assert noted(reviewed(encrypted(None), encrypted(KEY), "dev"), "Kept") == []

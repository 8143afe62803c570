"""Alarms of a whole stack."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

import pytest

from tests.programs import ROOT, Program, changed, previewed
from tests.tokens import TOPIC

ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
ARN = "arn:aws:sns:us-east-1:123456789012:on-call"
DATABASE = {"database-connections", "database-deadlocks", "database-growth"}
PORTAL = {"load-balancer-errors", "pod-errors", "slow-responses", "unhealthy-pods",
          "no-healthy-pod", "refused-connections", "failed-jobs", "restarting-pods"}  # fmt: skip


def alarms(program: Program) -> dict[str, dict[str, Any]]:
    return {
        alarm.inputs["name"].removeprefix("backstage-prod-"): alarm.inputs
        for alarm in program.all(ALARM)
    }


@cache
def prod() -> Program:
    return with_alarms({})


def with_alarms(changes: Mapping[str, object], stack: str = "prod") -> Program:
    return changed(stack, {"alarms": ARN, **changes}, creates=True)


def test_no_alarm_unless_asked() -> None:
    for stack in ("prod", "dev"):
        assert not previewed(stack).all(ALARM)
        assert not previewed(stack).all(TOPIC)


def test_each_alarm_notifies_the_topic_and_names_its_section() -> None:
    headings = re.findall(
        r"^### (.+)$", (ROOT / "docs" / "operations.md").read_text(encoding="utf-8"), re.M
    )
    found = alarms(prod())
    assert set(found) == DATABASE | PORTAL | {
        "database-capacity", "database-memory", "database-lag", "certificate-expiry"
    }  # fmt: skip
    for alarm in found.values():
        assert alarm["alarmActions"] == alarm["okActions"] == [ARN]
        title, _, link = alarm["alarmDescription"].rpartition(": ")
        assert title in headings
        anchor = re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-")
        assert link == f"docs/operations.md#{anchor}"


def test_created_topic_is_an_output_and_encrypted_with_the_key() -> None:
    key = "arn:aws:kms:us-east-1:123456789012:key/1b2c3d4e-0000-4000-8000-5f6a7b8c9d0e"
    program = with_alarms({"alarms": "create", "kmsKeyArn": key})
    assert program.inputs(TOPIC)["kmsMasterKeyId"] == key
    arn = program.outputs["alarmTopicArn"]
    assert {tuple(alarm["alarmActions"]) for alarm in alarms(program).values()} == {(arn,)}


def test_thresholds_follow_from_capacity_and_budget() -> None:
    found = alarms(with_alarms({"databaseMaxCapacity": 8}))
    assert found["database-memory"]["threshold"] == pytest.approx(0.05 * 16 * 1024**3)
    # 12 plugins x 4 connections x 7 pods, and 20 for others.
    assert found["database-connections"]["threshold"] == 12 * 4 * 7 + 20
    assert found["database-capacity"]["metricName"] == "ACUUtilization"


def test_provisioned_instances_are_watched_by_cpu() -> None:
    fixed = {"databaseInstanceClass": "db.r7g.large", "databaseMinCapacity": None,
             "databaseMaxCapacity": None, "databaseInstances": 1}  # fmt: skip
    found = alarms(with_alarms(fixed))
    assert {name for name in found if name.startswith("database")} == DATABASE | {"database-cpu"}


def test_database_that_others_run_is_not_watched() -> None:
    program = with_alarms({"dashboard": True}, "in-cluster")
    found = alarms(program)
    names = {name.removeprefix("backstage-in-cluster-") for name in found}
    assert names & PORTAL == PORTAL
    assert not {name for name in names if name.startswith("database")}
    assert "AWS/RDS" not in str(program.inputs("aws:cloudwatch/dashboard:Dashboard"))


def test_writer_and_reader_are_watched_by_role() -> None:
    found = alarms(prod())
    writer = {"DBClusterIdentifier": "backstage-prod-1", "Role": "WRITER"}
    assert found["database-capacity"]["dimensions"] == writer
    assert found["database-lag"]["dimensions"] == {**writer, "Role": "READER"}


def test_load_balancer_and_target_group_are_those_of_the_ingress() -> None:
    found = alarms(prod())
    balancer = {"LoadBalancer": "app/k8s-backstag-backstag-standin/0123456789abcdef"}
    group = {"TargetGroup": "targetgroup/k8s-backstag-backstag-standin/0123456789abcdef"}
    assert found["slow-responses"]["dimensions"] == balancer
    assert found["unhealthy-pods"]["dimensions"] == {**balancer, **group}
    queries = {query["id"]: query for query in found["pod-errors"]["metricQueries"]}
    assert queries["errors"]["metric"]["dimensions"] == balancer
    assert [name for name, query in queries.items() if query.get("returnData")] == ["value"]


def test_first_preview_knows_no_load_balancer_yet() -> None:
    program = changed("prod", {"alarms": ARN})
    assert "<computed>" in json.dumps(alarms(program)["slow-responses"]["dimensions"])


def test_percentile_ignores_a_handful_of_requests() -> None:
    alarm = alarms(prod())["slow-responses"]
    assert (alarm["extendedStatistic"], "statistic" in alarm) == ("p99", False)
    assert alarm["evaluateLowSampleCountPercentiles"] == "ignore"


def test_only_a_gone_portal_or_certificate_counts_missing_data_as_a_fault() -> None:
    found = alarms(prod())
    breaching = {name for name, each in found.items() if each["treatMissingData"] == "breaching"}
    assert breaching == {"no-healthy-pod", "certificate-expiry"}

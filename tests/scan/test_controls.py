"""Each control of Security Hub can fail: a resource with nothing set meets none."""

from __future__ import annotations

import json
from typing import Any

from tests.programs import changed, previewed
from tests.settings.key_table import KEY
from tools.preview.monitor import Recording, Resource
from tools.scan.controls import CONTROLS, unmet

EVERYTHING = {"Statement": [{"Effect": "Allow", "Action": ["*", "s3:*"], "Resource": "*"}]}
BARE: dict[str, dict[str, Any]] = {
    "aws:rds/cluster:Cluster": {"masterUsername": "postgres"},
    "aws:iam/policy:Policy": {"policy": json.dumps(EVERYTHING)},
    "aws:iam/rolePolicy:RolePolicy": {"policy": json.dumps(EVERYTHING)},
    "kubernetes:networking.k8s.io/v1:Ingress": {
        "kind": "Ingress",
        "metadata": {
            "name": "one",
            "annotations": {"alb.ingress.kubernetes.io/scheme": "internal"},
        },
    },
}


def bare(type_: str) -> Resource:
    urn = f"urn:pulumi:dev::backstage::{type_}::one"
    return Resource(urn, type_, "one", "", True, BARE.get(type_, {}), [], {}, False, "", [])


def test_a_bare_resource_meets_no_control() -> None:
    types = {type_ for _, type_, _ in CONTROLS}
    recording = Recording(resources={type_: bare(type_) for type_ in types})
    assert sorted(control for control, _ in unmet(recording)) == sorted(
        control for control, _, _ in CONTROLS
    )


def ids(recording: Recording) -> set[str]:
    return {control for control, _ in unmet(recording)}


def test_keys_that_0008_names_meet_their_controls() -> None:
    keys = {
        "accessLogsBucket": "logs",
        "wafAclArn": "arn:aws:wafv2:us-east-1:123456789012:regional/webacl/portal/1b2c3d4e",
        "databaseDeletionProtection": True,
        "databaseInstances": 2,
        "kmsKeyArn": KEY,
    }
    gone = {"ECR.5", "ELB.5", "ELB.16", "RDS.7", "RDS.15"}
    before = ids(previewed("dev", creates=True).recording)
    assert before - ids(changed("dev", keys, creates=True).recording) == gone

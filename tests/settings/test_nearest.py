"""What a mistyped key or value is taken for."""

from __future__ import annotations

import pytest

from settings.keys import KEYS
from settings.nearest import OTHER_NAMES, alike
from tests.settings.stack import CANARY, LOCAL, refused

# Typos and synonyms; first what the fix sets.
MEANT = {
    "databaseKmsKey": ["kmsKeyArn"],
    "replica": ["replicas"],
    "clustername": ["clusterName"],
    "hostname": ["host"],
    "domain": ["host"],
    "region": ["aws:region"],
    "database_instances": ["databaseInstances"],
    "databseInstances": ["databaseInstances"],
    "databaseVersion": ["databasePasswordVersion", "databaseEngineVersion"],
    "databaseMinAcu": ["databaseMinCapacity"],
    "instanceType": ["databaseInstanceClass"],
    "deletionProtection": ["databaseDeletionProtection"],
    "backupRetention": ["databaseBackupRetentionDays"],
    "certificate": ["certificateArn"],
    "tlsCertificate": ["certificateArn"],
    "webAclArn": ["wafAclArn"],
    "ingressCidrs": ["ingressInboundCidrs"],
    "allowedCidrs": ["databaseAllowedCidrs"],
    "hostedZone": ["hostedZoneName"],
    "memory": ["memoryRequest", "memoryLimit"],
    "maxPods": ["maxReplicas"],
    "minReplicas": ["replicas"],
    "envVars": ["env"],
    "appConfigPath": ["appConfigPaths"],
    "permissionBoundary": ["permissionsBoundaryArn"],
    "networkPolicies": ["networkPolicy"],
    "image": ["imageRepository"],
    "databaseTimeout": [],
    "nope": [],
}


@pytest.mark.parametrize("name", MEANT)
def test_a_mistyped_key_is_taken_for(name: str) -> None:
    assert alike(name, KEYS) == MEANT[name]


def test_other_names_are_of_keys_and_values_that_exist() -> None:
    assert set(OTHER_NAMES.values()) - set(KEYS) == {"internal"}


def test_an_unknown_key_keeps_a_value_that_is_no_secret() -> None:
    rm = "pulumi config rm --stack test"
    said = refused({"replica": 3})
    assert f"fix:     {rm} replica && pulumi config set --stack test replicas 3\n" in said
    assert "replicas VALUE\n" in refused({"replica": "three"})
    said = refused({"titel": CANARY})
    assert CANARY not in said
    assert "title VALUE\n" in said
    assert refused({"memory": "1Gi"}).endswith(
        "    allowed: did you mean memoryRequest or memoryLimit?\n"
        f"    fix:     {rm} memory && pulumi config set --stack test memoryRequest VALUE\n"
        f"    or:      {rm} memory && pulumi config set --stack test memoryLimit VALUE\n"
        "Nothing was changed."
    )


@pytest.mark.parametrize(
    ("key", "given", "meant"),
    [
        ("dashboard", "yes", "true"),
        ("dashboard", "off", "false"),
        ("dashboard", 1, "true"),
        ("host", "https://Portal.example.com/catalog", "portal.example.com"),
        ("host", "portal.example.com:443", "portal.example.com"),
        ("imageRepository", "https://r.io/portal", "r.io/portal"),
        ("imageRepository", "r.io/portal:5f0c2e9", "r.io/portal"),
        ("databaseBackupRetentionDays", "14 days", "14"),
        ("databaseMaxCapacity", "8 ACU", "8"),
        ("replicas", 2.0, "2"),
        ("memoryLimit", "2GB", "2Gi"),
        ("memoryRequest", "512M", "512Mi"),
        ("memoryLimit", "2gi", "2Gi"),
        ("workloadIdentity", "podIdentity", "pod-identity"),
        ("ingressScheme", "internet_facing", "internet-facing"),
        ("ingressScheme", "private", "internal"),
        ("aws:region", "us-esat-1", "us-east-1"),
        ("namespace", "Portal", "portal"),
    ],
)
def test_a_fix_sets_what_an_invalid_value_resembles(key: str, given: object, meant: str) -> None:
    more = {"memoryLimit": {"memoryRequest": "256Mi"}}.get(key, {})
    said = refused({**more, key: given})
    assert f"    fix:     pulumi config set --stack test {key} {meant}\n" in said


def test_a_value_that_resembles_none_is_replaced_by_the_default() -> None:
    assert "set --stack test dashboard false\n" in refused({"dashboard": "maybe"})
    said = refused({**LOCAL, "imageRepository": "a b"})
    assert "imageRepository 123456789012.dkr.ecr.us-east-1.amazonaws.com/backstage\n" in said

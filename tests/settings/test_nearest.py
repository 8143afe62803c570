"""What a mistyped key or value is taken for."""

from __future__ import annotations

import re

import pytest

from settings.keys import KEYS
from settings.nearest import OTHER_NAMES, alike
from tests.settings.stack import CANARY, refused

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
    assert set(OTHER_NAMES.values()) - set(KEYS) == {"internal", "internet-facing", "local"}


def test_an_unknown_key_keeps_a_value_that_is_no_secret() -> None:
    rm = "pulumi config rm --stack test"
    said = refused({"replica": 3})
    assert f"fix:     {rm} replica && pulumi config set --stack test replicas 3\n" in said
    assert "replicas VALUE\n" in refused({"replica": "three"})
    assert refused({"memory": "1Gi"}).endswith(
        "    allowed: did you mean memoryRequest or memoryLimit?\n"
        f"    fix:     {rm} memory && pulumi config set --stack test memoryRequest 1Gi\n"
        f"    or:      {rm} memory && pulumi config set --stack test memoryLimit 1Gi\n"
        "Nothing was changed."
    )


CERTIFICATE = "arn:aws:acm:us-east-1:123456789012:certificate/0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f"
ADMINISTRATOR = "arn:aws:secretsmanager:us-east-1:123456789012:secret:portal-AbCdEf"


@pytest.mark.parametrize(
    ("name", "value", "key"),
    [
        ("alarm", "create", "alarms"),
        ("certificate", CERTIFICATE, "certificateArn"),
        ("clustername", "platform-prod", "clusterName"),
        ("imagedigest", f"sha256:{'ab' * 32}", "imageDigest"),
        ("imageRepo", "123456789012.dkr.ecr.us-east-1.amazonaws.com/portal", "imageRepository"),
        ("databaseAdministratorSecret", ADMINISTRATOR, "databaseAdministratorSecretArn"),
    ],
)
def test_a_mistyped_key_keeps_its_text(name: str, value: str, key: str) -> None:
    assert re.search(rf" {key} {re.escape(value)}(\n| &&)", refused({name: value}))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("titel", CANARY),  # any text
        ("clustername", "ghp_0123456789abcdefABCDEF0123456789abcd"),
        ("clustername", "AKIA0123456789ABCDEF"),
        ("clustername", "wJalrXUtnFEMIKMDENGbPxRfiCYEXAMPLEKEY"),
        ("imagetag", "0123456789abcdef0123456789abcdef01234567"),
        ("clusterNamePassword", CANARY),
        ("alarm", CANARY),  # no choice of it
    ],
)
def test_a_mistyped_key_shows_no_text_that_may_be_a_secret(name: str, value: str) -> None:
    said = refused({name: value})
    assert value not in said
    assert " VALUE\n" in said


def test_a_required_key_under_another_name_is_one_problem() -> None:
    said = refused({"clusterName": None, "clustername": "platform"})
    assert said.startswith("Stack 'test' has 1 configuration problem:\n  clustername\n"), said
    said = refused({"clusterName": "1!", "clustername": "platform"})
    assert said.startswith("Stack 'test' has 2 configuration problems:\n"), said


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
        ("ingressScheme", "public", "internet-facing"),
        ("hostedZoneName", "acme.io.", "acme.io"),
        ("networkPolicy", "none", "false"),
        ("target", "minikube", "local"),
        ("aws:region", "us-esat-1", "us-east-1"),
        ("namespace", "Portal", "portal"),
        ("memoryLimit", 2048, "2048Mi"),
        ("cpuRequest", 0.5, "500m"),
        ("databaseInstanceClass", "r7g.large", "db.r7g.large"),
        ("databaseEngineVersion", "postgres16", "16"),
        ("databaseEngineVersion", "16.x", "16"),
        ("databaseBackupWindow", "8:00-9:00", "08:00-09:00"),
        ("imageDigest", "ab" * 32, f"sha256:{'ab' * 32}"),
    ],
)
def test_a_fix_sets_what_an_invalid_value_resembles(key: str, given: object, meant: str) -> None:
    more = {"memoryLimit": {"memoryRequest": "256Mi"}}.get(key, {})
    said = refused({**more, key: given})
    assert f"    fix:     pulumi config set --stack test {key} {meant}\n" in said


@pytest.mark.parametrize(
    ("key", "given", "ways"),
    [
        ("dashboard", "maybe", ["set dashboard false", "set dashboard true"]),
        (
            "databaseDeletionProtection",
            "lifted",
            ["set databaseDeletionProtection true", "set databaseDeletionProtection false"],
        ),
        (
            "databaseMasterPassword",
            True,
            [
                "set --plaintext databaseMasterPassword generated",
                "set --plaintext databaseMasterPassword managed",
            ],
        ),
        (
            "ingressAuthentication",
            "saml",
            [
                "set ingressAuthentication oidc",
                "set ingressAuthentication cognito",
                "rm ingressAuthentication",
            ],
        ),
        ("ingressAuthentication", False, ["rm ingressAuthentication"]),
        ("ingressInboundCidrs", "none", ["rm ingressInboundCidrs"]),
        ("egressCidrs", [], ["rm egressCidrs"]),
        ("alarms", False, ["rm alarms"]),
    ],
)
def test_a_value_that_resembles_none_is_no_choice_of_one(
    key: str, given: object, ways: list[str]
) -> None:
    """The default first; what nothing says is unset."""
    said = refused({key: given})
    found = re.findall(r"^    (?:fix|or): +pulumi config (.*)$", said, flags=re.M)
    assert [each.replace(" --stack test", "") for each in found] == ways


@pytest.mark.parametrize(
    ("key", "given", "word"),
    [
        ("imageRepository", "a b", "REGISTRY/REPOSITORY"),
        ("imageTag", "latest", "SHA"),
        ("imageDigest", "abc", "sha256:DIGEST"),
        ("certificateArn", "arn:aws:iam::123456789012:server-certificate/x", "ARN"),
        ("databaseAllowedSecurityGroupIds", ["default"], "SECURITY_GROUP"),
        ("ingressInboundCidrs", "office", """'\\["CIDR"]'"""),
        ("ingressInboundCidrs", ["10.0.0.0/8", "2001:db8::/32"], "CIDR"),
        ("ingressInboundCidrs", ["10.0.0.0/0"], "CIDR"),
        ("egressCidrs", "fd00::/8", """'\\["CIDR"]'"""),
        ("host", "portal", "HOST"),
        ("hostedZoneName", "_", "DOMAIN"),
        ("signOutUrl", "/logout", "URL"),
        ("aws:region", "here", "REGION"),
        ("signIn", "saml", """'\\["VALUE"]'"""),
        ("signIn", ["github", "saml"], "VALUE"),
    ],
)
def test_a_fix_sets_no_identifier_that_is_nobodys(key: str, given: object, word: str) -> None:
    """The example's would be valid, and the next preview content with it."""
    assert re.search(rf"    fix:     pulumi config set .*{key}\S* {word}\n", refused({key: given}))


@pytest.mark.parametrize(
    ("key", "given", "fix"),
    [
        ("egressPorts", 8443, "egressPorts '[8443]'"),
        ("aws:allowedAccountIds", 210987654321, """aws:allowedAccountIds '["210987654321"]'"""),
        (
            "databaseSubnetIds",
            "subnet-01234567, subnet-89abcdef",
            """databaseSubnetIds '["subnet-01234567", "subnet-89abcdef"]'""",
        ),
        ("ingressInboundCidrs", ["10.0.0.0/8", "172.16.1.2/12"], "[1]' 172.16.0.0/12"),
        ("egressCidrs", ["10.1.2.3"], "'egressCidrs[0]' 10.1.2.3/32"),
        ("ingressInboundCidrs", "198.51.100.7", """ingressInboundCidrs '["198.51.100.7/32"]'"""),
        (
            "ingressInboundCidrs",
            "198.51.100.7, 198.51.100.8/29",
            """ingressInboundCidrs '["198.51.100.7/32", "198.51.100.8/29"]'""",
        ),
        (
            "ingressInboundCidrs",
            ["198.51.100.7", "10.0.0.0/8", "::1"],
            "'ingressInboundCidrs[0]' 198.51.100.7/32 && pulumi config set --stack test --path "
            "'ingressInboundCidrs[2]' CIDR",
        ),
        ("egressPorts", [8443, "ldaps"], "pulumi config rm --stack test --path 'egressPorts[1]'"),
    ],
)
def test_a_list_keeps_what_was_given(key: str, given: object, fix: str) -> None:
    assert f"{fix}\n" in refused({key: given})


def test_a_mistyped_field_is_renamed() -> None:
    said = refused({"githubApp": {"appID": 1, "clientId": "x", "owner": "acme"}})
    change = "pulumi config {} --stack test --path {}"
    commands = [
        change.format("rm", "'githubApp.appID'"),
        change.format("set", "githubApp.appId VALUE"),
        change.format("rm", "'githubApp.owner'"),
        change.format("set", "'githubApp.owners[0]' VALUE"),
    ]
    assert f"fix:     {' && '.join(commands)}\n" in said

"""Logins of the database without a stored password, and the roles by which pods get them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from settings.draining import GRACE_SECONDS
from tests.components.parts import statement
from tests.programs import Program, changed, previewed
from tests.settings.key_table import KEY
from tests.stacks.pods import (
    MIGRATION_JOB,
    PASSWORD_JOB,
    PORTAL,
    ROLE_JOB,
    jobs,
    templates,
    variables,
)
from tests.tokens import (
    ASSOCIATION,
    CLUSTER,
    CONFIG_MAP,
    DEPLOYMENT,
    PASSWORD,
    ROLE,
    ROLE_POLICY,
    SECRET,
    SERVICE_ACCOUNT,
)

USER = "arn:aws:rds-db:us-east-1:123456789012:dbuser:cluster-STANDIN/backstage_iam"
LOG_IN = {"Effect": "Allow", "Action": ["rds-db:connect"], "Resource": USER}
TYPE = "APP_CONFIG_backend_database_connection_type"
ACTS_AS = "APP_CONFIG_backend_database_role"


def policies(program: Program) -> dict[str, dict[str, Any]]:
    """The only statement of each policy of a pod's role, by the policy's name."""
    return {each.name: statement(each.inputs["policy"]) for each in program.all(ROLE_POLICY)}


@pytest.mark.parametrize("creates", [False, True], ids=["preview", "created"])
def test_no_password_of_the_database_anywhere(creates: bool) -> None:
    """The file of configuration names the variable, which nothing provides."""
    program = previewed("iam", creates)
    assert {each.name for each in program.all(PASSWORD)} == {"backstage-session-secret"}
    shown = json.dumps(
        [
            each.raw_inputs
            for each in program.recording.resources.values()
            if each.type != CONFIG_MAP
        ]
    )
    for name in ("POSTGRES_PASSWORD", "ROLE_PASSWORD", "PGPASSWORD", "masterPassword"):
        assert name not in shown
    assert shown.count('"offline-preview"') == (1 if creates else 0)  # the session secret
    assert "databaseSecretArn" not in program.outputs


def test_portal_and_migrations_may_log_in_as_one_user() -> None:
    found = policies(previewed("iam", creates=True))
    assert found.pop("backstage-database-login") == LOG_IN
    assert found.pop("backstage-migrations-policy") == LOG_IN
    assert set(found) == {"backstage-database-role-policy"}


@pytest.mark.parametrize(
    ("stack", "secret"),
    [
        ("iam", "rds!cluster-standin"),
        ("existing", "portal-administrator-AbCdEf"),
    ],
)
def test_only_the_role_job_may_read_the_administrators_login(stack: str, secret: str) -> None:
    program = previewed(stack, creates=True)
    read = {
        "Effect": "Allow",
        "Action": ["secretsmanager:GetSecretValue"],
        "Resource": f"arn:aws:secretsmanager:us-east-1:123456789012:secret:{secret}",
    }
    assert [name for name, each in policies(program).items() if each == read] == [
        "backstage-database-role-policy"
    ]


def test_each_service_account_has_one_role() -> None:
    program = previewed("iam", creates=True)
    found = {each.inputs["serviceAccount"]: each.inputs for each in program.all(ASSOCIATION)}
    assert len(found) == len(program.all(ASSOCIATION)) == 3
    assert set(found) == {"backstage", "backstage-migrations", "backstage-database-role"}
    for account, association in found.items():
        name = association["roleArn"].rpartition(":")[2]
        trust = statement(program.one(ROLE, name).inputs["assumeRolePolicy"])
        equals = trust["Condition"]["StringEquals"]
        assert equals["aws:RequestTag/kubernetes-service-account"] == account
    accounts = {each.inputs["metadata"]["name"] for each in program.all(SERVICE_ACCOUNT)}
    assert set(found) <= accounts


def test_irsa_annotates_the_service_accounts_of_jobs() -> None:
    program = changed("iam", {"workloadIdentity": "irsa"}, creates=True)
    assert not program.all(ASSOCIATION)
    for each in program.all(SERVICE_ACCOUNT):
        annotations = each.inputs["metadata"]["annotations"]
        account = each.inputs["metadata"]["name"]
        assert annotations["eks.amazonaws.com/role-arn"].endswith(f":{account}-role")


def test_rights_exist_before_the_pods_that_need_them() -> None:
    program = previewed("iam")
    found = jobs(program)
    for pods, policy, role in (
        (program.one(DEPLOYMENT), "backstage-database-login", "backstage"),
        (found[MIGRATION_JOB], "backstage-migrations-policy", "backstage-migrations"),
        (found[ROLE_JOB], "backstage-database-role-policy", "backstage-database-role"),
    ):
        assert program.one(ROLE_POLICY, policy).urn in pods.dependencies
        assert program.one(ASSOCIATION, f"{role}-association").urn in pods.dependencies


def test_portal_acts_as_the_role_that_owns_its_schemas() -> None:
    found = templates(previewed("iam", creates=True))
    for workload in (PORTAL, MIGRATION_JOB):
        given = variables(found[workload])
        assert (given[TYPE], given[ACTS_AS]) == ("rds", "backstage")
        assert given["AWS_REGION"] == "us-east-1"
    assert not {TYPE, ACTS_AS} & {*variables(templates(previewed("prod", creates=True))[PORTAL])}


def test_password_is_removed_once_no_pod_uses_it() -> None:
    program = previewed("iam", creates=True)
    removal = jobs(program)[PASSWORD_JOB]
    assert program.one(DEPLOYMENT).urn in removal.dependencies
    given = variables(templates(program)[PASSWORD_JOB])
    # Replaced pods may still log in until they are killed.
    assert given["REMOVE_PASSWORD_AFTER"] == str(GRACE_SECONDS)
    assert removal.inputs["spec"]["activeDeadlineSeconds"] > GRACE_SECONDS + int(
        given["CONNECT_SECONDS"]
    )
    assert PASSWORD_JOB not in jobs(previewed("prod"))


def test_a_password_again() -> None:
    """IAM authentication stays on: pods with tokens serve until they are replaced."""
    program = changed("iam", {"databaseAuthentication": None}, creates=True)
    assert "ROLE_PASSWORD" in json.dumps(
        program.one(SECRET, "backstage-database-administrator").raw_inputs
    )
    for each in (program, previewed("iam"), previewed("prod")):
        assert each.inputs(CLUSTER)["iamDatabaseAuthenticationEnabled"] is True
    assert set(jobs(program)) == {ROLE_JOB, MIGRATION_JOB}
    assert not [each for each in program.all(ROLE) if each.name == "backstage-role"]


def test_without_the_migrations_job_only_the_portal_logs_in() -> None:
    program = changed("iam", {"migrationJob": False}, creates=True)
    assert set(policies(program)) == {"backstage-database-login", "backstage-database-role-policy"}


def test_techdocs_and_tokens_share_a_role() -> None:
    program = changed("iam", {"techdocsBucket": "docs"}, creates=True)
    portal = [
        each for each in program.all(ASSOCIATION) if each.inputs["serviceAccount"] == "backstage"
    ]
    assert [each.name for each in portal] == ["backstage-techdocs-association"]
    roles = {each.name: each.inputs["role"] for each in program.all(ROLE_POLICY)}
    assert roles["backstage-database-login"] == roles["backstage-techdocs-read"]


def test_existing_database_is_neither_created_nor_changed() -> None:
    program = previewed("existing", creates=True)
    assert not [each for each in program.types() if each.startswith(("aws:rds/", "aws:ec2/"))]
    assert "aws:secretsmanager/secret:Secret" not in program.types()
    host = "shared.cluster-abcdefghijkl.us-east-1.rds.amazonaws.com"
    assert program.outputs["databaseEndpoint"] == host
    secret = program.one(SECRET, "backstage-secrets").raw_inputs["stringData"]["value"]
    assert (secret["POSTGRES_HOST"], secret["POSTGRES_USER"]) == (host, "backstage")
    found = templates(program)
    assert variables(found[PORTAL])["POSTGRES_DB"] == "portal"
    assert variables(found[PORTAL])["POSTGRES_PORT"] == "6432"
    assert variables(found[ROLE_JOB])["PGDATABASE"] == "portal"
    assert (
        "BEGIN CERTIFICATE" in program.inputs(CONFIG_MAP, "backstage-database-ca")["data"]["ca.pem"]
    )


def test_existing_database_with_tokens() -> None:
    changes = {"databaseAuthentication": "iam", "databaseResourceId": "db-ABC1"}
    program = changed("existing", changes, creates=True)
    user = "arn:aws:rds-db:us-east-1:123456789012:dbuser:db-ABC1/backstage_iam"
    assert policies(program)["backstage-database-login"]["Resource"] == user
    assert {each.name for each in program.all(PASSWORD)} == {"backstage-session-secret"}


def test_a_key_of_the_companys_encrypts_the_managed_password() -> None:
    program = changed("iam", {"kmsKeyArn": KEY}, creates=True)
    cluster = program.one(CLUSTER)
    assert cluster.inputs["masterUserSecretKmsKeyId"] == KEY
    assert "masterUserSecretKmsKeyId" in cluster.ignore_changes  # RDS refuses another
    document = json.loads(program.inputs(ROLE_POLICY, "backstage-database-role-policy")["policy"])
    read, decrypt = document["Statement"]
    assert decrypt == {
        "Effect": "Allow",
        "Action": ["kms:Decrypt"],
        "Resource": KEY,
        "Condition": {"StringEquals": {"kms:EncryptionContext:SecretARN": read["Resource"]}},
    }
    unmanaged = changed("prod", {"kmsKeyArn": KEY}).inputs(CLUSTER)
    assert "masterUserSecretKmsKeyId" not in unmanaged

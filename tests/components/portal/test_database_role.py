"""The Job that creates the portal's role."""

from __future__ import annotations

import dataclasses
import json

import pytest
from pulumi import ResourceOptions

from components.database.database import StoredLogin, TokenLogin
from components.portal.database_role import DatabaseRole, DatabaseRoleArgs
from tests.components.parts import MODES, connection, image, objects, run
from tests.programs import Program
from tests.tokens import JOB, SECRET, SERVICE_ACCOUNT
from tools.preview.recording import SECRET as HIDDEN


def database_role(creates: bool, tls: bool = True) -> Program:
    def build(opts: ResourceOptions) -> None:
        DatabaseRole("r", DatabaseRoleArgs(image(), objects(), connection(tls), []), opts)

    return run(build, creates)


@MODES
def test_both_logins_are_in_a_secret_of_its_own(creates: bool) -> None:
    program = database_role(creates)
    secret = program.one(SECRET)
    assert secret.inputs["stringData"] == HIDDEN
    assert "name" not in secret.inputs["metadata"]
    assert secret.raw_inputs["stringData"]["value"] == {
        "PGHOST": "db.example.com",
        "PGUSER": "master",
        "PGPASSWORD": "hunter3",
        "ROLE_NAME": "portal",
        "ROLE_PASSWORD": "hunter2",
    }
    job = program.one(JOB)
    assert "hunter" not in json.dumps(job.raw_inputs)
    assert secret.urn in job.property_dependencies["spec"]


@pytest.mark.parametrize("tls", [True, False])
def test_script_verifies_the_database_where_it_speaks_tls(tls: bool) -> None:
    program = database_role(creates=True, tls=tls)
    [found] = program.inputs(JOB)["spec"]["template"]["spec"]["containers"]
    assert found["args"] == ["node", "/etc/backstage/scripts/database-role.js"]
    assert found["envFrom"] == [{"secretRef": {"name": program.one(SECRET).name}}]
    assert {each["name"]: each["value"] for each in found["env"]} == {
        "PGPORT": "5433",
        "PGDATABASE": "backstage",
        "CONNECT_SECONDS": "240",
        **({"PGSSLROOTCERT": "/etc/backstage/database-ca/ca.pem"} if tls else {}),
    }


def test_script_gives_up_before_the_deadline() -> None:
    """Its own message ends the log then, rather than a killed pod."""
    spec = database_role(creates=True).inputs(JOB)["spec"]
    [found] = spec["template"]["spec"]["containers"]
    [seconds] = [int(each["value"]) for each in found["env"] if each["name"] == "CONNECT_SECONDS"]
    assert seconds < spec["activeDeadlineSeconds"]


def stored_and_tokens(creates: bool = True) -> Program:
    def build(opts: ResourceOptions) -> None:
        database = dataclasses.replace(
            connection(),
            login=TokenLogin("portal_iam", "portal"),
            administrator=StoredLogin("arn:secret"),
            name="shop",
        )
        args = DatabaseRoleArgs(image(), objects(), database, [], {"role": "arn:role"})
        role = DatabaseRole("r", args, opts)
        role.remove_password(after=[role.job])

    return run(build, creates)


@MODES
def test_without_passwords_both_jobs_get_names_only(creates: bool) -> None:
    program = stored_and_tokens(creates)
    secret = program.one(SECRET)
    assert secret.raw_inputs["stringData"]["value"] == {
        "PGHOST": "db.example.com",
        "ADMINISTRATOR_SECRET_ARN": "arn:secret",
        "ROLE_NAME": "portal",
        "IAM_LOGIN_NAME": "portal_iam",
    }


def test_both_jobs_share_a_service_account() -> None:
    program = stored_and_tokens()
    account = program.one(SERVICE_ACCOUNT).inputs["metadata"]
    assert (account["name"], account["annotations"]) == ("r-database-role", {"role": "arn:role"})
    found = {each.name: each.inputs["spec"]["template"]["spec"] for each in program.all(JOB)}
    assert set(found) == {"r-database-role", "r-password-removal"}
    for pod in found.values():
        assert pod["serviceAccountName"] == account["name"]
        [only] = pod["containers"]
        given = {each["name"]: each["value"] for each in only["env"]}
        assert given["PGDATABASE"] == "shop"
    removal = program.one(JOB, "r-password-removal")
    assert program.one(JOB, "r-database-role").urn in removal.dependencies

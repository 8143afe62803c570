"""assets/database-role.js where the portal logs in with tokens, or the administrator is stored."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.assets.node import needs_node, run
from tests.assets.test_database_role import logged, portal

pytestmark = needs_node
__all__ = ["portal"]

LOGIN = {
    "PGDATABASE": "backstage",
    "ROLE_NAME": "portal",
    "IAM_LOGIN_NAME": "portal_iam",
    "CONNECT_SECONDS": "1",
}
REMOVE = {**LOGIN, "REMOVE_PASSWORD_AFTER": "1"}
ARN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:administrator-AbCdEf"
STORED = {"ADMINISTRATOR_SECRET_ARN": ARN}
# FAKE_SECRETS: what each reading returns, separated by '|'; ERROR: it is refused.
CLIENT = """
const answers = process.env.FAKE_SECRETS.split('|');
exports.SecretsManager = class {
  constructor(options) { this.region = options.region; }
  async getSecretValue({ SecretId }) {
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    if (answer === 'ERROR') throw new Error(`not authorized for ${SecretId} in ${this.region}`);
    return { SecretString: answer };
  }
};
"""


@pytest.fixture
def stored(portal: Path) -> Path:
    """A portal's folder, also with a client of Secrets Manager."""
    module = portal / "packages/backend/node_modules/@aws-sdk/client-secrets-manager/index.js"
    module.parent.mkdir(parents=True)
    module.write_text(CLIENT, encoding="utf-8")
    return portal


def statements(portal: Path) -> list[str]:
    """Those that change something."""
    return [each for each in logged(portal) if isinstance(each, str)]


def test_login_is_a_member_of_the_role_and_has_no_password(portal: Path) -> None:
    code, out, err = run("database-role.js", portal, {**LOGIN, "FAKE_PG_ROLE": "rds_iam"})
    assert (code, out, err) == (0, "role portal: portal_iam created; it logs in with tokens\n", "")
    assert statements(portal) == [
        "BEGIN",
        'CREATE ROLE "portal" NOLOGIN NOCREATEDB NOCREATEROLE',
        'CREATE ROLE "portal_iam_creator" NOLOGIN CREATEROLE',
        'GRANT "portal_iam_creator" TO CURRENT_USER',
        'SET ROLE "portal_iam_creator"',
        'CREATE ROLE "portal_iam" LOGIN NOCREATEDB NOCREATEROLE',
        "RESET ROLE",
        'DROP ROLE "portal_iam_creator"',
        'GRANT rds_iam TO "portal_iam"',
        'GRANT "portal" TO "portal_iam"',
        'REVOKE ALL ON DATABASE "backstage" FROM PUBLIC',
        'GRANT CONNECT, CREATE, TEMPORARY ON DATABASE "backstage" TO "portal"',
        "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
        "COMMIT",
    ]


def test_pods_that_still_use_the_password_keep_it(portal: Path) -> None:
    roles = "rds_iam|portal|portal_iam"
    code, out, _ = run("database-role.js", portal, {**LOGIN, "FAKE_PG_ROLE": roles})
    assert (code, out) == (0, "role portal: portal_iam logs in with tokens\n")
    assert not [each for each in statements(portal) if "CREATE ROLE" in each or "ALTER" in each]


def test_a_database_without_iam_authentication_is_named(portal: Path) -> None:
    code, _, err = run("database-role.js", portal, LOGIN)
    assert code == 1
    assert err.endswith("IAM authentication is off: enable it for the cluster\n")
    assert "COMMIT" not in statements(portal)


def test_password_is_removed_after_a_while(portal: Path) -> None:
    code, out, _ = run("database-role.js", portal, {**REMOVE, "FAKE_PG_ROLE": "portal"})
    assert (code, out) == (0, "role portal: password removed\n")
    assert statements(portal) == ['ALTER ROLE "portal" NOLOGIN PASSWORD NULL']


def test_a_role_without_login_is_left_alone(portal: Path) -> None:
    code, out, _ = run("database-role.js", portal, {**REMOVE, "REMOVE_PASSWORD_AFTER": "3600"})
    assert (code, out) == (0, "role portal: has no password\n")
    assert statements(portal) == []


def test_administrator_is_read_where_it_is_stored(stored: Path) -> None:
    secret = '{"username": "master", "password": "hunter2"}'
    given = {**LOGIN, **STORED, "FAKE_SECRETS": secret, "FAKE_PG_ROLE": "rds_iam"}
    code, out, err = run("database-role.js", stored, given)
    assert (code, err) == (0, "")
    assert "hunter2" not in out
    assert '{"user":"master","password":"hunter2"}' in (stored / "login").read_text()


def test_login_is_read_again_after_a_rotation(stored: Path) -> None:
    """RDS may have rotated the password between reading and connecting."""
    first, then = (json.dumps({"username": "m", "password": each}) for each in ("old", "new"))
    given = {"FAKE_SECRETS": f"{first}|{then}", "FAKE_PG_ERROR": "28P01", "CONNECT_SECONDS": "0.4"}
    run("database-role.js", stored, {**LOGIN, **STORED, **given})
    tried = (stored / "login").read_text(encoding="utf-8").splitlines()
    assert [each.count("old") for each in tried[:2]] == [1, 0]


def test_a_right_that_iam_has_not_applied_yet_is_waited_for(stored: Path) -> None:
    secret = '{"username": "master", "password": "hunter2"}'
    given = {"FAKE_SECRETS": f"ERROR|{secret}", "FAKE_PG_ROLE": "rds_iam", "CONNECT_SECONDS": "9"}
    code, out, _ = run("database-role.js", stored, {**LOGIN, **STORED, **given})
    assert code == 0
    assert f"{ARN} can't be read: not authorized for {ARN} in eu-west-1" in out


def test_a_secret_that_is_no_json_is_named_without_its_text(stored: Path) -> None:
    given = {**LOGIN, **STORED, "FAKE_SECRETS": "hunter2"}
    code, out, err = run("database-role.js", stored, given)
    assert code == 1
    assert err == f"The role was not created or changed: {ARN} can't be read: it holds no JSON\n"
    assert "hunter2" not in out + err

"""assets/database-role.js with a driver that logs statements instead of sending them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.assets.node import needs_node, run

pytestmark = needs_node

# FAKE_PG_ERROR: code of the error that every attempt to connect ends with. FAKE_PG_ROLE: the roles
# that exist, separated by '|'. Log: one JSON value a line, TLS of the connection and then each
# statement. The login that was given: in a file of its own.
DRIVER = """
const fs = require('fs');
const log = value => fs.appendFileSync('log', JSON.stringify(value) + '\\n');
exports.escapeIdentifier = text => '"' + text.replace(/"/g, '""') + '"';
exports.escapeLiteral = text => "'" + text.replace(/'/g, "''") + "'";
exports.Client = class {
  constructor(options) { this.options = options; }
  on() {}
  async connect() {
    log(this.options.ssl);
    const { user, password } = this.options;
    fs.appendFileSync('login', JSON.stringify({ user, password }) + '\\n');
    const code = process.env.FAKE_PG_ERROR;
    if (code) throw Object.assign(new Error('refused'), { code });
  }
  async query(text, values) {
    log(values ? { text, values } : text);
    const roles = (process.env.FAKE_PG_ROLE || '').split('|');
    return { rowCount: values && roles.includes(values[0]) ? 1 : 0 };
  }
  async end() {}
};
"""
LOGIN = {
    "PGDATABASE": "backstage",
    "ROLE_NAME": 'por"tal',
    "ROLE_PASSWORD": "hunter2",
    "CONNECT_SECONDS": "1",
}


@pytest.fixture
def portal(tmp_path: Path) -> Path:
    """A portal's folder with the driver."""
    driver = tmp_path / "packages" / "backend" / "node_modules" / "pg" / "index.js"
    driver.parent.mkdir(parents=True)
    driver.write_text(DRIVER, encoding="utf-8")
    return tmp_path


def logged(portal: Path) -> list[Any]:
    lines = (portal / "log").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


@pytest.mark.parametrize(
    ("exists", "verb", "said"),
    [("", "CREATE", "created"), ('por"tal', "ALTER", "password changed")],
    ids=["new", "existing"],
)
def test_role_may_log_in_and_create_schemas(
    exists: str, verb: str, said: str, portal: Path
) -> None:
    code, out, err = run("database-role.js", portal, {**LOGIN, "FAKE_PG_ROLE": exists})
    assert (code, out, err) == (0, f'role por"tal: {said}\n', "")
    tls, begin, lookup, role, *grants, commit = logged(portal)
    assert (tls, begin, commit) == (False, "BEGIN", "COMMIT")
    assert lookup["values"] == ['por"tal']
    assert role.startswith(f'{verb} ROLE "por""tal" LOGIN NOCREATEDB NOCREATEROLE PASSWORD ')
    assert grants == [
        'REVOKE ALL ON DATABASE "backstage" FROM PUBLIC',
        'GRANT CONNECT, CREATE, TEMPORARY ON DATABASE "backstage" TO "por""tal"',
        "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
    ]


def test_statements_hold_a_verifier_in_place_of_the_password(portal: Path) -> None:
    """RFC 5803: iterations, salt, stored key and server key."""
    run("database-role.js", portal, LOGIN)
    assert "hunter2" not in (portal / "log").read_text(encoding="utf-8")
    statement = logged(portal)[3]
    verifier = re.search(r"SCRAM-SHA-256\$(\d+):(\S+)\$(\S+):(\S+)'", statement)
    assert verifier
    iterations, *keys = verifier.groups()
    salt, stored_key, server_key = map(base64.b64decode, keys)
    salted = hashlib.pbkdf2_hmac("sha256", b"hunter2", salt, int(iterations))
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    assert stored_key == hashlib.sha256(client_key).digest()
    assert server_key == hmac.digest(salted, b"Server Key", "sha256")


def test_server_is_verified_with_the_given_roots(portal: Path) -> None:
    (portal / "ca.pem").write_text("PEM", encoding="utf-8")
    run("database-role.js", portal, {**LOGIN, "PGSSLROOTCERT": "ca.pem"})
    assert logged(portal)[0] == {"ca": "PEM", "rejectUnauthorized": True}


@pytest.mark.parametrize(
    ("error", "passing"),
    [("28P01", True), ("3D000", False)],
    ids=["password not yet applied", "no such database"],
)
def test_connecting_is_retried_for_passing_errors(error: str, passing: bool, portal: Path) -> None:
    """An eightieth of the time apart."""
    given = {"FAKE_PG_ERROR": error, "CONNECT_SECONDS": "0.4"}
    code, out, err = run("database-role.js", portal, {**LOGIN, **given})
    assert (code, err) == (1, "The role was not created or changed: refused\n")
    attempts = len(logged(portal))
    assert out == "waiting for the database: refused\n" * (attempts - 1)
    assert 5 < attempts <= 81 if passing else attempts == 1

"""A portal without a password of its database, which verifies tokens as RDS does."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from components.database.database import IAM_LOGIN_NAME, ROLE_NAME
from tests.e2e.conftest import GITHUB, TOKEN, Pods, Preview, Site, Start, pods_of
from tests.processes import local_address
from tools.container.engine import docker
from tools.container.portal import PodSpec, PortalContainer, get
from tools.container.postgres import HOST, Postgres, binaries
from tools.container.rds_login import Credentials, TokenCheck, agent, ldap_server

pytestmark = pytest.mark.e2e

AGENT = "169.254.170.23"  # EKS's, from which the AWS SDK takes credentials
PORT = 25433
AGE = 45  # seconds that a token is good for, in place of RDS's 900
CREDENTIALS_SECONDS = 80  # the portal renews a token 60 s before its credentials expire
REMOVE_AFTER = 3  # seconds, in place of the pods' grace period
PERIOD = 0.2  # seconds between two requests under load
LIFETIMES = 4  # that the portal serves for
IDLE = 32  # seconds after which a pool has closed its idle connections
BURST = 8  # requests at once; the catalog's pool has four connections
TOKEN_FOLDER = "/var/run/secrets/pods.eks.amazonaws.com/serviceaccount"
SIGN = """
const { Signer } = require('@aws-sdk/rds-signer');
const { age, ...given } = JSON.parse(process.argv[1]);
const Now = Date;
global.Date = class extends Now {
  constructor(...given) { given.length ? super(...given) : super(Now.now() - age * 1000); }
  static now() { return Now.now() - age * 1000; }
};
new Signer(given).getAuthToken().then(token => console.log(token));
"""


@dataclass
class Rds:
    """A database, who may log in, and the pods of both kinds."""

    check: TokenCheck
    database: Postgres
    password: Pods
    tokens: Pods


@pytest.fixture(scope="module")
def rds(site: Site, preview: Preview) -> Iterator[Rds]:
    keys = f"{GITHUB}  backstage:databaseAuthentication: iam\n"
    manifests, with_password = preview(keys), preview(GITHUB)
    region = PodSpec.read(manifests).environment["AWS_REGION"]
    check = TokenCheck(HOST, PORT, region, AGE)
    with ExitStack() as servers:
        servers.enter_context(local_address(AGENT))
        database = Postgres(
            site.address, port=PORT, ldap_port=servers.enter_context(ldap_server(check))
        )
        servers.callback(database.stop)
        url, token = servers.enter_context(
            agent(AGENT, check, IAM_LOGIN_NAME, CREDENTIALS_SECONDS)
        ).split()
        own = replace(site, database=database)
        pods = pods_of(own, manifests, None)
        injected = {
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": url,
            "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": f"{TOKEN_FOLDER}/eks-pod-identity-token",
        }
        files = {TOKEN_FOLDER: {"eks-pod-identity-token": token}}
        tokens = replace(
            pods,
            portal=with_credentials(pods.portal, injected, files),
            migrations=with_credentials(pods.migrations, injected, files),
        )
        yield Rds(check, database, pods_of(own, with_password, secrets.token_hex(16)), tokens)


def with_credentials(
    pod: PodSpec, variables: dict[str, str], files: dict[str, dict[str, str]]
) -> PodSpec:
    """As EKS injects them."""
    environment = {**pod.environment, **variables}
    return replace(pod, environment=environment, files={**pod.files, **files})


@dataclass
class Load:
    """Requests that each read the catalog from the database, to the portal that serves now."""

    target: PortalContainer
    answers: Counter[int] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    paused: bool = False
    ended: bool = False

    def ask(self) -> None:
        url = f"http://{self.target.address}/api/catalog/entities?limit=1"
        answer = get(url, {"Authorization": f"Bearer {TOKEN}"}, timeout=20)
        self.answers[answer.status] += 1
        if answer.status != 200:
            self.failures.append(f"{answer.status} {answer.body[:300]}")

    def run(self) -> None:
        while not self.ended:
            if not self.paused:
                threading.Thread(target=self.ask).start()
            time.sleep(PERIOD)


@contextmanager
def load(target: PortalContainer) -> Iterator[Load]:
    found = Load(target)
    thread = threading.Thread(target=found.run)
    thread.start()
    try:
        yield found
    finally:
        found.ended = True
        thread.join()


def ended_well(start: Start, name: str, pod: PodSpec, **variables: str) -> str:
    container = start(name, pod, variables)
    code = container.wait_ended(240)
    assert code == 0, container.logs()
    return container.logs()


def replaced(load: Load, by: PortalContainer) -> None:
    """A rollout of one pod: the new one serves, the old one finishes and ends."""
    old, load.target = load.target, by
    time.sleep(1)
    old.signal("TERM")
    old.wait_ended(60)


def most_in_a_second(moments: list[float]) -> int:
    return max((sum(at <= each < at + 1 for each in moments) for at in moments), default=0)


def signed(image: str, credentials: Credentials, age: float = 0, **changes: object) -> str:
    """A token by the portal's own signer."""
    given = {
        "hostname": HOST, "port": PORT, "username": IAM_LOGIN_NAME, "region": "us-east-1",
        "age": age,
        "credentials": {
            "accessKeyId": credentials.key, "secretAccessKey": credentials.secret,
            "sessionToken": credentials.session,
        },
        **changes,
    }  # fmt: skip
    return docker("run", "--rm", image, "node", "-e", SIGN, json.dumps(given)).strip()


def log_in(rds: Rds, password: str, user: str = IAM_LOGIN_NAME, tls: str = "require") -> str:
    """The session's and the current user, or why there is none."""
    found = binaries()
    assert found
    done = subprocess.run(
        [found / "psql", "--no-align", "--tuples-only", "--command",
         f"SET ROLE {ROLE_NAME}; SELECT session_user || ' as ' || current_user"],
        env={"PGHOST": rds.database.address, "PGPORT": str(PORT), "PGUSER": user,
             "PGDATABASE": "backstage", "PGPASSWORD": password, "PGSSLMODE": tls,
             "PATH": os.environ["PATH"]},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return (done.stdout + done.stderr).strip()


@pytest.fixture(scope="module")
def moved(start: Start, rds: Rds, results: Path) -> Iterator[Load]:
    """From a password to tokens under load; the load goes on."""
    ended_well(start, "iam-role-password", rds.password.role)
    ended_well(start, "iam-migrations-password", rds.password.migrations)
    before = start("iam-password", rds.password.portal)
    before.wait_ready()
    with load(before) as found:
        time.sleep(5)
        assert "created; it logs in with tokens" in ended_well(start, "iam-role", rds.tokens.role)
        ended_well(start, "iam-migrations", rds.tokens.migrations)
        in_migrations = most_in_a_second(rds.check.accepted)
        rds.check.accepted.clear()
        after = start("iam-tokens", rds.tokens.portal)
        after.wait_ready()
        replaced(found, after)
        in_start = most_in_a_second(rds.check.accepted)
        assert rds.tokens.removal
        assert "password removed" in ended_well(
            start, "iam-removal", rds.tokens.removal, REMOVE_PASSWORD_AFTER=str(REMOVE_AFTER)
        )
        time.sleep(5)
        figures = {"migrations": in_migrations, "start and rollout": in_start}
        (results / "iam-logins.json").write_text(json.dumps(figures), encoding="utf-8")
        print(f"\nnew logins in one second, at most: {figures}")
        yield found


def test_the_move_to_tokens_loses_no_request(moved: Load, rds: Rds) -> None:
    assert moved.failures == []
    assert moved.answers[200] > 100
    assert rds.check.refused == []


def test_sessions_are_of_the_login_and_objects_of_the_role(moved: Load, rds: Rds) -> None:
    users = rds.database.query(
        "SELECT DISTINCT usename FROM pg_stat_activity WHERE application_name LIKE 'backstage%'"
    )
    assert users == [IAM_LOGIN_NAME]
    owners = rds.database.query(
        "SELECT DISTINCT pg_get_userbyid(relowner) FROM pg_class JOIN pg_namespace n "
        "ON n.oid = relnamespace WHERE nspname !~ '^(pg_|information_schema|public)'"
    )
    assert owners == [ROLE_NAME]
    rights = rds.database.query(
        "SELECT rolname, rolcanlogin, rolpassword IS NULL FROM pg_authid "
        f"WHERE rolname IN ('{ROLE_NAME}', '{IAM_LOGIN_NAME}') ORDER BY 1"
    )
    assert rights == [f"{ROLE_NAME}|f|t", f"{IAM_LOGIN_NAME}|t|t"]


def test_administrator_still_logs_in_with_a_password(moved: Load, rds: Rds) -> None:
    """Members of rds_iam can't."""
    members = "SELECT pg_has_role('administrator', 'rds_iam', 'MEMBER')"
    assert rds.database.query(members) == ["f"]


def test_old_password_is_good_for_nothing(moved: Load, rds: Rds) -> None:
    password = rds.password.role.environment["ROLE_PASSWORD"]
    assert "password authentication failed" in log_in(rds, password, ROLE_NAME)
    assert "authentication failed" in log_in(rds, password)
    rds.check.refused.clear()


def test_tokens_are_verified_as_rds_does(moved: Load, rds: Rds, image: str) -> None:
    own = rds.check.issue(IAM_LOGIN_NAME, 600)
    other = rds.check.issue("somebody", 600)
    ended = rds.check.issue(IAM_LOGIN_NAME, -1)
    forged = replace(own, secret=other.secret)
    stolen = replace(own, session=other.session)
    assert log_in(rds, signed(image, own)).endswith(f"{IAM_LOGIN_NAME} as {ROLE_NAME}")
    rds.check.refused.clear()
    for token, reason in (
        (signed(image, own, age=AGE + 1), "a token that is too old"),
        (signed(image, own, hostname="db.example.com"), "a token for db.example.com:25433"),
        (signed(image, own, port=5432), f"a token for {HOST}:5432"),
        (signed(image, own, username="backstage"), "a token for backstage, used by backstage_iam"),
        (signed(image, own, region="eu-west-1"), "credentials of nobody"),
        (signed(image, forged), "a wrong signature"),
        (signed(image, stolen), "no session token, or another one"),
        (signed(image, other), "the role may not connect as backstage_iam"),
        (signed(image, ended), "a token of credentials that have expired"),
    ):
        assert "authentication failed" in log_in(rds, token)
        assert rds.check.refused.pop() == reason
    assert "no encryption" in log_in(rds, signed(image, own), tls="disable")


def test_it_serves_beyond_the_lifetime_of_tokens(moved: Load, rds: Rds) -> None:
    """With new connections throughout, and a restart of the database."""
    moved.paused = True
    rds.check.accepted.clear()
    begin = time.time()
    asked = moved.answers.total()
    while time.time() - begin < LIFETIMES * AGE:
        burst = [threading.Thread(target=moved.ask) for _ in range(BURST)]
        for each in burst:
            each.start()
        for each in burst:
            each.join()
        time.sleep(IDLE)
        if time.time() - begin < 2 * IDLE:
            rds.database.restart()
    moved.paused = False
    assert moved.failures == []
    assert moved.answers.total() - asked >= BURST * LIFETIMES
    assert rds.check.refused == []
    logins = [
        sum(begin + n * AGE <= each < begin + (n + 1) * AGE for each in rds.check.accepted)
        for n in range(LIFETIMES)
    ]
    print(f"\nlogins in each of {LIFETIMES} lifetimes of a token: {logins}")
    assert all(logins)


def test_the_move_back_loses_no_request(moved: Load, start: Start, rds: Rds) -> None:
    asked = moved.answers.total()
    assert "password changed" in ended_well(start, "iam-role-back", rds.password.role)
    ended_well(start, "iam-migrations-back", rds.password.migrations)
    after = start("iam-back", rds.password.portal)
    after.wait_ready()
    replaced(moved, after)
    time.sleep(5)
    assert moved.failures == []
    assert moved.answers.total() > asked + 50
    assert rds.check.refused == []

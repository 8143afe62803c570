"""tools/smoke/smoke.js where TLS is: in front of a portal, and in front of PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.tools.smoke.site import Answer, Stub, asked, goal, needs_node
from tools.container.edge import https_edge
from tools.container.http_stub import StubHandler, serving
from tools.container.postgres import Postgres, binaries
from tools.findings import Finding

pytestmark = [pytest.mark.e2e, needs_node]

DATABASE_PORT = 25433
DESCRIBE = "aws acm describe-certificate --certificate-arn arn:aws:acm:us-east-1"


def new_authority() -> Any:
    """A trustme.CA."""
    trustme = pytest.importorskip("trustme", reason="needs requirements-e2e.txt; run `make e2e`")
    return trustme.CA()


@pytest.fixture(scope="module")
def authority() -> Any:
    return new_authority()


@pytest.fixture(scope="module")
def trusted(authority: Any, tmp_path_factory: pytest.TempPathFactory) -> str:
    """File with the authority's certificate."""
    file = tmp_path_factory.mktemp("authority") / "ca.pem"
    authority.cert_pem.write_to_path(str(file))
    return str(file)


def behind(certificate: Any, trusted: str, http_url: str = "") -> dict[str, Finding]:
    """What is found of a portal that serves behind a certificate."""
    with (
        Stub().serving() as target,
        https_edge("localhost", target.removeprefix("http://"), certificate) as port,
    ):
        url = f"https://localhost:{port}"
        stub = goal(url, http_url=http_url or "http://127.0.0.1:1/")
        return asked(stub, NODE_EXTRA_CA_CERTS=trusted)


def test_certificate_for_the_host(authority: Any, trusted: str) -> None:
    found = behind(authority.issue_cert("localhost"), trusted)
    assert found["certificate"].state == "ok"
    assert found["without TLS"] == Finding("ok", "nobody answers (ECONNREFUSED)")
    assert found["readiness"].state == "ok"


@pytest.mark.parametrize(
    ("host", "days", "text"),
    [
        ("portal.example.com", 90, "ERR_TLS_CERT_ALTNAME_INVALID"),
        ("localhost", -1, "CERT_HAS_EXPIRED"),
        ("localhost", 10, "it expires in"),
    ],
    ids=["another host", "expired", "soon"],
)
def test_certificate_that_browsers_refuse_or_soon_will(
    host: str, days: int, text: str, authority: Any, trusted: str
) -> None:
    until = datetime.now(UTC) + timedelta(days=days)
    since = until - timedelta(days=90)
    found = behind(authority.issue_cert(host, not_before=since, not_after=until), trusted)
    certificate = found["certificate"]
    assert certificate.state == "missing"
    assert text in certificate.text
    assert certificate.fix.startswith(DESCRIBE)
    assert found["readiness"] == Finding("not checked", "of the certificate above")


def test_certificate_of_an_unknown_authority(trusted: str) -> None:
    found = behind(new_authority().issue_cert("localhost"), trusted)["certificate"]
    assert found.state == "missing"
    assert "UNABLE_TO_VERIFY_LEAF_SIGNATURE" in found.text


@pytest.mark.parametrize(
    ("answer", "state", "text"),
    [
        (Answer(301, location="https://localhost/"), "ok", "301 to https"),
        (Answer(301, location="http://localhost/home"), "missing", "answers 301, to localhost"),
        (Answer(200), "missing", "answers 200"),
    ],
    ids=["redirect", "another redirect", "page"],
)
def test_answers_without_tls(
    answer: Answer, state: str, text: str, authority: Any, trusted: str
) -> None:
    class Plain(StubHandler):
        def do_GET(self) -> None:
            self.send_response(answer.status)
            if answer.location:
                self.send_header("Location", answer.location)
            self.end_headers()

    with serving(Plain, "127.0.0.1") as http_url:
        found = behind(authority.issue_cert("localhost"), trusted, http_url)["without TLS"]
    assert found.state == state
    assert text in found.text


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    if binaries() is None:
        pytest.skip("needs PostgreSQL's server binaries: install them or set PG_BIN")
    server = Postgres("127.0.0.1", port=DATABASE_PORT, host="localhost")
    yield server
    server.stop()


def of_the_database(authority: str, folder: Path) -> Finding:
    file = folder / "ca.pem"
    file.write_text(authority)
    with Stub().serving() as url:
        given = goal(url, database_port=DATABASE_PORT, database_ca=str(file))
        return asked(given, POSTGRES_HOST="localhost")["database TLS"]


def test_database_that_takes_verified_tls_only(postgres: Postgres, tmp_path: Path) -> None:
    found = of_the_database(postgres.ca_certificate, tmp_path)
    refused = "verified; connections without TLS are refused"
    assert found == Finding("ok", f"TLSv1.3, {refused}")


def test_database_of_another_authority(postgres: Postgres, tmp_path: Path) -> None:
    found = of_the_database(new_authority().cert_pem.bytes().decode(), tmp_path)
    assert found.state == "missing"
    assert "UNABLE_TO_VERIFY_LEAF_SIGNATURE" in found.text


def test_database_that_also_takes_plain_connections(postgres: Postgres, tmp_path: Path) -> None:
    rules = postgres.rules()
    postgres.set_rules(rules.replace("hostssl", "host"))
    try:
        found = of_the_database(postgres.ca_certificate, tmp_path)
    finally:
        postgres.set_rules(rules)
    assert found.state == "missing"
    assert found.text == "localhost also takes connections without TLS"
    assert found.fix == "set rds.force_ssl to 1: pulumi up --stack prod"


def test_database_without_tls(postgres: Postgres, tmp_path: Path) -> None:
    postgres.query("ALTER SYSTEM SET ssl = off", "postgres")
    postgres.query("SELECT pg_reload_conf()", "postgres")
    try:
        found = of_the_database(postgres.ca_certificate, tmp_path)
    finally:
        postgres.query("ALTER SYSTEM RESET ssl", "postgres")
        postgres.query("SELECT pg_reload_conf()", "postgres")
    assert found.state == "missing"
    assert found.text == "localhost speaks no TLS"

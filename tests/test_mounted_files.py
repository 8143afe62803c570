"""The two mounted files: Backstage's configuration and the database's root certificates."""

from __future__ import annotations

import re
import ssl
from pathlib import Path

import pytest

from mounted_files import CONFIG_MAP_LIMIT, AppConfig, CaBundle

ASSETS = Path(__file__).resolve().parent.parent / "assets"
HEADING = re.compile(r"^# Amazon RDS (\S+) Root CA ", re.MULTILINE)
CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----\n", re.DOTALL)


@pytest.fixture(scope="module")
def shipped() -> str:
    return (ASSETS / "rds-ca-bundle.pem").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("text", "variables"),
    [
        pytest.param("", set(), id="empty"),
        pytest.param("a: plain", set(), id="none"),
        pytest.param("a: ${A}", {"A"}, id="whole value"),
        pytest.param("a: https://${A}:${B}/", {"A", "B"}, id="within a value"),
        pytest.param("a: { b: [x, { c: '${A}' }] }", {"A"}, id="nested"),
        pytest.param("a: ${A}\nb: ${A}", {"A"}, id="twice"),
        pytest.param("a: '${ A }'", {"A"}, id="with spaces"),
        pytest.param("a: ${A:-default}", set(), id="default"),
        pytest.param("a: ${A:-}", set(), id="empty default"),
        pytest.param("a: ${A:-x}${B}", {"B"}, id="default besides a variable"),
        pytest.param("a: $${A}", set(), id="escaped"),
        pytest.param("a: $${A}${B}", {"B"}, id="escaped besides a variable"),
        pytest.param("a: $A", set(), id="without braces"),
        pytest.param("a: x # ${A}\n# ${B}", set(), id="comments"),
        pytest.param("${A}: x", set(), id="a key is not substituted"),
        pytest.param("a: 1\nb: true\nc: null", set(), id="other types"),
    ],
)
def test_variables(text: str, variables: set[str]) -> None:
    assert AppConfig(text).variables == variables


@pytest.mark.parametrize(
    ("text", "unsafe"),
    [
        pytest.param("auth: { providers: { guest: {} } }", "auth.providers.guest", id="guest"),
        pytest.param("auth: { providers: { guest: null } }", None, id="guest switched off"),
        pytest.param("auth: null", None, id="no providers"),
        pytest.param(
            "backend: { database: { connection: { ssl: { rejectUnauthorized: false } } } }",
            "backend.database.connection.ssl",
            id="unverified",
        ),
        pytest.param(
            "backend: { database: { connection: { ssl: false } } }",
            "backend.database.connection.ssl",
            id="no TLS",
        ),
        pytest.param(
            "backend: { database: { connection: { ssl: { rejectUnauthorized: true } } } }",
            None,
            id="verified",
        ),
        pytest.param(
            "backend: { database: { connection: 'postgres://h/d?sslmode=no-verify' } }",
            "backend.database.connection",
            id="unverified by URL",
        ),
        pytest.param(
            "backend: { database: { connection: 'postgres://h/d?sslmode=verify-full' } }",
            None,
            id="verified by URL",
        ),
        pytest.param(
            "backend: { database: { client: better-sqlite3 } }",
            "backend.database.client",
            id="database in the pod",
        ),
    ],
)
def test_unsafe_settings(text: str, unsafe: str | None) -> None:
    assert [each.split()[0] for each in AppConfig(text).unsafe] == ([unsafe] if unsafe else [])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: [\n", "line 3: "),
        ("a: 1\n  b: 2\n", "line 2: mapping values are not allowed"),
        ("a: *missing", "line 1: found undefined alias"),
        ("a: !!python/object:os.system x", "line 1: could not determine a constructor"),
        ("- a\n- b\n", "not a YAML mapping"),
        ("just text", "not a YAML mapping"),
        ("# only a comment\n", "not a YAML mapping"),
        ("a: \x07", "unreadable: not YAML"),
    ],
)
def test_app_config_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        AppConfig(text)


def test_size_limit() -> None:
    """Counted in bytes, as the API server does."""
    room = CONFIG_MAP_LIMIT - len("a: ")
    assert AppConfig("a: " + "x" * room).variables == frozenset()
    with pytest.raises(ValueError, match="larger than a ConfigMap holds"):
        AppConfig("a: " + "x" * (room + 1))
    with pytest.raises(ValueError, match="larger than a ConfigMap holds"):
        AppConfig("a: " + "é" * (room // 2 + 1))
    with pytest.raises(ValueError, match="larger than a ConfigMap holds"):
        CaBundle("#" * (CONFIG_MAP_LIMIT + 1))


def test_shipped_app_config() -> None:
    """It needs only what the program provides, and is safe."""
    shipped = AppConfig((ASSETS / "app-config.production.yaml").read_text(encoding="utf-8"))
    assert shipped.variables == {
        "APP_HOST",
        "APP_PORT",
        "AUTH_SESSION_SECRET",
        "POSTGRES_DB",
        "POSTGRES_HOST",
        "POSTGRES_PASSWORD",
        "POSTGRES_PORT",
        "POSTGRES_USER",
    }
    assert shipped.unsafe == ()


def test_region_of_the_shipped_bundle(shipped: str) -> None:
    mine = CaBundle(shipped).for_region("us-east-1")
    assert len(CERTIFICATE.findall(mine)) == 3
    assert set(HEADING.findall(mine)) == {"us-east-1"}


def test_every_region_of_the_shipped_bundle(shipped: str) -> None:
    """The parts are the whole: nothing is lost between two headings."""
    bundle = CaBundle(shipped)
    regions = dict.fromkeys(HEADING.findall(shipped))
    assert "".join(bundle.for_region(region) for region in regions) == shipped


@pytest.mark.parametrize("region", ["ca-west-1", "us-east", "us-east-11", ""])
def test_unknown_region(shipped: str, region: str) -> None:
    assert CaBundle(shipped).for_region(region) == ""


def test_bundle_without_headings(shipped: str) -> None:
    """AWS's own files name no regions; such a file is taken whole."""
    plain = "".join(CERTIFICATE.findall(shipped)[:2])
    assert CaBundle(plain).for_region("ca-west-1") == plain


def test_certificates_of_the_shipped_bundle(shipped: str) -> None:
    found = [ssl.PEM_cert_to_DER_cert(each) for each in CERTIFICATE.findall(shipped)]
    assert len(found) == len(set(found)) == 81
    assert all(der.startswith(b"\x30\x82") for der in found)  # an ASN.1 sequence
    assert len(HEADING.findall(shipped)) == 81
    assert len(set(HEADING.findall(shipped))) == 27


def test_shipped_certificates_load(shipped: str) -> None:
    """OpenSSL takes every one of them as a root."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=shipped)
    assert context.cert_store_stats()["x509_ca"] == 81


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("not a certificate", "no certificate in it"),
        ("-----BEGIN CERTIFICATE-----\nMIIC", "no certificate in it"),
        ("-----BEGIN PRIVATE KEY-----\nMIIC", "it holds a private key"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIC", "it holds a private key"),
    ],
)
def test_bundle_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        CaBundle(text)


def test_private_key_besides_a_certificate(shipped: str) -> None:
    with pytest.raises(ValueError, match="it holds a private key"):
        CaBundle(f"{shipped}-----BEGIN EC PRIVATE KEY-----\nMIIC")

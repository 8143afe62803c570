"""The database's root certificates."""

from __future__ import annotations

import re
import ssl

import pytest

from settings.ca_bundle import CONFIG_MAP_BYTES, CaBundle
from settings.files import ROOT, FileError

HEADING = re.compile(r"^# Amazon RDS (\S+) Root CA ", re.MULTILINE)
CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----\n", re.DOTALL)


@pytest.fixture(scope="module")
def shipped() -> str:
    return (ROOT / "assets" / "rds-ca-bundle.pem").read_text(encoding="utf-8")


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
    with pytest.raises(FileError, match=message):
        CaBundle(text)


def test_private_key_besides_a_certificate(shipped: str) -> None:
    with pytest.raises(FileError, match="it holds a private key"):
        CaBundle(f"{shipped}-----BEGIN EC PRIVATE KEY-----\nMIIC")


def test_size_limit() -> None:
    with pytest.raises(FileError, match="larger than a ConfigMap holds"):
        CaBundle("#" * (CONFIG_MAP_BYTES + 1))

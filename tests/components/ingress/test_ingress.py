"""The Ingress of an Application Load Balancer, its certificate and its DNS record."""

from __future__ import annotations

from typing import Any

import pytest
from pulumi import ResourceOptions

from components.ingress.authentication import ANNOTATION
from components.ingress.ingress import PortalIngress, PortalIngressArgs
from settings.keys import IngressSettings
from tests.components.parts import HOST, MODES, objects, run
from tests.programs import Program
from tests.tokens import CERTIFICATE, INGRESS, RECORD

CERTIFICATE_ARN = "arn:aws:acm:eu-west-1:210987654321:certificate/0a1b"


def ingress(creates: bool = False, **fields: Any) -> Program:
    def build(opts: ResourceOptions) -> None:
        settings = IngressSettings(**fields)
        args = PortalIngressArgs(HOST, 7007, settings, objects(), {"team": "x"}, after=[])
        PortalIngress("i", args, opts)

    return run(build, creates)


def alb_annotations(**fields: Any) -> dict[str, str]:
    """Annotations of the load balancer, without their common prefix."""
    found: dict[str, str] = ingress(**fields).inputs(INGRESS)["metadata"]["annotations"]
    return {key.removeprefix(ANNOTATION): value for key, value in found.items()}


@MODES
def test_hosted_zone_gives_certificate_and_alias(creates: bool) -> None:
    program = ingress(creates, hosted_zone_name="example.com")
    found = program.one(INGRESS)
    assert any("CertificateValidation" in urn for urn in found.dependencies)
    [rule] = found.inputs["spec"]["rules"]
    assert rule["host"] == HOST
    assert rule["http"]["paths"][0]["backend"]["service"] == {
        "name": "the-service",
        "port": {"number": 7007},
    }
    assert found.inputs["spec"]["tls"] == [{"hosts": [HOST]}]
    alias = program.one(RECORD, "i-alias")
    assert alias.inputs["name"] == HOST
    assert found.urn in alias.property_dependencies["aliases"]
    if creates:
        assert alias.inputs["aliases"][0]["evaluateTargetHealth"] is True


def test_given_certificate_wins_over_a_new_one() -> None:
    program = ingress(hosted_zone_name="example.com", certificate_arn=CERTIFICATE_ARN)
    assert program.all(CERTIFICATE) == []
    assert [each.name for each in program.all(RECORD)] == ["i-alias"]
    found = program.inputs(INGRESS)["metadata"]["annotations"]
    assert found[f"{ANNOTATION}certificate-arn"] == CERTIFICATE_ARN


def test_http_without_certificate() -> None:
    program = ingress(allow_http=True)
    assert "tls" not in program.inputs(INGRESS)["spec"]
    found = alb_annotations(allow_http=True)
    assert found["listen-ports"] == '[{"HTTP":80}]'
    assert not {"certificate-arn", "ssl-policy"} & set(found)


@pytest.mark.parametrize(
    ("fields", "tagged"),
    [({}, True), ({"group": "public"}, False), ({"controller": "auto-mode"}, False)],
    ids=["own", "group", "Auto Mode"],
)
def test_tags_unless_a_group_or_auto_mode_sets_them(fields: dict[str, str], tagged: bool) -> None:
    assert alb_annotations(**fields).get("tags") == ("team=x" if tagged else None)


@pytest.mark.parametrize(
    ("bucket", "attributes"),
    [
        (None, "access_logs.s3.enabled=false"),
        (
            "logs",
            "access_logs.s3.enabled=true,access_logs.s3.bucket=logs,"
            "access_logs.s3.prefix=backstage",
        ),
    ],
)
def test_access_logs_are_explicit(bucket: str | None, attributes: str) -> None:
    """The controller doesn't reset an attribute that is left out later."""
    assert alb_annotations(access_logs_bucket=bucket)["load-balancer-attributes"].endswith(
        attributes
    )

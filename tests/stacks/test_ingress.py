"""Ingress, load balancer, certificate, DNS and controller of each stack."""

from __future__ import annotations

import pytest

from components.ingress.authentication import ANNOTATION
from settings.keys import SIGNER
from tests.programs import EKS_STACKS, LOCAL_STACKS, STACKS, changed, previewed
from tests.stacks.pods import MIGRATION_JOB, PORTAL, templates, variables
from tests.tokens import (
    BINDING,
    CERTIFICATE,
    INGRESS,
    INGRESS_CLASS,
    RECORD,
    RELEASE,
    ROLE,
    ROLE_OF_NAMESPACE,
)


def alb_annotations(stack: str) -> dict[str, str]:
    """Annotations of the load balancer, without their common prefix."""
    found: dict[str, str] = previewed(stack).inputs(INGRESS)["metadata"]["annotations"]
    return {key.removeprefix(ANNOTATION): value for key, value in found.items()}


def test_prod_is_internal_with_a_tls_policy() -> None:
    found = alb_annotations("prod")
    assert found["scheme"] == "internal"
    assert found["target-type"] == "ip"
    assert found["ssl-policy"] == "ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09"
    assert found["healthcheck-path"] == "/.backstage/health/v1/readiness"
    attributes = found["load-balancer-attributes"].split(",")
    assert "idle_timeout.timeout_seconds=120" in attributes
    assert "routing.http.drop_invalid_header_fields.enabled=true" in attributes
    assert "stack=prod" in found["tags"].split(",")
    assert not {"inbound-cidrs", "wafv2-acl-arn", "group.name"} & set(found)
    spec = previewed("prod").inputs(INGRESS)["spec"]
    assert spec["ingressClassName"] == "alb"
    assert [rule["host"] for rule in spec["rules"]] == ["backstage.example.com"]


def test_internet_facing_is_narrowed_by_networks_and_waf() -> None:
    found = alb_annotations("internet-facing")
    assert found["scheme"] == "internet-facing"
    assert found["inbound-cidrs"] == "203.0.113.0/24,198.51.100.0/24"
    assert found["wafv2-acl-arn"].startswith("arn:aws:wafv2:")
    assert found["group.name"] == "public"
    assert "access_logs.s3.bucket=platform-alb-logs" in found["load-balancer-attributes"]
    assert "tags" not in found  # members of a group must agree on them


def test_auto_mode_has_a_class_of_its_own() -> None:
    program = previewed("auto-mode")
    ingress_class = program.inputs(INGRESS_CLASS)
    assert ingress_class["metadata"]["name"] == "portal"
    assert ingress_class["spec"]["controller"] == "eks.amazonaws.com/alb"
    assert program.inputs(INGRESS)["spec"]["ingressClassName"] == "portal"
    assert "tags" not in alb_annotations("auto-mode")


def test_pods_know_the_load_balancer_that_signs_users_in() -> None:
    program = previewed("oidc", creates=True)
    pods = templates(program)
    for name in (PORTAL, MIGRATION_JOB):
        assert variables(pods[name])[SIGNER].startswith("arn:aws:elasticloadbalancing:eu-central-1")
    first = variables(templates(previewed("oidc"))[PORTAL])
    assert first[SIGNER] == "<computed>"
    [rule] = program.inputs(INGRESS)["spec"]["rules"]
    paths = [each["path"] for each in rule["http"]["paths"]]
    assert paths == ["/api/catalog", "/api/search", "/"]


def test_without_the_portals_provider_nothing_is_looked_up() -> None:
    program = changed("oidc", {"signIn": None}, creates=True)
    assert SIGNER not in variables(templates(program)[PORTAL])
    assert alb_annotations("oidc")["auth-type"] == "oidc"


@pytest.mark.parametrize("stack", sorted({*EKS_STACKS} - {"oidc"}))
def test_without_authentication_the_ingress_has_one_path_and_no_trace_of_it(stack: str) -> None:
    assert not [key for key in alb_annotations(stack) if key.startswith("auth-")]
    program = previewed(stack, creates=True)
    [rule] = program.inputs(INGRESS)["spec"]["rules"]
    assert [each["path"] for each in rule["http"]["paths"]] == ["/"]
    assert SIGNER not in variables(templates(program)[PORTAL])
    rights = [*program.all(BINDING), *program.all(ROLE_OF_NAMESPACE)]
    assert all("kubernetes-plugin" in each.name for each in rights)


@pytest.mark.parametrize("stack", STACKS)
def test_http_is_served_only_where_allowed(stack: str) -> None:
    pods = variables(templates(previewed(stack, creates=True))[PORTAL])
    http = stack in (*LOCAL_STACKS, "snapshot-restore", "in-cluster")
    assert previewed(stack).outputs["url"].startswith("http://" if http else "https://")
    # Browsers would request the page's scripts over https.
    upgrade = pods.get("APP_CONFIG_backend_csp_upgrade-insecure-requests")
    assert upgrade == ("false" if http else None)
    if stack in EKS_STACKS:
        found = alb_annotations(stack)
        assert found["listen-ports"] == ('[{"HTTP":80}]' if http else '[{"HTTPS":443}]')
        assert ("certificate-arn" in found) is not http


@pytest.mark.parametrize(
    ("stack", "certificates", "records"),
    [
        ("dev", 1, {"backstage-alias", "backstage-certificate-validation"}),
        ("auto-mode", 1, {"backstage-alias", "backstage-certificate-validation"}),
        ("oidc", 1, {"backstage-alias", "backstage-certificate-validation"}),
        ("irsa", 0, {"backstage-alias"}),
        ("prod", 0, set()),
        ("internet-facing", 0, set()),
        ("snapshot-restore", 0, set()),
    ],
)
def test_certificate_is_requested_in_a_zone_unless_one_is_given(
    stack: str, certificates: int, records: set[str]
) -> None:
    program = previewed(stack)
    assert len(program.all(CERTIFICATE)) == certificates
    assert {each.name for each in program.all(RECORD)} == records


@pytest.mark.parametrize("stack", STACKS)
def test_controller_and_its_role_are_opt_in(stack: str) -> None:
    program = previewed(stack)
    roles = [each for each in program.all(ROLE) if "controller" in each.name]
    assert len(roles) == (stack in ("dev", "irsa", "snapshot-restore"))
    assert ("loadBalancerControllerRoleArn" in program.outputs) == bool(roles)
    assert len(program.all(RELEASE)) == (stack in ("dev", "irsa"))

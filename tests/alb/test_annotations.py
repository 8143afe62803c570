"""The real controller with prod's Ingress: every annotation read back from AWS's API."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest

from components.ingress.authentication import ANNOTATION
from tests.alb.ingresses import annotations_of, applied, prod_ingress
from tests.cluster.site import wait_for_load_balancer
from tests.settings.stack import WITH_OIDC
from tools.kubectl import Cluster

if TYPE_CHECKING:
    from tools.alb.aws import Aws
    from tools.alb.stand_in import Alb

pytestmark = pytest.mark.alb


@dataclass(frozen=True)
class Created:
    """AWS resources that the controller created for an Ingress."""

    aws: Aws
    load_balancer: Mapping[str, Any]
    listeners: list[dict[str, Any]]
    rules: list[dict[str, Any]]
    """Of all listeners."""
    target_group: Mapping[str, Any]
    annotations: Mapping[str, str]
    """The Ingress's, without their prefix."""

    def has(self, arn: str, attributes: str) -> bool:
        """Whether a resource has the attributes `key=value,...`."""
        return pairs(attributes).items() <= dict(self.aws.attributes(arn)).items()

    @property
    def authentication(self) -> dict[str, Any]:
        """The only configuration of authenticate-oidc, besides the action's type."""
        actions = [
            action
            for rule in self.rules
            for action in rule["Actions"]
            if action["Type"].startswith("authenticate")
        ]
        (action,) = actions
        return {"Type": action["Type"], **action["AuthenticateOidcConfig"]}


def pairs(text: str) -> dict[str, str]:
    return {key: value for key, _, value in (each.partition("=") for each in text.split(","))}


def group_field(key: str) -> Callable[[Created, str], bool]:
    return lambda created, value: str(created.target_group[key]) == value


def success_codes(created: Created, value: str) -> bool:
    return bool(created.target_group["Matcher"]["HttpCode"] == value)


def listeners_match(created: Created, value: str) -> bool:
    wanted = sorted(
        (port, protocol) for each in json.loads(value) for protocol, port in each.items()
    )
    return sorted((each["Port"], each["Protocol"]) for each in created.listeners) == wanted


def certified(created: Created, value: str) -> bool:
    certificates = [
        {each["CertificateArn"] for each in listener["Certificates"]}
        for listener in created.listeners
        if listener["Protocol"] == "HTTPS"
    ]
    return bool(certificates) and all(value in each for each in certificates)


def policies(created: Created, value: str) -> bool:
    secure = [each for each in created.listeners if each["Protocol"] == "HTTPS"]
    return bool(secure) and all(each["SslPolicy"] == value for each in secure)


def inbound_cidrs(created: Created, value: str) -> bool:
    rules = created.aws.ingress_rules(created.load_balancer["SecurityGroups"])
    ports = {each["Port"] for each in created.listeners}
    cidrs = {
        entry["CidrIp"] for rule in rules if rule.get("FromPort") in ports
        for entry in rule["IpRanges"]
    }  # fmt: skip
    return cidrs == set(value.split(","))


def tagged(created: Created, value: str) -> bool:
    """Whether load balancer, listeners and target group all have the tags."""
    arns = [
        created.load_balancer["LoadBalancerArn"],
        created.target_group["TargetGroupArn"],
        *(each["ListenerArn"] for each in created.listeners),
    ]
    return all(pairs(value).items() <= created.aws.tags(arn).items() for arn in arns)


def grouped(created: Created, value: str) -> bool:
    tags = created.aws.tags(created.load_balancer["LoadBalancerArn"])
    return tags["ingress.k8s.aws/stack"] == value


def authenticates(field: str, prefix: str = "") -> Callable[[Created, str], bool]:
    return lambda created, value: str(created.authentication[field]) == prefix + value


def identity_provider(created: Created, value: str) -> bool:
    found, wanted = created.authentication, json.loads(value)
    del wanted["secretName"]
    return all(found[key[0].upper() + key[1:]] == wanted[key] for key in wanted)


def load_balancer_attributes(created: Created, value: str) -> bool:
    return created.has(created.load_balancer["LoadBalancerArn"], value)


def target_group_attributes(created: Created, value: str) -> bool:
    return created.has(created.target_group["TargetGroupArn"], value)


# Whether the created resources have an annotation's value, by annotation.
EFFECTS: dict[str, Callable[[Created, str], bool]] = {
    "scheme": lambda created, value: bool(created.load_balancer["Scheme"] == value),
    "target-type": group_field("TargetType"),
    "listen-ports": listeners_match,
    "backend-protocol": group_field("Protocol"),
    "certificate-arn": certified,
    "ssl-policy": policies,
    "healthcheck-protocol": group_field("HealthCheckProtocol"),
    "healthcheck-port": group_field("HealthCheckPort"),
    "healthcheck-path": group_field("HealthCheckPath"),
    "healthcheck-interval-seconds": group_field("HealthCheckIntervalSeconds"),
    "healthcheck-timeout-seconds": group_field("HealthCheckTimeoutSeconds"),
    "healthy-threshold-count": group_field("HealthyThresholdCount"),
    "unhealthy-threshold-count": group_field("UnhealthyThresholdCount"),
    "success-codes": success_codes,
    "target-group-attributes": target_group_attributes,
    "load-balancer-attributes": load_balancer_attributes,
    "inbound-cidrs": inbound_cidrs,
    "tags": tagged,
    "group.name": grouped,
    "auth-type": authenticates("Type", "authenticate-"),
    "auth-idp-oidc": identity_provider,
    "auth-scope": authenticates("Scope"),
    "auth-session-cookie": authenticates("SessionCookieName"),
    "auth-session-timeout": authenticates("SessionTimeout"),
    "auth-on-unauthenticated-request": authenticates("OnUnauthenticatedRequest"),
}


def has_effect(created: Created, key: str) -> bool:
    assert key in EFFECTS, f"add the effect of {ANNOTATION}{key} to EFFECTS"
    return EFFECTS[key](created, created.annotations[key])


def other(value: str) -> str:
    """A different value for an annotation."""
    if value.startswith("{"):
        return value.replace("https://", "https://other.")
    return re.sub(r"\d+", "444", value) if value.startswith("[") else f"{value}0"


# Prod's own Ingress, and the options that prod leaves out. Not the WAF, because moto doesn't
# associate one with a load balancer.
VARIANTS: dict[str, dict[str, Any]] = {
    "prod": {},
    "public": {
        "ingressScheme": "internet-facing",
        "ingressInboundCidrs": ["192.0.2.0/24", "203.0.113.7/32"],
    },
    "shared": {"ingressGroup": "platform"},
    "logged": {"accessLogsBucket": "access-logs"},
    "plain": {"allowHttp": True, "certificateArn": None},
    "authenticated": {**WITH_OIDC, "ingressTokenPaths": ["/api/catalog"]},
}
CONTROLLER = "system:serviceaccount:kube-system:aws-load-balancer-controller"


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_annotation_has_its_effect(alb: Alb, variant: str) -> None:
    namespace = f"alb-{variant}"
    objects = prod_ingress(alb.aws, namespace, VARIANTS[variant])
    annotations = {
        key.removeprefix(ANNOTATION): value
        for key, value in annotations_of(objects).items()
        if key.startswith(ANNOTATION)
    }
    assert ("certificate-arn" in annotations) == (variant != "plain")
    with applied(namespace, objects) as cluster:
        balancer = alb.aws.load_balancer(wait_for_load_balancer(cluster))
        arn = balancer["LoadBalancerArn"]
        group, *_ = alb.aws.target_groups(arn)
        listeners = alb.aws.listeners(arn)
        rules = [rule for each in listeners for rule in alb.aws.rules(each["ListenerArn"])]
        created = Created(alb.aws, balancer, listeners, rules, group, annotations)
        if variant == "authenticated":
            check_open_path(created)
            check_access(cluster)
        assert [key for key in annotations if not has_effect(created, key)] == []
        # No check passes on any other value.
        others = {key: other(value) for key, value in annotations.items()}
        wrong = replace(created, annotations=others)
        assert [key for key in annotations if has_effect(wrong, key)] == []
    assert arn not in [each["LoadBalancerArn"] for each in alb.aws.load_balancers()]


def check_open_path(created: Created) -> None:
    """The catalog's rule comes first, and only forwards."""
    from tools.alb.elb import Rule

    first = min(map(Rule.of, created.rules), key=lambda rule: rule.priority)
    assert {"/api/catalog", "/api/catalog/*"} <= set(first.paths)
    assert (first.action, first.authenticate) == ("forward", None)


def check_access(cluster: Cluster) -> None:
    """The controller may read the client's Secret, and no other."""

    def may(verb: str, name: str) -> str:
        asked = ("auth", "can-i", verb, f"secret/{name}", f"--as={CONTROLLER}")
        return cluster.run(*asked, check=False).strip()

    assert [may(verb, "backstage-ingress-client") for verb in ("get", "list", "watch")] == [
        "yes"
    ] * 3
    assert may("get", "backstage-secrets") == may("update", "backstage-ingress-client") == "no"

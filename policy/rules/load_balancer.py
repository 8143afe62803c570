"""Application Load Balancers: aws:lb resources, and Ingresses that AWS's controllers read.

Controls: AWS Security Hub's user guide, November 2026.
"""

from __future__ import annotations

from collections.abc import Iterator

from policy.alb import annotation, attribute, by_alb, protocols, setting
from policy.kubernetes import INGRESS
from policy.plan import Plan, Resource
from policy.rule import Level, Severity, rule, some

LOAD_BALANCER = "aws:lb/loadBalancer:LoadBalancer"
LISTENER = "aws:lb/listener:Listener"
TARGET_GROUP = "aws:lb/targetGroup:TargetGroup"
WEB_ACL = "aws:wafv2/webAclAssociation:WebAclAssociation"
LISTENER_RULE = "aws:lb/listenerRule:ListenerRule"
_POLICY = "ELBSecurityPolicy-"
# Those that ELB.17 accepts: TLS 1.3, or 1.2 with forward secrecy and authenticated encryption.
STRONG = {
    _POLICY + name
    for name in (
        "TLS13-1-2-Res-2021-06",
        "TLS13-1-2-Res-FIPS-2023-04",
        "TLS13-1-2-Res-FIPS-PQ-2025-09",
        "TLS13-1-2-Res-PQ-2025-09",
        "TLS13-1-3-2021-06",
        "TLS13-1-3-FIPS-2023-04",
        "TLS13-1-3-FIPS-PQ-2025-09",
        "TLS13-1-3-PQ-2025-09",
    )
}


def _requires(
    name: str, attribute_: str, values: tuple[str, ...], native: str, *controls: str,
    what: str, says: str, severity: Severity = "medium", level: Level = "mandatory",
    default: str = "",
) -> None:  # fmt: skip
    """A rule about an attribute of the load balancer, and its property of aws:lb.

    default: of the property, where it is unset.
    """

    @rule(
        name, INGRESS, LOAD_BALANCER, controls=controls, what=what, severity=severity,
        level=level, fix=f"{attribute_}={values[0]}; of aws:lb {native}: {values[0]}", whole=True,
    )  # fmt: skip
    def check(resource: Resource, plan: Plan) -> Iterator[str]:
        if resource.type == LOAD_BALANCER:
            if resource.inputs.at("loadBalancerType").text in ("", "application"):
                given = resource.inputs.at(*native.split(".")).text.lower() or default
                if given not in values:
                    yield says
        elif by_alb(resource, plan) and attribute(resource, plan, attribute_) not in values:
            yield says


_requires(
    "elb-drop-headers", "routing.http.drop_invalid_header_fields.enabled", ("true",),
    "dropInvalidHeaderFields", "ELB.4",
    what="malformed headers don't reach the targets",
    says="malformed headers reach the targets, which is how requests are smuggled",
)  # fmt: skip
_requires(
    "elb-desync", "routing.http.desync_mitigation_mode", ("defensive", "strictest"),
    "desyncMitigationMode", "ELB.12", default="defensive",
    what="ambiguous requests are refused",
    says="ambiguous requests reach the targets, which is how they are smuggled",
)  # fmt: skip
_requires(
    "elb-access-logs", "access_logs.s3.enabled", ("true",), "accessLogs.enabled", "ELB.5",
    what="requests are logged to a bucket", level="disabled",
    says="nothing logs who asked for what",
)  # fmt: skip
_requires(
    "elb-deletion-protection", "deletion_protection.enabled", ("true",),
    "enableDeletionProtection", "ELB.6", level="disabled",
    what="the load balancer can't be deleted by mistake",
    says="one call deletes the load balancer",
)  # fmt: skip


@rule(
    "elb-https",
    INGRESS,
    LISTENER,
    controls=("ELB.1", "ELB.18"),
    whole=True,
    what="every listener speaks HTTPS, or redirects to it",
    fix="listen-ports: '[{\"HTTPS\":443}]' with a certificate; in this project certificateArn or "
    "hostedZoneName instead of allowHttp",
)
def https(resource: Resource, plan: Plan) -> Iterator[str]:
    if resource.type == LISTENER:
        plain = resource.inputs.at("protocol").text in ("", "HTTP")  # TCP: of a network LB
        plain = plain and not _redirects(resource, plan)
    else:
        plain = by_alb(resource, plan) and "HTTP" in protocols(resource, plan)
    if plain:
        yield "a listener speaks HTTP: anyone on the path can read sessions and passwords"


def _redirects(listener: Resource, plan: Plan) -> bool:
    """Whether a listener and its rules do nothing but redirect to HTTPS."""
    actions = listener.inputs.at("defaultActions").items
    for other in plan.referring(listener, LISTENER_RULE, "listenerArn", "arn"):
        actions += other.inputs.at("actions").items
    other_action = some(
        actions, lambda action: action.at("redirect", "protocol").text.upper() != "HTTPS"
    )
    return bool(actions) and not other_action


@rule(
    "elb-tls-policy",
    INGRESS,
    LISTENER,
    controls=("ELB.17",),
    whole=True,
    what="TLS is 1.2 with forward secrecy, or 1.3",
    fix=f"{_POLICY}TLS13-1-2-Res-PQ-2025-09",
)
def tls_policy(resource: Resource, plan: Plan) -> Iterator[str]:
    if resource.type == LISTENER:
        encrypted = resource.inputs.at("protocol").text in ("HTTPS", "TLS")
        policy = resource.inputs.at("sslPolicy").text
    else:
        encrypted = by_alb(resource, plan) and "HTTPS" in protocols(resource, plan)
        policy = setting(resource, plan, "sslPolicy", "ssl-policy").text if encrypted else ""
    if encrypted and policy not in STRONG:
        yield f"the policy is {policy or 'not set, so the oldest'}: it accepts outdated ciphers"


@rule(
    "elb-waf",
    INGRESS,
    LOAD_BALANCER,
    controls=("ELB.16",),
    level="disabled",
    whole=True,
    what="a web ACL filters requests",
    fix="wafv2-acl-arn with the ACL's ARN; in this project wafAclArn",
)
def waf(resource: Resource, plan: Plan) -> Iterator[str]:
    if resource.type == LOAD_BALANCER:
        filtered = bool(list(plan.referring(resource, WEB_ACL, "resourceArn", "arn")))
    else:
        acl = setting(resource, plan, "wafv2AclArn", "wafv2-acl-arn")
        filtered = not by_alb(resource, plan) or acl.text != ""
    if not filtered:
        yield "no web ACL filters requests"


@rule(
    "elb-backend-https",
    INGRESS,
    TARGET_GROUP,
    controls=("ELB.21", "ELB.22"),
    level="disabled",
    whole=True,
    what="requests and health checks are encrypted up to the target",
    fix="backend-protocol and healthcheck-protocol HTTPS, and a target that speaks it",
)
def backend_https(resource: Resource, plan: Plan) -> Iterator[str]:
    if resource.type == TARGET_GROUP:
        protocols = [resource.inputs.at("protocol"), resource.inputs.at("healthCheck", "protocol")]
    elif by_alb(resource, plan):
        kinds = ("backend-protocol", "healthcheck-protocol")
        protocols = [annotation(resource, kind) for kind in kinds]
    else:
        return
    if any(protocol.text != "HTTPS" for protocol in protocols):
        yield "requests are readable between the load balancer and its targets"

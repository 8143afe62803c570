"""Rules of target eks: cluster, registry, load balancer, tags."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from settings.draining import IDLE_SECONDS, KEEP_ALIVE_SECONDS, SHUTDOWN_DELAY_SECONDS
from settings.model import Settings
from settings.problem import Problem, Warn, config_rm, config_set
from settings.rules.rule import rule

OWN_TAGS = ("project", "stack", "managed-by")
MOST_TAGS = 50  # AWS allows so many on a resource
MOST_CERTIFICATE_NAME = 64  # characters; ACM, RequestCertificate


@rule(target="eks")
def required(s: Settings) -> Iterator[Problem]:
    values = {
        "host": (s.host, "the portal's public host name", "HOST"),
        "clusterName": (s.cluster_name, "the name of an existing EKS cluster", "CLUSTER"),
        "aws:region": (s.aws.region, "the cluster's AWS region", "REGION"),
    }
    for key, (value, meaning, placeholder) in values.items():
        if not value:
            yield Problem(key, "nothing", meaning, config_set(key, placeholder))


@rule("imageRepository", target="eks")
def registry(s: Settings) -> Iterator[Problem]:
    repository = s.image.repository
    if repository and "/" not in repository:
        fix = config_set("imageRepository", f"REGISTRY/{repository}")
        yield Problem("imageRepository", repository, "registry/repository, on eks", fix)


@rule("ingressScheme", "ingressInboundCidrs", target="eks")
def inbound_networks(s: Settings) -> Iterator[Problem]:
    if s.ingress.scheme == "internet-facing" and not s.ingress.inbound_cidrs:
        given = "nothing, with ingressScheme internet-facing"
        allowed = "who may reach the portal from the Internet, even if it is 0.0.0.0/0"
        fix = config_set("ingressInboundCidrs[0]", "CIDR", "--path")
        yield Problem("ingressInboundCidrs", given, allowed, fix)


@rule("certificateArn", "hostedZoneName", "allowHttp", "host", target="eks")
def certificate(s: Settings) -> Iterator[Problem]:
    ingress, zone = s.ingress, s.ingress.hosted_zone_name
    has_certificate = ingress.certificate_arn or zone
    if s.host and not has_certificate and not ingress.allow_http:
        parent = s.host.partition(".")[2]
        guessed = parent if "." in parent else s.host  # not a top-level domain
        allowed = f"an ACM certificate for {s.host}; or hostedZoneName, in which one is issued; "
        allowed += "or allowHttp"
        ways = (config_set("hostedZoneName", guessed), config_set("certificateArn", "ARN"))
        yield Problem("certificateArn", "nothing", allowed, ways)
    if has_certificate and ingress.allow_http:
        key = "certificateArn" if ingress.certificate_arn else "hostedZoneName"
        allowed = "false where there is a certificate"
        yield Problem("allowHttp", f"true, with {key}", allowed, config_rm("allowHttp"))
    if s.host and zone and s.host != zone and not s.host.endswith(f".{zone}"):
        allowed = f"{zone} or a name that ends in .{zone}"
        fix = config_set("host", f"backstage.{zone}")
        yield Problem("host", f"{s.host}, with hostedZoneName {zone}", allowed, fix)
    elif zone and not ingress.certificate_arn and len(s.host) > MOST_CERTIFICATE_NAME:
        allowed = (
            f"at most {MOST_CERTIFICATE_NAME} characters, as ACM issues certificates; or "
            "certificateArn"
        )
        yield Problem("host", s.host, allowed, config_set("host", f"backstage.{zone}"))


@rule(
    *("certificateArn", "wafAclArn", "kmsKeyArn", "alarms", "aws:region", "hostedZoneName"),
    target="eks",
)
def regions_of_arns(s: Settings) -> Iterator[Problem]:
    given = {
        "certificateArn": s.ingress.certificate_arn,
        "wafAclArn": s.ingress.waf_acl_arn,
        "kmsKeyArn": s.kms_key_arn,
        "alarms": None if s.monitoring.alarms == "create" else s.monitoring.alarms,
    }
    for key, arn in given.items():
        if arn and s.aws.region and arn.split(":")[3] != s.aws.region:
            allowed, ways = f"one in the stack's region, {s.aws.region}", [config_set(key, "ARN")]
            if key == "certificateArn" and s.ingress.hosted_zone_name:
                allowed += "; or unset: one is issued in hostedZoneName"
                ways.append(config_rm(key))
            yield Problem(key, arn, allowed, tuple(ways))


@rule("kmsKeyArn", "aws:allowedAccountIds", target="eks")
def account_of_the_key(s: Settings) -> Iterator[Warn]:
    accounts = s.aws.allowed_account_ids
    owner = s.kms_key_arn.split(":")[4] if s.kms_key_arn else None
    if owner and accounts and owner not in accounts:
        yield Warn(
            f"kmsKeyArn is a key of account {owner}, not of {' or '.join(accounts)}. Its policy "
            "has to name the stack's account: docs/existing-environment.md, The key's policy."
        )


@rule("permissionsBoundaryArn", "aws:allowedAccountIds", target="eks")
def account_of_the_boundary(s: Settings) -> Iterator[Problem]:
    arn, accounts = s.permissions_boundary_arn, s.aws.allowed_account_ids
    if arn and accounts and arn.split(":")[4] not in (*accounts, "aws"):
        allowed = f"a policy of the stack's account, {' or '.join(accounts)}, or of AWS's own"
        yield Problem(
            "permissionsBoundaryArn", arn, allowed, config_set("permissionsBoundaryArn", "ARN")
        )


@rule("loadBalancerController", "installLoadBalancerController", target="eks")
def installed_controller(s: Settings) -> Iterator[Problem]:
    if s.ingress.install_controller and s.ingress.controller not in ("pod-identity", "irsa"):
        given = f"true, with loadBalancerController {s.ingress.controller}"
        allowed = "loadBalancerController pod-identity or irsa, whose role it needs"
        fix = config_rm("installLoadBalancerController")
        yield Problem("installLoadBalancerController", given, allowed, fix)


@rule("loadBalancerController", "wafAclArn", "ingressGroup", target="eks")
def auto_mode(s: Settings) -> Iterator[Problem]:
    unsupported = {"wafAclArn": s.ingress.waf_acl_arn, "ingressGroup": s.ingress.group}
    for key, value in unsupported.items():
        if value and s.ingress.controller == "auto-mode":
            allowed = "unset: EKS Auto Mode's load balancing doesn't know it"
            fix = config_rm(key)
            yield Problem(key, f"{value}, with loadBalancerController auto-mode", allowed, fix)


@rule("tags", target="eks")
def tags(s: Settings) -> Iterator[Problem]:
    allowed = {
        "names other than project, stack and managed-by, which the program sets": [
            name for name in s.tags if name.lower() in OWN_TAGS
        ],
        "names that differ in more than case, as IAM requires": _twins(s.tags),
        "a name without '=': the load balancer's annotation separates names and values with it": [
            name for name in s.tags if "=" in name
        ],
    }
    for meaning, names in allowed.items():
        for name in sorted(names):
            yield Problem("tags", name, meaning, config_rm("tags", name))
    if len(s.tags) > MOST_TAGS - len(OWN_TAGS):
        most = f"at most {MOST_TAGS - len(OWN_TAGS)}"
        yield Problem("tags", f"{len(s.tags)} tags", most, "remove some")


def _twins(names: Mapping[str, str]) -> list[str]:
    counted = Counter(name.lower() for name in names)
    return [name for name in names if counted[name.lower()] > 1 and name != name.lower()]


@rule("appConfigPaths", "env", target="eks")
def draining(s: Settings) -> Iterator[Warn]:
    backend = "backend.server.keepAliveTimeout", "backend.lifecycle.serverShutdownDelay"
    keep_alive, delay = (s.backstage.seconds(*path.split(".")) or 0 for path in backend)
    if keep_alive <= IDLE_SECONDS:
        yield Warn(
            f"{backend[0]} is {keep_alive:g} s. Set it to {KEEP_ALIVE_SECONDS} s: the load "
            f"balancer reuses connections for {IDLE_SECONDS} s, and a closed one is a 502."
        )
    if delay < SHUTDOWN_DELAY_SECONDS:
        yield Warn(
            f"{backend[1]} is {delay:g} s. Set it to {SHUTDOWN_DELAY_SECONDS} s: "
            "until then the load balancer still sends requests to a pod that terminates."
        )

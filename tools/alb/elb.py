"""The load balancers of an AWS account, as the data plane needs them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tools.alb.authenticate import REDIRECT_PATH, Authenticate

DEFAULT_PRIORITY = 1 << 30  # sorts after 50000, the highest priority that AWS accepts


@dataclass(frozen=True)
class TargetGroup:
    """Settings of a target group. Times are in seconds."""

    arn: str
    protocol: str = "HTTP"
    check_protocol: str = "HTTP"
    check_port: str = "traffic-port"
    check_path: str = "/"
    interval: float = 30
    timeout: float = 5
    healthy_threshold: int = 5
    unhealthy_threshold: int = 2
    codes: str = "200"
    """Comma-separated status codes and ranges, such as `200,300-399`."""
    algorithm: str = "round_robin"
    deregistration_delay: float = 300

    def passes(self, status: int) -> bool:
        """Whether a health check with this HTTP status succeeded."""
        for part in self.codes.split(","):
            low, _, high = part.partition("-")
            if int(low) <= status <= int(high or low):
                return True
        return False


@dataclass(frozen=True)
class Rule:
    """A listener rule. Conditions on anything but host and path never match."""

    priority: int = DEFAULT_PRIORITY
    hosts: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    action: str = "forward"
    target_group: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)
    """The fixed response or the redirect, with AWS's keys."""
    matchable: bool = True
    authenticate: Authenticate | None = None
    """Comes before the action."""

    @classmethod
    def of(cls, rule: Mapping[str, Any]) -> Rule:
        """Reads a rule of DescribeRules."""
        hosts: tuple[str, ...] = ()
        paths: tuple[str, ...] = ()
        matchable = True
        for condition in rule.get("Conditions", []):
            kind = condition["Field"]
            if kind == "host-header":
                hosts = _values(condition, "HostHeaderConfig")
            elif kind == "path-pattern":
                paths = _values(condition, "PathPatternConfig")
            else:
                matchable = False
        # An authenticate action may precede the one that answers, which is always last.
        *before, action = sorted(rule["Actions"], key=lambda each: each.get("Order", 0))
        oidc = next((each.get("AuthenticateOidcConfig") for each in before), None)
        groups = action.get("ForwardConfig", {}).get("TargetGroups", [])
        weighted = [each["TargetGroupArn"] for each in groups if each.get("Weight", 1)]
        configured = action.get("FixedResponseConfig") or action.get("RedirectConfig") or {}
        return cls(
            priority=DEFAULT_PRIORITY if rule["Priority"] == "default" else int(rule["Priority"]),
            hosts=hosts,
            paths=paths,
            action=action["Type"],
            # Weights aren't implemented: the first group with a weight gets every request.
            target_group=action.get("TargetGroupArn") or (weighted[0] if weighted else ""),
            settings={key: str(value) for key, value in configured.items()},
            matchable=matchable,
            authenticate=Authenticate.of(oidc) if oidc else None,
        )

    def matches(self, host: str, path: str) -> bool:
        """Hosts compare case-insensitively, paths don't; `*` and `?` are wildcards in both."""
        return self.matchable and self.of_host(host) and _any(self.paths, path, lower=False)

    def of_host(self, host: str) -> bool:
        """Whether some paths of the host match."""
        return _any(self.hosts, host.lower(), lower=True)


@dataclass(frozen=True)
class Listener:
    """A listener with its rules in order of priority."""

    arn: str
    port: int
    protocol: str
    rules: tuple[Rule, ...]
    hostname: str = ""
    """DNS name of its load balancer."""
    load_balancer: str = ""
    """ARN of its load balancer."""
    idle_timeout: float = 60

    def rule(self, host: str, path: str) -> Rule:
        """The first matching rule; the default rule, which is last, always matches.

        Where users come back from the identity provider, it is the first that signs them in.
        """
        signing_in = [each for each in self.rules if each.authenticate and each.of_host(host)]
        if path == REDIRECT_PATH and signing_in:
            return signing_in[0]
        return next(each for each in self.rules if each.matches(host, path))


@dataclass(frozen=True)
class Configuration:
    """Listeners and target groups by ARN."""

    listeners: Mapping[str, Listener] = field(default_factory=dict)
    target_groups: Mapping[str, TargetGroup] = field(default_factory=dict)


def read(client: Any) -> Configuration:
    """Reads the account's configuration. client: boto3's, for Elastic Load Balancing v2."""
    listeners = {}
    for balancer in client.describe_load_balancers()["LoadBalancers"]:
        arn = balancer["LoadBalancerArn"]
        attributes = _attributes(client.describe_load_balancer_attributes(LoadBalancerArn=arn))
        for each in client.describe_listeners(LoadBalancerArn=arn)["Listeners"]:
            described = client.describe_rules(ListenerArn=each["ListenerArn"])["Rules"]
            listeners[each["ListenerArn"]] = Listener(
                arn=each["ListenerArn"],
                port=each["Port"],
                protocol=each["Protocol"],
                rules=tuple(sorted(map(Rule.of, described), key=lambda rule: rule.priority)),
                hostname=balancer["DNSName"],
                load_balancer=arn,
                idle_timeout=float(attributes.get("idle_timeout.timeout_seconds", 60)),
            )
    groups = {
        each["TargetGroupArn"]: _target_group(client, each)
        for each in client.describe_target_groups()["TargetGroups"]
    }
    return Configuration(listeners, groups)


def _target_group(client: Any, group: Mapping[str, Any]) -> TargetGroup:
    arn = group["TargetGroupArn"]
    attributes = _attributes(client.describe_target_group_attributes(TargetGroupArn=arn))
    return TargetGroup(
        arn=arn,
        protocol=group.get("Protocol", "HTTP"),
        check_protocol=group["HealthCheckProtocol"],
        check_port=group["HealthCheckPort"],
        check_path=group.get("HealthCheckPath") or "/",
        interval=group["HealthCheckIntervalSeconds"],
        timeout=group["HealthCheckTimeoutSeconds"],
        healthy_threshold=group["HealthyThresholdCount"],
        unhealthy_threshold=group["UnhealthyThresholdCount"],
        codes=group.get("Matcher", {}).get("HttpCode", "200"),
        algorithm=attributes["load_balancing.algorithm.type"],
        deregistration_delay=float(attributes["deregistration_delay.timeout_seconds"]),
    )


def _values(condition: Mapping[str, Any], key: str) -> tuple[str, ...]:
    return tuple(condition.get(key, {}).get("Values") or condition.get("Values", []))


def _attributes(answer: Mapping[str, Any]) -> dict[str, str]:
    return {each["Key"]: str(each["Value"]) for each in answer["Attributes"]}


def _any(patterns: tuple[str, ...], text: str, *, lower: bool) -> bool:
    def expression(pattern: str) -> str:
        escaped = re.escape(pattern.lower() if lower else pattern)
        return escaped.replace(r"\*", ".*").replace(r"\?", ".")

    return not patterns or any(re.fullmatch(expression(each), text) for each in patterns)

"""What the AWS Load Balancer Controller reads of an Ingress, before and after a change.

Source: the controller's guide to Ingress annotations, v3.5, and its target group builder.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any

from tools.diff.change import Change
from tools.preview.monitor import Resource

INGRESS = "kubernetes:networking.k8s.io/v1:Ingress"
SERVICE = "kubernetes:core/v1:Service"
RECORD = "aws:route53/record:Record"
PREFIX = "alb.ingress.kubernetes.io/"
Network = IPv4Network | IPv6Network
EVERYWHERE = "0.0.0.0/0"
_BACKEND = {"target-type": "instance", "backend-protocol": "HTTP", "backend-protocol-version": ""}
"""Annotations that a target group can't change in place, with the controller's defaults."""


@dataclass(frozen=True)
class Ingress:
    """An Ingress of a plan. services: the plan's Services' annotations, by name."""

    resource: Resource
    services: Mapping[str, Mapping[str, str]]

    @cached_property
    def annotations(self) -> dict[str, str]:
        """The controller's, without their prefix."""
        return _annotations(self.resource)

    @property
    def managed(self) -> bool:
        """Whether it is meant for the AWS Load Balancer Controller, or EKS Auto Mode's."""
        return bool(self.annotations)

    @property
    def hosts(self) -> list[str]:
        """Host names that it serves."""
        return [rule["host"] for rule in self._rules if "host" in rule]

    @property
    def label(self) -> str:
        """Its hosts, or its logical name if it serves every host."""
        return ", ".join(self.hosts) or self.resource.name

    @property
    def scheme(self) -> str:
        """`internal` or `internet-facing`"""
        return self.annotations.get("scheme", "internal")

    @property
    def public(self) -> bool:
        """Whether its load balancer has public addresses."""
        return self.scheme == "internet-facing"

    @property
    def group(self) -> str | None:
        """The IngressGroup, whose Ingresses share a load balancer; None: one of its own."""
        return self.annotations.get("group.name")

    @property
    def class_name(self) -> str | None:
        """The IngressClass."""
        found: str | None = self.resource.inputs["spec"].get("ingressClassName")
        return found

    @property
    def cidrs(self) -> list[str]:
        """Networks that the load balancer's security group accepts."""
        found = self.annotations.get("inbound-cidrs", EVERYWHERE)
        return [each.strip() for each in found.split(",")]

    @property
    def sign_in(self) -> str | None:
        """`oidc` or `cognito`, if the load balancer signs users in."""
        kind = self.annotations.get("auth-type", "none")
        lets_pass = self.annotations.get("auth-on-unauthenticated-request") == "allow"
        return None if kind == "none" or lets_pass else kind

    @property
    def open_paths(self) -> list[str]:
        """Paths without that sign-in, by their Service's annotation."""
        return [
            path
            for path, service, _ in self._backends()
            if self.services.get(service, {}).get("auth-type") == "none"
        ]

    @property
    def tls(self) -> bool:
        """Whether the load balancer listens with TLS."""
        ports = self.annotations.get("listen-ports")
        return "certificate-arn" in self.annotations if ports is None else '"HTTPS"' in ports

    @property
    def target_groups(self) -> dict[str, dict[str, str]]:
        """By path, what identifies its target group. A Service's annotation wins."""
        found = {}
        for path, service, port in self._backends():
            given = {**self.annotations, **self.services.get(service, {})}
            identity = {name: given.get(name, default) for name, default in _BACKEND.items()}
            found[path] = {"service": f"{service}:{port}", **identity}
        return found

    @property
    def _rules(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.resource.inputs["spec"].get("rules") or []
        return found

    def _backends(self) -> Iterator[tuple[str, str, Any]]:
        """Path, Service and port of each rule."""
        for rule in self._rules:
            for each in rule.get("http", {}).get("paths", []):
                service = each.get("backend", {}).get("service", {})
                port = service.get("port", {})
                yield each.get("path", "/"), service.get("name", ""), next(iter(port.values()), "")


@dataclass(frozen=True)
class Way:
    """An Ingress before and after a change; one of both may be missing."""

    change: Change
    before: Ingress | None
    after: Ingress | None


def ways(changes: Sequence[Change]) -> list[Way]:
    """Each Ingress that the change concerns. One under another name follows the one that ends."""
    services = [
        {each.inputs["metadata"].get("name", each.name): _annotations(each) for each in found}
        for found in (
            [e.before for e in changes if e.before and e.before.type == SERVICE],
            [e.after for e in changes if e.after and e.after.type == SERVICE],
        )
    ]
    found = [each for each in changes if each.resource.type == INGRESS]
    gone = [each for each in found if each.operation == "delete"]
    result = []
    for change in (each for each in found if each.after):
        former = change.before or (gone.pop(0).before if gone else None)
        before = Ingress(former, services[0]) if former else None
        assert change.after
        result.append(Way(change, before, Ingress(change.after, services[1])))
    ends = [Way(e, Ingress(e.before, services[0]), None) for e in gone if e.before]
    return [*result, *ends]


def has_record(changes: Sequence[Change]) -> bool:
    """Whether the stack's own DNS record points at the load balancer."""
    after = [each.after for each in changes if each.after]
    return any(each.type == RECORD and "aliases" in each.inputs for each in after)


def beyond(wider: Sequence[str], former: Sequence[str]) -> list[str]:
    """Networks of the first that aren't in the second. What is no network, is compared as text."""
    known = [network for each in former if (network := _network(each))]

    def inside(text: str) -> bool:
        network = _network(text)
        return any(_within(network, each) for each in known) if network else text in former

    return [each for each in wider if not inside(each)]


def _network(text: str) -> Network | None:
    try:
        return ip_network(text, strict=False)
    except ValueError:
        return None


def _within(network: Network, other: Network) -> bool:
    if isinstance(network, IPv4Network) and isinstance(other, IPv4Network):
        return network.subnet_of(other)
    if isinstance(network, IPv6Network) and isinstance(other, IPv6Network):
        return network.subnet_of(other)
    return False


def _annotations(resource: Resource) -> dict[str, str]:
    given = resource.inputs["metadata"].get("annotations") or {}
    return {k.removeprefix(PREFIX): v for k, v in given.items() if k.startswith(PREFIX)}

"""What the AWS Load Balancer Controller reads of an Ingress, before and after a change.

Source: the controller's guide to Ingress annotations, v3.5, and its target group builder.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from components.ingress.authentication import ANNOTATION
from tools.diff.comparison.change import Change
from tools.diff.consequences.cidrs import EVERYWHERE
from tools.preview.recording import COMPUTED, Resource

INGRESS = "kubernetes:networking.k8s.io/v1:Ingress"
SERVICE = "kubernetes:core/v1:Service"
CLASS = "kubernetes:networking.k8s.io/v1:IngressClass"
_BACKEND = {"target-type": "instance", "backend-protocol": "HTTP", "backend-protocol-version": ""}
"""Annotations that a target group can't change in place, with the controller's defaults."""


@dataclass(frozen=True)
class Ingress:
    """An Ingress of a plan."""

    resource: Resource
    services: Mapping[str, Mapping[str, str]]
    """Annotations of the plan's Services, by name."""
    classes: Mapping[str, str]
    """Controllers of the plan's IngressClasses, by name."""

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
        found: str | None = self.resource.inputs["spec"].get("ingressClassName")
        return found

    @property
    def controller(self) -> str | None:
        """Who serves the class, if the plan has it."""
        return self.classes.get(self.class_name or "")

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
    def certificate(self) -> str | None:
        """The ARN of a certificate that exists outside the stack: one of its own is unknown."""
        arn = self.annotations.get("certificate-arn")
        return None if arn == COMPUTED else arn

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
class IngressChange:
    """An Ingress before and after a change; one of both may be missing."""

    change: Change
    before: Ingress | None
    after: Ingress | None


def ingress_changes(changes: Sequence[Change]) -> list[IngressChange]:
    """Each Ingress that the change concerns. One under another name follows the one that ends."""
    old, new = (
        [each for each in found if each]
        for found in ([e.before for e in changes], [e.after for e in changes])
    )
    found = [each for each in changes if each.resource.type == INGRESS]
    gone = [each for each in found if each.operation == "delete"]
    result = []
    for change in (each for each in found if each.after):
        former = change.before or (gone.pop(0).before if gone else None)
        before, after = _read(former, old), _read(change.after, new)
        result.append(IngressChange(change, before, after))
    return [*result, *(IngressChange(each, _read(each.before, old), None) for each in gone)]


def _read(resource: Resource | None, plan: Sequence[Resource]) -> Ingress | None:
    if resource is None:
        return None
    services = {_name(each): _annotations(each) for each in plan if each.type == SERVICE}
    classes = {
        _name(each): each.inputs["spec"]["controller"] for each in plan if each.type == CLASS
    }
    return Ingress(resource, services, classes)


def _name(resource: Resource) -> str:
    found: str = resource.inputs["metadata"].get("name", resource.name)
    return found


def _annotations(resource: Resource) -> dict[str, str]:
    given = resource.inputs["metadata"].get("annotations") or {}
    return {k.removeprefix(ANNOTATION): v for k, v in given.items() if k.startswith(ANNOTATION)}

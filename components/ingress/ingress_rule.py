"""Where an Ingress sends requests, whoever serves it."""

from __future__ import annotations

import pulumi_kubernetes as k8s
from pulumi import Input

networking = k8s.networking.v1


def to_service(
    host: str | None, service: Input[str], port: int
) -> k8s.networking.v1.IngressRuleArgs:
    """Every path of `host`, or of any host, to a port of a Service."""
    backend = networking.IngressBackendArgs(
        service=networking.IngressServiceBackendArgs(
            name=service, port=networking.ServiceBackendPortArgs(number=port)
        )
    )
    path = networking.HTTPIngressPathArgs(path="/", path_type="Prefix", backend=backend)
    return networking.IngressRuleArgs(
        host=host, http=networking.HTTPIngressRuleValueArgs(paths=[path])
    )

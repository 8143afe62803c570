"""Where an Ingress sends requests, whoever serves it."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi_kubernetes as k8s
from pulumi import Input

networking = k8s.networking.v1


def to_service(
    host: str | None,
    service: Input[str],
    port: int,
    others: Mapping[str, Input[str]] | None = None,
) -> k8s.networking.v1.IngressRuleArgs:
    """Every path of `host`, or of any host, to a port of a Service.

    others: Services of the same port, by the path that they serve with all below it.
    """
    paths = [
        networking.HTTPIngressPathArgs(
            path=path,
            path_type="Prefix",
            backend=networking.IngressBackendArgs(
                service=networking.IngressServiceBackendArgs(
                    name=name, port=networking.ServiceBackendPortArgs(number=port)
                )
            ),
        )
        for path, name in {**(others or {}), "/": service}.items()
    ]
    return networking.IngressRuleArgs(
        host=host, http=networking.HTTPIngressRuleValueArgs(paths=paths)
    )

"""The namespace of everything that the program creates in the cluster."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s
from pulumi import Output, ResourceOptions

from components.kubernetes.names import name_of


@dataclass(frozen=True)
class PortalNamespaceArgs:
    name: str
    """Physical name: AWS's trust policies name the namespace."""
    labels: Mapping[str, str]
    """Besides the program's own, such as the one by which a load balancer's controller injects
    readiness gates into new pods."""


class PortalNamespace(pulumi.ComponentResource):
    """Creates a namespace that enforces Pod Security "restricted"."""

    name: Output[str]

    def __init__(
        self, name: str, args: PortalNamespaceArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("backstage:portal:PortalNamespace", name, None, opts)
        namespace = k8s.core.v1.Namespace(
            f"{name}-namespace",
            k8s.core.v1.NamespaceInitArgs(
                metadata=k8s.meta.v1.ObjectMetaArgs(
                    name=args.name,
                    labels={
                        "app.kubernetes.io/part-of": "backstage",
                        "app.kubernetes.io/managed-by": "pulumi",
                        **{
                            f"pod-security.kubernetes.io/{mode}": "restricted"
                            for mode in ("enforce", "audit", "warn")
                        },
                        **args.labels,
                    },
                )
            ),
            opts=ResourceOptions(parent=self),
        )
        self.name = name_of(namespace)
        self.register_outputs({"name": self.name})

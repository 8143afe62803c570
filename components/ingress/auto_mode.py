"""EKS Auto Mode's built-in load balancing."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s
from pulumi import ResourceOptions

from settings.keys import IngressSettings

API_GROUP = "eks.amazonaws.com"


@dataclass(frozen=True)
class AutoModeIngressClassArgs:
    settings: IngressSettings
    """`class_name` names both objects."""


class AutoModeIngressClass(pulumi.ComponentResource):
    """Creates the IngressClass of Auto Mode's controller, and its parameters.

    Source: EKS User Guide, "Create an IngressClass to configure an Application Load Balancer".
    """

    def __init__(
        self, name: str, args: AutoModeIngressClassArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("backstage:ingress:AutoModeIngressClass", name, None, opts)
        parameters = k8s.apiextensions.CustomResource(
            f"{name}-ingress-class-params",
            api_version=f"{API_GROUP}/v1",
            kind="IngressClassParams",
            metadata=k8s.meta.v1.ObjectMetaArgs(name=args.settings.class_name),
            spec={"scheme": args.settings.scheme},
            opts=ResourceOptions(parent=self),
        )
        k8s.networking.v1.IngressClass(
            f"{name}-ingress-class",
            k8s.networking.v1.IngressClassInitArgs(
                metadata=k8s.meta.v1.ObjectMetaArgs(name=args.settings.class_name),
                spec=k8s.networking.v1.IngressClassSpecArgs(
                    controller=f"{API_GROUP}/alb",
                    parameters=k8s.networking.v1.IngressClassParametersReferenceArgs(
                        api_group=API_GROUP,
                        kind="IngressClassParams",
                        name=args.settings.class_name,
                    ),
                ),
            ),
            opts=ResourceOptions(parent=self, depends_on=[parameters]),
        )
        self.register_outputs({})

"""The portal's Ingress without AWS, for whatever controller the cluster has."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s
from pulumi import ResourceOptions

from components.ingress.ingress_rule import to_service
from components.kubernetes.labels import LABELS
from components.portal.portal import PortalObjects


@dataclass(frozen=True)
class PlainIngressArgs:
    host: str | None
    """None: any."""
    port: int
    class_name: str
    objects: PortalObjects


class PlainIngress(pulumi.ComponentResource):
    """Creates an Ingress without annotations of any controller; it serves plain HTTP.

    Nothing waits for its address: not every controller writes one.
    """

    def __init__(
        self, name: str, args: PlainIngressArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("backstage:ingress:PlainIngress", name, None, opts)
        k8s.networking.v1.Ingress(
            f"{name}-ingress",
            k8s.networking.v1.IngressInitArgs(
                metadata=k8s.meta.v1.ObjectMetaArgs(
                    name="backstage",
                    namespace=args.objects.namespace,
                    labels=LABELS,
                    annotations={"pulumi.com/skipAwait": "true"},
                ),
                spec=k8s.networking.v1.IngressSpecArgs(
                    ingress_class_name=args.class_name,
                    rules=[to_service(args.host, args.objects.service, args.port)],
                ),
            ),
            opts=ResourceOptions(parent=self),
        )
        self.register_outputs({})

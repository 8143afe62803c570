"""The namespace of everything that the program creates in the cluster."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s
from pulumi import Output, ResourceOptions

from components.kubernetes.names import name_of

_POD_SECURITY = "pod-security.kubernetes.io"


@dataclass(frozen=True)
class PortalNamespaceArgs:
    name: str
    """Physical name: AWS's trust policies name the namespace."""
    labels: Mapping[str, str]
    """Besides the program's own, such as the one by which a load balancer's controller injects
    readiness gates into new pods."""
    create: bool = True
    """False: it exists, and is read only."""


class PortalNamespace(pulumi.ComponentResource):
    """Creates a namespace that enforces Pod Security "restricted", or reads one that exists.

    Warns in the preview of labels that an existing namespace lacks.
    """

    name: Output[str]

    def __init__(
        self, name: str, args: PortalNamespaceArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("backstage:portal:PortalNamespace", name, None, opts)
        if args.create:
            self.name = self._created(name, args)
        else:
            self._read(name, args)
            self.name = Output.from_input(args.name)
        self.register_outputs({"name": self.name})

    def _created(self, name: str, args: PortalNamespaceArgs) -> Output[str]:
        namespace = k8s.core.v1.Namespace(
            f"{name}-namespace",
            k8s.core.v1.NamespaceInitArgs(
                metadata=k8s.meta.v1.ObjectMetaArgs(
                    name=args.name,
                    labels={
                        "app.kubernetes.io/part-of": "backstage",
                        "app.kubernetes.io/managed-by": "pulumi",
                        **{
                            f"{_POD_SECURITY}/{mode}": "restricted"
                            for mode in ("enforce", "audit", "warn")
                        },
                        **args.labels,
                    },
                )
            ),
            opts=ResourceOptions(parent=self),
        )
        return name_of(namespace)

    def _read(self, name: str, args: PortalNamespaceArgs) -> None:
        # Under the URN of a created one. The engine then lets go of a namespace that this stack
        # created; were it merely left out, the engine would delete it with everything in it.
        namespace = k8s.core.v1.Namespace.get(
            f"{name}-namespace", args.name, opts=ResourceOptions(parent=self)
        )
        if pulumi.runtime.is_dry_run():
            namespace.metadata.apply(
                lambda found: _warn(args, (found.labels if found else None) or {})
            )


def _warn(args: PortalNamespaceArgs, labels: Mapping[str, str]) -> None:
    enforce = f"{_POD_SECURITY}/enforce"
    reasons = [
        (enforce, "restricted", enforce in labels, "All pods of the program meet that level."),
        *(
            (key, value, labels.get(key) == value, "Without it, rollouts fail requests.")
            for key, value in args.labels.items()
        ),
    ]
    for key, value, given, reason in reasons:
        if not given:
            pulumi.log.warn(
                f"Namespace {args.name} lacks the label {key}={value}. {reason} Fix: "
                f"kubectl label namespace {args.name} --overwrite {key}={value}"
            )

"""The portal's identity in the cluster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s
from pulumi import Input, Output, ResourceOptions

from components.kubernetes.labels import LABELS
from components.kubernetes.names import name_of
from components.kubernetes.pods import service_account
from components.kubernetes.rights import grant


@dataclass(frozen=True)
class PortalServiceAccountArgs:
    namespace: Input[str]
    name: str
    """Physical name: AWS's trust policies name the service account."""
    annotations: Mapping[str, Input[str]]
    readable: Mapping[str, Sequence[str]]
    """Resources by API group that the portal may read."""
    namespaces: Sequence[str]
    """Where; empty: in every namespace."""


class PortalServiceAccount(pulumi.ComponentResource):
    """Creates the service account and, if it may read anything, a ClusterRole and its binding, or a
    Role and its binding in each of `namespaces`. Tokens are mounted only where a pod opts in.
    """

    name: Output[str]

    def __init__(
        self, name: str, args: PortalServiceAccountArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("backstage:portal:PortalServiceAccount", name, None, opts)
        account = service_account(
            f"{name}-service-account",
            k8s.meta.v1.ObjectMetaArgs(
                name=args.name,
                namespace=args.namespace,
                labels=LABELS,
                annotations=args.annotations or None,
            ),
            ResourceOptions(parent=self),
        )
        self.name = name_of(account)
        rules = [
            k8s.rbac.v1.PolicyRuleArgs(
                api_groups=[group], resources=resources, verbs=["get", "list", "watch"]
            )
            for group, resources in args.readable.items()
        ]
        subject = k8s.rbac.v1.SubjectArgs(
            kind="ServiceAccount", name=self.name, namespace=args.namespace
        )
        # After the account: its namespace may be one of them.
        child = ResourceOptions(parent=self, depends_on=[account])
        plugin = f"{name}-kubernetes-plugin"
        if rules and not args.namespaces:
            grant(plugin, None, rules, subject, child)
        for namespace in args.namespaces if rules else ():
            grant(f"{plugin}-{namespace}", namespace, rules, subject, child)
        self.register_outputs({"name": self.name})

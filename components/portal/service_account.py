"""The portal's identity in the cluster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s
from pulumi import Input, Output, ResourceOptions

from components.kubernetes.labels import LABELS
from components.kubernetes.names import name_of


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
        account = k8s.core.v1.ServiceAccount(
            f"{name}-service-account",
            k8s.core.v1.ServiceAccountInitArgs(
                metadata=k8s.meta.v1.ObjectMetaArgs(
                    name=args.name,
                    namespace=args.namespace,
                    labels=LABELS,
                    annotations=args.annotations or None,
                ),
                automount_service_account_token=False,
            ),
            opts=ResourceOptions(parent=self),
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
        if rules and not args.namespaces:
            _read_everywhere(f"{name}-kubernetes-plugin", rules, subject, child)
        for namespace in args.namespaces if rules else ():
            _read_in(namespace, f"{name}-kubernetes-plugin-{namespace}", rules, subject, child)
        self.register_outputs({"name": self.name})


Rules = Sequence[k8s.rbac.v1.PolicyRuleArgs]


def _read_everywhere(
    name: str, rules: Rules, subject: k8s.rbac.v1.SubjectArgs, opts: ResourceOptions
) -> None:
    metadata = k8s.meta.v1.ObjectMetaArgs(labels=LABELS)
    role = k8s.rbac.v1.ClusterRole(
        name, k8s.rbac.v1.ClusterRoleInitArgs(metadata=metadata, rules=rules), opts=opts
    )
    binding = k8s.rbac.v1.ClusterRoleBindingInitArgs(
        metadata=metadata, role_ref=_reference("ClusterRole", role), subjects=[subject]
    )
    k8s.rbac.v1.ClusterRoleBinding(name, binding, opts=opts)


def _read_in(
    namespace: str,
    name: str,
    rules: Rules,
    subject: k8s.rbac.v1.SubjectArgs,
    opts: ResourceOptions,
) -> None:
    metadata = k8s.meta.v1.ObjectMetaArgs(namespace=namespace, labels=LABELS)
    role = k8s.rbac.v1.Role(
        name, k8s.rbac.v1.RoleInitArgs(metadata=metadata, rules=rules), opts=opts
    )
    binding = k8s.rbac.v1.RoleBindingInitArgs(
        metadata=metadata, role_ref=_reference("Role", role), subjects=[subject]
    )
    k8s.rbac.v1.RoleBinding(name, binding, opts=opts)


def _reference(
    kind: str, role: k8s.rbac.v1.ClusterRole | k8s.rbac.v1.Role
) -> k8s.rbac.v1.RoleRefArgs:
    return k8s.rbac.v1.RoleRefArgs(
        api_group="rbac.authorization.k8s.io", kind=kind, name=name_of(role)
    )

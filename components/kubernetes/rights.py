"""Rights of a subject, in one namespace or in all."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi_kubernetes as k8s
from pulumi import Input, ResourceOptions

from components.kubernetes.labels import LABELS
from components.kubernetes.names import name_of

rbac = k8s.rbac.v1


def grant(
    name: str,
    namespace: Input[str] | None,
    rules: Sequence[k8s.rbac.v1.PolicyRuleArgs],
    subject: k8s.rbac.v1.SubjectArgs,
    opts: ResourceOptions,
) -> None:
    """Creates a Role and its binding; without a namespace, a ClusterRole and its binding."""
    metadata = k8s.meta.v1.ObjectMetaArgs(namespace=namespace, labels=LABELS)
    if namespace is None:
        cluster_role = rbac.ClusterRole(
            name, rbac.ClusterRoleInitArgs(metadata=metadata, rules=rules), opts=opts
        )
        rbac.ClusterRoleBinding(
            name,
            rbac.ClusterRoleBindingInitArgs(
                metadata=metadata,
                role_ref=_reference("ClusterRole", cluster_role),
                subjects=[subject],
            ),
            opts=opts,
        )
        return
    role = rbac.Role(name, rbac.RoleInitArgs(metadata=metadata, rules=rules), opts=opts)
    rbac.RoleBinding(
        name,
        rbac.RoleBindingInitArgs(
            metadata=metadata, role_ref=_reference("Role", role), subjects=[subject]
        ),
        opts=opts,
    )


def _reference(
    kind: str, role: k8s.rbac.v1.ClusterRole | k8s.rbac.v1.Role
) -> k8s.rbac.v1.RoleRefArgs:
    return rbac.RoleRefArgs(api_group="rbac.authorization.k8s.io", kind=kind, name=name_of(role))

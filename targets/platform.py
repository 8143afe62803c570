"""What every target provides to the portal."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi
import pulumi_kubernetes as k8s
from pulumi import Input, Output, ResourceOptions

from components.database.database import DatabaseConnection
from components.kubernetes.network import Peers
from components.portal.portal import PortalObjects

NAME = "backstage"  # logical name of every component, and name of the service account

Outputs = Mapping[str, Input[str] | Mapping[str, Any] | None]
"""Stack outputs; None: not of this stack."""


@dataclass(frozen=True)
class Exposure:
    """How the portal is reached."""

    before_pods: Sequence[pulumi.Resource] = ()
    """Resources that must exist before the pods are created."""
    variables: Mapping[str, Input[str]] = field(default_factory=dict)
    """Of the portal's pods, known once it is reached."""
    outputs: Outputs = field(default_factory=dict)


@dataclass(frozen=True)
class Identity:
    """The AWS role of a service account, or nothing."""

    annotations: Mapping[str, Output[str]] = field(default_factory=dict)
    """Of the service account."""
    before_pods: Sequence[pulumi.Resource] = ()
    """Resources that must exist before the pods are created, when credentials are injected."""
    egress: Sequence[k8s.networking.v1.NetworkPolicyEgressRuleArgs] = ()
    """Connections by which the pods get their credentials."""


@dataclass(frozen=True)
class Database:
    """A database that was created, and the rights of those who log in."""

    connection: DatabaseConnection
    outputs: Outputs = field(default_factory=dict)
    before_pods: Sequence[pulumi.Resource] = ()
    """Rights of the portal's pods, besides `Platform.identity`."""
    role: Identity = field(default_factory=Identity)
    """Of the Jobs that log in as the administrator."""
    migrations: Identity = field(default_factory=Identity)
    """Of the migrations' Job."""


@dataclass(frozen=True)
class Platform:
    """What is ready before the portal's first object, and the two parts that need one."""

    opts: ResourceOptions
    """With the explicit providers, for every component."""
    url: str
    """The portal's address as browsers see it."""
    ecr: bool
    """Whether images are pushed to ECR."""
    clients: Peers
    """Peers that may connect to the portal's port."""
    database: Callable[[Output[str]], Database]
    """Creates the database; takes the portal's namespace."""
    expose: Callable[[PortalObjects], Exposure]
    """Creates the Ingress, if there is one."""
    variables: Mapping[str, Input[str]]
    """Of the portal's pods."""
    egress: Sequence[k8s.networking.v1.NetworkPolicyEgressRuleArgs] = ()
    """Connections that the portal's pods may open, besides DNS, the database and HTTPS."""
    resolver: Input[Sequence[str]] = ()
    """Networks of the cluster's DNS resolver, if they aren't those of its pods."""
    kms_key_arn: str | None = None
    """Key of the image repository; None: AWS's own."""
    namespace_labels: Mapping[str, str] = field(default_factory=dict)
    identity: Identity = field(default_factory=Identity)
    outputs: Outputs = field(default_factory=dict)

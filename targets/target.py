"""The interface between the portal and where it runs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

import pulumi
import pulumi_kubernetes as k8s
from pulumi import Input, Output, ResourceOptions

from components.database import DatabaseConnection
from components.portal import PortalObjects

NAME = "backstage"  # logical name of every component, and of the service account


class Target(ABC):
    """Providers, database and way in of a stack.

    The constructor creates what needs no namespace; `database` and `ingress` are called once each.
    """

    opts: ResourceOptions
    """With the explicit providers, for every component."""
    namespace_labels: Mapping[str, str]
    sources: Input[Sequence[k8s.networking.v1.NetworkPolicyPeerArgs]]
    """From where the portal's port may be reached."""
    service_account_annotations: Mapping[str, Output[str]]
    techdocs_bucket: Output[str] | None
    credentials: Sequence[pulumi.Resource]
    """What has to exist before a pod, to be injected into it."""

    @abstractmethod
    def database(self, namespace: Output[str]) -> DatabaseConnection:
        """Creates the database."""

    @abstractmethod
    def ingress(self, objects: PortalObjects) -> Sequence[pulumi.Resource]:
        """Creates the way in; returns what has to exist before the pods."""

    @abstractmethod
    def outputs(self) -> dict[str, Input[str] | None]:
        """Stack outputs of this target; None where one doesn't apply."""

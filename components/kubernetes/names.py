"""Names that Kubernetes or Pulumi gives an object."""

from __future__ import annotations

from typing import Protocol

from pulumi import Output
from pulumi_kubernetes.meta.v1.outputs import ObjectMeta


class _Named(Protocol):
    @property
    def metadata(self) -> Output[ObjectMeta]: ...


def name_of(resource: _Named) -> Output[str]:
    """The object's physical name, known once the object exists: what uses it waits for it."""
    return resource.metadata.apply(lambda metadata: metadata.name)

"""Names that Kubernetes or Pulumi gives an object."""

from __future__ import annotations

import hashlib
import json
from typing import Protocol

import pulumi_kubernetes as k8s
from pulumi import Output
from pulumi_kubernetes.meta.v1.outputs import ObjectMeta


class _Named(Protocol):
    @property
    def metadata(self) -> Output[ObjectMeta]: ...


def name_of(resource: _Named) -> Output[str]:
    """The object's physical name, known once the object exists: what uses it waits for it."""
    return resource.metadata.apply(lambda metadata: metadata.name)


def custom_name(resource: k8s.apiextensions.CustomResource) -> Output[str]:
    """The same of a custom resource, whose metadata the SDK gives as a plain dictionary."""
    return resource.metadata.apply(lambda metadata: str(metadata["name"]))


def digested(name: str, content: object) -> str:
    """The name with a digest of the content, so that another content is another object."""
    text = json.dumps(content, sort_keys=True)
    return f"{name}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"

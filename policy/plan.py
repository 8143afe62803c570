"""Resources of a plan, as rules see them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from policy.node import UNKNOWN, Node
from policy.tokens import canonical


@dataclass(frozen=True)
class Resource:
    urn: str
    token: str
    """Type token, as the program has it"""
    name: str
    """Logical name"""
    inputs: Node
    """In the engine's camelCase, secrets as plain values"""
    dependencies: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """URNs that a property is computed from"""

    @property
    def type(self) -> str:
        """Type token, such as `aws:rds/cluster:Cluster`; the same for all that the resource has"""
        return canonical(self.token)

    @property
    def stack(self) -> str:
        return self.urn.split(":")[2]

    @property
    def project(self) -> str:
        return self.urn.split("::")[1]


class Plan:
    """All resources of a stack."""

    def __init__(self, resources: Iterable[Resource]) -> None:
        self.resources = tuple(resources)
        self._by_type: dict[str, list[Resource]] = {}
        for resource in self.resources:
            self._by_type.setdefault(resource.type, []).append(resource)

    def of(self, *types: str) -> list[Resource]:
        """Resources of these type tokens."""
        return [resource for type_ in types for resource in self._by_type.get(type_, ())]

    def referring(
        self, resource: Resource, type_: str, property_: str, name: str = "name"
    ) -> Iterator[Resource]:
        """Resources of a type whose `property_` is computed from a resource, or is its name.

        name: the resource's own property with its name.
        """
        own = resource.inputs.at(name).raw
        for other in self.of(type_):
            named = other.inputs.at(property_).raw
            same_name = own is not None and own is not UNKNOWN and named == own
            if same_name or resource.urn in other.dependencies.get(property_, ()):
                yield other

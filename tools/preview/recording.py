"""What one run of a program did: its resources, look-ups, outputs and messages."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pulumi.runtime import rpc

COMPUTED = "<computed>"
SECRET = "[secret]"  # noqa: S105
STACK_TYPE = "pulumi:pulumi:Stack"
_SIGNATURE = "4dabf18193072939515e22adb298388d"
_SECRET_SIGNATURE = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105


@dataclass(frozen=True)
class Resource:
    """A resource as the engine would record it."""

    urn: str
    type: str
    name: str
    parent: str
    custom: bool
    raw_inputs: dict[str, Any]
    dependencies: list[str]
    property_dependencies: dict[str, list[str]]
    protect: bool
    provider: str
    ignore_changes: list[str]
    replace_on_changes: list[str] = field(default_factory=list)
    retain_on_delete: bool = False
    replacement_trigger: Any = None
    """A value whose change replaces it."""
    replace_with: list[str] = field(default_factory=list)
    """URNs of the resources whose replacement replaces it."""
    aliases: list[dict[str, Any]] = field(default_factory=list)
    """Each a `urn`, or a `spec` of what of the URN was different."""

    @property
    def inputs(self) -> dict[str, Any]:
        """The inputs, with `<computed>` for what is unknown and `[secret]` for a secret."""
        masked: dict[str, Any] = masked_value(self.raw_inputs)
        return masked


@dataclass
class Recording:
    """What one run of the program did."""

    resources: dict[str, Resource] = field(default_factory=dict)
    look_ups: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    """Token and arguments of each, in the order of the calls."""
    reads: list[tuple[str, str]] = field(default_factory=list)
    """Type and id of each resource that exists outside the stack."""
    read_urns: list[str] = field(default_factory=list)
    """The same resources' URNs."""
    outputs: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def urn_of(stack: str, project: str, parent: str, type_: str, name: str) -> str:
    """With the whole chain of parent types and without the stack's, as the engine builds it.

    parent: a URN; empty for the stack itself.
    """
    chain = parent.split("::")[2] if parent else STACK_TYPE
    qualified = type_ if chain == STACK_TYPE else f"{chain}${type_}"
    return f"urn:pulumi:{stack}::{project}::{qualified}::{name}"


def masked_value(value: Any) -> Any:
    """A value with `<computed>` for what is unknown and `[secret]` for a secret."""
    if is_secret(value):
        return SECRET
    if isinstance(value, dict):
        return {key: masked_value(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [masked_value(entry) for entry in value]
    return COMPUTED if value == rpc.UNKNOWN else value


def secret(value: Any) -> dict[str, Any]:
    """A raw value, wrapped as a secret."""
    return {_SIGNATURE: _SECRET_SIGNATURE, "value": value}


def is_secret(value: Any) -> bool:
    """Whether a raw value is wrapped as a secret; what it wraps is its `value`."""
    return isinstance(value, dict) and value.get(_SIGNATURE) == _SECRET_SIGNATURE

"""The stack's own DNS record of the portal, which names the load balancer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tools.diff.comparison.change import Change
from tools.diff.consequences.risk import Risk
from tools.preview.recording import Resource

RECORD = "aws:route53/record:Record"


@dataclass(frozen=True)
class Records:
    """Host names of the stack's records that name its load balancer."""

    before: tuple[str, ...]
    after: tuple[str, ...]
    deleted: tuple[str, ...]
    """Those of `before` that no longer resolve."""

    @property
    def kept(self) -> bool:
        """Whether a record that exists stays, or follows its replacement."""
        return bool(self.before and self.after)


def records(changes: Sequence[Change]) -> Records:
    """The stack's records before and after a change."""
    after = tuple(name for each in changes for name in _names(each.after))
    return Records(
        before=tuple(name for each in changes for name in _names(each.before)),
        after=after,
        deleted=tuple(
            name
            for each in changes
            if each.ends and each.before and not each.before.retain_on_delete
            for name in _names(each.before)
            if name not in after
        ),
    )


def deleted_records(changes: Sequence[Change]) -> list[Risk]:
    """A risk for each record that ends, if the stack has none of the portal afterwards."""
    found = records(changes)
    return [
        Risk(
            f"THE DNS RECORD OF {host} IS DELETED",
            [
                "Why: the stack has no DNS record any more (hostedZoneName).",
                f"{host} no longer resolves, so nobody reaches the portal.",
                f"To keep the record, take it out of the state before the update: `pulumi state "
                f"delete --stack {stack_of(change.resource)} '{change.resource.urn}'`. From then "
                "on it's yours: point it at the output loadBalancerHostname whenever that changes.",
            ],
            "traffic",
        )
        for change in changes
        for host in _names(change.before)
        if host in found.deleted and not found.after
    ]


def stack_of(resource: Resource) -> str:
    """The stack's name."""
    return resource.urn.removeprefix("urn:pulumi:").partition("::")[0]


def _names(resource: Resource | None) -> list[str]:
    if resource is None or resource.type != RECORD or "aliases" not in resource.inputs:
        return []
    return [resource.inputs["name"]]

"""Who may reach the pods and the database's network after a change that couldn't before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tools.diff.comparison.change import Change
from tools.diff.consequences.cidrs import beyond
from tools.diff.consequences.risk import Risk
from tools.preview.recording import COMPUTED, Resource

POLICY = "kubernetes:networking.k8s.io/v1:NetworkPolicy"
RULE = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
GROUP = "aws:ec2/securityGroup:SecurityGroup"


def network_exposures(changes: Sequence[Change]) -> Iterator[Risk]:
    """Pods left without a NetworkPolicy, and further sources of a security group."""
    yield from _unguarded(changes)
    # With the group itself all its rules are new.
    groups = {e.resource.urn for e in changes if e.before and e.after and e.resource.type == GROUP}
    yield from _further_sources([each for each in changes if groups & _groups(each.resource)])


def _groups(rule: Resource) -> set[str]:
    """URNs of the stack's security groups that a rule belongs to; empty for anything else."""
    if rule.type != RULE:
        return set()
    return set(rule.property_dependencies.get("securityGroupId", []))


def _unguarded(changes: Sequence[Change]) -> Iterator[Risk]:
    after = [each.after for each in changes if each.after]
    labels = [found for each in after if (found := _pod_labels(each))]
    guards = [_selector(each) for each in after if each.type == POLICY]
    names = sorted(
        each.resource.name
        for each in changes
        if each.operation == "delete" and each.resource.type == POLICY
        for selector in [_selector(each.resource)]
        if selector not in guards and any(selector.items() <= pod.items() for pod in labels)
    )
    if names:
        yield Risk(
            "EVERY POD OF THE CLUSTER REACHES THE PORTAL'S PODS",
            [
                f"Deleted: {', '.join(names)} (networkPolicy).",
                "The pods that they guarded also connect to anywhere.",
            ],
            "exposure",
        )


def _pod_labels(resource: Resource) -> Mapping[str, str]:
    """Labels of a workload's pods; empty for anything else."""
    spec = resource.inputs.get("spec")
    template = spec.get("template") if isinstance(spec, dict) else None
    found: Mapping[str, str] = {}
    if isinstance(template, dict):
        found = template.get("metadata", {}).get("labels") or {}
    return found


def _selector(policy: Resource) -> dict[str, str]:
    found: dict[str, str] = policy.inputs["spec"].get("podSelector", {}).get("matchLabels") or {}
    return found


def _further_sources(rules: Sequence[Change]) -> Iterator[Risk]:
    former = [source for each in rules if each.before for source in _sources(each.before.inputs)]
    now = [source for each in rules if each.after for source in _sources(each.after.inputs)]
    if more := beyond(now, former):
        yield Risk(
            "MORE NETWORKS REACH THE DATABASE",
            [
                f"It now accepts connections from {', '.join(more)} (databaseAllowedCidrs, "
                "databaseAllowedSecurityGroupIds).",
                f"Before: {', '.join(former)}.",
            ],
            "exposure",
        )


def _sources(inputs: Mapping[str, Any]) -> Iterator[str]:
    """Networks and security groups that a rule admits."""
    for name in ("cidrIpv4", "cidrIpv6", "referencedSecurityGroupId"):
        if (source := inputs.get(name)) and source != COMPUTED:
            yield source

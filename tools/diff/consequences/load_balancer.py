"""When the AWS Load Balancer Controller replaces a load balancer or a target group, and what users
notice. The engine replaces nothing then: to it, an annotation changes.

Source: the controller's guide to Ingress annotations (v3.5: scheme, group.name, load-balancer-name)
and its synthesizers of load balancers and target groups. Address type, subnets and security groups
change in place.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tools.diff.comparison.change import Change
from tools.diff.consequences.dns import Records, records
from tools.diff.consequences.ingress import Ingress, IngressChange, ingress_changes
from tools.diff.consequences.risk import Note, Risk, why

LATER = "Once it exists, run `pulumi up --refresh`: the update itself doesn't wait for the name."


def replaced_load_balancers(changes: Sequence[Change]) -> list[Risk]:
    """A risk for each Ingress that gets another load balancer, or none, or another target group."""
    dns = records(changes)
    return [
        Risk(headline, details, "traffic")
        for pair in ingress_changes(changes)
        for headline, details in _of(pair, dns)
    ]


def kept_settings(changes: Sequence[Change]) -> Iterator[Note]:
    """Annotations whose change the controller doesn't apply to a load balancer that exists."""
    for pair in ingress_changes(changes):
        before, after = pair.before, pair.after
        if not (before and after) or any(_reasons(pair)):
            continue
        names = [each.annotations.get("load-balancer-name") for each in (before, after)]
        if names[0] != names[1]:
            text = "keeps its name: load-balancer-name counts only when one is created."
            yield Note("Load balancer", text)
        if acl := _removed_acl(before, after):
            yield Note(
                "Load balancer",
                f"keeps the web ACL {acl}: the controller removes none. To remove it, run "
                "aws wafv2 disassociate-web-acl --resource-arn LOAD_BALANCER_ARN.",
            )


def _of(pair: IngressChange, dns: Records) -> Iterator[tuple[str, list[str]]]:
    before, after = pair.before, pair.after
    if before is None:
        return
    name = before.resource.name
    if after is None:
        details = ["Nobody reaches the portal through it."]
        if before.managed:
            shared = f"It leaves the load balancer of the group {before.group}."
            details.append(shared if before.group else "Its load balancer is deleted too.")
        yield f"The Ingress {name} is deleted", details
    elif not (before.managed and after.managed):
        if before.managed:
            ends = "The Ingress is no longer meant for the AWS Load Balancer Controller."
            yield f"The load balancer of {name} is deleted", [ends]
    elif reasons := list(_reasons(pair)):
        may = "may be" if reasons == list(_other_class(before, after)) else "is"
        follows = _consequences(pair, before, after, dns)
        yield f"The load balancer of {name} {may} replaced", [*reasons, *follows]
    elif causes := list(_of_target_groups(before, after)):
        yield (
            f"A target group of {name} is replaced",
            [
                *causes,
                "The load balancer switches to the new one before pods are registered in it: "
                "requests get 503 until then.",
            ],
        )


def _reasons(pair: IngressChange) -> Iterator[str]:
    """Why the load balancer is another one."""
    before, after = pair.before, pair.after
    if not (before and after):
        return
    if before.group != after.group:
        groups = f"{before.group or 'none'} -> {after.group or 'none'}"
        yield f"Why: group.name: {groups} (ingressGroup)."
    if before.scheme != after.scheme:
        yield (
            f"Why: scheme: {before.scheme} -> {after.scheme} (ingressScheme), which AWS can't "
            "change in place."
        )
    # A group's load balancer is the cluster's, whichever namespaces its Ingresses are in.
    if pair.change.ends and (pair.change.provider or not (before.group and after.group)):
        yield from why(pair.change)
    yield from _other_class(before, after)


def _other_class(before: Ingress, after: Ingress) -> Iterator[str]:
    """Why another controller may serve the Ingress, with a load balancer of its own."""
    if before.class_name != after.class_name and before.controller == after.controller is not None:
        return
    if before.class_name != after.class_name:
        yield (
            f"Why: spec.ingressClassName: {before.class_name} -> {after.class_name}, which another "
            "controller may serve, with a load balancer of its own."
        )
    elif before.controller != after.controller:
        old, new = (each.controller or "not of this stack" for each in (before, after))
        yield (
            f"Why: the controller of the class {after.class_name}: {old} -> {new} "
            "(loadBalancerController). Each controller has load balancers of its own."
        )


def _consequences(
    pair: IngressChange, before: Ingress, after: Ingress, dns: Records
) -> Iterator[str]:
    if pair.change.ends:
        yield from _replaced(pair.change, after, dns)
        return
    if before.group != after.group:
        yield _moved(before, after)
    elif before.scheme != after.scheme:
        yield "The controller deletes the old one first: the portal is down in between."
        if after.group:
            yield (
                f"Every Ingress of the group {after.group} has to name the same scheme, or the "
                "controller refuses them all."
            )
    yield f"It has a new DNS name. {LATER}"
    new = "" if dns.kept else "new "
    late = f"The stack's {new}DNS record names the old one until then."
    yield late if dns.after else f"{_follow(after)}."
    if after.sign_in:
        yield (
            "The portal refuses every sign-in until then: it trusts the old load balancer "
            "(docs/load-balancer-sign-in.md)."
        )
    if _removed_acl(before, after):
        yield "The new one has no web ACL (wafAclArn)."


def _replaced(change: Change, after: Ingress, dns: Records) -> Iterator[str]:
    """Of an Ingress that the engine replaces: its creation waits for the load balancer's name."""
    if change.deleted_first:
        yield "The old one is deleted first: the portal is down until users resolve the new name."
        before = ""
    else:
        yield "The new one is created first; the old one is deleted at the end of this update."
        before = " before the old one is deleted"
    if dns.kept:
        yield "The stack's DNS record follows in the same update."
    elif dns.after:
        yield "The stack's new DNS record names the new one."
    else:
        yield f"It has a new DNS name. {_follow(after)}{before}."


def _removed_acl(before: Ingress, after: Ingress) -> str | None:
    """The web ACL that the Ingress no longer names."""
    old, new = (each.annotations.get("wafv2-acl-arn") for each in (before, after))
    return None if new else old


def _moved(before: Ingress, after: Ingress) -> str:
    """From one load balancer to another, which Ingresses of a group share."""
    last = "the portal's own is deleted"
    if before.group:
        last = f"that of the group {before.group} is deleted if no other Ingress uses it"
    if after.group:
        return f"The portal moves to that of the group {after.group}, created if missing; {last}."
    return f"The portal gets one of its own; {last}."


def _follow(ingress: Ingress) -> str:
    return (
        f"If you manage the DNS record of {ingress.label}, point it at the output "
        "loadBalancerHostname"
    )


def _of_target_groups(before: Ingress, after: Ingress) -> Iterator[str]:
    """What of the target groups of the paths that stay can't change in place."""
    former = before.target_groups
    for path, now in after.target_groups.items():
        then = former.get(path, now)
        for name, value in now.items():
            if then[name] != value:
                yield f"Why: {name} of {path}: {then[name] or 'none'} -> {value or 'none'}."

"""Who may reach the portal after a change that couldn't before."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from tools.diff.comparison.change import Change, of_new_stack
from tools.diff.consequences.cidrs import EVERYWHERE, beyond
from tools.diff.consequences.dns import Records, records, stack_of
from tools.diff.consequences.ingress import Ingress, IngressChange, ingress_changes
from tools.diff.consequences.network import network_exposures
from tools.diff.consequences.risk import Note, Risk

NO_SIGN_IN = "No sign-in at the load balancer: the portal's own is the only one."
CALLBACKS = "signInCallbackUrls"
"""The stack's output of redirect URIs, if it has a provider with a client."""


def exposures(changes: Sequence[Change]) -> list[Risk]:
    """What a change opens: by an Ingress, then by the network. A new stack opens nothing."""
    if of_new_stack(changes):
        return []
    found = [
        Risk(headline, details, "exposure")
        for pair in ingress_changes(changes)
        for headline, details in _of(pair)
    ]
    return [*found, *network_exposures(changes)]


def narrowed(changes: Sequence[Change], outputs: Collection[str]) -> Iterator[Note]:
    """Networks from which the load balancer accepts nothing more, and hosts it no longer serves.

    outputs: names of the stack's outputs after the change.
    """
    dns = records(changes)
    for pair in ingress_changes(changes):
        before, after = pair.before, pair.after
        if not (before and after):
            continue
        same = before.scheme == after.scheme
        if after.managed and same and beyond(before.cidrs, after.cidrs):
            now, then = _listed(after.cidrs, after), _listed(before.cidrs, before)
            yield Note("Load balancer", f"accepts requests from {now} only; before, from {then}.")
        if gone := [each for each in before.hosts if each not in after.hosts]:
            said = _other_host(after.label, gone, dns)
            if before.certificate and before.certificate == after.certificate:
                said += (
                    f" certificateArn stays: `make doctor STACK={stack_of(after.resource)}` says "
                    f"whether it covers {after.label}."
                )
            if CALLBACKS in outputs:
                said += f" Register the output {CALLBACKS} at the sign-in provider."
            yield Note("Ingress", said)


def _other_host(label: str, gone: Sequence[str], dns: Records) -> str:
    lost = "which gets 404"
    if all(each in dns.deleted for each in gone):
        lost = "whose DNS record is deleted: it no longer resolves"
    point = "" if dns.after else f" Point the DNS record of {label} at it."
    return f"serves {label} instead of {', '.join(gone)}, {lost}.{point}"


def _of(pair: IngressChange) -> Iterator[tuple[str, list[str]]]:
    before, after = pair.before, pair.after
    if after is None or not after.managed:
        return
    was_public = before is not None and before.public
    if after.public and not was_public:
        signs = f"The load balancer signs users in ({after.sign_in})."
        yield (
            f"THE PORTAL BECOMES PUBLIC: {after.label}",
            [
                "Why: its load balancer becomes internet-facing (ingressScheme).",
                f"It accepts requests from {_listed(after.cidrs, after)}.",
                signs if after.sign_in else NO_SIGN_IN,
            ],
        )
    if before is None:
        return
    if before.sign_in and not after.sign_in:
        where = _listed(after.cidrs, after)
        yield (
            f"SIGN-IN AT THE LOAD BALANCER ENDS: {after.label}",
            [
                f"Why: ingressAuthentication {before.sign_in} ends.",
                NO_SIGN_IN,
                f"Requests without a session reach the pods, from {where}.",
            ],
        )
    opened = [each for each in after.open_paths if each not in before.open_paths]
    if before.sign_in and after.sign_in and opened:
        yield (
            f"PATHS NO LONGER NEED SIGN-IN AT THE LOAD BALANCER: {', '.join(opened)}",
            ["Only the portal's own token check protects them (docs/load-balancer-sign-in.md)."],
        )
    more = beyond(after.cidrs, before.cidrs)
    if more and before.scheme == after.scheme:
        yield (
            f"MORE NETWORKS REACH THE LOAD BALANCER: {after.label}",
            [
                f"It now accepts requests from {_listed(more, after)} (ingressInboundCidrs).",
                f"Before: {_listed(before.cidrs, before)}.",
            ],
        )
    if before.tls and not after.tls:
        yield (
            f"THE PORTAL IS SERVED WITHOUT TLS: {after.label}",
            ["Sessions and tokens cross the network unencrypted (allowHttp)."],
        )


def _listed(cidrs: Sequence[str], ingress: Ingress) -> str:
    if EVERYWHERE not in cidrs:
        return ", ".join(cidrs)
    where = "anyone on the Internet" if ingress.public else "every network with a route to it"
    return f"{where} ({EVERYWHERE})"

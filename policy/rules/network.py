"""Who may open a connection to what: NetworkPolicies, security groups, Services.

Controls: AWS Security Hub's user guide, November 2026; CIS Kubernetes Benchmark 1.8.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address, ip_network

from policy.kubernetes import NETWORK_POLICY, SERVICE, WORKLOADS, selecting
from policy.networks import internet
from policy.node import Node
from policy.plan import Plan, Resource
from policy.rule import each, rule, some

INGRESS_RULE = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
GROUP = "aws:ec2/securityGroup:SecurityGroup"
DEFAULT_GROUP = "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup"
GROUP_RULE = "aws:ec2/securityGroupRule:SecurityGroupRule"
METADATA = tuple(ip_address(text) for text in ("169.254.169.254", "fd00:ec2::254"))
_PROTOCOLS = {"": "every protocol", "-1": "every protocol", "all": "every protocol", "6": "tcp",
              "17": "udp"}  # fmt: skip
_PUBLIC_PORTS = ({80}, {443})  # EC2.18's default


@rule(
    "network-policy",
    *WORKLOADS,
    controls=("CIS K8s 5.3.2",),
    whole=True,
    what="NetworkPolicies limit who reaches a pod, and what it reaches",
    fix="a NetworkPolicy that selects the pods, with policyTypes [Ingress, Egress]; in this "
    "project networkPolicy: true",
)
def selected(resource: Resource, plan: Plan) -> Iterator[str]:
    missing = ["Ingress", "Egress"]
    for policy in selecting(resource, plan, NETWORK_POLICY):
        spec = policy.inputs.at("spec")
        given = [item.text for item in spec.at("policyTypes").items]
        # Kubernetes' default
        directions = given or ["Ingress", *(["Egress"] if spec.at("egress").items else [])]
        missing = [direction for direction in missing if direction not in directions]
        if not missing:
            return
    yield f"no NetworkPolicy limits its {' and '.join(missing).lower()}"


@rule(
    "network-policy-peers",
    NETWORK_POLICY,
    what="a NetworkPolicy names peers and ports",
    fix="from or to, and ports",
)
def peers(resource: Resource, _: Plan) -> Iterator[str]:
    def check(entry: Node) -> str | None:
        inbound = ".ingress" in entry.path
        side = "from" if inbound else "to"
        given, ports = entry.at(side).items, entry.at("ports").items
        missing = [side] if not given or (inbound and some(given, _is_internet)) else []
        missing += ["ports"] if not ports or some(ports, _unlimited) else []
        return f"{entry.path} names no {' and no '.join(missing)}" if missing else None

    spec = resource.inputs.at("spec")
    yield from each([*spec.at("ingress").items, *spec.at("egress").items], check)


def _is_internet(peer: Node) -> bool:
    block = peer.at("ipBlock", "cidr").text
    return bool(block) and internet(block)


def _unlimited(port: Node) -> bool:
    """Whether an entry is any port, or more than half of all."""
    first = port.at("port")
    return first.raw is None or (port.at("endPort").number or 0) - (first.number or 0) > 0x7FFF


def _reaches(port: Node, wanted: int) -> bool:
    """Whether an entry is a TCP port, by itself or in a range."""
    first, last = port.at("port").number, port.at("endPort").number
    within = first is not None and first <= wanted <= (last or first)
    return port.at("protocol").text in ("", "TCP") and (port.at("port").raw is None or within)


@rule(
    "network-metadata",
    NETWORK_POLICY,
    severity="high",
    what="pods can't ask the node's metadata service for its credentials",
    fix="ipBlock.except: [169.254.0.0/16], and for IPv6 [fd00:ec2::/32]",
)
def metadata(resource: Resource, _: Plan) -> Iterator[str]:
    def check(peer: Node) -> str | None:
        block = peer.at("ipBlock")
        if not block.at("cidr").text:
            return None
        allowed = ip_network(block.at("cidr").text, strict=False)
        excepted = [ip_network(item.text, strict=False) for item in block.at("except").items]
        for address in METADATA:
            if address in allowed and not any(address in network for network in excepted):
                return f"{block.path} has {address} in it"
        return None

    def entry(given: Node) -> Iterator[str]:
        ports, peers = given.at("ports").items, given.at("to").items
        if ports and not some(ports, lambda port: _reaches(port, 80)):
            return
        if not peers:
            yield f"{given.path} allows every address, {METADATA[0]} among them"
        yield from each(peers, check)

    yield from each(resource.inputs.at("spec", "egress").items, entry)


@rule(
    "security-group-open",
    INGRESS_RULE,
    GROUP,
    DEFAULT_GROUP,
    GROUP_RULE,
    controls=("EC2.18", "EC2.19", "EC2.53", "EC2.54"),
    severity="high",
    what="the internet reaches TCP ports 80 and 443 only",
    fix="a security group or a network as the source",
)
def open_ports(resource: Resource, _: Plan) -> Iterator[str]:
    if resource.type in (GROUP, DEFAULT_GROUP):
        entries = resource.inputs.at("ingress").items
    elif resource.type == GROUP_RULE and resource.inputs.at("type").text != "ingress":
        entries = []
    else:
        entries = [resource.inputs]
    yield from each(entries, _open)


def _open(entry: Node) -> str | None:
    single = [entry.at(key) for key in ("cidrIpv4", "cidrIpv6")]
    listed = [entry.at(key) for key in ("cidrBlocks", "ipv6CidrBlocks")]
    sources = [*single, *(item for each in listed for item in each.items)]
    if not some(sources, lambda source: bool(source.text) and internet(source.text)):
        return None
    first, last = entry.at("fromPort").text, entry.at("toPort").text
    protocol = (entry.at("ipProtocol").text or entry.at("protocol").text).lower()
    protocol = _PROTOCOLS.get(protocol, protocol)
    named = {int(float(port)) for port in (first, last) if port}
    if protocol == "tcp" and named in _PUBLIC_PORTS:
        return None
    return f"anyone reaches {protocol} {first}-{last}".removesuffix(" -")


@rule(
    "service-type",
    SERVICE,
    what="Services are reached through the Ingress",
    fix="type: ClusterIP, and an Ingress",
)
def service_type(resource: Resource, _: Plan) -> Iterator[str]:
    kind = resource.inputs.at("spec", "type").text
    if kind in ("NodePort", "LoadBalancer"):
        yield f"type {kind} opens a port on every node, past the Ingress and its TLS"
    if resource.inputs.at("spec", "externalIPs").items:
        yield "externalIPs: every node takes what is sent to these addresses"

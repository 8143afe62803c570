"""NetworkPolicies: who can reach whom."""

from __future__ import annotations

import pytest

from tests.programs import (
    COMMITTED,
    CREATING,
    EKS_STACKS,
    IN_CLUSTER_STACKS,
    ROOT,
    STACKS,
    Program,
    changed,
    patched,
    previewed,
)
from tests.stacks.pods import MIGRATION_JOB, PASSWORD_JOB, PORTAL, POSTGRES, ROLE_JOB, templates
from tests.stacks.reach import Party, reached
from tests.tables import check
from tests.tokens import NETWORK_POLICY
from tools.preview import answers

PAGE = ROOT / "docs" / "architecture.md"
HEADER = f"| from | to | {' | '.join(COMMITTED)} |\n|{'---|' * (2 + len(COMMITTED))}\n"
PODS = {
    PORTAL: "the portal",
    ROLE_JOB: "the role's Job",
    MIGRATION_JOB: "the migrations' Job",
    PASSWORD_JOB: "the Job that removes the password",
    POSTGRES: "the database",
}
LOAD_BALANCER, OTHERS = "the load balancer's subnets", "any other pod of the cluster"
OUTSIDE, RESOLVER = "any other address", "the cluster's DNS"
AGENT, METADATA = "the Pod Identity agent", "instance metadata"
API_SERVER = Party("172.20.0.1")
Ports = set[tuple[str, int]]


def parties(program: Program, stack: str) -> dict[str, Party]:
    """Who there is, with an address of each. Pods on eks have one of a secondary network."""
    namespace = str(program.outputs["namespace"])
    eks = stack in EKS_STACKS
    aurora = Party("10.0.32.20")
    return {
        LOAD_BALANCER: Party("10.0.0.5" if eks else "192.0.2.5"),
        OTHERS: Party("100.64.0.9", "other", {"app": "other"}),
        PODS[POSTGRES]: aurora,
        **{
            PODS[name]: Party("100.64.0.8", namespace, template["metadata"]["labels"])
            for name, template in templates(program).items()
        },
        RESOLVER: Party("172.20.0.10")
        if eks
        else Party("10.244.0.2", "kube-system", {"k8s-app": "kube-dns"}),
        AGENT: Party("169.254.170.23"),
        METADATA: Party("169.254.169.254"),
        OUTSIDE: Party("203.0.113.7"),
    }


def reach(stack: str) -> dict[tuple[str, str], Ports]:
    """What is open to and from the stack's pods. A named destination leaves out what is open to
    any other address; pods in other namespaces and the load balancer are such addresses.

    Aurora opens no connections: its security group has no egress.
    """
    program = previewed(stack, creates=True)
    policies = [each.inputs for each in program.all(NETWORK_POLICY)]
    known = parties(program, stack)
    own = [name for name in PODS.values() if name in known and known[name].namespace]
    found = {
        (source, target): reached(policies, known[source], known[target])
        for source in (LOAD_BALANCER, OTHERS, *own, OUTSIDE)
        for target in known
        if source != target and (source in own or target in own)
    }
    for source in own:
        anywhere = found[source, OUTSIDE]
        assert found.pop((source, OTHERS)) == anywhere
        found.pop((source, LOAD_BALANCER))
        for target in known.keys() - {OUTSIDE}:
            if (source, target) in found:
                found[source, target] -= anywhere
    return found


def shown(ports: Ports) -> str:
    by_number = sorted(ports, key=lambda each: (each[1], each[0]))
    return ", ".join(
        str(port) if protocol == "TCP" else f"{port}/{protocol}" for protocol, port in by_number
    )


def test_the_documentation_says_who_can_reach_whom(pytestconfig: pytest.Config) -> None:
    """`pytest --update-golden` rewrites the table."""
    by_stack = {stack: reach(stack) for stack in COMMITTED}
    pairs = dict.fromkeys(pair for found in by_stack.values() for pair in found)
    rows = {pair: [shown(found.get(pair, set())) for found in by_stack.values()] for pair in pairs}
    documented = "".join(
        f"| {source} | {target} | {' | '.join(cells)} |\n"
        for (source, target), cells in rows.items()
        if any(cells)
    )
    check(pytestconfig, PAGE, HEADER, documented)


@pytest.mark.parametrize("stack", sorted(set(STACKS) - {"auto-mode"}))
def test_no_pod_asks_a_node_for_credentials_but_through_its_role(stack: str) -> None:
    found = reach(stack)
    for pod in PODS.values():
        assert not found.get((pod, METADATA))
        # Roles by irsa need no agent.
        may = pod == PODS[PORTAL] if stack in CREATING else stack == "iam" and pod != PODS[POSTGRES]
        assert found.get((pod, AGENT), set()) == ({("TCP", 80)} if may else set())


@pytest.mark.parametrize("stack", sorted(set(STACKS) - {"auto-mode"}))
def test_only_the_load_balancer_connects_from_outside(stack: str) -> None:
    scheme_is_public = stack == "internet-facing"
    found = previewed(stack, creates=True)
    policies = [each.inputs for each in found.all(NETWORK_POLICY)]
    portal = parties(found, stack)[PODS[PORTAL]]
    addresses = {"10.0.0.5": not scheme_is_public, "10.0.97.5": scheme_is_public, "10.1.0.5": False}
    for address, may in addresses.items():
        open_to = reached(policies, Party(address), portal)
        assert open_to == ({("TCP", 7007)} if may and stack in EKS_STACKS else set())


@pytest.mark.parametrize("plugin", [True, False])
def test_narrowed_egress_leaves_the_api_server_to_the_kubernetes_plugin(plugin: bool) -> None:
    program = changed(
        "prod", {"egressCidrs": ["192.0.2.0/24"], "kubernetesPlugin": plugin}, creates=True
    )
    policies = [each.inputs for each in program.all(NETWORK_POLICY)]
    known = parties(program, "prod")
    control_plane = Party("10.0.97.9")  # a network interface in one of the cluster's subnets
    for pod in (PODS[PORTAL], PODS[MIGRATION_JOB]):
        assert reached(policies, known[pod], Party("192.0.2.1")) == {("TCP", 443)}
        assert not reached(policies, known[pod], known[OUTSIDE])
        may = {("TCP", 443)} if plugin and pod == PODS[PORTAL] else set()
        for server in (API_SERVER, control_plane):
            assert reached(policies, known[pod], server) == may


@pytest.mark.parametrize(
    ("changes", "ingress", "egress"),
    [({"metrics": False}, 1, 4), ({"kubernetesPlugin": False}, 2, 3)],
    ids=["no metrics", "no Kubernetes plugin"],
)
def test_unused_rules_are_left_out(changes: dict[str, object], ingress: int, egress: int) -> None:
    spec = changed("local", changes).inputs(NETWORK_POLICY, "backstage-network-policy")["spec"]
    assert (len(spec["ingress"]), len(spec["egress"])) == (ingress, egress)


@pytest.mark.parametrize("stack", STACKS)
def test_no_policy_when_switched_off(stack: str) -> None:
    expected = {"backstage", "backstage-database-role", "backstage-migrations"}
    if stack in IN_CLUSTER_STACKS:
        expected |= {"backstage-postgres"}
    if stack == "local-build":  # migrationJob is false
        expected -= {"backstage-migrations"}
    found = previewed(stack).all(NETWORK_POLICY)
    names = {each.inputs["metadata"]["name"] for each in found}
    assert names == (set() if stack == "auto-mode" else expected)


def test_without_policies_no_subnet_has_to_be_tagged(monkeypatch: pytest.MonkeyPatch) -> None:
    public = {id_: (*each[:2], True) for id_, each in answers.SUBNETS.items()}
    monkeypatch.setattr(answers, "SUBNETS", public)
    subnets = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
    program = patched("prod", {"networkPolicy": False, "databaseSubnetIds": subnets})
    assert not program.all(NETWORK_POLICY)


def test_an_ipv6_cluster_has_no_resolver_by_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its Services have no IPv4 network; the resolver's pods are found by their labels."""
    cluster = answers._cluster

    def ipv6(arguments: dict[str, str], place: answers.Place) -> dict[str, object]:
        configs = {"kubernetesNetworkConfigs": [{"ipFamily": "ipv6"}]}
        return {**cluster(arguments, place), **configs}

    monkeypatch.setattr(answers, "_cluster", ipv6)
    policy = patched("prod").inputs(NETWORK_POLICY, "backstage-network-policy")
    [dns, *_] = policy["spec"]["egress"]
    assert [peer.get("ipBlock", {}).get("cidr") for peer in dns["to"]] == [None, "169.254.20.10/32"]

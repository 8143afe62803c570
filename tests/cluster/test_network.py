"""NetworkPolicies on a cluster that enforces them: each connection succeeds or fails as
tests/stacks/reach.py says of the manifests.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from components.kubernetes.labels import job_labels
from tests.cluster.site import IMAGES, Rendered, deploy, local
from tests.stacks.reach import Party, reached
from tools.kubectl import Cluster, Manifest

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("kubernetes")]

NAMESPACE, OTHER = "backstage-network", "backstage-network-other"
PORTAL, DATABASE = "portal", "database"
# Pods that accept connections on `PORTS`: two with the labels of a Job's, and two without policy.
STAND_INS = {
    "role": (NAMESPACE, job_labels("backstage-database-role")),
    "migrations": (NAMESPACE, job_labels("backstage-migrations")),
    "neighbour": (NAMESPACE, {"app": "neighbour"}),
    "other": (OTHER, {"app": "other"}),
}
PORTS = (443, 5432, 7007, 8443)
SERVED = {PORTAL: (7007, 9464), DATABASE: (5432,), **dict.fromkeys(STAND_INS, PORTS)}
LISTEN = f"for (const p of {list(PORTS)}) require('net').createServer(s => s.end()).listen(p)"
CONNECT = """
const open = address => new Promise(resolve => {
  const [host, port] = address.split(':');
  const socket = require('net').connect({ host, port, timeout: 3000 });
  const end = answer => { socket.destroy(); resolve(answer); };
  socket.on('connect', () => end(1)).on('error', () => end(0)).on('timeout', () => end(0));
});
Promise.all(process.argv.slice(1).map(open)).then(all => console.log(...all));
"""
# For PostgreSQL's image, which has no Node.
CONNECT_SHELL = """
for each; do
  timeout 3 bash -c ": </dev/tcp/${each/://}" 2>/dev/null && echo 1 || echo 0
done
"""


def stand_in(name: str) -> Manifest:
    namespace, labels = STAND_INS[name]
    container = {
        "name": name,
        "image": IMAGES[0],
        "args": ["node", "-e", LISTEN],
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        },
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": {
            "terminationGracePeriodSeconds": 0,
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": 10001,
                "seccompProfile": {"type": "RuntimeDefault"},
                "sysctls": [{"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"}],
            },
            "containers": [container],
        },
    }


class Pods:
    """The deployed portal, its database, and the stand-ins."""

    def __init__(self, rendered: Rendered) -> None:
        self._policies = rendered.of("NetworkPolicy")
        portal = deploy(NAMESPACE, rendered.objects)
        self._clusters = {NAMESPACE: portal.cluster, OTHER: Cluster(OTHER)}
        self._clusters[OTHER].new_namespace()
        self._names = {PORTAL: portal.names()[0], DATABASE: "postgres-0"}
        for name, (namespace, _) in STAND_INS.items():
            self._clusters[namespace].apply([stand_in(name)])
        for name, (namespace, _) in STAND_INS.items():
            self._clusters[namespace].run(
                "wait", "--for=condition=Ready", f"pod/{name}", "--timeout=120s"
            )
        self.parties = {name: self._party(name) for name in SERVED}

    def _party(self, name: str) -> Party:
        namespace = STAND_INS.get(name, (NAMESPACE,))[0]
        pod = self._names.get(name, name)
        [found] = self._clusters[namespace].get("pods", f"--field-selector=metadata.name={pod}")
        return Party(found["status"]["podIP"], namespace, found["metadata"]["labels"])

    def expected(self, source: str) -> dict[str, bool]:
        """By destination, such as `portal:7007`, whether the policies allow the connection."""
        return {
            f"{target}:{port}": ("TCP", port)
            in reached(self._policies, self.parties[source], party)
            for target, party in self.parties.items()
            for port in SERVED[target]
            if target != source
        }

    def connects(self, source: str, targets: Sequence[str]) -> dict[str, bool]:
        """By destination, whether a process in the pod connects."""
        addresses = [
            f"{self.parties[name].address}:{port}"
            for name, port in (target.split(":") for target in targets)
        ]
        command = ("node", "-e", CONNECT) if source != DATABASE else ("bash", "-c", CONNECT_SHELL)
        answer = self._clusters[self.parties[source].namespace or ""].run(
            "exec", self._names.get(source, source), "--", *command, "--", *addresses
        )
        return dict(zip(targets, (each == "1" for each in answer.split()), strict=True))

    def delete(self) -> None:
        for cluster in self._clusters.values():
            cluster.delete_namespace()


@pytest.fixture(scope="module")
def pods(kubernetes: None) -> Iterator[Pods]:
    """Skips where PostgreSQL answers a pod of another namespace. The Jobs run first, under their
    policies.
    """
    found = Pods(local(NAMESPACE))
    try:
        if found.connects("other", ["database:5432"])["database:5432"]:
            pytest.skip("the cluster doesn't enforce NetworkPolicies")
        yield found
    finally:
        found.delete()


@pytest.mark.parametrize("source", SERVED)
def test_connections_go_as_the_policies_say(pods: Pods, source: str) -> None:
    expected = pods.expected(source)
    assert set(expected.values()) == {True, False} or source == DATABASE
    assert pods.connects(source, list(expected)) == expected

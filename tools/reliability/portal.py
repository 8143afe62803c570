"""A deployed portal: its state, and the disruptions to measure."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from components.kubernetes.health import READINESS
from tools.kubectl import Cluster, Manifest

SETTLE_SECONDS = 300

CATALOG = "/api/catalog/entities?limit=1"
"""A request that queries the database; it needs a token."""


class Portal:
    """The Deployment `backstage` and, with the database in the cluster, the pod `postgres-0`.

    It has settled when every pod runs the newest revision and is available, and no other pod is
    left. Methods that wait for it raise TimeoutError after 300 s.

    selector: label selector of its pods. images: two references to working images, the running one
    first.
    """

    def __init__(self, cluster: Cluster, selector: str, images: tuple[str, str]) -> None:
        self.cluster = cluster
        self._selector = selector
        self.image, self._next = images

    def pods(self) -> list[Manifest]:
        """All pods of the Deployment, including terminating ones."""
        return self.cluster.get("pods", "--selector", self._selector)

    def names(self) -> list[str]:
        """Names of `pods`."""
        return [pod["metadata"]["name"] for pod in self.pods()]

    def restarts(self) -> dict[str, int]:
        """Container restarts by pod name."""
        return {
            pod["metadata"]["name"]: sum(
                each["restartCount"] for each in pod["status"].get("containerStatuses", [])
            )
            for pod in self.pods()
        }

    def deployment(self) -> Manifest:
        """The Deployment's current manifest."""
        (found,) = self.cluster.get("deployments", "--field-selector", "metadata.name=backstage")
        return found

    def settled(self) -> bool:
        """Whether the portal has settled."""
        deployment = self.deployment()
        status, replicas = deployment["status"], deployment["spec"]["replicas"]
        return (
            status.get("observedGeneration") == deployment["metadata"]["generation"]
            and status.get("updatedReplicas") == replicas
            and status.get("availableReplicas") == replicas
            and len(self.pods()) == replicas
        )

    def wait_settled(self) -> None:
        """Waits until the portal has settled."""
        self.cluster.until(self.settled, SETTLE_SECONDS, "every pod of the portal is available")

    def answers(self) -> bool:
        """Whether a readiness request through the Service succeeds."""
        service = f"/api/v1/namespaces/{self.cluster.namespace}/services/backstage:7007/proxy"
        return "ok" in self.cluster.run("get", "--raw", f"{service}{READINESS}", check=False)

    def wait_answers(self) -> None:
        """Waits until the Service answers; without probes this can be long after `settled`."""
        self.cluster.until(self.answers, SETTLE_SECONDS, "the portal answers")

    def update(self) -> None:
        """Rolls out the other image and waits until the last old pod is gone."""
        self.image, self._next = self._next, self.image
        self.cluster.run("set", "image", "deployment/backstage", f"backstage={self.image}")
        self.wait_settled()
        self.wait_answers()

    def _wait_replaced(self, name: str) -> None:
        self.cluster.until(lambda: name not in self.names(), SETTLE_SECONDS, f"pod {name} is gone")
        self.wait_settled()

    def delete_one_by_one(self) -> None:
        """Deletes each pod with its grace period, waiting in between until the portal settles."""
        for name in self.names():
            self.cluster.run("delete", "pod", name, "--wait=false")
            self._wait_replaced(name)

    def evict(self, name: str) -> bool:
        """Requests a pod's eviction; returns False if the PodDisruptionBudget rejects it."""
        eviction = {
            "apiVersion": "policy/v1", "kind": "Eviction",
            "metadata": {"name": name, "namespace": self.cluster.namespace},
        }  # fmt: skip
        path = f"/api/v1/namespaces/{self.cluster.namespace}/pods/{name}/eviction"
        try:
            self.cluster.run("create", "--raw", path, "-f", "-", stdin=json.dumps(eviction))
        except RuntimeError as error:
            if "disruption budget" not in str(error):
                raise
            return False
        return True

    def evict_one_by_one(self) -> None:
        """Evicts each pod, waiting in between until the portal settles."""
        for name in self.names():
            self.evict(name)
            self._wait_replaced(name)

    def drain(self) -> int:
        """Evicts all pods and retries every 5 s, like `kubectl drain`; returns the rejections."""
        left, rejected = set(self.names()), 0
        end = time.monotonic() + SETTLE_SECONDS
        while left and time.monotonic() < end:
            for name in sorted(left):
                if self.evict(name):
                    left.remove(name)
                else:
                    rejected += 1
            time.sleep(5)
        self.wait_settled()
        return rejected

    def kill(self) -> None:
        """Sends SIGKILL to the node process of one pod and waits until the portal settles.

        Raises ProcessLookupError if the pod's processes aren't visible on this machine.
        """
        pod = self.pods()[0]
        before = self.restarts()
        os.kill(_process(pod["metadata"]["uid"]), signal.SIGKILL)
        self.cluster.until(
            lambda: self.restarts() != before, SETTLE_SECONDS, "the kubelet restarts the container"
        )
        self.wait_settled()

    def restart_database(self) -> None:
        """Shuts PostgreSQL down in fast mode; the kubelet restarts its container."""
        before = self._database_restarts()
        self.cluster.run("exec", "postgres-0", "--", "sh", "-c", "kill -INT 1")
        self.cluster.until(
            lambda: self._database_restarts() > before,
            SETTLE_SECONDS,
            "the kubelet restarts PostgreSQL",
        )
        self.cluster.run("wait", "--for=condition=Ready", "pod/postgres-0", "--timeout=120s")

    def _database_restarts(self) -> int:
        (pod,) = self.cluster.get("pods", "--field-selector", "metadata.name=postgres-0")
        return int(pod["status"]["containerStatuses"][0]["restartCount"])

    def disconnect_database(self, seconds: float) -> None:
        """Empties PostgreSQL's Service and terminates the portal's connections for a while."""
        name = "app.kubernetes.io/name"
        self.cluster.patch("service", "postgres", {"spec": {"selector": {name: "nothing"}}})
        self.cluster.run(
            "exec", "postgres-0", "--", "psql", "--username", "postgres", "--quiet", "--command",
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'backstage'",
        )  # fmt: skip
        time.sleep(seconds)
        self.cluster.patch("service", "postgres", {"spec": {"selector": {name: "postgres"}}})

    @contextmanager
    def changed(self, container: Manifest) -> Iterator[None]:
        """Patches the container until the context exits. container: a strategic merge patch."""
        before = self.deployment()
        change = {"containers": [{"name": "backstage", **container}]}
        self.cluster.patch("deployment", "backstage", {"spec": {"template": {"spec": change}}})
        self.wait_settled()
        try:
            yield
        finally:
            kept = ("name", "labels", "annotations")
            metadata = {key: before["metadata"].get(key) for key in kept}
            restored = {**before, "metadata": metadata, "status": {}}
            self.cluster.run("replace", "--filename", "-", stdin=json.dumps(restored))
            self.image, self._next = sorted(
                (self.image, self._next), key=lambda image: image != _image(before)
            )
            self.wait_settled()

    def try_broken_image(self, seconds: float) -> None:
        """Rolls out pods that never become ready, and rolls them back after a while.

        Raises RuntimeError if the rollout proceeds beyond its first pod.
        """
        broken = {"name": "backstage", "args": ["node", "--eval", "setInterval(() => {}, 1000)"]}
        pods = {"template": {"spec": {"containers": [broken]}}}
        self.cluster.patch("deployment", "backstage", {"spec": pods})
        time.sleep(seconds)
        updated = self.deployment()["status"]["updatedReplicas"]
        self.cluster.run("rollout", "undo", "deployment/backstage")
        self.wait_settled()
        if updated != 1:
            raise RuntimeError(f"the rollout went on to {updated} pods, none of them ready")


def _image(deployment: Manifest) -> str:
    return str(deployment["spec"]["template"]["spec"]["containers"][0]["image"])


def _process(uid: str) -> int:
    """PID of the node process in a pod, found by the pod's UID in its cgroup."""
    marks = (uid, uid.replace("-", "_"))
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            group = (folder / "cgroup").read_text("utf-8")
            command = (folder / "cmdline").read_bytes()
        except OSError:  # the process has exited
            continue
        if any(mark in group for mark in marks) and command.startswith(b"node\0"):
            return int(folder.name)
    raise ProcessLookupError("the pod's processes are not visible on this machine")

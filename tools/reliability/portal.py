"""A portal on a cluster: what its Deployment says of it, and what can be done to it."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tools.reliability.cluster import Cluster, Manifest

SETTLED = 300  # seconds within which the portal has to be whole again


class Portal:
    """A Deployment `backstage` and, where the database is in the cluster, the pod `postgres-0`.

    selector: of the portal's pods. images: two references of images that work, the running one
    first.
    """

    def __init__(self, cluster: Cluster, selector: str, images: tuple[str, str]) -> None:
        self.cluster = cluster
        self._selector = selector
        self.image, self._next = images

    def pods(self) -> list[Manifest]:
        """Every pod of the Deployment, those that are ending included."""
        return self.cluster.get("pods", "--selector", self._selector)

    def names(self) -> list[str]:
        """The pods' names."""
        return [pod["metadata"]["name"] for pod in self.pods()]

    def restarts(self) -> dict[str, int]:
        """How often each pod's container was started anew."""
        return {
            pod["metadata"]["name"]: sum(
                each["restartCount"] for each in pod["status"].get("containerStatuses", [])
            )
            for pod in self.pods()
        }

    def deployment(self) -> Manifest:
        """The Deployment as the API server has it."""
        (found,) = self.cluster.get("deployments", "--field-selector", "metadata.name=backstage")
        return found

    def whole(self) -> bool:
        """Whether every pod is of the newest revision and available, and no other is left."""
        deployment = self.deployment()
        status, wanted = deployment["status"], deployment["spec"]["replicas"]
        return (
            status.get("observedGeneration") == deployment["metadata"]["generation"]
            and status.get("updatedReplicas") == wanted
            and status.get("availableReplicas") == wanted
            and len(self.pods()) == wanted
        )

    def wait_whole(self) -> None:
        """Waits for `whole`. Raises TimeoutError."""
        self.cluster.until(self.whole, SETTLED, "every pod of the portal is available")

    def answers(self) -> bool:
        """Whether a request through the Service finds a ready portal."""
        service = f"/api/v1/namespaces/{self.cluster.namespace}/services/backstage:7007/proxy"
        path = f"{service}/.backstage/health/v1/readiness"
        return "ok" in self.cluster.run("get", "--raw", path, check=False)

    def wait_answers(self) -> None:
        """Waits for `answers`, which where no probe asks may be long after `whole`."""
        self.cluster.until(self.answers, SETTLED, "the portal answers")

    def update(self) -> None:
        """A rolling update to the other image, until the last pod of the earlier one is gone."""
        self.image, self._next = self._next, self.image
        self.cluster.run("set", "image", "deployment/backstage", f"backstage={self.image}")
        self.wait_whole()
        self.wait_answers()

    def _wait_replaced(self, name: str) -> None:
        self.cluster.until(lambda: name not in self.names(), SETTLED, f"pod {name} is gone")
        self.wait_whole()

    def delete_one_by_one(self) -> None:
        """Deletes each pod with its grace period, the next when the portal is whole again."""
        for name in self.names():
            self.cluster.run("delete", "pod", name, "--wait=false")
            self._wait_replaced(name)

    def evict(self, name: str) -> bool:
        """Asks for a pod's eviction; False where the PodDisruptionBudget refuses it for now."""
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
        """Evicts each pod, the next when the portal is whole again."""
        for name in self.names():
            self.evict(name)
            self._wait_replaced(name)

    def drain(self) -> int:
        """Evicts all pods as `kubectl drain` does, again where refused; how often that was."""
        left, refused = set(self.names()), 0
        end = time.monotonic() + SETTLED
        while left and time.monotonic() < end:
            for name in sorted(left):
                if self.evict(name):
                    left.remove(name)
                else:
                    refused += 1
            time.sleep(5)  # as kubectl does
        self.wait_whole()
        return refused

    def kill(self) -> None:
        """SIGKILL to the node process of one pod; its container is started again.

        Raises ProcessLookupError where the pod's processes aren't this machine's.
        """
        pod = self.pods()[0]
        before = self.restarts()
        os.kill(_process(pod["metadata"]["uid"]), signal.SIGKILL)
        self.cluster.until(lambda: self.restarts() != before, SETTLED, "the kubelet restarts it")
        self.wait_whole()

    def restart_database(self) -> None:
        """A fast shutdown of PostgreSQL; the kubelet starts it again in the same pod."""
        before = self._database_restarts()
        self.cluster.run("exec", "postgres-0", "--", "sh", "-c", "kill -INT 1")
        self.cluster.until(
            lambda: self._database_restarts() > before, SETTLED, "the kubelet restarts PostgreSQL"
        )
        self.cluster.run("wait", "--for=condition=Ready", "pod/postgres-0", "--timeout=120s")

    def _database_restarts(self) -> int:
        (pod,) = self.cluster.get("pods", "--field-selector", "metadata.name=postgres-0")
        return int(pod["status"]["containerStatuses"][0]["restartCount"])

    def cut_database_off(self, seconds: float) -> None:
        """Nobody reaches PostgreSQL for a while: its Service is empty, its connections are cut."""
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
        """Another container, as a strategic merge patch, for as long as the context is open."""
        before = self.deployment()
        change = {"containers": [{"name": "backstage", **container}]}
        self.cluster.patch("deployment", "backstage", {"spec": {"template": {"spec": change}}})
        self.wait_whole()
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
            self.wait_whole()

    def try_broken_image(self, seconds: float) -> None:
        """An update whose pods never get ready, undone after a while."""
        broken = {"name": "backstage", "args": ["node", "--eval", "setInterval(() => {}, 1000)"]}
        pods = {"template": {"spec": {"containers": [broken]}}}
        self.cluster.patch("deployment", "backstage", {"spec": pods})
        time.sleep(seconds)
        status = self.deployment()["status"]
        assert status["updatedReplicas"] == 1, "the rollout went on"
        self.cluster.run("rollout", "undo", "deployment/backstage")
        self.wait_whole()


def _image(deployment: Manifest) -> str:
    return str(deployment["spec"]["template"]["spec"]["containers"][0]["image"])


def _process(uid: str) -> int:
    """The process of a pod's only container that runs node; those of a node on this machine."""
    marks = (uid, uid.replace("-", "_"))
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            group = (folder / "cgroup").read_text("utf-8")
            command = (folder / "cmdline").read_bytes()
        except OSError:  # it has ended
            continue
        if any(mark in group for mark in marks) and command.startswith(b"node\0"):
            return int(folder.name)
    raise ProcessLookupError("the pod's processes are not on this machine, or not to be seen")

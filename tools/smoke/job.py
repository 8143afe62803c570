"""The checks as a Job in the stack's namespace, for portals that only their network reaches."""

from __future__ import annotations

import base64
import gzip
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.kubernetes.labels import job_labels, job_selector
from components.portal.portal import SERVICE_NAME
from tools.kubectl import Cluster, Manifest
from tools.smoke.expected import Expected

NAME = "backstage-smoke"
DEADLINE = 300  # seconds, those included that pulling the image may take
PATIENCE = 20  # seconds; NetworkPolicies know a new pod only one or two after it started
KEPT = 600  # seconds after which Kubernetes deletes what a killed run left behind
TOKEN = "SMOKE_TOKEN"  # noqa: S105, a variable's name
DIRECTORY = "/etc/smoke"
MESSAGE = "/dev/termination-log"
_SECURITY: Manifest = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "readOnlyRootFilesystem": True,
    "runAsNonRoot": True,
}


@dataclass(frozen=True)
class SmokeJob:
    """A Job with the image, root certificates and database of a Deployment's pods.

    scripts: a folder, of which smoke.js is run. token: a machine's, or empty. policy: whether it
    brings a NetworkPolicy that lets it out, which it needs where another one's default lets nobody
    out.
    """

    cluster: Cluster
    deployment: Manifest
    expected: Expected
    scripts: Path
    token: str
    policy: bool = True

    def run(self) -> str:
        """Creates the Job, waits until it ends and deletes it. Returns what its script printed.

        Needs no right to read logs. Raises RuntimeError if the Job failed.
        """
        name = f"{NAME}-{secrets.token_hex(3)}"
        self.cluster.apply([self._job(name)])
        try:
            (job,) = self.cluster.get("jobs", "--field-selector", f"metadata.name={name}")
            # Deleted with the Job, whoever deletes that.
            owner = {
                "apiVersion": "batch/v1",
                "kind": "Job",
                "name": name,
                "uid": job["metadata"]["uid"],
            }
            metadata = {"name": name, "labels": job_labels(NAME), "ownerReferences": [owner]}
            token = {"stringData": {TOKEN: self.token}} if self.token else {}
            secret = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, **token}
            scripts = {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": metadata,
                "data": {each.name: each.read_text("utf-8") for each in self.scripts.glob("*.js")},
            }
            policy = [self._policy(metadata)] if self.policy else []
            self.cluster.apply([secret, scripts, *policy])
            self.cluster.patch("job", name, {"spec": {"suspend": False}})
            return self._result(name)
        finally:
            self.cluster.run("delete", "job", name, "--ignore-not-found", "--wait=false")

    def _result(self, name: str) -> str:
        def container() -> Manifest:
            pods = self.cluster.get("pods", "--selector", f"batch.kubernetes.io/job-name={name}")
            statuses = [s for pod in pods for s in pod["status"].get("containerStatuses", [])]
            state: Manifest = statuses[0]["state"] if statuses else {}
            return state

        try:
            self.cluster.until(lambda: "terminated" in container(), DEADLINE, f"{name} has ended")
        except TimeoutError as error:
            waiting = container().get("waiting", {"reason": "its pod was not created"})
            reason = ": ".join(waiting[key] for key in ("reason", "message") if key in waiting)
            raise RuntimeError(f"{error}: {reason}") from None
        ended = container()["terminated"]
        if ended["exitCode"]:
            raise RuntimeError(f"{name} failed: {ended.get('message', '').strip()}")
        return gzip.decompress(base64.b64decode(ended["message"])).decode()

    def _policy(self, metadata: Manifest) -> Manifest:
        ports = [53, 80, 443, self.expected.port, self.expected.database_port]
        tcp = [{"port": each, "protocol": "TCP"} for each in dict.fromkeys(ports) if each]
        return {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": metadata,
            "spec": {
                "podSelector": {"matchLabels": job_selector(NAME)},
                "policyTypes": ["Ingress", "Egress"],
                "egress": [{"ports": [{"port": 53, "protocol": "UDP"}, *tcp]}],
            },
        }

    def _job(self, name: str) -> Manifest:
        labels = job_labels(NAME)
        pod = self.deployment["spec"]["template"]["spec"]
        kept = ("nodeSelector", "imagePullSecrets", "securityContext", "tolerations")
        [volume] = [each for each in pod["volumes"] if each["name"] == "database-ca"]
        spec = {
            **{key: pod[key] for key in kept if key in pod},
            "restartPolicy": "Never",
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "containers": [self._container(name, pod["containers"][0])],
            "volumes": [volume, {"name": "smoke", "configMap": {"name": name}}],
        }
        return {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": {"name": name, "labels": labels},
            "spec": {
                "suspend": True,  # until the rest is there
                "backoffLimit": 0,
                "activeDeadlineSeconds": DEADLINE,
                "ttlSecondsAfterFinished": KEPT,
                "template": {"metadata": {"labels": labels}, "spec": spec},
            },
        }

    def _container(self, name: str, portal: dict[str, Any]) -> Manifest:
        [secret] = [each["secretRef"]["name"] for each in portal["envFrom"] if "secretRef" in each]
        [mount] = [each for each in portal["volumeMounts"] if each["name"] == "database-ca"]

        def entry(secret: str, key: str, optional: bool = False) -> Manifest:
            reference = {"name": secret, "key": key, "optional": optional}
            return {"name": key, "valueFrom": {"secretKeyRef": reference}}

        return {
            "name": "smoke",
            "image": portal["image"],
            "imagePullPolicy": portal["imagePullPolicy"],
            "command": ["node", f"{DIRECTORY}/smoke.js"],
            "env": [
                {"name": "SMOKE", "value": self.expected.text()},
                {"name": "SMOKE_MESSAGE", "value": MESSAGE},
                {"name": "SMOKE_PATIENCE", "value": str(PATIENCE)},
                entry(name, TOKEN, optional=True),
                entry(secret, "POSTGRES_HOST"),
            ],
            "volumeMounts": [
                mount,
                {"name": "smoke", "mountPath": DIRECTORY, "readOnly": True},
            ],
            "securityContext": _SECURITY,
            "resources": {
                "requests": {"cpu": "50m", "memory": "128Mi"},
                "limits": {"memory": "256Mi"},
            },
            "terminationMessagePath": MESSAGE,
            "terminationMessagePolicy": "FallbackToLogsOnError",
        }


def service_url(namespace: str, port: int) -> str:
    """The portal's Service, as pods of the cluster reach it."""
    return f"http://{SERVICE_NAME}.{namespace}.svc:{port}"

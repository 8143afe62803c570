"""Renders a stack's manifests and deploys them to the current cluster."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from components.kubernetes.labels import SELECTOR
from tests.programs import changed
from tools.kubectl import Cluster, Manifest
from tools.preview.manifests import manifests
from tools.reliability.portal import CATALOG, Portal

# Any two images of the portal; the nodes need both.
IMAGES = (
    os.environ.get("PORTAL_IMAGE", "backstage-portal:local"),
    os.environ.get("PORTAL_NEXT_IMAGE", "backstage-portal:next"),
)
TOKEN = secrets.token_hex(16)
PATHS = (
    {"path": "/"},
    {"path": CATALOG, "headers": {"authorization": f"Bearer {TOKEN}"}},
)
ENVIRONMENT = {
    "APP_CONFIG_backend_auth_externalAccess": json.dumps(
        [{"type": "static", "options": {"token": TOKEN, "subject": "load"}}]
    )
}
# Time limits in seconds of the Jobs that precede the pods, in order.
JOBS = {"backstage-database-role": 300, "backstage-migrations": 600}


@dataclass
class Rendered:
    """A stack's manifests, and values for the secrets that only an update generates."""

    objects: list[Manifest]
    passwords: dict[str, str] = field(
        default_factory=lambda: {
            key: secrets.token_hex(16) for key in ("administrator", "role", "session")
        }
    )

    def of(self, *kinds: str) -> list[Manifest]:
        """Objects of the given kinds."""
        return [each for each in self.objects if each["kind"] in kinds]

    def one(self, kind: str, name: str = "backstage") -> Manifest:
        """The only object of this kind and name."""
        (found,) = [each for each in self.of(kind) if each["metadata"]["name"] == name]
        return found

    def fill(self, database_host: str) -> None:
        """Fills in the Secrets' values."""
        values = {
            "AUTH_SESSION_SECRET": self.passwords["session"],
            "PGHOST": database_host,
            "PGPASSWORD": self.passwords["administrator"],
            "PGUSER": "postgres",
            "POSTGRES_HOST": database_host,
            "POSTGRES_PASSWORD": self.passwords["role"],
            "POSTGRES_USER": "backstage",
            "ROLE_NAME": "backstage",
            "ROLE_PASSWORD": self.passwords["role"],
        }
        for secret in self.of("Secret"):
            secret["stringData"] = {
                key: values.get(key, "of-the-stack-file") for key in secret["stringData"]
            }
            if secret["metadata"]["name"] == "backstage-postgres":
                secret["stringData"] = {"POSTGRES_PASSWORD": self.passwords["administrator"]}


def render(stack: str, changes: Mapping[str, Any]) -> Rendered:
    """Renders a committed stack with some settings changed."""
    return Rendered(list(manifests(changed(stack, changes, creates=True).recording)))


def local(namespace: str, changes: Mapping[str, Any] | None = None) -> Rendered:
    """The local stack with two to four pods, and Postgres without a volume; further changes."""
    rendered = render(
        "local",
        {
            "namespace": namespace,
            "imageRepository": IMAGES[0].rpartition(":")[0],
            "imageTag": IMAGES[0].rpartition(":")[2],
            "replicas": 2,
            "maxReplicas": 4,
            "databaseStorageSize": "ephemeral",
            "env": ENVIRONMENT,
            **(changes or {}),
        },
    )
    rendered.fill(f"postgres.{namespace}.svc")
    return rendered


def deploy(namespace: str, objects: Sequence[Manifest]) -> Portal:
    """Applies objects in the program's order: database, role, migrations, pods."""
    cluster = Cluster(namespace)
    cluster.delete_namespace()
    last = ("Job", "Deployment", "PodDisruptionBudget", "HorizontalPodAutoscaler")
    first = [each for each in objects if each["kind"] not in last]
    cluster.apply(sorted(first, key=lambda each: each["kind"] != "Namespace"))
    cluster.run("rollout", "status", "statefulset/postgres", "--timeout=180s")
    if any(each["kind"] == "Ingress" for each in first):
        # The controller injects readiness gates only into pods created after the target group.
        wait_for_load_balancer(cluster, 120)
    for name, seconds in JOBS.items():
        jobs = [
            each for each in objects if each["metadata"]["name"] == name and each["kind"] == "Job"
        ]
        if jobs:
            cluster.apply(jobs)
            cluster.wait_job(name, seconds)
    cluster.apply([each for each in objects if each["kind"] in last[1:]])
    selector = ",".join(f"{key}={value}" for key, value in SELECTOR.items())
    portal = Portal(cluster, selector, IMAGES)
    portal.wait_settled()
    return portal


def wait_for_load_balancer(cluster: Cluster, seconds: float = 60) -> str:
    """Waits until the namespace's only Ingress has a load balancer. Returns its host name."""
    cluster.until(lambda: bool(_load_balancer(cluster)), seconds, "the Ingress has a load balancer")
    return _load_balancer(cluster)


def _load_balancer(cluster: Cluster) -> str:
    (found,) = cluster.get("ingresses")
    entries = found["status"].get("loadBalancer", {}).get("ingress", [])
    return str(entries[0]["hostname"]) if entries else ""


def delete_ingresses(cluster: Cluster) -> None:
    """Deletes all Ingresses while the controller runs, which has to remove their finalizers."""
    cluster.run("delete", "ingress", "--all", "--timeout=120s")

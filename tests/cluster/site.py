"""The portal as the program renders it, brought to the cluster that kubectl points at."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from components.labels import SELECTOR
from tests.programs import changed
from tools.preview.manifests import manifests
from tools.reliability.cluster import Cluster, Manifest
from tools.reliability.portal import Portal

# Both have to be on the cluster's nodes; any two images of the portal.
IMAGES = (
    os.environ.get("PORTAL_IMAGE", "backstage-portal:local"),
    os.environ.get("PORTAL_NEXT_IMAGE", "backstage-portal:next"),
)
TOKEN = secrets.token_hex(16)
HEALTH = "/.backstage/health/v1/readiness"
CATALOG = "/api/catalog/entities?limit=1"
PATHS = (
    {"path": HEALTH},
    {"path": "/"},
    {"path": CATALOG, "headers": {"authorization": f"Bearer {TOKEN}"}},
)
ENVIRONMENT = {
    "APP_CONFIG_backend_auth_externalAccess": json.dumps(
        [{"type": "static", "options": {"token": TOKEN, "subject": "load"}}]
    )
}
# What comes before the pods that serve, in this order; each Job waits for the one before.
JOBS = {"backstage-database-role": 300, "backstage-migrations": 600}


@dataclass
class Rendered:
    """A stack's objects, with values for what only an update knows."""

    objects: list[Manifest]
    passwords: dict[str, str] = field(
        default_factory=lambda: {
            key: secrets.token_hex(16) for key in ("administrator", "role", "session")
        }
    )

    def of(self, *kinds: str) -> list[Manifest]:
        """Objects of some kinds."""
        return [each for each in self.objects if each["kind"] in kinds]

    def one(self, kind: str, name: str = "backstage") -> Manifest:
        """The object of a kind and name."""
        (found,) = [each for each in self.of(kind) if each["metadata"]["name"] == name]
        return found

    def fill(self, database_host: str) -> None:
        """Puts values into the Secrets."""
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
            secret["stringData"] = {key: values[key] for key in secret["stringData"]}
            if secret["metadata"]["name"] == "backstage-postgres":
                secret["stringData"] = {"POSTGRES_PASSWORD": self.passwords["administrator"]}


def render(stack: str, changes: Mapping[str, Any]) -> Rendered:
    """The objects of a committed stack, some of whose settings are changed."""
    return Rendered(list(manifests(changed(stack, changes, creates=True).recording)))


def local(namespace: str) -> Rendered:
    """The local stack's: two pods that an autoscaler may double, Postgres without a volume."""
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
        },
    )
    rendered.fill(f"postgres.{namespace}.svc")
    return rendered


def bring_up(namespace: str, objects: Sequence[Manifest]) -> Portal:
    """Applies objects in the program's order: the database, its role, its schemas, the pods."""
    cluster = Cluster(namespace)
    cluster.delete_namespace()
    last = ("Job", "Deployment", "PodDisruptionBudget", "HorizontalPodAutoscaler")
    first = [each for each in objects if each["kind"] not in last]
    cluster.apply(sorted(first, key=lambda each: each["kind"] != "Namespace"))
    cluster.run("rollout", "status", "statefulset/postgres", "--timeout=180s")
    if any(each["kind"] == "Ingress" for each in first):
        # Readiness gates are for pods that come after their target group.
        cluster.until(lambda: bool(balanced_by(cluster)), 120, "the Ingress has a load balancer")
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
    portal.wait_whole()
    return portal


def balanced_by(cluster: Cluster) -> str:
    """Host name of the load balancer of the only Ingress; empty until there is one."""
    (found,) = cluster.get("ingresses")
    entries = found["status"].get("loadBalancer", {}).get("ingress", [])
    return str(entries[0]["hostname"]) if entries else ""

"""Deployment, Service and Ingress of the Terraform tutorial, for comparison.

One pod, no probes, no preStop, Backstage's default shutdown and keep-alive, migrations at every
start, an HTTP Ingress with default health checks. Database, configuration, image and memory limit
are this project's: two pods with the tutorial's 4 CPU and 8 GiB each don't fit a small node.
"""

from __future__ import annotations

from components.kubernetes.labels import SELECTOR
from tests.cluster.site import IMAGES, Rendered
from tools.kubectl import Manifest

# Settings that the tutorial leaves at the defaults of Backstage and Node.js.
DEFAULTS = {
    "APP_CONFIG_backend_database_skipMigrations": "false",
    "APP_CONFIG_backend_lifecycle_serverShutdownDelay": '{"seconds":0}',
    "APP_CONFIG_backend_server_keepAliveTimeout": '{"seconds":5}',
    "APP_CONFIG_backend_server_headersTimeout": '{"seconds":60}',
}


def tutorial(rendered: Rendered, host: str) -> list[Manifest]:
    """The tutorial's objects, with the database and the configuration of a rendered stack."""
    ours = rendered.one("Deployment")["spec"]["template"]["spec"]
    (container,) = ours["containers"]
    namespace = rendered.one("Deployment")["metadata"]["namespace"]
    metadata = {"name": "backstage", "namespace": namespace, "labels": dict(SELECTOR)}
    variables = {each["name"]: each["value"] for each in container["env"]} | DEFAULTS
    pod = {
        "containers": [
            {
                "name": "backstage",
                "image": IMAGES[0],
                "imagePullPolicy": "IfNotPresent",
                "args": container["args"],
                "ports": [{"name": "http", "containerPort": 7007}],
                "env": [{"name": name, "value": value} for name, value in variables.items()],
                "envFrom": container["envFrom"],
                "volumeMounts": container["volumeMounts"],
                "resources": {"limits": {"memory": "2Gi"}},
            }
        ],
        "volumes": ours["volumes"],
    }
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata,
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": dict(SELECTOR)},
            "template": {"metadata": {"labels": dict(SELECTOR)}, "spec": pod},
        },
    }
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata,
        "spec": {
            "type": "NodePort",
            "selector": dict(SELECTOR),
            "ports": [{"name": "http", "port": 7007, "targetPort": 7007}],
        },
    }
    annotations = {
        "alb.ingress.kubernetes.io/scheme": "internal",
        "alb.ingress.kubernetes.io/target-type": "ip",
    }
    backend = {"service": {"name": "backstage", "port": {"number": 7007}}}
    ingress = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {**metadata, "annotations": annotations},
        "spec": {
            "ingressClassName": "alb",  # in place of the tutorial's annotation
            "rules": [
                {
                    "host": host,
                    "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]},
                }
            ],
        },
    }
    replaced = ("Deployment", "Service", "Ingress")
    kept = [
        each
        for each in rendered.objects
        if each["metadata"]["name"] != "backstage-migrations"
        and (
            each["kind"] not in (*replaced, "PodDisruptionBudget", "HorizontalPodAutoscaler",
                                 "NetworkPolicy")
            or each["metadata"]["name"] == "postgres"
        )
    ]  # fmt: skip
    for each in kept:
        if each["kind"] == "Namespace":  # Pod Security would reject its pods
            each["metadata"]["labels"] = {}
    return [*kept, deployment, service, ingress]

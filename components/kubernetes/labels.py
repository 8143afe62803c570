"""Labels of the portal's Kubernetes objects."""

# What Service, PodDisruptionBudget, NetworkPolicy and the Deployment select. A Deployment's
# selector can't be changed, so nothing that may ever change belongs here.
SELECTOR = {"app": "backstage", "backstage.io/kubernetes-id": "backstage-app"}

LABELS = {
    **SELECTOR,
    "app.kubernetes.io/name": "backstage",
    "app.kubernetes.io/instance": "backstage",
    "app.kubernetes.io/part-of": "backstage",
    "app.kubernetes.io/managed-by": "pulumi",
}


def job_selector(name: str) -> dict[str, str]:
    """Selects the pods of a Job, or of anything else with `job_labels`."""
    return {"app.kubernetes.io/name": name}


def job_labels(name: str) -> dict[str, str]:
    """Labels of a Job and its pods, which nothing that serves may select."""
    return {
        **job_selector(name),
        "app.kubernetes.io/part-of": "backstage",
        "app.kubernetes.io/managed-by": "pulumi",
    }

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

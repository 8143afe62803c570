"""What the Kubernetes plugin shows, which is all that the portal may read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from settings.app_config import AppConfig

# API group of each value of kubernetes.objectTypes.
# Source: @backstage/plugin-kubernetes-backend 0.21.15, config.schema.json and ALL_OBJECTS.
GROUPS = {
    **dict.fromkeys(("configmaps", "limitranges", "pods", "resourcequotas", "services"), ""),
    **dict.fromkeys(("daemonsets", "deployments", "replicasets", "statefulsets"), "apps"),
    "horizontalpodautoscalers": "autoscaling",
    **dict.fromkeys(("cronjobs", "jobs"), "batch"),
    "ingresses": "networking.k8s.io",
}


def shown(config: AppConfig) -> Mapping[str, Sequence[str]]:
    """Resources by API group that `kubernetes` makes the plugin list, with the pods' metrics."""
    found = {
        (GROUPS[each], each)
        for _, each in config.values(("kubernetes", "objectTypes", "*"))
        if each in GROUPS
    }
    if ("", "pods") in found:
        found.add(("metrics.k8s.io", "pods"))
    custom = ("customResources", "*")
    for path in (custom, ("clusterLocatorMethods", "*", "clusters", "*", *custom)):
        for _, each in config.values(("kubernetes", *path)):
            if isinstance(each, dict) and "plural" in each:
                found.add((str(each.get("group", "")), str(each["plural"])))
    return {
        group: sorted(name for within, name in found if within == group)
        for group in sorted({group for group, _ in found})
    }

"""Backstage's configuration in ConfigMaps."""

from __future__ import annotations

from collections.abc import Iterator

from policy.kubernetes import CONFIG_MAP, spec
from policy.node import UNKNOWN, Node
from policy.plan import Plan, Resource


def configurations(config_map: Resource) -> Iterator[Node]:
    """The files of a ConfigMap that are Backstage's configuration."""
    for name, text in config_map.inputs.at("data").entries.items():
        if name.startswith("app-config") and name.endswith((".yaml", ".yml")):
            yield text.yaml


def mounted(workload: Resource, plan: Plan) -> list[Node]:
    """Configuration in the ConfigMaps that a workload's pods mount."""
    volumes = spec(workload).at("volumes").items
    names = {volume.at("configMap", "name").raw for volume in volumes} - {None, UNKNOWN}
    computed = workload.dependencies.get("spec", frozenset())
    return [
        config
        for config_map in plan.of(CONFIG_MAP)
        if config_map.urn in computed or config_map.inputs.at("metadata", "name").raw in names
        for config in configurations(config_map)
    ]


def seconds(duration: Node) -> float | None:
    """A duration of Backstage in seconds: {seconds: 15}, `15s`, or None where there is none."""
    if duration.raw is None:
        return None
    units = {"milliseconds": 0.001, "seconds": 1, "minutes": 60, "hours": 3600}
    if entries := duration.entries:
        return sum(units.get(unit, 0) * (node.number or 0) for unit, node in entries.items())
    text = duration.text
    suffixes = {"ms": 0.001, "s": 1, "m": 60, "h": 3600}
    number = text.rstrip("msh")
    try:
        return float(number) * suffixes[text[len(number) :]]
    except (KeyError, ValueError):
        return None

"""Backstage's configuration in ConfigMaps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from policy.kubernetes import CONFIG_MAP, spec
from policy.node import UNKNOWN, Node
from policy.plan import Plan, Resource


def files(config_map: Resource) -> dict[str, Node]:
    """The files of a ConfigMap that are Backstage's configuration, by name."""
    return {
        name: text
        for name, text in config_map.inputs.at("data").entries.items()
        if name.startswith("app-config") and name.endswith((".yaml", ".yml"))
    }


def configurations(config_map: Resource) -> Iterator[Node]:
    """What those files hold."""
    return (text.yaml for text in files(config_map).values())


def mounted(workload: Resource, plan: Plan) -> list[Node]:
    """Configuration in the ConfigMaps that a workload's pods mount; a later one overrides.

    The order is that of the containers' `--config` arguments.
    """
    volumes = spec(workload).at("volumes").items
    names = {volume.at("configMap", "name").raw for volume in volumes} - {None, UNKNOWN}
    computed = workload.dependencies.get("spec", frozenset())
    arguments = [
        argument.text.rpartition("/")[2]
        for container in spec(workload).at("containers").items
        for argument in container.at("args").items
    ]
    found = [
        (arguments.index(name) if name in arguments else -1, text)
        for config_map in plan.of(CONFIG_MAP)
        if config_map.urn in computed or config_map.inputs.at("metadata", "name").raw in names
        for name, text in files(config_map).items()
    ]
    return [text.yaml for _, text in sorted(found, key=lambda each: each[0])]


def duration(configs: Iterable[Node], *keys: str) -> float | None:
    """The seconds of a key in the last configuration that has it."""
    given = [seconds(config.at(*keys)) for config in configs]
    return next((each for each in reversed(given) if each is not None), None)


def seconds(given: Node) -> float | None:
    """A duration of Backstage in seconds: {seconds: 15}, `15s`, or None where there is none."""
    if given.raw is None:
        return None
    units = {"milliseconds": 0.001, "seconds": 1, "minutes": 60, "hours": 3600}
    if entries := given.entries:
        return sum(units.get(unit, 0) * (node.number or 0) for unit, node in entries.items())
    text = given.text
    suffixes = {"ms": 0.001, "s": 1, "m": 60, "h": 3600}
    number = text.rstrip("msh")
    try:
        return float(number) * suffixes[text[len(number) :]]
    except (KeyError, ValueError):
        return None

"""Backstage's configuration in ConfigMaps and variables."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator
from typing import Any

from policy.kubernetes import CONFIG_MAP, spec
from policy.node import UNKNOWN, Node
from policy.plan import Plan, Resource

# Durations, as settings/app_config.py reads them, which the pack can't import.
_UNITS = {"years": 31536000, "months": 2592000, "weeks": 604800, "days": 86400, "hours": 3600,
          "minutes": 60, "seconds": 1, "milliseconds": 0.001}  # fmt: skip
_SHORT = {"w": 604800, "d": 86400, "h": 3600, "m": 60, "s": 1, "ms": 0.001}
# As the npm package ms reads a text; each group is a name in _SHORT.
_MS = re.compile(
    r"(?P<n>\d*\.?\d+) *(?:(?P<ms>ms|msecs?|milliseconds?)|(?P<s>s|secs?|seconds?)"
    r"|(?P<m>m|mins?|minutes?)|(?P<h>h|hrs?|hours?)|(?P<d>d|days?)|(?P<w>w|weeks?))",
    re.ASCII | re.IGNORECASE,
)
_NUMBER = r"(-?\d{1,20}(?:\.\d{1,20})?)"
_ISO_8601 = re.compile(
    rf"P(?:{_NUMBER}Y)?(?:{_NUMBER}M)?(?:{_NUMBER}W)?(?:{_NUMBER}D)?"
    rf"(?:T(?:{_NUMBER}H)?(?:{_NUMBER}M)?(?:(-?\d{{1,20}})(?:[.,](\d{{1,20}}))?S)?)?",
    re.ASCII,
)
_VARIABLE = "APP_CONFIG_"


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


def configured(workload: Resource, plan: Plan) -> list[Node]:
    """Configuration of a workload's pods; a later one overrides.

    First the ConfigMaps that they mount, in the order of the containers' `--config` arguments, then
    the variables `APP_CONFIG_a_b`.
    """
    volumes = spec(workload).at("volumes").items
    names = {volume.at("configMap", "name").raw for volume in volumes} - {None, UNKNOWN}
    computed = workload.dependencies.get("spec", frozenset())
    containers = spec(workload).at("containers").items
    arguments = [
        argument.text.rpartition("/")[2]
        for container in containers
        for argument in container.at("args").items
    ]
    found = [
        (arguments.index(name) if name in arguments else -1, text)
        for config_map in plan.of(CONFIG_MAP)
        if config_map.urn in computed or config_map.inputs.at("metadata", "name").raw in names
        for name, text in files(config_map).items()
    ]
    mounted = [text.yaml for _, text in sorted(found, key=lambda each: each[0])]
    variables = (variable for each in containers for variable in each.at("env").items)
    return [*mounted, *_overrides(variables)]


def _overrides(variables: Iterable[Node]) -> Iterator[Node]:
    for variable in variables:
        name, given = variable.at("name").text, variable.at("value")
        if name.startswith(_VARIABLE) and given.raw is not None:
            value = given.raw if given.raw is UNKNOWN else _parsed(given.text)
            for part in reversed(name.removeprefix(_VARIABLE).split("_")):
                value = {part: value}
            yield Node(value, variable.path)


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def duration(configs: Iterable[Node], *keys: str) -> float | None:
    """The seconds of a key in the last configuration that has it."""
    given = [seconds(config.at(*keys)) for config in configs]
    return next((each for each in reversed(given) if each is not None), None)


def seconds(given: Node) -> float | None:
    """Seconds of a duration such as `{minutes: 2}`, `2 minutes`, `PT2M`; None where there is none.

    0 for what this can't read.
    """
    if given.raw is None:
        return None
    if entries := given.entries:
        return sum(_UNITS.get(unit, 0) * (node.number or 0) for unit, node in entries.items())
    text = given.text.strip()
    if match := _MS.fullmatch(text):
        return float(match["n"]) * _SHORT[match.lastgroup or ""]
    return _iso_8601(text) or 0


def _iso_8601(text: str) -> float | None:
    """Seconds of a duration such as `P1DT2.5H`; of a fraction of a second, whole milliseconds."""
    match = _ISO_8601.fullmatch(text)
    if match is None or not any(match.groups()):
        return None
    *numbers, fraction = match.groups()
    found = sum(float(n or 0) * unit for n, unit in zip(numbers, _UNITS.values(), strict=False))
    milliseconds = math.floor(float(f"0.{fraction or 0}") * 1000)
    negative = numbers[-1] is not None and numbers[-1].startswith("-")
    return found + (-milliseconds if negative else milliseconds) / 1000

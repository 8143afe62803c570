"""Kubernetes manifests of a run, one file per object, ready for kubectl or a linter."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tools.preview.recording import SECRET, Recording, Resource

# Not objects of the API server: providers, and charts that the plugin renders.
_NOT_OBJECTS = ("pulumi:", "kubernetes:helm.sh/")


class _Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
    """Writes multi-line strings as blocks."""


def _text(dumper: Any, value: str) -> Any:
    style = "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)


def manifests(recording: Recording) -> Iterator[dict[str, Any]]:
    """The Kubernetes objects of a run with stand-ins, secrets as `__SECRET:<name>/<key>__`."""
    for urn in sorted(recording.resources):
        resource = recording.resources[urn]
        if resource.type.startswith("kubernetes:") and not resource.type.startswith(_NOT_OBJECTS):
            yield _manifest(resource)


def _manifest(resource: Resource) -> dict[str, Any]:
    inputs = resource.inputs
    metadata = {"name": resource.name, **inputs.get("metadata", {})}
    name = metadata["name"]
    body = {
        key: value for key, value in inputs.items() if key not in ("apiVersion", "kind", "metadata")
    }
    for key in ("data", "stringData"):
        if inputs.get(key) == SECRET:  # the whole map is a secret; its keys are not
            names = resource.raw_inputs[key]["value"]
            body[key] = {entry: f"__SECRET:{name}/{entry}__" for entry in names}
    return {
        "apiVersion": inputs["apiVersion"],
        "kind": inputs["kind"],
        "metadata": metadata,
        **{key: _without_secrets(value, f"{name}/{key}") for key, value in body.items()},
    }


def _without_secrets(value: Any, path: str) -> Any:
    if value == SECRET:
        return f"__SECRET:{path}__"
    if isinstance(value, dict):
        return {key: _without_secrets(entry, f"{path}.{key}") for key, entry in value.items()}
    if isinstance(value, list):
        return [_without_secrets(entry, f"{path}.{index}") for index, entry in enumerate(value)]
    return value


def write_manifests(recording: Recording, folder: Path) -> int:
    """Writes each object to `<kind>-<name>.yaml`; returns how many."""
    count = 0
    for manifest in manifests(recording):
        file = folder / f"{manifest['kind'].lower()}-{manifest['metadata']['name']}.yaml"
        file.write_text(yaml.dump(manifest, Dumper=_Dumper, sort_keys=False), encoding="utf-8")
        count += 1
    return count

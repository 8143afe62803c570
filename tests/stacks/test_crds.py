"""Custom resources against the CRDs of their projects, which don't come with this one."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from tests.programs import previewed
from tools.preview.manifests import manifests

pytestmark = pytest.mark.crds

FOLDER = "CRDS"  # a folder with the CRDs as YAML
STACKS = {
    "ExternalSecret": "secrets",
    "SecretProviderClass": "csi",
    "PodMonitor": "existing-environment",
    "PrometheusRule": "existing-environment",
}


def strict(schema: Any) -> Any:
    """A CRD's schema without the tolerance of the API server, which drops unknown fields."""
    if isinstance(schema, list):
        return [strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    found = {name: strict(each) for name, each in schema.items()}
    if "properties" in schema and "x-kubernetes-preserve-unknown-fields" not in schema:
        found.setdefault("additionalProperties", False)
    return found


def schemas() -> dict[tuple[str, str], Any]:
    """By apiVersion and kind, of every version that the API server serves."""
    folder = os.environ.get(FOLDER)
    if not folder:
        pytest.skip(f"{FOLDER} is not set: name a folder with the CRDs of the operators")
    crds = [
        crd
        for file in sorted(Path(folder).glob("*.yaml"))
        for crd in yaml.safe_load_all(file.read_text(encoding="utf-8"))
        if crd and crd["kind"] == "CustomResourceDefinition"
    ]
    return {
        (f"{crd['spec']['group']}/{version['name']}", crd["spec"]["names"]["kind"]): version[
            "schema"
        ]["openAPIV3Schema"]
        for crd in crds
        for version in crd["spec"]["versions"]
        if version["served"]
    }


def validator(manifest: dict[str, Any]) -> jsonschema.Draft7Validator:
    schema = schemas()[manifest["apiVersion"], manifest["kind"]]
    return jsonschema.Draft7Validator(strict(schema["properties"]["spec"]))


@pytest.mark.parametrize("kind", STACKS)
def test_objects_follow_their_crd(kind: str) -> None:
    recording = previewed(STACKS[kind], creates=True).recording
    found = [each for each in manifests(recording) if each["kind"] == kind]
    assert found
    for manifest in found:
        checked = validator(manifest)
        assert [error.message for error in checked.iter_errors(manifest["spec"])] == []
        # The schema is one that notices.
        wrong = {**manifest["spec"], "misspelt": {}}
        assert [*checked.iter_errors(wrong)]

"""The JSON Schema of a stack file: current, referenced, and as strict as the program."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from settings.files import ROOT
from settings.keys import KEYS
from tests.settings.key_table import KEYS as TABLE
from tools.schema.stack_schema import SCHEMA, rendered

STACK_FILES = [*sorted(ROOT.glob("Pulumi.*.yaml")), *sorted(ROOT.glob("tests/stacks/*.yaml"))]


def errors(config: dict[str, Any]) -> list[str]:
    validator = jsonschema.Draft7Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))
    return [error.message for error in validator.iter_errors({"config": config})]


def full(key: str) -> str:
    return key if ":" in key else f"backstage:{key}"


def test_the_committed_schema_is_current(pytestconfig: pytest.Config) -> None:
    """`make schema` writes it."""
    assert SCHEMA.read_text(encoding="utf-8") == rendered()
    jsonschema.Draft7Validator.check_schema(json.loads(rendered()))


@pytest.mark.parametrize("path", STACK_FILES, ids=lambda path: path.name)
def test_a_stack_file_names_its_schema_and_follows_it(path: Path) -> None:
    first, *_ = path.read_text(encoding="utf-8").splitlines()
    _, _, schema = first.partition("# yaml-language-server: $schema=")
    assert (path.parent / schema).resolve() == SCHEMA
    assert errors(yaml.safe_load(path.read_text(encoding="utf-8"))["config"]) == []


@pytest.mark.parametrize("key", TABLE)
def test_an_accepted_value_follows_the_schema(key: str) -> None:
    good = TABLE[key].good
    assert errors({full(key): good}) == []
    if isinstance(good, (bool, int, float)):
        assert errors({full(key): json.dumps(good)}) == []  # as `pulumi config set` writes it


def test_encrypted_values_follow_the_schema() -> None:
    secure = {"secure": "v1:abc"}
    assert errors({"backstage:secretEnv": {"TOKEN": secure, "B": "x"}}) == []
    assert errors({"backstage:secretEnv": secure}) == []
    assert errors({"backstage:host": secure})


@pytest.mark.parametrize(
    "config",
    [
        {"backstage:replica": 2},
        {"host": "portal.example.com"},
        {"backstage:host": "https://x"},
        {"backstage:port": 80},
        {"backstage:metrics": "yes"},
        {"backstage:databaseMinCapacity": 0.3},
        {"backstage:ingressScheme": "public"},
        {"backstage:databaseSubnetIds": ["subnet-01234567"]},
        {"backstage:env": {"1A": "x"}},
        {"aws:assumeRoles": [{"roleArm": "x"}]},
    ],
)
def test_a_refused_value_breaks_the_schema(config: dict[str, Any]) -> None:
    assert errors(config)


def test_every_key_is_described() -> None:
    properties = json.loads(SCHEMA.read_text(encoding="utf-8"))["properties"]["config"][
        "properties"
    ]
    assert set(properties) == {full(key) for key in KEYS}
    assert all(len(each["description"]) > 9 for each in properties.values())

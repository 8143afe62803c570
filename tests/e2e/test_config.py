"""Checks the mounted configuration against the portal's own schemas."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from tests.e2e.conftest import Build, Start
from tests.stacks.test_rendered_config import SCHEMAS
from tools.container.portal import PodSpec

pytestmark = pytest.mark.e2e

# Validators ignore these.
NOTES = ("$schema", "default", "deepVisibility", "deprecated", "description", "title", "visibility")


@pytest.fixture(scope="module")
def tools(build: Build) -> str:
    """The build stage's image, which has Backstage's CLI."""
    return build("build")


def cli(start: Start, pod: PodSpec, image: str, name: str, arguments: list[str]) -> tuple[int, str]:
    """Runs backstage-cli with the pod's files and variables. Returns exit code and output."""
    # Through files: the CLI exits before a pipe has taken all its output.
    script = (
        'yarn backstage-cli "$@" >/tmp/out 2>/tmp/err; code=$?; cat /tmp/out /tmp/err; exit $code'
    )
    command = ["sh", "-c", script, "sh", *arguments]
    container = start(
        name, replace(pod, arguments=command, read_only=False, user="0:0"), image=image
    )
    return container.wait_ended(120), container.logs()


def test_strict_check(start: Start, pod: PodSpec, tools: str) -> None:
    files = [each for each in pod.arguments if each != "node" and not each.startswith("packages")]
    check = ["config:check", "--strict", *files]
    code, output = cli(start, pod, tools, "config", check)
    assert code == 0, output
    wrong = replace(
        pod, environment={**pod.environment, "APP_CONFIG_backend_database_client": "[1]"}
    )
    code, output = cli(start, wrong, tools, "config-wrong", check)
    assert code != 0
    assert "backend/database/client" in output


def without_notes(node: Any) -> Any:
    if isinstance(node, dict):
        return {
            key: without_notes(value)
            for key, value in node.items()
            if not (key in NOTES and isinstance(value, str | bool))
        }
    return [without_notes(each) for each in node] if isinstance(node, list) else node


def test_recorded_schemas_are_the_portals(
    start: Start, pod: PodSpec, tools: str, request: pytest.FixtureRequest
) -> None:
    code, output = cli(start, pod, tools, "schema", ["config:schema", "--format", "json"])
    assert code == 0, output
    schemas = json.JSONDecoder().raw_decode(output)[0]["schemas"]
    # The CLI's order isn't stable.
    found = sorted(
        json.dumps(without_notes(each["value"]), sort_keys=True, separators=(",", ":"))
        for each in schemas
    )
    text = "[\n" + ",\n".join(found) + "\n]\n"
    if request.config.getoption("--update-golden"):
        SCHEMAS.write_text(text, encoding="utf-8")
    assert SCHEMAS.read_text(encoding="utf-8") == text

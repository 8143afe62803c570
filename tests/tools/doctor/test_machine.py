"""What `make doctor` looks for on the machine itself."""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.settings.stack import LOCAL, loaded
from tests.tools.commands import Commands, commands
from tools import local
from tools.doctor import machine
from tools.findings import Finding, run

__all__ = ["commands"]

PLUGINS = ("aws", "docker", "kubernetes", "random")
APP: dict[str, object] = {"appPath": "portal", "imageRepository": None}


@pytest.fixture(autouse=True)
def no_engine_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "ENGINE", tmp_path / "none")


def pulumi(commands: Commands, release: str = "3.260.0", without: str = "") -> None:
    """A Pulumi CLI that has every plugin, but for one in an older version."""
    versions = {name: version(f"pulumi-{name}") for name in PLUGINS}
    if without:
        versions[without] = "0.1.0"
    listed = json.dumps([{"name": name, "version": each} for name, each in versions.items()])
    commands.add("pulumi", f"case $1 in version) echo v{release};; *) echo '{listed}';; esac")


def findings(changes: dict[str, object]) -> dict[str, Finding]:
    return dict(run(machine.checks(loaded(changes)[0])))


def test_complete_machine(commands: Commands) -> None:
    pulumi(commands)
    commands.prints("docker", "28.1.0\n")
    commands.prints("aws", "aws-cli/2.30.1 Python/3.13.7 Linux/6.8\n")
    found = findings(APP)
    assert {each.state for each in found.values()} == {"ok"}
    assert (found["AWS CLI"].text, found["Docker engine"].text) == ("2.30.1", "28.1.0")


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        (LOCAL, ["Pulumi CLI", "plugin kubernetes", "plugin random"]),
        ({}, ["Pulumi CLI", "plugin aws", "plugin kubernetes", "plugin random", "AWS CLI"]),
        (
            {**LOCAL, **APP},
            ["Pulumi CLI", "plugin docker", "plugin kubernetes", "plugin random", "Docker engine"],
        ),
    ],
    ids=["local", "eks", "app"],
)
def test_only_what_the_stack_needs_is_looked_for(
    changes: dict[str, object], names: list[str], commands: Commands
) -> None:
    assert list(findings(changes)) == names


@pytest.mark.parametrize("release", ["3.259.9", "4.0.0", "3.9.0"])
def test_another_release_of_the_cli(release: str, commands: Commands) -> None:
    pulumi(commands, release)
    found = findings(LOCAL)["Pulumi CLI"]
    assert found == Finding("missing", f"{release}; 3.260 or a later 3.x is needed", "make engine")


def test_no_cli(commands: Commands) -> None:
    found = findings(LOCAL)
    assert found["Pulumi CLI"].fix == "make engine"
    assert found["plugin random"] == Finding("not checked", "of the Pulumi CLI above")


def test_plugin_in_another_version(commands: Commands) -> None:
    pulumi(commands, without="kubernetes")
    needed = version("pulumi-kubernetes")
    found = findings(LOCAL)["plugin kubernetes"]
    assert found.text.endswith("isn't installed; installed: 0.1.0")
    assert found.fix == f"pulumi plugin install resource kubernetes {needed}"


def test_no_docker(commands: Commands) -> None:
    assert findings(APP)["Docker engine"].fix == "install Docker"
    commands.fails("docker", "Cannot connect to the Docker daemon at unix:///var/run/docker.sock.")
    found = findings(APP)["Docker engine"]
    assert "Cannot connect to the Docker daemon" in found.text
    assert found.fix == "start Docker's engine"


def test_no_aws_cli(commands: Commands) -> None:
    assert findings({})["AWS CLI"] == Finding(
        "missing",
        "the kubeconfig calls `aws eks get-token`",
        "brew install awscli\nsnap install aws-cli --classic",
    )

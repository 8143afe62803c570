"""`make local`: what it asks for before it starts anything, and what it starts."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tools import local

VALUES = {"backstage:imageRepository": "backstage-portal", "backstage:imageTag": "local"}
PASSPHRASE = {"PULUMI_CONFIG_PASSPHRASE": "x"}


class Machine:
    """Programs on PATH, and a cluster whose nodes have images."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        self.programs = {"pulumi", "kubectl"}
        self.images = ["docker.io/library/backstage-portal:local"]
        self.answers = True
        self.asked: list[list[str]] = []
        self.ran: list[tuple[list[str], str]] = []
        monkeypatch.setattr(local, "ENGINE", tmp_path / "engine")
        monkeypatch.setattr(local, "STATE", tmp_path / "state")
        monkeypatch.setattr(shutil, "which", self._which)
        monkeypatch.setattr(subprocess, "run", self._run)

    def _which(self, name: str) -> str | None:
        return f"/bin/{name}" if name in self.programs else None

    def _run(self, command: Sequence[str], **options: Any) -> subprocess.CompletedProcess[str]:
        program, *arguments = command
        if program != "kubectl":
            self.ran.append((arguments, options["env"]["PULUMI_BACKEND_URL"]))
            return subprocess.CompletedProcess(command, 0, "", "")
        self.asked.append(arguments)
        if not self.answers:
            return subprocess.CompletedProcess(command, 1, "", "first\nno route to host\n")
        images = [{"names": [name]} for name in self.images] + [{"names": None}]
        nodes = {"items": [{"status": {"images": images}}]}
        text = "kind-kind\n" if "current-context" in arguments else json.dumps(nodes)
        return subprocess.CompletedProcess(command, 0, text, "")


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Machine:
    return Machine(monkeypatch, tmp_path)


def named(values: dict[str, str], environment: dict[str, str]) -> list[str]:
    return [each.partition(":")[0] for each in local.missing(values, environment)]


def test_nothing_is_missing(machine: Machine) -> None:
    assert named(VALUES, PASSPHRASE) == []
    assert named(VALUES, {"PULUMI_CONFIG_PASSPHRASE_FILE": "f"}) == []


def test_all_that_is_missing_is_said_at_once(machine: Machine) -> None:
    machine.programs.clear()
    assert named(VALUES, {}) == ["engine", "passphrase", "context"]


def test_a_cluster_that_does_not_answer(machine: Machine) -> None:
    machine.answers = False
    [problem] = local.missing({**VALUES, "backstage:kubeContext": "k3d"}, PASSPHRASE)
    assert problem.startswith("context: k3d doesn't answer (no route to host).")
    assert machine.asked[0][:2] == ["--context", "k3d"]


def test_an_image_that_no_node_has(machine: Machine) -> None:
    machine.images = ["docker.io/library/backstage-portal:other"]
    [problem] = local.missing(VALUES, PASSPHRASE)
    assert problem.startswith("image: no node has backstage-portal:local.")
    assert "docker build --tag backstage-portal:local" in problem
    assert named({**VALUES, "backstage:imageRepository": "ghcr.io/a/b"}, PASSPHRASE) == []
    assert named({**VALUES, "backstage:appPath": "portal"}, PASSPHRASE) == []


def test_nothing_is_started_while_something_is_missing(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in (*PASSPHRASE, "PULUMI_CONFIG_PASSPHRASE_FILE"):
        monkeypatch.delenv(name, raising=False)
    assert local.main([]) == 1
    assert capsys.readouterr().err.startswith("Nothing was started. Missing:\n- passphrase: ")
    assert machine.ran == []


def test_the_stack_is_made_and_brought_up(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(*next(iter(PASSPHRASE.items())))
    monkeypatch.delenv("PULUMI_BACKEND_URL", raising=False)
    assert local.main([]) == 0
    assert "kind-kind" in capsys.readouterr().out
    assert [arguments for arguments, _ in machine.ran] == [
        ["stack", "select", "--create", "local"], ["install"], ["up", "--stack", "local"],
    ]  # fmt: skip
    assert {backend for _, backend in machine.ran} == {local.STATE.as_uri()}

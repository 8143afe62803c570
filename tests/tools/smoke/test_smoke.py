"""`make smoke` as a command: where it asks, and what it says of the version."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.programs import STACK_FILES
from tests.tools.commands import Commands, commands, eks_script
from tools import local
from tools.smoke.__main__ import main

__all__ = ["commands"]

IMAGE = "backstage-portal:local"
FINDING = {"name": "readiness", "state": "ok", "text": "every plugin has started", "fix": ""}


def pod(image: str, ready: str = "True") -> dict[str, object]:
    return {
        "spec": {"containers": [{"image": image}]},
        "status": {"conditions": [{"type": "Ready", "status": ready}]},
    }


def run(commands: Commands, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    code = main(["local", "--config-file", str(STACK_FILES["local"]), *arguments])
    captured = capsys.readouterr()
    return code, captured.out + captured.err


@pytest.fixture
def machine(commands: Commands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Commands:
    """Commands of a portal that serves, with the stack's outputs."""
    monkeypatch.setattr(local, "ENGINE", tmp_path / "none")
    commands.prints("pulumi", json.dumps({"url": "http://localhost:7007", "image": IMAGE}))
    commands.add("node", f"echo '{json.dumps(FINDING)}'", log="$SMOKE")
    commands.prints("kubectl", json.dumps({"items": [pod(IMAGE), pod("other", "False")]}))
    return commands


def test_outputs_say_where_and_what(machine: Commands, capsys: pytest.CaptureFixture[str]) -> None:
    code, printed = run(machine, capsys)
    assert code == 0
    assert (
        "deployed version          1 of 2 pods are ready, and run backstage-portal:local" in printed
    )
    [asked] = [line.removeprefix("node ") for line in machine.log if line.startswith("node")]
    assert (
        '"url": "http://localhost:7007"' in asked.replace('\\"', '"') or "localhost:7007" in asked
    )


@pytest.mark.parametrize(
    ("pods", "text"),
    [
        ([pod(IMAGE), pod("portal:old")], f"pods run {IMAGE}, portal:old; the stack has {IMAGE}"),
        ([pod(IMAGE, "False")], "no pod is ready"),
    ],
    ids=["another image", "none"],
)
def test_pods_of_another_version(
    pods: list[object], text: str, machine: Commands, capsys: pytest.CaptureFixture[str]
) -> None:
    machine.prints("kubectl", json.dumps({"items": pods}))
    code, printed = run(machine, capsys)
    assert code == 1
    assert text in printed
    assert "fix: kubectl rollout status --namespace backstage deployment/backstage" in printed


def test_given_url_needs_no_outputs(machine: Commands, capsys: pytest.CaptureFixture[str]) -> None:
    machine.fails("pulumi", "no stack named 'local' found")
    assert run(machine, capsys, "--url", "http://127.0.0.1:9")[0] == 0
    assert not [line for line in machine.log if line.startswith("pulumi")]


def test_url_without_its_scheme_is_no_address(
    machine: Commands, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(machine, capsys, "--url", "backstage.example.com") == (
        1,
        "error: URL=backstage.example.com isn't an http or https URL\n"
        "  fix: make smoke STACK=local URL=http://localhost:7007\n",
    )
    assert not machine.log


def test_kubectl_is_quoted_without_its_log(
    machine: Commands, capsys: pytest.CaptureFixture[str]
) -> None:
    log = 'E1126 14:57:16.246069 1 memcache.go:265] "Unhandled Error" err="refused"'
    machine.fails("kubectl", f"{log}\n{log}\nThe connection to the server was refused")
    assert run(machine, capsys, "--in-cluster") == (
        1,
        "error: kubectl get deployment backstage --output: The connection to the server was "
        "refused\n  fix: make doctor STACK=local\n",
    )


def test_without_node_two_ways_are_left(
    machine: Commands, capsys: pytest.CaptureFixture[str]
) -> None:
    (machine.path / "node").unlink()
    assert run(machine, capsys) == (
        1,
        "error: there is no node on PATH\n"
        "  fix: brew install node@24\n"
        "  or:  snap install node --classic --channel=24\n"
        "  or:  make smoke STACK=local IN_CLUSTER=1\n",
    )


@pytest.mark.parametrize(
    ("stack", "url"),
    [("local", "http://localhost:7007"), ("prod", "https://backstage.example.com")],
)
def test_without_the_pulumi_cli_the_stack_file_has_the_address(
    stack: str, url: str, machine: Commands
) -> None:
    (machine.path / "pulumi").unlink()
    main([stack, "--config-file", str(STACK_FILES[stack])])
    [asked] = [line for line in machine.log if line.startswith("node")]
    assert f'"publicUrl": "{url}"' in asked


def test_stack_that_the_backend_does_not_know(
    machine: Commands, capsys: pytest.CaptureFixture[str]
) -> None:
    machine.fails("pulumi", "error: no stack named 'local' found")
    code, printed = run(machine, capsys)
    assert code == 1
    assert printed.startswith("error: no stack named 'local' found\n  fix: pulumi login")


def test_stack_that_was_never_deployed(
    machine: Commands, capsys: pytest.CaptureFixture[str]
) -> None:
    machine.prints("pulumi", "{}")
    code, printed = run(machine, capsys)
    assert (code, printed) == (
        1, "error: stack local has no output url\n  fix: pulumi up --stack local\n",
    )  # fmt: skip


def test_without_kubectl_the_version_is_unknown(
    machine: Commands, capsys: pytest.CaptureFixture[str]
) -> None:
    (machine.path / "kubectl").unlink()
    code, printed = run(machine, capsys)
    assert code == 0
    assert "deployed version          because there is no kubectl on PATH\n" in printed
    assert " fix: brew install kubectl\n" in printed
    assert run(machine, capsys, "--in-cluster") == (
        1,
        "error: there is no kubectl on PATH\n"
        "  fix: brew install kubectl\n"
        "  or:  snap install kubectl --classic\n",
    )


def test_pods_of_a_stack_on_eks(machine: Commands, capsys: pytest.CaptureFixture[str]) -> None:
    """kubectl is called with the stack's own kubeconfig, which needs no output."""
    machine.add("aws", eks_script())
    found = main(
        [
            "prod",
            "--config-file",
            str(STACK_FILES["prod"]),
            "--url",
            "https://backstage.example.com",
        ]
    )
    assert found == 1
    assert f"pods run {IMAGE}; the stack has 123456789012.dkr.ecr" in capsys.readouterr().out
    [called] = [line for line in machine.log if line.startswith("kubectl")]
    assert called.startswith("kubectl --kubeconfig /")


def test_without_a_cluster_the_version_is_unknown(
    machine: Commands, capsys: pytest.CaptureFixture[str]
) -> None:
    machine.fails("aws", "Unable to locate credentials.")
    arguments = [
        "prod",
        "--config-file",
        str(STACK_FILES["prod"]),
        "--url",
        "https://x.example.com",
    ]
    assert main(arguments) == 0
    said = "this shell has no AWS credentials\n"
    fix = "fix: aws configure\n"
    assert f"because {said}             {fix}" in capsys.readouterr().out
    assert main([*arguments, "--in-cluster"]) == 1
    assert capsys.readouterr().err == f"error: {said}  {fix}  or:  export AWS_PROFILE=PROFILE\n"

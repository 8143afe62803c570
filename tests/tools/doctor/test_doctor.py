"""`make doctor` as a command: its lines and its exit code."""

from __future__ import annotations

import itertools
import json
import shutil
from pathlib import Path

import pytest

from tests.programs import STACK_FILES
from tests.tools.commands import Commands, commands, eks_script
from tools import local
from tools.doctor.__main__ import main
from tools.findings import Check, Finding, Report, Unanswered, missing, ok, run

__all__ = ["commands"]

VERSION = json.dumps({"gitVersion": "v1.35.1", "items": []})
CAT = shutil.which("cat")


def test_findings_are_a_line_each_and_gaps_have_a_second(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def nobody() -> Finding:
        raise Unanswered("nobody answers")

    report = Report()
    report.add(run([Check("first", lambda: ok("1.2.3")), Check("second", nobody)]))
    report.add(run([Check("third", lambda: missing("it is gone", "make it"))]))
    report.add(run([Check("fourth", nobody)], blocked="of the third above"))
    assert report.close() == 1
    assert capsys.readouterr().out.splitlines() == [
        "ok           first                     1.2.3",
        "not checked  second                    because nobody answers",
        "missing      third                     it is gone",
        "             fix: make it",
        "not checked  fourth                    because of the third above",
        "",
        "1 ok, 1 missing, 2 not checked",
    ]


def test_without_gaps_the_exit_code_is_0(capsys: pytest.CaptureFixture[str]) -> None:
    report = Report()
    report.add(run([Check("first", lambda: ok("there")), Check("x", lambda: ok("there"))]))
    assert report.close() == 0


def test_invalid_stack_file_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "Pulumi.prod.yaml"
    file.write_text("config: {backstage:replica: 2}")
    assert main(["prod", "--config-file", str(file)]) == 1
    assert "error: Stack 'prod' has" in capsys.readouterr().err


@pytest.mark.parametrize("stack", ["local", "prod"])
def test_without_any_program_each_cause_has_a_fix(
    stack: str, commands: Commands, monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setattr(local, "ENGINE", tmp_path / "none")
    assert main([stack, "--config-file", str(STACK_FILES[stack])]) == 1
    lines = capsys.readouterr().out.splitlines()
    causes = [
        following
        for line, following in itertools.pairwise(lines)
        if line.startswith(("missing ", "not checked ")) and "because of the " not in line
    ]
    assert len(causes) == 2
    assert all(each.startswith("             fix: ") for each in causes)


def test_an_unknown_identity_blocks_what_it_would_ask(
    commands: Commands, monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setattr(local, "ENGINE", tmp_path / "none")
    commands.fails("aws", "Unable to locate credentials.")
    assert main(["prod", "--config-file", str(STACK_FILES["prod"])]) == 1
    lines = capsys.readouterr().out.splitlines()
    [cluster] = [line for line in lines if line.split("  ")[1:2] == ["cluster"]]
    assert cluster == "not checked  cluster                   because of the identity above"
    assert not [line for line in commands.log if "describe" in line]


def test_cluster_is_asked_with_the_stacks_own_kubeconfig(
    commands: Commands, monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """And what AWS refuses to tell stays unknown."""
    monkeypatch.setattr(local, "ENGINE", tmp_path / "none")
    commands.add("aws", eks_script())
    forbidden = "echo 'Error from server (Forbidden): no' >&2; exit 1"
    answers = f"case $* in *--raw*) echo '{VERSION}';; *) {forbidden};; esac"
    commands.add("kubectl", f"{CAT} $2 >> {tmp_path}/kubeconfig\n{answers}")
    assert main(["prod", "--config-file", str(STACK_FILES["prod"])]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert "ok           cluster                   platform-prod, Kubernetes 1.35" in lines
    assert "ok           API server                v1.35.1" in lines
    assert (
        "not checked  access entry              because this identity has no right to eks:X"
        in lines
    )
    called = [line for line in commands.log if line.startswith("kubectl")]
    assert called
    assert all(line.startswith("kubectl --kubeconfig /") for line in called)
    assert [each for each in lines if "NetworkPolicies" in each and "eks:X" in each]
    assert '"server": "https://eks.test"' in (tmp_path / "kubeconfig").read_text()


@pytest.mark.parametrize("status", ["CREATING", "DELETING"])
def test_cluster_that_is_not_there_yet_blocks_what_it_would_be_asked(
    status: str, commands: Commands, monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setattr(local, "ENGINE", tmp_path / "none")
    commands.add("aws", eks_script(status))
    commands.fails("kubectl", "not to be called")
    assert main(["prod", "--config-file", str(STACK_FILES["prod"])]) == 1
    printed = capsys.readouterr().out
    assert f"missing      cluster                   platform-prod is {status}" in printed
    assert "not checked  API server                because of the cluster above" in printed
    assert not [line for line in commands.log if line.startswith("kubectl")]


def test_local_stack_asks_its_context(
    commands: Commands, monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setattr(local, "ENGINE", tmp_path / "none")
    commands.prints("kubectl", VERSION)
    file = tmp_path / "Pulumi.local.yaml"
    text = STACK_FILES["local"].read_text(encoding="utf-8")
    file.write_text(f"{text}\n  backstage:kubeContext: kind-portal\n", encoding="utf-8")
    main(["local", "--config-file", str(file)])
    assert "ok           context kind-portal       v1.35.1" in capsys.readouterr().out
    called = [line for line in commands.log if line.startswith("kubectl")]
    assert called
    assert all(line.startswith("kubectl --context kind-portal") for line in called)

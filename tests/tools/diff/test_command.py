"""The command itself, in a repository of its own, and what it reads of a stack file."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.programs import ROOT
from tests.tools.project import project
from tools.diff.__main__ import main
from tools.diff.configuration import configuration, encrypted_names

PROGRAM = """
of_aws = random.RandomId("id", byte_length=4)
policy = pulumi.Output.json_dumps({{"Allow": ["{action}", of_aws.hex]}})
random.RandomPassword("a", length={length}, keepers={{"policy": policy}})
"""
# As in a release whose preview has no stand-ins.
WITHOUT_STAND_INS = """
_current = run_project

def run_project(root, config):
    return _current(root, config)
"""


def git(root: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=no"]
    subprocess.run(["git", "-C", root, *identity, *arguments], check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A commit of a small program, with the preview's and the settings' code beside it."""
    for folder in ("settings", "policy", "tools/preview"):
        shutil.copytree(
            ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("*.pyc", ".venv")
        )
    for file in ("tools/__init__.py", "requirements.txt"):
        shutil.copy(ROOT / file, tmp_path / file)
    project(tmp_path, PROGRAM.format(length=9, action="read"))
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message=first")
    return tmp_path


def test_the_working_tree_beside_a_commit(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # The commit is previewed by its own code: this stack file's value is an error to the next one.
    project(repository, PROGRAM.format(length=12, action="write"), "config: {shop:sides: 3}")
    assert main(["dev", "--root", str(repository), "--base", "main"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("dev: the working tree compared with main (")
    assert lines[1] == "Resources: 1 replaced, 1 unchanged"
    assert lines[-7:] == [
        "Pulumi.dev.yaml:",
        "    shop:sides: (absent) -> 3",
        "",
        "+- a (random:index:RandomPassword), deleted after the new one is created",
        "       keepers.policy.Allow (replaces) (with stand-ins): + write",
        "       keepers.policy.Allow (replaces) (with stand-ins): - read",
        "       length (replaces): 9 -> 12",
    ]
    shown = subprocess.run(
        ["git", "-C", repository, "worktree", "list"], check=True, capture_output=True, text=True
    )
    assert len(shown.stdout.splitlines()) == 1


def test_an_older_commit_whose_preview_has_no_stand_ins(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = repository / "tools" / "preview" / "run.py"
    current = run.read_text(encoding="utf-8")
    run.write_text(current + WITHOUT_STAND_INS, encoding="utf-8")
    git(repository, "commit", "--quiet", "--all", "--message=second")
    run.write_text(current, encoding="utf-8")
    project(repository, PROGRAM.format(length=9, action="write"))
    assert main(["dev", "--root", str(repository), "--base", "main"]) == 0
    shown = capsys.readouterr().out
    assert "Resources: 2 unchanged\n" in shown
    assert "Warning: The other commit's preview has no stand-ins, so values that are" in shown


def test_a_commit_that_is_not_there(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dev", "--root", str(repository), "--base", "origin/main"]) == 1
    assert capsys.readouterr().err.splitlines() == [
        "error: origin/main: no commit of this repository",
        "  fix: git fetch origin",
        "  or:  make diff BASE=main",
    ]


def test_a_stack_that_is_new(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copy(repository / "Pulumi.dev.yaml", repository / "Pulumi.qa.yaml")
    arguments = ["--root", str(repository), "--base", "main", "--format", "markdown"]
    assert main(["qa", *arguments]) == 0
    assert capsys.readouterr().out.startswith("### qa: 2 created, 0 unchanged\n")


def test_a_commit_whose_preview_fails(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = repository / "tools" / "preview" / "run.py"
    run.write_text(
        "class PreviewError(Exception): pass\n"
        "def run_project(*_): raise PreviewError('nothing was changed')\n",
        encoding="utf-8",
    )
    git(repository, "commit", "--quiet", "--all", "--message=second")
    arguments = ["dev", "--root", str(repository), "--base", "main", "--format", "markdown"]
    assert main(arguments) == 1
    shown = capsys.readouterr()
    problem = "main: its own preview fails:\nnothing was changed"
    assert shown.err == f"error: {problem}\n"
    assert shown.out == f"### dev: not compared\n\n```\n{problem}\n```\n"


def test_requirements_that_differ_get_an_environment(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (repository / "requirements.txt").write_text("pulumi==1\n", encoding="utf-8")
    commands: list[list[str]] = []
    real = subprocess.run

    def run(command: list[object], **options: object) -> object:
        words = [str(word) for word in command]
        commands.append(words)
        if words[1:3] == ["-m", "venv"]:
            (Path(words[3]) / "bin").mkdir(parents=True)
            (Path(words[3]) / "bin" / "python").symlink_to(sys.executable)
            return None
        return None if words[1:3] == ["-m", "pip"] else real(words, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(subprocess, "run", run)
    main(["dev", "--root", str(repository), "--base", "main"])
    assert "installing the other commit's requirements.txt" in capsys.readouterr().err
    (install,) = [each for each in commands if each[1:3] == ["-m", "pip"]]
    assert "--require-hashes" in install
    assert install[-1].endswith("/base/requirements.txt")


def test_a_stack_file_and_its_encrypted_values(tmp_path: Path) -> None:
    before, after = tmp_path / "before.yaml", tmp_path / "after.yaml"
    before.write_text(
        "config: {backstage:host: a.example.com, backstage:secretEnv: {A: {secure: v1:a}, B: plain,"
        " C: {secure: v1:c}}}",
        encoding="utf-8",
    )
    after.write_text(
        "config: {backstage:host: b.example.com, backstage:secretEnv: {A: {secure: v1:b}, B: other,"
        " C: {secure: v1:c}}}",
        encoding="utf-8",
    )
    found = configuration(before, after)
    assert [each.lines() for each in found] == [
        ["host: a.example.com -> b.example.com"],
        ["secretEnv.A: [secret], changed"],
        ["secretEnv.B: [secret], changed"],
    ]
    assert encrypted_names(found) == {"A", "B"}
    assert configuration(tmp_path / "none.yaml", before)[0].lines() == [
        "host: (absent) -> a.example.com"
    ]

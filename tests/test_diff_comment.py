"""The step that comments on a pull request, run with a double of GitHub's CLI."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.programs import ROOT

SHA = "5f0c2e9b7a4d1f3865e2c0b9a7d4f1e386c5b2a0"
# Answers each call with the line of ANSWERS that its address begins, and keeps it in CALLS.
GH = """#!/bin/sh
printf '%s\\n' "$*" >> "$CALLS"
if [ "$1" = run ]; then mkdir diff; cp "$COMMENT" diff/comment.md; exit 0; fi
for last; do :; done
case "$*" in
*"--method POST"*|*"--method PATCH"*) cp "${last#body=@}" "$CALLS.body" ;;
*/pulls/7/files*) printf '%b' "$FILES" ;;
*/comments*) printf '%b' "$COMMENTS" ;;
*/pulls*) printf '%b' "$PULLS" ;;
esac
"""


@dataclass(frozen=True)
class Run:
    """The calls of a run, and what it posted."""

    calls: list[str]
    body: str


def run(folder: Path, comment: str = "### prod\n", **answers: str) -> Run:
    workflow = yaml.safe_load((ROOT / ".github/workflows/diff-comment.yml").read_text("utf-8"))
    (step,) = workflow["jobs"]["comment"]["steps"]
    gh = folder / "bin" / "gh"
    gh.parent.mkdir()
    gh.write_text(GH, encoding="utf-8")
    gh.chmod(0o755)
    (folder / "given.md").write_text(comment, encoding="utf-8")
    environment = {
        "PATH": f"{gh.parent}:{os.environ['PATH']}",
        "CALLS": str(folder / "calls"),
        "COMMENT": str(folder / "given.md"),
        **dict.fromkeys(step["env"], "x"),
        "REPOSITORY": "acme/portal",
        "HEAD": "fork:branch; rm -rf /",
        "SHA": SHA,
        "PULLS": "7\\n",
        **answers,
    }
    command = ["bash", "-e", "-o", "pipefail", "-c", step["run"]]
    subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)
    posted = folder / "calls.body"
    calls = (folder / "calls").read_text("utf-8").splitlines()
    return Run(calls, posted.read_text("utf-8") if posted.exists() else "")


def test_a_first_comment(tmp_path: Path) -> None:
    done = run(tmp_path)
    assert "-f head=fork:branch; rm -rf /" in done.calls[0]
    assert "--method POST repos/acme/portal/issues/7/comments" in done.calls[-1]
    assert done.body == "<!-- backstage-diff -->\n### prod\n"


def test_the_comment_is_updated(tmp_path: Path) -> None:
    done = run(tmp_path, COMMENTS="41\\n42\\n")
    assert "--method PATCH repos/acme/portal/issues/comments/41" in done.calls[-1]


def test_a_change_of_what_computes_it_is_said_first(tmp_path: Path) -> None:
    done = run(tmp_path, FILES="tools/diff/consequences/risks.py\\n")
    lines = done.body.splitlines()
    assert lines[1:3] == [
        "> [!IMPORTANT]",
        "> This pull request changes the code that writes this comment. Review that code first.",
    ]


def test_a_commit_that_is_no_head_any_more_gets_none(tmp_path: Path) -> None:
    done = run(tmp_path, PULLS="")
    assert len(done.calls) == 1
    assert done.body == ""


def test_a_long_comment_is_cut(tmp_path: Path) -> None:
    assert len(run(tmp_path, comment="x" * 100_000).body) < 65_536


def test_the_stacks_fit_into_one_comment() -> None:
    text = (ROOT / ".github/workflows/diff.yml").read_text("utf-8")
    (limit,) = re.findall(r"LIMIT=(\d+)", text)
    assert len(list(ROOT.glob("Pulumi.*.yaml"))) * int(limit) < 65_000

"""The Makefile: its variables and its help."""

from __future__ import annotations

import re
import subprocess

import pytest

from tests.programs import ROOT

TEXT = (ROOT / "Makefile").read_text(encoding="utf-8")
WIDTH = 125


def make(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", "--no-print-directory", *words],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("stack=prod", "STACK=prod"),
        ("Stack=prod", "STACK=prod"),
        ("policy-config=levels.json", "POLICY_CONFIG=levels.json"),
        ("url=https://portal.example.com it's", "URL=https://portal.example.com it's"),
        ("region:=eu-west-1", "REGION=eu-west-1"),
    ],
)
def test_a_variable_in_lower_case_is_refused(given: str, meant: str) -> None:
    done = make("--dry-run", "preview", given)
    name = re.split(":?=", given)[0]
    said = f"*** {name} is no variable of this Makefile; did you mean {meant}?.  Stop.\n"
    assert done.stderr.endswith(said)
    assert (done.returncode, done.stdout) == (2, "")


@pytest.mark.parametrize("given", ["ASSUME=lcu=1 stack=2", "https_proxy=x", "AWS_PROFILE=a'b"])
def test_a_variable_of_the_environment_is_taken(given: str) -> None:
    done = make("--dry-run", "preview", given)
    assert (done.returncode, done.stderr) == (0, "")
    assert "tools.preview 'dev'" in done.stdout


@pytest.mark.parametrize("stack", ["prod", "local"])
def test_a_stack_is_no_target(stack: str) -> None:
    done = make("--dry-run", "preview", stack)
    assert done.stderr.endswith(f"*** {stack} is no target; did you mean STACK={stack}?.  Stop.\n")
    assert (done.returncode, done.stdout) == (2, "")


@pytest.mark.parametrize(
    ("target", "needed"),
    [
        ("verify", "IMAGE=REPOSITORY@sha256:DIGEST"),
        ("sign", "IMAGE=REPOSITORY@sha256:DIGEST"),
        ("image-sbom", "SOURCE=docker:NAME:TAG"),
    ],
)
def test_a_missing_variable_is_named_before_anything_is_built(target: str, needed: str) -> None:
    done = make("--dry-run", target)
    assert done.stderr.endswith(f"*** {target} needs {needed}.  Stop.\n")
    assert (done.returncode, done.stdout) == (2, "")
    assert make("--dry-run", target, needed).returncode == 0


def test_every_variable_that_a_recipe_reads_is_known() -> None:
    recipes = re.sub(r"^#.*", "", TEXT, flags=re.M)
    read = re.findall(r"\$[({]([A-Z][A-Z_]+)[)}]|\$\$([A-Z][A-Z_]+)|call option,[^,]+,([A-Z_]+)",
                      recipes)  # fmt: skip
    own = {*re.findall(r"^([A-Z_]+) :?= ", TEXT, re.M), "CURDIR"}
    own |= {"MAKECMDGOALS", "MAKEFILE_LIST", "MAKEOVERRIDES"}
    [known] = re.findall(r"^VARIABLES = (.*)", TEXT, re.M)
    found = {name for names in read for name in names if name} - own - {"PATH"}
    assert known.split() == sorted(found)


def test_help_says_in_a_line_what_each_command_does() -> None:
    done = make("help", "STACK=prod")
    usage, *lines = done.stdout.splitlines()
    assert "STACK=prod BASE=origin/main REGION=us-east-1" in usage
    assert max(map(len, lines)) <= WIDTH
    listed = [line.split()[0] for line in lines if line.startswith("  ")]
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert {*re.findall(r"\bmake ([a-z-]+)", readme)} - {"help"} <= {*listed}
    assert all(re.search(rf"^{name}:", TEXT, re.M) for name in listed)
    assert all(len(line.split()) > 1 for line in lines if line.startswith("  "))
    assert "  cost          The monthly price of the plan from dated list prices" in lines

"""The Dockerfiles: linted, identical after the build, and without secrets."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from components.portal.portal_pod import USER
from tests.programs import ROOT

DOCKERFILES = sorted((ROOT / "image").glob("*.Dockerfile"))
TEXTS = {path.name: path.read_text(encoding="utf-8") for path in DOCKERFILES}
each_dockerfile = pytest.mark.parametrize("name", list(TEXTS))


def stage(text: str, name: str) -> str:
    """Returns a stage's instructions, without the comments before it."""
    match = re.search(rf"^FROM \S+ AS {name}$.*?(?=^(#|FROM)|\Z)", text, re.M | re.S)
    assert match, name
    return match.group()


def test_hadolint_finds_nothing() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([str(hadolint), *map(str, DOCKERFILES)], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


def test_both_have_the_same_stages_after_the_build() -> None:
    first, second = TEXTS.values()
    for name in ("yarn", "production", "runtime", "techdocs", "portal"):
        assert stage(first, name) == stage(second, name)


@each_dockerfile
def test_base_is_an_argument_pinned_by_digest(name: str) -> None:
    text = TEXTS[name]
    assert len(set(TEXTS)) == 2
    (base,) = re.findall(r"^ARG NODE_IMAGE=(\S+)$", text, re.M)
    assert re.fullmatch(r"node:\d+\.\d+\.\d+-trixie-slim@sha256:[0-9a-f]{64}", base)
    stages = re.findall(r"^FROM (\S+) AS (\S+)$", text, re.M)
    known = {"${NODE_IMAGE}"}
    for source, stage_name in stages:
        assert source in known, "a base other than NODE_IMAGE"
        known.add(stage_name)
    assert len(stages) == len(re.findall(r"^FROM ", text, re.M))
    assert stages[-1][1] == "portal"  # the default target


@each_dockerfile
def test_runs_as_the_pods_user_and_takes_no_argument_but_base_and_labels(name: str) -> None:
    text = TEXTS[name]
    users = re.findall(r"^USER (\S+)$", text, re.M)
    assert users[0] == users[-1] == f"{USER}:{USER}"
    arguments = {each.partition("=")[0] for each in re.findall(r"^ARG (\S+)$", text, re.M)}
    assert arguments == {"NODE_IMAGE", "REVISION", "SOURCE", "CREATED"}
    assert not re.search(r"POSTGRES|AUTH_|APP_HOST|APP_PORT|TOKEN|PASSWORD", text)
    assert "ADD " not in text


@each_dockerfile
def test_has_an_ignore_file_of_its_own(name: str) -> None:
    ignored = (ROOT / "image" / f"{name}.dockerignore").read_text(encoding="utf-8").splitlines()
    if "*" in ignored:  # an allow list
        assert all(line.startswith(("!", "#", "*")) for line in ignored)
        assert not [line for line in ignored if "local" in line or ".env" in line]
    else:
        assert {".git", "**/node_modules", "**/*.local.yaml", "**/.env", "**/.env.*"} < set(ignored)

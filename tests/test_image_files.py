"""The Dockerfiles: linted, identical after the build, and without secrets."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from components.portal.portal_pod import USER
from tests.assets.node import needs_node
from tests.programs import ROOT
from tools.supply import techdocs

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


@needs_node
@each_dockerfile
@pytest.mark.parametrize(
    ("release", "fails"),
    [("yarn@4.13.0", False), ("yarn@4.13.0+sha512.{}", False), ("yarn@4.13.0+sha512.0{}", True)],
)
def test_yarn_has_the_hash_that_the_app_names(
    name: str, release: str, fails: bool, tmp_path: Path
) -> None:
    (script,) = re.findall(r"node -e '([^']*)'", TEXTS[name])
    file = tmp_path / "yarn.js"
    file.write_bytes(b"yarn")
    spec = release.format(hashlib.sha512(b"yarn").hexdigest())
    (tmp_path / "package.json").write_text(json.dumps({"packageManager": spec}), encoding="utf-8")
    script = script.replace("\\\n", "")
    assert "/opt/yarn/node_modules/@yarnpkg/cli-dist/bin/yarn.js" in script
    script = re.sub(r"/opt/yarn/\S+?yarn\.js", str(file), script)
    done = subprocess.run(["node", "-e", script], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode != 0, "another hash" in done.stderr) == (fails, fails)


@each_dockerfile
def test_mkdocs_is_locked(name: str) -> None:
    (lines,) = re.findall(r"printf '%s\\n' \\\n(.+?)        > ", TEXTS[name], re.S)
    for line in lines.splitlines():
        # One wheel for all platforms, or one each.
        assert re.fullmatch(r" +'[\w.-]+==[\w.]+( --hash=sha256:[0-9a-f]{64}){1,2}' \\", line), line
    report = [{"install": [package("B_b", "b1"), package("a", "a1")]},
              {"install": [package("B_b", "b2"), package("a", "a1")]}]  # fmt: skip
    written = techdocs.locked(TEXTS[name], list(techdocs.pins(report)))
    assert (
        """RUN printf '%s\\n' \\
        'a==1 --hash=sha256:a1' \\
        'b_b==1 --hash=sha256:b1 --hash=sha256:b2' \\
        > /tmp/mkdocs.txt \\"""
        in written
    )
    assert written.replace(written[written.index("'a==1") : written.index("> /tmp/mk")], "") == (
        TEXTS[name].replace(lines.lstrip() + "        ", "")
    )


def package(name: str, digest: str) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "version": "1"},
        "download_info": {"archive_info": {"hashes": {"sha256": digest}}},
    }


@each_dockerfile
def test_has_an_ignore_file_of_its_own(name: str) -> None:
    ignored = (ROOT / "image" / f"{name}.dockerignore").read_text(encoding="utf-8").splitlines()
    if "*" in ignored:  # an allow list
        assert all(line.startswith(("!", "#", "*")) for line in ignored)
        assert not [line for line in ignored if "local" in line or ".env" in line]
    else:
        assert {".git", "**/node_modules", "**/*.local.yaml", "**/.env", "**/.env.*"} < set(ignored)

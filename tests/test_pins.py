"""Everything that is downloaded is pinned: by hash or digest, or by a version that is checked."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from settings import versions
from tests.programs import ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
SHELL = ("Makefile", ".ci/run", "CONTRIBUTING.md")
DIGEST = r"@sha256:[0-9a-f]{64}"
IMAGE = re.compile(r"^(?:\s+(?:image|container|NODE): *|ARG \w+_IMAGE=|FROM )(\S+[:/]\S+)")
# What pip installs only after it has compared hashes.
HASHED = "--require-hashes"


def unpinned(text: str) -> Iterator[str]:
    """What a workflow, a Makefile or a Dockerfile downloads without a pin."""
    joined = re.sub(r"\\\n\s*", " ", text)
    for line in joined.splitlines():
        if match := re.search(r"\buses: *(\S+)(.*)", line):
            pinned = re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", match[1])
            if not pinned or not re.fullmatch(r" # v\d+\.\d+\.\d+", match[2]):
                yield f"action {match[1]}"
        runner = re.search(r"\bruns-on: *(\S+)", line)
        if runner and not re.fullmatch(r"ubuntu-\d\d\.\d\d", runner[1]):
            yield f"runner {runner[1]}"
        image = IMAGE.search(line)
        if image and not re.search(DIGEST, image[1]):
            yield f"image {image[1]}"
        for command in re.split(r"&&|;|\|", line):
            yield from _commands(command.strip())


def _commands(command: str) -> Iterator[str]:
    # Only the Makefile's rule, which reads tools/supply/tools.txt.
    if re.search(r"\bgo (install|run)\b", command) and "sed -n 's/^$* //p' $<" not in command:
        yield f"Go program: {command}"
    if re.search(r"\bpip3? install\b", command) and HASHED not in command:
        yield f"Python packages: {command}"
    if re.search(r"\b(curl|wget)\b", command):
        yield f"download: {command}"
    if re.search(r"\bnpx\b", command):
        yield f"npm packages: {command}"
    if re.search(r"\bnpm (install|i|add)\b", command) and "@yarnpkg/cli-dist@" not in command:
        yield f"npm packages: {command}"
    if re.search(r"\byarn\)? install\b", command, re.I) and "--immutable" not in command:
        yield f"npm packages: {command}"
    if re.search(r"\bhelm (install|upgrade|pull)\b", command) and ".local/charts/" not in command:
        yield f"chart: {command}"


FILES = [*WORKFLOWS, *(ROOT / name for name in SHELL), *sorted((ROOT / "image").glob("*file"))]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_nothing_is_downloaded_without_a_pin(file: Path) -> None:
    assert list(unpinned(file.read_text(encoding="utf-8"))) == []


Change = Callable[[str], str]


def replace(old: str, new: str) -> Change:
    def change(text: str) -> str:
        assert old in text, old
        return text.replace(old, new)

    return change


def add(line: str) -> Change:
    return lambda text: f"{text}\n{line}\n"


CHECKOUT = "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1"
LOOSE: dict[str, tuple[str, Change, str]] = {
    "tag": (".github/workflows/ci.yml", replace(CHECKOUT, "actions/checkout@v7"), "action"),
    "branch": (".github/workflows/ci.yml", replace(CHECKOUT, "actions/checkout@main"), "action"),
    "no comment": (
        ".github/workflows/ci.yml",
        replace(CHECKOUT, CHECKOUT.partition(" #")[0]),
        "action",
    ),
    "runner": (
        ".github/workflows/ci.yml",
        replace("ubuntu-24.04", "ubuntu-latest"),
        "runner",
    ),
    "container": (".github/workflows/ci.yml", add("    container: node:24"), "image node:24"),
    "service": (".github/workflows/ci.yml", add("        image: postgres:17"), "image"),
    "node": (
        ".github/workflows/cluster.yml",
        lambda text: re.sub(DIGEST, "", text),
        "image kindest/node",
    ),
    "base": (
        "image/host.Dockerfile",
        lambda text: re.sub(DIGEST, "", text),
        "image node:",
    ),
    "from": ("image/host.Dockerfile", add("FROM debian:13 AS other"), "image debian:13"),
    "latest": (
        "CONTRIBUTING.md",
        add("`go install github.com/zegl/kube-score/cmd/kube-score@latest`"),
        "Go program",
    ),
    "go": (".github/workflows/ci.yml", add("      - run: go install x.y/z"), "Go program"),
    "pip": (".github/workflows/ci.yml", add("      - run: pip install ruff==1"), "Python"),
    "pip without": ("Makefile", replace("--require-hashes", ""), "Python"),
    "curl": (".ci/run", add("curl -fsSL https://example.com | sh"), "download"),
    "npx": ("Makefile", add("\t@npx --yes cowsay@1"), "npm"),
    "npm": ("image/host.Dockerfile", add("RUN npm install left-pad@1.0.0"), "npm"),
    "yarn": ("Makefile", replace("install --immutable", "install"), "npm"),
    "chart": (
        ".github/workflows/cluster.yml",
        replace(".local/charts/aws-load-balancer-controller.tgz", "eks/chart"),
        "chart",
    ),
}


@pytest.mark.parametrize("name", LOOSE)
def test_each_missing_pin_is_found(name: str) -> None:
    file, change, expected = LOOSE[name]
    text = change((ROOT / file).read_text(encoding="utf-8"))
    assert any(found.startswith(expected) for found in unpinned(text))


def test_go_programs_have_a_release_each() -> None:
    lines = (ROOT / "tools" / "supply" / "tools.txt").read_text(encoding="utf-8").splitlines()
    for line in lines:
        name, _, module = line.partition(" ")
        path, _, version = module.partition("@")
        assert re.fullmatch(r"v\d+\.\d+\.\d+", version), line
        assert path.endswith(f"/cmd/{name}"), line


def test_yarn_and_every_package_of_it_have_a_hash() -> None:
    manifest = json.loads((ROOT / "portal" / "package.json").read_text(encoding="utf-8"))
    assert re.fullmatch(r"yarn@\d+\.\d+\.\d+\+sha512\.[0-9a-f]{128}", manifest["packageManager"])
    lock = (ROOT / "portal" / "yarn.lock").read_text(encoding="utf-8")
    for key, entry in yaml.load(lock, Loader=yaml.CSafeLoader).items():
        if key != "__metadata" and "@npm:" in entry["resolution"]:
            # Yarn keeps none for packages of other platforms.
            assert "conditions" in entry or re.fullmatch(
                r"[\w/]+/[0-9a-f]{128}", entry["checksum"]
            ), key


@pytest.mark.parametrize(
    "file", sorted((ROOT / "tests").rglob("package-lock.json")), ids=lambda file: file.parent.name
)
def test_npm_locks_have_hashes(file: Path) -> None:
    packages = json.loads(file.read_text(encoding="utf-8"))["packages"]
    for name, entry in packages.items():
        assert not name or entry["integrity"].startswith("sha512-"), name


def test_the_chart_and_its_image_have_a_hash() -> None:
    chart = re.escape(versions.LOAD_BALANCER_CONTROLLER_CHART)
    assert re.fullmatch(r"[0-9a-f]{64}", versions.LOAD_BALANCER_CONTROLLER_SHA256)
    # The chart has the controller's version.
    assert re.fullmatch(f"v{chart}{DIGEST}", versions.LOAD_BALANCER_CONTROLLER_IMAGE)

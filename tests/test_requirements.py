"""requirements*.txt: locked from requirements*.in with hashes, the program's apart from tests'."""

from __future__ import annotations

import ast
import re
import sys
from functools import cache
from importlib.metadata import packages_distributions

import pytest

from tests.programs import ROOT

PACK = "policy/requirements"
INPUTS = [*sorted(path.stem for path in ROOT.glob("requirements*.in")), PACK]
OWN_ENVIRONMENT = {"requirements-scan", "requirements-supply", PACK}
each_file = pytest.mark.parametrize("name", INPUTS)
# What `pulumi up` and `make preview` import.
PROGRAM = ("__main__.py", "settings", "targets", "components", "tools/preview", "policy")
ON_THE_ENGINE = {ROOT / "policy" / name for name in ("__main__.py", "analyzer.py")}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name.partition("[")[0]).lower()


@cache
def pins(name: str) -> dict[str, str]:
    """Versions in an input file, by package, without those of the files that it includes."""
    lines = (ROOT / f"{name}.in").read_text(encoding="utf-8").splitlines()
    own = [line for line in lines if line and not line.startswith(("#", "-"))]
    return {normal(package): version for package, version in (line.split("==") for line in own)}


@cache
def locked(name: str) -> dict[str, dict[str, list[str]]]:
    """Hashes in a lock file, by package and version: a version may hold for some Pythons only."""
    text = (ROOT / f"{name}.txt").read_text(encoding="utf-8").replace("\\\n", " ")
    found: dict[str, dict[str, list[str]]] = {}
    for line in text.splitlines():
        if match := re.match(r"([\w.-]+)(?:\[[\w,-]+\])?==([^\s;]+)(.*)", line):
            package, version, rest = match.groups()
            hashes = re.findall(r"--hash=sha256:([0-9a-f]{64})\b", rest)
            found.setdefault(normal(package), {})[version] = hashes
        else:
            # An index or a URL would tie the file to a place. A source distribution's build would
            # install packages that nothing locks.
            assert re.fullmatch(r"|\s*#.*|--only-binary :all:", line), line
    return found


@each_file
def test_every_input_is_pinned_and_locked_in_that_version(name: str) -> None:
    lock = locked(name)
    for package, version in pins(name).items():
        assert list(lock[package]) == [version], f"{package}: run `make lock`"


@each_file
def test_every_locked_package_has_hashes_and_no_build(name: str) -> None:
    for package, versions in locked(name).items():
        assert all(versions.values()), package
    assert "\n--only-binary :all:\n" in (ROOT / f"{name}.txt").read_text(encoding="utf-8")


def test_the_locks_of_one_environment_agree() -> None:
    known: dict[str, set[str]] = {}
    for name in set(INPUTS) - OWN_ENVIRONMENT:
        for package, versions in locked(name).items():
            assert known.setdefault(package, set(versions)) == set(versions), (
                f"{name}, {package}: run `make lock`"
            )


def test_a_deployment_installs_what_the_program_imports_and_no_test() -> None:
    files = [
        file
        for each in PROGRAM
        for file in ([ROOT / each] if each.endswith(".py") else sorted((ROOT / each).rglob("*.py")))
    ]
    modules = set()
    for file in set(files) - ON_THE_ENGINE:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                modules |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                modules.add(node.module.partition(".")[0])
    own = {"settings", "targets", "components", "tools", "policy"}
    owners = packages_distributions()
    third_party = modules - own - sys.stdlib_module_names
    needed = {normal(owners[module][0]) for module in third_party}
    assert needed <= set(locked("requirements"))
    assert not set(pins("requirements-test")) & set(locked("requirements"))

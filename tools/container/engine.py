"""The Docker engine, through its command line."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

NEEDS = "a running Docker engine, and a docker client that builds with BuildKit"
_DOCKERFILE = Path(__file__).resolve().parents[2] / "image" / "multi-stage.Dockerfile"


class EngineMissing(Exception):
    """No Docker engine, or no client that can build with BuildKit."""


def _clients() -> Iterator[str]:
    for directory in os.get_exec_path():
        found = shutil.which("docker", path=directory)
        if found:
            yield found


def _run(client: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "DOCKER_BUILDKIT": "1"}
    return subprocess.run(  # noqa: S603, arguments are this module's callers'
        [client, *arguments], env=environment, capture_output=True, text=True, check=False
    )


@cache
def client() -> str:
    """The first docker on PATH that reaches an engine and builds with BuildKit.

    Since release 23 the client needs the buildx plugin for that; older ones have it built in.
    Raises EngineMissing.
    """
    problems = []
    for candidate in _clients():
        version = _run(candidate, "version", "--format", "{{.Client.Version}}")
        if version.returncode:
            problems.append(f"{candidate}: {version.stderr.strip().splitlines()[-1]}")
        elif (
            int(version.stdout.split(".")[0]) < 23
            or not _run(candidate, "buildx", "version").returncode
        ):
            return candidate
        else:
            problems.append(f"{candidate}: the buildx plugin is missing")
    raise EngineMissing("; ".join(problems) or "docker is not on PATH")


def docker(*arguments: str, check: bool = True, errors: bool = False) -> str:
    """Runs a docker command. Returns its standard output, with `errors` also its standard error.

    Raises RuntimeError with the last lines of its output if it fails and `check` is set.
    """
    done = _run(client(), *arguments)
    if check and done.returncode:
        lines = (done.stdout + done.stderr).strip().splitlines()
        raise RuntimeError("\n".join([f"docker {arguments[0]} failed:", *lines[-25:]]))
    return done.stdout + (done.stderr if errors else "")


def inspect(kind: str, name: str) -> Any:
    """An image, container or network as `docker inspect` describes it."""
    return json.loads(docker(kind, "inspect", name))[0]


def base_image() -> str:
    """The image that builds start from: NODE_IMAGE of the environment, else the pinned one."""
    pinned = re.search(r"^ARG NODE_IMAGE=(\S+)$", _DOCKERFILE.read_text(encoding="utf-8"), re.M)
    assert pinned
    return os.environ.get("NODE_IMAGE") or pinned.group(1)


def build(
    tag: str,
    context: Path,
    dockerfile: Path,
    arguments: Mapping[str, str],
    options: Sequence[str] = (),
) -> str:
    """Builds an image on `base_image`. Returns the build's log. Raises RuntimeError."""
    given = {"NODE_IMAGE": base_image(), **arguments}
    build_arguments = [
        part for key, value in given.items() for part in ("--build-arg", f"{key}={value}")
    ]
    done = _run(
        client(), "build", "--progress", "plain", "--network", "host", "--tag", tag,
        "--file", str(dockerfile), *build_arguments, *options, str(context),
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError("\n".join(done.stderr.splitlines()[-40:]))
    return done.stderr


@contextmanager
def network(name: str) -> Iterator[str]:
    """Creates a bridge network. Yields the address at which containers reach this machine."""
    docker("network", "rm", name, check=False)
    docker("network", "create", name)
    try:
        yield inspect("network", name)["IPAM"]["Config"][0]["Gateway"]
    finally:
        docker("network", "rm", name, check=False)


def mebibytes(usage: str) -> float:
    """Parses the memory usage of `docker stats`, such as 312.5MiB / 2GiB."""
    number, unit = re.findall(r"([\d.]+)([KMG])iB", usage)[0]
    return float(number) * {"K": 1 / 1024, "M": 1, "G": 1024}[unit]

"""What this machine needs: the Pulumi CLI and its plugins, Docker, the AWS CLI."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from functools import partial
from importlib.metadata import version

from settings.model import Settings
from tools import install
from tools.findings import Check, Finding, Unanswered, missing, ok
from tools.local import engine

OLDEST_ENGINE, FIRST_WITHOUT = (3, 260), (4, 0)  # releases of the Pulumi CLI
_SECONDS = 30


def checks(settings: Settings) -> Iterator[Check]:
    """Those that a stack needs."""
    yield Check("Pulumi CLI", _engine)
    for name in plugins(settings):
        yield Check(f"plugin {name}", partial(_plugin, name))
    if settings.image.app:
        yield Check("Docker engine", _docker)
    if settings.target == "eks":
        yield Check("AWS CLI", _aws)


def plugins(settings: Settings) -> list[str]:
    """Names of the providers of a stack."""
    on_aws = ["aws"] if settings.target == "eks" else []
    building = ["docker"] if settings.image.app else []
    return [*on_aws, *building, "kubernetes", "random"]


def _engine() -> Finding:
    path = engine()
    if path is None:
        return missing("there is none on PATH or in .local/engine", "make engine")
    found = _printed(path, "version").strip().removeprefix("v")
    numbers = tuple(int(each) for each in re.findall(r"\d+", found)[:2])
    if not OLDEST_ENGINE <= numbers < FIRST_WITHOUT:
        oldest = ".".join(map(str, OLDEST_ENGINE))
        return missing(f"{found}; {oldest} or a later 3.x is needed", "make engine")
    return ok(found)


def _plugin(name: str) -> Finding:
    path = engine()
    if path is None:
        raise Unanswered("of the Pulumi CLI above")
    needed = version(f"pulumi-{name}")
    listed = json.loads(_printed(path, "plugin", "ls", "--json"))
    found = [each.get("version", "") for each in listed if each["name"] == name]
    if needed in found:
        return ok(needed)
    others = f"; installed: {', '.join(sorted(found))}" if found else ""
    install = f"pulumi plugin install resource {name} {needed}"
    return missing(f"{needed}, as requirements.txt has it, isn't installed{others}", install)


def _docker() -> Finding:
    if shutil.which("docker") is None:
        return missing("appPath builds an image, and docker isn't on PATH", "install Docker")
    try:
        return ok(_printed("docker", "version", "--format", "{{.Server.Version}}").strip())
    except Unanswered as error:
        return missing(f"appPath builds an image: {error}", "start Docker's engine")


def _aws() -> Finding:
    if shutil.which("aws") is None:
        return missing("the kubeconfig calls `aws eks get-token`", *install.AWS_CLI)
    return ok(_printed("aws", "--version").split()[0].removeprefix("aws-cli/"))


def _printed(*command: str) -> str:
    """Standard output of a command. Raises Unanswered."""
    try:
        done = subprocess.run(  # noqa: S603
            command, capture_output=True, text=True, check=False, timeout=_SECONDS
        )
    except subprocess.TimeoutExpired:
        raise Unanswered(f"{' '.join(command[:2])} took longer than {_SECONDS} s") from None
    except OSError as error:
        raise Unanswered(str(error)) from None
    if done.returncode:
        raise Unanswered((done.stderr.strip() or "no message").splitlines()[-1])
    return done.stdout

"""`make local` and `make engine`: the portal on the cluster that kubectl points at.

`python -m tools.local` checks for the engine, a passphrase, the cluster and the image, says how to
get what is missing, and then runs `pulumi up --stack local`. The state is in .local/state, unless
PULUMI_BACKEND_URL names another backend. `python -m tools.local --install-engine` installs the
Pulumi CLI into .local/engine.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from settings.problem import with_fixes
from tools import install
from tools.preview.stack_file import StackFileError, read_stack
from tools.process import ends_with

ROOT = Path(__file__).resolve().parent.parent
ENGINE = ROOT / ".local" / "engine"
STATE = ROOT / ".local" / "state"
ENGINE_VERSION = "3.260.0"  # the release that the engine tests ran on
STACK = "local"
REQUEST_TIMEOUT = "5s"


def engine() -> str | None:
    """The Pulumi CLI in .local/engine, or else the one on PATH."""
    own = ENGINE / "bin" / "pulumi"
    return str(own) if own.exists() else shutil.which("pulumi")


def install_engine() -> None:
    """Installs the pinned CLI into .local/engine; needs the Internet."""
    from pulumi.automation import PulumiCommand
    from semver import VersionInfo

    command = PulumiCommand.install(root=str(ENGINE), version=VersionInfo.parse(ENGINE_VERSION))
    print(f"Pulumi {command.version} in {ENGINE.relative_to(ROOT)}")


def missing(values: Mapping[str, str], environment: Mapping[str, str]) -> Iterator[str]:
    """What `pulumi up` would fail for, each with a fix.

    values: the stack's configuration, full keys.
    """
    if engine() is None:
        yield with_fixes("engine: no pulumi on PATH", "make engine")
    if not {"PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE"} & set(environment):
        said = "passphrase: it encrypts the secrets in the state"
        yield with_fixes(said, "export PULUMI_CONFIG_PASSPHRASE=PASSPHRASE")
    context = values.get("backstage:kubeContext")
    if shutil.which("kubectl") is None:
        yield with_fixes("context: no kubectl on PATH", *install.KUBECTL)
        return
    try:
        nodes = json.loads(_kubectl(context, "get", "nodes", "--output", "json"))
    except RuntimeError as error:
        said = f"context: {context or 'the current one'} doesn't answer ({error})"
        choose = "pulumi config set --stack local kubeContext CONTEXT"
        yield with_fixes(said, "start the cluster", choose)
        return
    repository, tag = (values.get(f"backstage:image{key}", "") for key in ("Repository", "Tag"))
    if "backstage:appPath" in values or "/" in repository or "backstage:imageDigest" in values:
        return  # built, or pulled from a registry
    image = f"{repository}:{tag}"
    if not any(image in images_of(node) for node in nodes["items"]):
        yield with_fixes(f"image: no node has {image}", *load_image(image))


def load_image(image: str) -> list[str]:
    """Commands that build an image and load it into a cluster's nodes, by the cluster's tool."""
    build = f"docker build --tag {image} --file image/multi-stage.Dockerfile portal"
    loads = ("kind load docker-image", "minikube image load", "k3d image import")
    return [f"{build} && {load} {image}" for load in loads]


def images_of(node: Mapping[str, Any]) -> set[str]:
    """Names of the images on a node, which kubectl has described; Docker Hub's without prefix."""
    names = (name for image in node["status"].get("images", []) for name in image["names"] or [])
    return {name.removeprefix("docker.io/library/") for name in names}


def _kubectl(context: str | None, *arguments: str) -> str:
    chosen = ["--context", context] if context else []
    done = subprocess.run(  # noqa: S603
        ["kubectl", *chosen, "--request-timeout", REQUEST_TIMEOUT, *arguments],  # noqa: S607
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(done.stderr.strip().splitlines()[-1])
    return done.stdout.strip()


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit code of `pulumi up`, or 1 when something is missing."""
    parser = argparse.ArgumentParser(prog="python -m tools.local", description=__doc__)
    parser.add_argument("--install-engine", action="store_true")
    if parser.parse_args(arguments).install_engine:
        try:
            install_engine()
        except OSError as error:
            print(f"error: Pulumi {ENGINE_VERSION} can't be downloaded: {error}", file=sys.stderr)
            return 1
        return 0
    try:
        values = read_stack(ROOT, STACK).values
    except StackFileError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    problems = list(missing(values, os.environ))
    if problems:
        print("Nothing was started. Missing:", *problems, sep="\n- ", file=sys.stderr)
        return 1
    context = values.get("backstage:kubeContext")
    print("cluster: context", context or _kubectl(None, "config", "current-context"))
    environment = dict(os.environ)
    if "PULUMI_BACKEND_URL" not in environment:
        STATE.mkdir(parents=True, exist_ok=True)
        environment["PULUMI_BACKEND_URL"] = STATE.as_uri()
    pulumi = str(engine())
    for command in (
        ["stack", "select", "--create", STACK],
        ["install"],
        ["up", "--stack", STACK],
    ):
        code = subprocess.run([pulumi, *command], cwd=ROOT, env=environment, check=False).returncode  # noqa: S603
        if code:
            return code
    return 0


if __name__ == "__main__":
    ends_with(main)

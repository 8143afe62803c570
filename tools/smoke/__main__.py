"""Command line: `python -m tools.smoke STACK`."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from components.kubernetes.labels import SELECTOR
from settings.model import Settings
from settings.problem import with_fixes
from tools import install
from tools.findings import Check, Finding, Report, Unanswered, missing, ok, run
from tools.kubectl import Cluster as Kubectl
from tools.kubectl import Manifest
from tools.local import engine
from tools.preview.run import PreviewError
from tools.preview.settings import settings_of
from tools.preview.stack_file import StackFileError, read_stack
from tools.process import ends_with
from tools.smoke.expected import Expected, SmokeError, expected, outputs
from tools.smoke.job import TOKEN, SmokeJob, service_url

ROOT = Path(__file__).resolve().parent.parent.parent
SCRIPTS = Path(__file__).parent
OUTSIDE = "only a pod reaches it: IN_CLUSTER=1"
_SECONDS = 300


def main(arguments: list[str] | None = None) -> int:
    """Prints what a deployed portal does; returns the exit code, 1 if it lacks something."""
    parser = argparse.ArgumentParser(prog="python -m tools.smoke", description=__doc__)
    parser.add_argument("stack", help="name of the stack, such as prod")
    parser.add_argument("--config-file", type=Path, help="instead of Pulumi.STACK.yaml")
    parser.add_argument("--url", help="instead of the stack's output")
    parser.add_argument("--in-cluster", action="store_true", help="ask from a Job in the cluster")
    options = parser.parse_args(arguments)
    report, stack = Report(), options.stack
    try:
        settings = settings_of(read_stack(ROOT, stack, options.config_file))
        known = {} if options.url else outputs(stack, ROOT)
        url = options.url or known.get("url") or settings.url
        if not re.match(r"https?://[^/]", url):
            fix = f"make smoke STACK={stack} URL={settings.url}"
            raise SmokeError(with_fixes(f"URL={url} isn't an http or https URL", fix))
        image = known.get("image") or _image(settings)
        asked = ""
        if options.in_cluster and settings.target == "local" and not options.url:
            asked = service_url(settings.namespace, settings.port)
        goal = expected(settings, stack, url, asked)
        report.add(_in_cluster(settings, stack, goal) if options.in_cluster else _here(stack, goal))
        report.add(run([Check("deployed version", lambda: version(settings, stack, image))]))
    except (PreviewError, StackFileError, SmokeError, Unanswered, RuntimeError) as error:
        ways = error.ways if isinstance(error, Unanswered) else ()
        print(f"error: {with_fixes(str(error), *ways)}", file=sys.stderr)
        return 1
    return report.close()


def _image(settings: Settings) -> str:
    image = settings.image
    if image.app:
        return ""
    return f"{image.repository}@{image.digest}" if image.digest else (
        f"{image.repository}:{image.tag}"
    )  # fmt: skip


@contextmanager
def kubectl_of(settings: Settings, stack: str) -> Iterator[Kubectl]:
    """kubectl on the stack's cluster, in its namespace. Raises Unanswered if AWS doesn't say where
    that is. stack: its name, for commands.
    """
    if shutil.which("kubectl") is None:
        raise Unanswered(install.NO_KUBECTL, *install.KUBECTL)
    if settings.target == "local":
        context = settings.kube_context
        yield Kubectl(settings.namespace, ["--context", context] if context else [])
        return
    from tools.doctor.aws import Aws
    from tools.doctor.cluster import Cluster, describe

    aws = Aws(settings.aws)
    found, description = describe(aws, settings.cluster_name, stack)
    if not description:
        raise Unanswered(found.text, *found.fix.splitlines())
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "kubeconfig"
        cluster = Cluster(settings, aws, description, stack)
        file.write_text(cluster.kubeconfig(), encoding="utf-8")
        yield Kubectl(settings.namespace, ["--kubeconfig", str(file)])


def _here(stack: str, goal: Expected) -> list[tuple[str, Finding]]:
    node = shutil.which("node")
    if node is None:
        ways = (*install.NODE, f"make smoke STACK={stack} IN_CLUSTER=1")
        raise SmokeError(with_fixes("there is no node on PATH", *ways))
    if goal.database_port:
        goal = dataclasses.replace(goal, database_port=None, database_unchecked=OUTSIDE)
    done = subprocess.run(  # noqa: S603
        [node, str(SCRIPTS / "smoke.js")],
        env={**os.environ, "SMOKE": goal.text()},
        capture_output=True,
        text=True,
        check=False,
        timeout=_SECONDS,
    )
    if done.returncode:
        raise SmokeError(done.stderr.strip())
    return read(done.stdout)


def _in_cluster(settings: Settings, stack: str, goal: Expected) -> list[tuple[str, Finding]]:
    with kubectl_of(settings, stack) as kubectl:
        try:
            found = kubectl.run("get", "deployment", "backstage", "--output", "json")
        except RuntimeError as error:
            known = "(NotFound)" in str(error)
            fix = f"pulumi up --stack {stack}" if known else f"make doctor STACK={stack}"
            raise SmokeError(with_fixes(str(error), fix)) from None
        deployment: Manifest = json.loads(found)
        token, policy = os.environ.get(TOKEN, ""), settings.portal.network_policy
        job = SmokeJob(kubectl, deployment, goal, SCRIPTS, token, policy)
        return read(job.run())


def read(printed: str) -> list[tuple[str, Finding]]:
    """The findings that smoke.js printed, by check."""
    lines = [json.loads(line) for line in printed.splitlines()]
    return [(each["name"], Finding(each["state"], each["text"], each["fix"])) for each in lines]


def version(settings: Settings, stack: str, image: str) -> Finding:
    """Whether every pod that serves runs the stack's image. Raises Unanswered."""
    selector = ",".join(f"{key}={value}" for key, value in SELECTOR.items())
    if not image:
        ways = () if engine() else ("make engine",)
        raise Unanswered("only the stack's output knows an image that the stack built", *ways)
    try:
        with kubectl_of(settings, stack) as kubectl:
            pods = kubectl.get("pods", "--selector", selector)
    except RuntimeError as error:
        said = str(error).strip().splitlines()[-1]
        raise Unanswered(said, f"make doctor STACK={stack}") from None
    ready = [each for each in pods if _is_ready(each)]
    images = {each["spec"]["containers"][0]["image"] for each in ready}
    status = f"kubectl rollout status --namespace {settings.namespace} deployment/backstage"
    if not ready:
        return missing("no pod is ready", status)
    if images != {image}:
        return missing(f"pods run {', '.join(sorted(images))}; the stack has {image}", status)
    return ok(f"{len(ready)} of {len(pods)} pods are ready, and run {image}")


def _is_ready(pod: dict[str, Any]) -> bool:
    conditions = pod["status"].get("conditions", [])
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


if __name__ == "__main__":
    ends_with(main)

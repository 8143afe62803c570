"""Command line: `python -m tools.doctor STACK`."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from settings.model import Settings
from tools import install
from tools.doctor import machine
from tools.doctor.account import Account
from tools.doctor.aws import Aws
from tools.doctor.objects import Objects
from tools.doctor.reader import Reader
from tools.findings import Check, Finding, Report, Unanswered, run, unchecked
from tools.kubectl import Cluster as Kubectl
from tools.preview.run import PreviewError
from tools.preview.settings import settings_of
from tools.preview.stack_file import StackConfig, StackFileError, read_stack
from tools.process import ends_with

ROOT = Path(__file__).resolve().parent.parent.parent
REQUEST = ("--request-timeout", "10s")


def diagnose(config: StackConfig, settings: Settings, report: Report) -> None:
    """Adds every finding about a stack to a report."""
    report.add(run(machine.checks(settings)))
    if settings.target == "eks":
        _eks(config, settings, report)
    else:
        _local(config, settings, report)


def _local(config: StackConfig, settings: Settings, report: Report) -> None:
    context = settings.kube_context
    options = [*(["--context", context] if context else []), *REQUEST]
    choose = f"pulumi config set --stack {config.stack} kubeContext CONTEXT"
    reader = Reader(Kubectl(settings.namespace, options))
    objects = Objects(config.stack, settings, reader, unreachable=("start the cluster", choose))
    _objects(f"context {context or '(current)'}", objects, report)


def _eks(config: StackConfig, settings: Settings, report: Report) -> None:
    # The program's SDKs, which a local stack doesn't need.
    from tools.doctor.cluster import Cluster, describe

    if shutil.which("aws") is None:
        report.add([("AWS and the cluster", unchecked("of the AWS CLI above"))])
        return
    aws = Aws(settings.aws)
    account = Account(config.stack, settings, aws)
    identity = report.add(
        run([Check("region", account.region), Check("identity", account.identity)])
    )
    blocked = "" if all(found.state == "ok" for found in identity) else "of the identity above"
    report.add(run(account.checks(), blocked))
    description: dict[str, object] = {}

    def cluster_exists() -> Finding:
        found, known = describe(aws, settings.cluster_name, config.stack)
        description.update(known)
        return found

    report.add(run([Check("cluster", cluster_exists)], blocked))
    if not description:
        blocked = blocked or "of the cluster above"
        caller = ""
    else:
        caller = aws.caller()["Arn"]
    group = f"{config.project}-{config.stack}-deployer"
    cluster = Cluster(settings, aws, description, config.stack, caller, group)
    report.add(run(cluster.checks(), blocked))
    with tempfile.TemporaryDirectory() as directory:
        options: list[str] = []
        if description:
            file = Path(directory) / "kubeconfig"
            file.write_text(cluster.kubeconfig(), encoding="utf-8")
            options = ["--kubeconfig", str(file)]
        reader = Reader(Kubectl(settings.namespace, [*options, *REQUEST]))
        objects = Objects(
            config.stack,
            settings,
            reader,
            cluster.parts.auto_mode,
            cluster.parts.policies_by_addon,
            (cluster.how_to_reach(),),
        )
        _objects("API server", objects, report, blocked)


def _objects(name: str, objects: Objects, report: Report, blocked: str = "") -> None:
    report.add(run(objects.policies(), blocked))

    def reachable_by_kubectl() -> Finding:
        if shutil.which("kubectl") is None:
            raise Unanswered(install.NO_KUBECTL, *install.KUBECTL)
        return objects.reachable()

    [reachable] = report.add(run([Check(name, reachable_by_kubectl)], blocked))
    if not blocked and reachable.state != "ok":
        blocked = f"of the {name} above"
    report.add(run(objects.checks(), blocked))


def main(arguments: list[str] | None = None) -> int:
    """Prints what a stack has and lacks; returns the exit code, 1 if it lacks something."""
    parser = argparse.ArgumentParser(prog="python -m tools.doctor", description=__doc__)
    parser.add_argument("stack", help="name of the stack, such as prod")
    parser.add_argument("--config-file", type=Path, help="instead of Pulumi.STACK.yaml")
    options = parser.parse_args(arguments)
    try:
        config = read_stack(ROOT, options.stack, options.config_file)
        settings = settings_of(config)
    except (PreviewError, StackFileError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    report = Report()
    diagnose(config, settings, report)
    return report.close()


if __name__ == "__main__":
    ends_with(main)

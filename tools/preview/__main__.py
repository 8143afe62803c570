"""Command line of the offline preview: `python -m tools.preview STACK`."""

from __future__ import annotations

import argparse
import gc
import json
import shutil
import sys
from pathlib import Path
from typing import Any

from policy import levels
from policy.levels import LevelError
from policy.suppressions import SuppressionError
from tools.cost.assumptions import Assumptions, assumed
from tools.cost.prices import CostError
from tools.cost.report import price_report
from tools.preview.manifests import write_manifests
from tools.preview.policy import Verdict, verdict, verdict_report, write_verdict
from tools.preview.recording import Recording, Resource
from tools.preview.report import report
from tools.preview.run import PreviewError, run_project
from tools.preview.stack_file import StackFileError, read_stack
from tools.process import ends_with

ROOT = Path(__file__).resolve().parent.parent.parent


def main(arguments: list[str] | None = None) -> int:
    """Previews a stack; returns the exit code, 1 when the engine would refuse the program."""
    parser = argparse.ArgumentParser(prog="python -m tools.preview", description=__doc__)
    parser.add_argument("stack", help="name of the stack, such as dev")
    parser.add_argument("--config-file", type=Path, help="instead of Pulumi.STACK.yaml")
    parser.add_argument("--root", type=Path, default=ROOT, help="folder of Pulumi.yaml")
    parser.add_argument("--out", type=Path, help="instead of build/preview/STACK")
    parser.add_argument("--price", action="store_true", help="print the monthly price only")
    parser.add_argument(
        "--assume", action="append", default=[], metavar="NAME=NUMBER", help="for the price: lcu=1"
    )
    parser.add_argument(
        "--policy-pack-config", type=Path, metavar="FILE", help="levels of rules, as in Pulumi"
    )
    options = parser.parse_args(arguments)
    out = options.out or options.root / "build" / "preview" / options.stack
    try:
        config = read_stack(options.root, options.stack, options.config_file)
        if config.environment:
            print(
                f"warning: {config.file}: environment: what Pulumi ESC adds isn't read offline; "
                "keys that only it sets count as unset",
                file=sys.stderr,
            )
        assumptions = assumed(options.assume)
        chosen = options.policy_pack_config and levels.load(options.policy_pack_config)
        recording = run_project(options.root, config)
        if options.price:
            print(price_report(plan(recording), assumptions) or "nothing of AWS, so no price")
            return 0
        created = run_project(options.root, config, creates=True)
        judged = verdict(recording, created, chosen)
    except (PreviewError, StackFileError, CostError, LevelError, SuppressionError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(report(recording, options.stack))
    print_price(recording, assumptions)
    print(f"\n{verdict_report(judged)}")
    objects = write(recording, created, out)
    write_verdict(judged, out / "policy.json")
    shown = out.relative_to(options.root) if out.is_relative_to(options.root) else out
    print(f"\nWritten to {shown}: resources.json, policy.json and {objects} Kubernetes manifests")
    return refused(judged, config.stack)


def plan(recording: Recording) -> list[Resource]:
    """The resources of a run."""
    return list(recording.resources.values())


def print_price(recording: Recording, assumptions: Assumptions) -> None:
    """Prints the monthly price, or why there is none, which is no reason to refuse the plan."""
    try:
        price = price_report(plan(recording), assumptions)
    except CostError as error:
        price = f"Price a month: unknown, {error}"
    if price:
        print(f"\n{price}")


def refused(judged: Verdict, stack: str) -> int:
    """The exit code: 1, with a line on standard error, if the policy refuses the plan."""
    if judged.passed:
        return 0
    print(f"error: stack {stack} fails the policy; see docs/policy.md", file=sys.stderr)
    return 1


def write(recording: Recording, created: Recording, out: Path) -> int:
    """Replaces resources.json and manifests/; returns the number of manifests."""
    shutil.rmtree(out, ignore_errors=True)
    (out / "manifests").mkdir(parents=True)
    resources = [resource_object(recording, urn) for urn in sorted(recording.resources)]
    text = json.dumps(resources, indent=2, ensure_ascii=False) + "\n"
    (out / "resources.json").write_text(text, encoding="utf-8")
    return write_manifests(created, out / "manifests")


def resource_object(recording: Recording, urn: str) -> dict[str, Any]:
    """A resource as an object of resources.json, in the engine's camelCase."""
    resource = recording.resources[urn]
    return {
        "urn": resource.urn,
        "type": resource.type,
        "name": resource.name,
        "parent": resource.parent,
        "inputs": resource.inputs,
        "dependencies": resource.dependencies,
        "propertyDependencies": resource.property_dependencies,
        "protect": resource.protect,
        "provider": resource.provider,
        "ignoreChanges": resource.ignore_changes,
    }


if __name__ == "__main__":
    # A short run that loads generated classes and frees nothing: the collector would take a third
    # of the time.
    gc.disable()
    ends_with(main)

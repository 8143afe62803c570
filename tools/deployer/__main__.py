"""Command line: `python -m tools.deployer STACK`."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Mapping
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

import yaml

from settings.problem import with_fixes
from tools.deployer.aws_policy import deploy_policy, preview_policy, rights
from tools.deployer.kubernetes_roles import kubernetes_roles, preview_roles
from tools.deployer.plan import PROVIDER, DeployerError, Plan
from tools.deployer.state import State, add_state
from tools.deployer.subject import subjects
from tools.deployer.surroundings import NONE, Surroundings, check
from tools.deployer.trust import trust_policy
from tools.preview.answers import ACCOUNT
from tools.preview.recording import Recording
from tools.preview.run import PreviewError, run_project
from tools.preview.stack_file import StackConfig, StackFileError, read_stack
from tools.process import ends_with

ROOT = Path(__file__).resolve().parent.parent.parent
GIVEN = "given.json"


class _Dumper(yaml.SafeDumper):
    """Indents lists in mappings."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def placeholders(stack: str) -> Surroundings:
    """The names in the docs' examples."""
    subject = "repo:OWNER@OWNER_ID/REPO@REPO_ID"
    return Surroundings("", "BUCKET", f"alias/pulumi-{stack}", "OWNER/REPO", subject)


def files(config: StackConfig, around: Surroundings) -> dict[str, str]:
    """The content of each file by its name. Raises DeployerError and PreviewError."""
    recording = run_project(ROOT, config)
    return files_of(recording, run_project(ROOT, config, creates=True), config, around)


def files_of(
    recording: Recording, created: Recording, config: StackConfig, around: Surroundings
) -> dict[str, str]:
    """The same of a preview, and of a run with stand-ins. Raises DeployerError."""
    name = f"{config.project}-{config.stack}"
    roles = [
        *kubernetes_roles(recording, f"{name}-deployer", f"{name}-deployer"),
        *preview_roles(recording, f"{name}-preview", f"{name}-preview"),
    ]
    text = yaml.dump_all(roles, Dumper=_Dumper, sort_keys=False, width=100)
    found = {"kubernetes.yaml": text}
    providers = [each for each in recording.resources.values() if each.type == PROVIDER]
    if not providers:
        return found
    found[GIVEN] = _json(asdict(around))
    plan = plan_of(recording, created, around.account)
    deploy, preview = deploy_policy(plan), preview_policy(plan)
    if around.state_bucket != NONE:
        key = "" if around.secrets_key == NONE else around.secrets_key
        state = State(around.state_bucket, key, config.project, config.stack)
        add_state(deploy, plan, state, write=True)
        add_state(preview, plan, state, write=False)
    for number, document in enumerate(deploy.documents(), 1):
        found[f"policy-{number}.json"] = _json(document)
    (document,) = preview.documents()
    found["preview-policy.json"] = _json(document)
    for prefix, environment in (("", config.stack), ("preview-", f"{config.stack}-preview")):
        trusted = subjects(around.repository, around.subject, config.stack, environment)
        found[f"{prefix}trust.json"] = _json(trust_policy(plan, trusted))
    return found


def plan_of(recording: Recording, created: Recording, account: str = "") -> Plan:
    """The plan of a stack on AWS, in a given account or in the only one that it allows.

    Raises DeployerError for an account that it doesn't allow, unless that is the docs' example.
    """
    (provider,) = [each for each in recording.resources.values() if each.type == PROVIDER]
    allowed = json.loads(provider.inputs.get("allowedAccountIds", "[]"))
    known = allowed[0] if len(allowed) == 1 else ACCOUNT
    if account and allowed not in ([], [ACCOUNT]) and account not in allowed:
        stack = provider.urn.split(":")[2]
        ways = (
            f"make deployer STACK={stack} ACCOUNT={allowed[0]}",
            f"pulumi config set --stack {stack} --path 'aws:allowedAccountIds[0]' {account}",
        )
        said = f"ACCOUNT={account} is none of aws:allowedAccountIds: {', '.join(allowed)}"
        raise DeployerError(with_fixes(said, *ways))
    region = provider.inputs["region"]
    return Plan(recording, created, rights()["resources"], account or known, region)


def _json(document: Mapping[str, Any]) -> str:
    return json.dumps(document, indent=2) + "\n"


def _left(around: Surroundings, written: Mapping[str, str], stack: str) -> list[str]:
    """The variables of make that still have a placeholder."""
    default = placeholders(stack)
    names = ("state_bucket", "repository", "subject")
    left = [name for name in names if getattr(around, name) == getattr(default, name)]
    trust = written["trust.json"]
    if around.repository not in trust and "repository" in left:  # not part of a subject by ids
        left.remove("repository")
    if f"::{ACCOUNT}:" in trust:
        left.insert(0, "account")
    return [f"{name.upper()}=..." for name in left]


def given(folder: Path, stack: str) -> Surroundings:
    """What the files in a folder were written for; placeholders if there are none."""
    file = folder / GIVEN
    if not file.exists():
        return placeholders(stack)
    return Surroundings(**json.loads(file.read_text(encoding="utf-8")))


def main(arguments: list[str] | None = None) -> int:
    """Writes the files of a stack; returns the exit code, 1 if they can't be written."""
    parser = argparse.ArgumentParser(prog="python -m tools.deployer", description=__doc__)
    parser.add_argument("stack", help="name of the stack, such as prod")
    parser.add_argument("--config-file", type=Path, help="instead of Pulumi.STACK.yaml")
    parser.add_argument("--out", type=Path, help="instead of deployer/STACK")
    names = [field.name for field in fields(Surroundings)]
    for name in names:
        parser.add_argument(f"--{name.replace('_', '-')}", help="as before, if left out")
    options = parser.parse_args(arguments)
    out: Path = options.out or ROOT / "deployer" / options.stack
    chosen = {name: getattr(options, name) for name in names if getattr(options, name) is not None}
    around = replace(given(out, options.stack), **chosen)
    try:
        check(around, options.stack)
        config = read_stack(ROOT, options.stack, options.config_file)
        written = files(config, around)
    except (DeployerError, PreviewError, StackFileError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    for name, text in written.items():
        (out / name).write_text(text, encoding="utf-8")
    shown = out.relative_to(ROOT) if out.is_relative_to(ROOT) else out
    print(f"Written to {shown}: {', '.join(sorted(written))}")
    if GIVEN in written and (left := _left(around, written, options.stack)):
        print(f"Placeholders are left: make deployer STACK={options.stack} {' '.join(left)}")
    return 0


if __name__ == "__main__":
    ends_with(main)

"""The workflows: no job that a pull request can start may deploy, or read a stack's secrets."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml

from tests.programs import ROOT

Workflows = dict[str, dict[str, Any]]


def read() -> Workflows:
    """Every workflow by file name."""
    files = sorted((ROOT / ".github" / "workflows").iterdir())
    return {file.name: yaml.safe_load(file.read_text(encoding="utf-8")) for file in files}


def events(workflow: dict[Any, Any]) -> dict[str, Any]:
    """What starts a workflow, with each event's filters. A bare `on` is YAML's true."""
    on: Any = workflow.get("on", workflow.get(True))
    return on if isinstance(on, dict) else dict.fromkeys([on] if isinstance(on, str) else on)


def on_main_only(event: str, filters: Any) -> bool:
    """Whether an event always runs reviewed code, the workflow file included.

    The others don't, or not always: workflow_dispatch takes any branch, workflow_run starts after a
    pull request's run, a tag may point at any commit.
    """
    return event == "schedule" or (event == "push" and filters == {"branches": ["main"]})


def started_by_a_pull_request(workflows: Workflows) -> set[str]:
    """Files of the workflows that can run unreviewed code, with those that they call."""
    found = {
        file
        for file, workflow in workflows.items()
        if not all(
            event == "workflow_call" or on_main_only(event, filters)
            for event, filters in events(workflow).items()
        )
    }
    for _ in workflows:
        for file in list(found):
            calls = {str(job.get("uses")) for job in workflows[file]["jobs"].values()}
            found |= {name for name in workflows if f"./.github/workflows/{name}" in calls}
    return found


def privileges(workflow: dict[str, Any], job: dict[str, Any]) -> Iterator[str]:
    """What a job may do beyond reading the repository."""
    if "environment" in job:
        yield f"environment {job['environment']}"
    permissions = job.get("permissions", workflow.get("permissions"))
    if not isinstance(permissions, dict):  # none written: the repository's default
        yield f"permissions {permissions}"
    else:
        writes = sorted(name for name, level in permissions.items() if level == "write")
        # Nothing is checked out without an action: such a job runs no code but the workflow's.
        if "id-token" in writes or any("uses" in step for step in job.get("steps", ())):
            yield from (f"{name}: write" for name in writes)
    text = yaml.safe_dump([workflow.get("env"), job])
    for secret in re.findall(r"\bsecrets(?:\.\w+|\[|: inherit)", text):
        if secret != "secrets.GITHUB_TOKEN":
            yield secret


def findings(workflows: Workflows) -> list[str]:
    """Privileges of the jobs that a pull request can start."""
    return [
        f"{file}: {name}: {privilege}"
        for file in sorted(started_by_a_pull_request(workflows))
        for name, job in workflows[file]["jobs"].items()
        for privilege in privileges(workflows[file], job)
    ]


def test_a_pull_request_starts_no_job_with_access_to_a_stack() -> None:
    assert findings(read()) == []


Change = Callable[[Workflows], object]


def deploys_on(**on: Any) -> Change:
    return lambda each: each["deploy.yml"].update(on=on)


def checks_with(**job: Any) -> Change:
    return lambda each: each["ci.yml"]["jobs"]["check"].update(job)


def called_by_ci(each: Workflows) -> None:
    each["deploy.yml"]["on"] = {"workflow_call": None}
    each["ci.yml"]["jobs"]["deploy"] = {"uses": "./.github/workflows/deploy.yml"}


MAIN = {"branches": ["main"]}
BROKEN: dict[str, tuple[Change, str]] = {
    "pull_request": (deploys_on(push=MAIN, pull_request=None), "deploy.yml: prod-preview: env"),
    "pull_request_target": (deploys_on(pull_request_target=None), "deploy.yml: prod: environment"),
    "comment": (deploys_on(issue_comment={"types": ["created"]}), "deploy.yml: dev: environment"),
    "after ci": (deploys_on(workflow_run={"workflows": ["ci"]}), "deploy.yml: dev: id-token"),
    "by hand": (deploys_on(push=MAIN, workflow_dispatch=None), "deploy.yml: prod: environment"),
    "any branch": (deploys_on(push=None), "deploy.yml: dev: environment dev"),
    "more branches": (deploys_on(push={"branches": ["main", "release/**"]}), "deploy.yml: dev"),
    "pattern": (deploys_on(push={"branches": ["ma*"]}), "deploy.yml: dev"),
    "not on": (deploys_on(push={"branches-ignore": ["dev"]}), "deploy.yml: dev"),
    "tag": (deploys_on(push={**MAIN, "tags": ["v*"]}), "deploy.yml: prod"),
    "list": (lambda each: each["deploy.yml"].update(on=["push"]), "deploy.yml: prod"),
    "word": (lambda each: each["deploy.yml"].update(on="push"), "deploy.yml: prod"),
    "called": (called_by_ci, "deploy.yml: dev: environment dev"),
    "environment": (checks_with(environment="dev"), "ci.yml: check: environment dev"),
    "url": (checks_with(environment={"name": "prod"}), "ci.yml: check: environment"),
    "expression": (checks_with(environment="${{ inputs.to }}"), "ci.yml: check: environment"),
    "token": (checks_with(permissions={"id-token": "write"}), "ci.yml: check: id-token: write"),
    "all rights": (checks_with(permissions="write-all"), "ci.yml: check: permissions write-all"),
    "default rights": (
        lambda each: each["ci.yml"].pop("permissions"),
        "ci.yml: check: permissions",
    ),
    "token for all": (
        lambda each: each["ci.yml"].update(permissions={"id-token": "write"}),
        "ci.yml: portal: id-token: write",
    ),
    "rights to comment": (
        checks_with(permissions={"contents": "read", "pull-requests": "write"}),
        "ci.yml: check: pull-requests: write",
    ),
    "code in the comment": (
        lambda each: each["diff-comment.yml"]["jobs"]["comment"]["steps"].append(
            {"uses": "actions/checkout@v7"}
        ),
        "diff-comment.yml: comment: pull-requests: write",
    ),
    "secret": (
        checks_with(env={"KEY": "${{ secrets.AWS_KEY }}"}),
        "ci.yml: check: secrets.AWS_KEY",
    ),
    "secret by name": (checks_with(env={"KEY": "${{ secrets['K'] }}"}), "ci.yml: check: secrets["),
    "every secret": (checks_with(secrets="inherit"), "ci.yml: check: secrets: inherit"),
    "secret for all": (
        lambda each: each["ci.yml"].update(env={"KEY": "${{ secrets.KEY }}"}),
        "ci.yml: image: secrets.KEY",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_each_way_around_is_found(name: str) -> None:
    change, expected = BROKEN[name]
    workflows = copy.deepcopy(read())
    change(workflows)
    assert any(finding.startswith(expected) for finding in findings(workflows))


DEPLOYING = {
    name: job for name, job in read()["deploy.yml"]["jobs"].items() if "environment" in job
}


# What a job may run once it has credentials. make: targets whose files were made before.
COMMANDS = {"pulumi", "umask", "echo", "aws", ".local/bin/crane", "make"}
TARGETS = {
    "make sign": ".local/bin/cosign",
    "make verify": ".local/bin/cosign",
    "make smoke STACK=dev IN_CLUSTER=1": ".venv/installed",
    "make smoke STACK=prod IN_CLUSTER=1": ".venv/installed",
}


def steps_around_credentials(
    job: dict[str, Any],
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """A job's steps before and after it gets AWS credentials."""
    steps = job["steps"]
    (credentials,) = (
        index
        for index, step in enumerate(steps)
        if step.get("uses", "").startswith("aws-actions/configure-aws-credentials@")
    )
    return steps[:credentials], steps[credentials + 1 :]


@pytest.mark.parametrize("name", DEPLOYING)
def test_nothing_is_installed_once_a_job_has_credentials(name: str) -> None:
    before, after = steps_around_credentials(DEPLOYING[name])
    installed = "\n".join(str(step.get("run")) for step in before)
    assert "make .venv/installed" in installed
    for step in after:
        if "uses" in step:  # only stores what a step before has written
            assert step["uses"].startswith("actions/upload-artifact@")
            continue
        for line in step["run"].splitlines():
            command = line.split()[0]
            assert command in COMMANDS or line.startswith("#")
            if command == "make":
                assert TARGETS[line] in installed
            if command == "pulumi":
                assert "pulumi install --no-dependencies" in installed
            assert "pulumi install" not in line
    assert read()["deploy.yml"]["env"]["PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"] == "true"


def deploy_jobs() -> dict[str, dict[str, Any]]:
    return copy.deepcopy(read()["deploy.yml"]["jobs"])


def unverified(jobs: dict[str, dict[str, Any]]) -> list[str]:
    """How an image that the workflow didn't scan and sign could reach prod."""
    found = []
    for name in ("prod-preview", "prod"):
        job = jobs[name]
        if "sign" not in job["needs"] or "if" in job:
            found.append(f"{name}: doesn't wait for sign")
        runs = [step.get("run", "") for step in steps_around_credentials(job)[1]]
        verifying = [index for index, run in enumerate(runs) if "make verify" in run.splitlines()]
        using = [index for index, run in enumerate(runs) if "pulumi " in run]
        if not verifying or verifying[0] > using[0]:
            found.append(f"{name}: uses the image before it is verified")
            continue
        (step,) = [each for each in job["steps"] if "make verify" in each.get("run", "")]
        if step["env"] != VERIFIED:
            found.append(f"{name}: verifies something else")
        if {"if", "continue-on-error", "shell"} & {*step, *job}:
            found.append(f"{name}: may go on after a failure")
        deployed = {s["env"]["IMAGE"] for s in job["steps"] if "IMAGE" in s.get("env", {})}
        if deployed != {VERIFIED["IMAGE"]}:
            found.append(f"{name}: deploys another image")
    if "scan" not in jobs["sign"]["needs"] or "if" in jobs["sign"]:
        found.append("sign: doesn't wait for scan")
    runs = [step.get("run", "") for step in jobs["scan"]["steps"]]
    if "make audit SBOMS=build/sbom/image.json" not in runs or "if" in jobs["scan"]:
        found.append("scan: no gate")
    if any("continue-on-error" in each for each in (jobs["scan"], *jobs["scan"]["steps"])):
        found.append("scan: may go on after a failure")
    return found


VERIFIED = {
    "IMAGE": "${{ needs.dev.outputs.image }}",
    "REPOSITORY": "${{ github.repository }}",
    "COMMIT": "${{ github.sha }}",
    "KEY": "${{ vars.SIGNING_KEY }}",
}
JobsChange = Callable[[dict[str, dict[str, Any]]], object]


def verifying_step(jobs: dict[str, dict[str, Any]], name: str) -> dict[str, Any]:
    (step,) = [each for each in jobs[name]["steps"] if "make verify" in each.get("run", "")]
    return step


def test_prod_deploys_what_was_scanned_signed_and_verified() -> None:
    assert unverified(deploy_jobs()) == []


UNSAFE: dict[str, tuple[JobsChange, str]] = {
    "no needs": (lambda jobs: jobs["prod"].update(needs=["dev"]), "prod: doesn't wait for sign"),
    "always": (lambda jobs: jobs["prod"].update({"if": "always()"}), "prod: doesn't wait"),
    "no step": (
        lambda jobs: jobs["prod"]["steps"].remove(verifying_step(jobs, "prod")),
        "prod: uses the image before",
    ),
    "too late": (
        lambda jobs: jobs["prod-preview"]["steps"].append(
            jobs["prod-preview"]["steps"].pop(
                jobs["prod-preview"]["steps"].index(verifying_step(jobs, "prod-preview"))
            )
        ),
        "prod-preview: uses the image before",
    ),
    "swallowed": (
        lambda jobs: verifying_step(jobs, "prod").update(run="make verify || true"),
        "prod: uses the image before",
    ),
    "tolerated": (
        lambda jobs: verifying_step(jobs, "prod").update({"continue-on-error": True}),
        "prod: may go on",
    ),
    "conditional": (
        lambda jobs: verifying_step(jobs, "prod").update({"if": "failure()"}),
        "prod: may go on",
    ),
    "any commit": (
        lambda jobs: verifying_step(jobs, "prod")["env"].pop("COMMIT"),
        "prod: verifies something else",
    ),
    "another repository": (
        lambda jobs: verifying_step(jobs, "prod")["env"].update(REPOSITORY="OTHER/REPO"),
        "prod: verifies something else",
    ),
    "another image": (
        lambda jobs: jobs["prod"]["steps"][-1]["env"].update(IMAGE="${{ vars.IMAGE }}"),
        "prod: deploys another image",
    ),
    "unscanned": (lambda jobs: jobs["sign"].update(needs=["dev"]), "sign: doesn't wait for scan"),
    "no gate": (
        lambda jobs: jobs["scan"]["steps"].remove(
            {"run": "make audit SBOMS=build/sbom/image.json"}
        ),
        "scan: no gate",
    ),
    "gate tolerated": (
        lambda jobs: jobs["scan"].update({"continue-on-error": True}),
        "scan: may go on",
    ),
}


@pytest.mark.parametrize("name", UNSAFE)
def test_each_way_to_prod_without_a_signature_is_found(name: str) -> None:
    change, expected = UNSAFE[name]
    jobs = deploy_jobs()
    change(jobs)
    assert any(finding.startswith(expected) for finding in unverified(jobs))


def test_scanners_have_no_privileges() -> None:
    workflows = read()
    scanning = {
        (file, name)
        for file, workflow in workflows.items()
        for name, job in workflow["jobs"].items()
        if re.search(r"make (image-)?(sbom|audit)\b", yaml.safe_dump(job))
    }
    assert scanning == {("deploy.yml", "scan"), ("audit.yml", "packages"), ("audit.yml", "image")}
    for file, name in scanning:
        assert list(privileges(workflows[file], workflows[file]["jobs"][name])) == []


def test_each_deployment_has_an_environment_of_its_own_in_the_docs() -> None:
    names = list(dict.fromkeys(job["environment"] for job in DEPLOYING.values()))
    assert sorted(names) == ["dev", "prod", "prod-preview"]
    page = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\S+)` \| `main` \|", page, re.M)
    assert rows == names

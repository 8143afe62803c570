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


@pytest.mark.parametrize("name", DEPLOYING)
def test_nothing_is_installed_once_a_job_has_credentials(name: str) -> None:
    steps = DEPLOYING[name]["steps"]
    (credentials,) = (
        index
        for index, step in enumerate(steps)
        if step.get("uses", "").startswith("aws-actions/configure-aws-credentials@")
    )
    before = "\n".join(str(step.get("run")) for step in steps[:credentials])
    assert "make .venv/installed" in before
    assert "pulumi install --no-dependencies" in before
    for step in steps[credentials + 1 :]:
        assert "uses" not in step
        commands = [line.split()[0] for line in step["run"].splitlines() if line[0] not in "# "]
        assert set(commands) <= {"pulumi", "umask", "echo"}
        assert "pulumi install" not in step["run"]
    assert read()["deploy.yml"]["env"]["PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"] == "true"


def test_each_deployment_has_an_environment_of_its_own_in_the_docs() -> None:
    names = [job["environment"] for job in DEPLOYING.values()]
    assert sorted(names) == ["dev", "prod", "prod-preview"]
    page = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\S+)` \| `main` \|", page, re.M)
    assert rows == names

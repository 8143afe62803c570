"""Subjects of GitHub's tokens: which can be trusted, and for what."""

from __future__ import annotations

import pytest

from tools.deployer.subject import fault, subjects

WORKFLOW = "job_workflow_ref:acme/ci/.github/workflows/deploy.yml@refs/heads/main"


@pytest.mark.parametrize(
    ("given", "trusted"),
    [
        ("repo:acme/portal", ["repo:acme/portal:environment:E"]),
        (
            "repo:acme@1/portal@2",
            ["repo:acme/portal:environment:E", "repo:acme@1/portal@2:environment:E"],
        ),
        ("repository_id:4711", ["repository_id:4711:environment:E"]),
        ("repository_id:4711:environment:prod", ["repository_id:4711:environment:E"]),
        (
            f"repo:acme/portal:environment:prod:{WORKFLOW}",
            [f"repo:acme/portal:environment:E:{WORKFLOW}"],
        ),
        (
            f"repo:acme@1/portal@2:environment:prod:{WORKFLOW}",
            [f"repo:acme@1/portal@2:environment:E:{WORKFLOW}"],
        ),
        (
            "environment:prod:repository_owner_id:12:repository:acme/portal:repo_property_a:x%3Ay",
            ["environment:E:repository_owner_id:12:repository:acme/portal:repo_property_a:x%3Ay"],
        ),
    ],
)
def test_subject_of_one_repository_is_trusted_in_its_environment(
    given: str, trusted: list[str]
) -> None:
    assert fault(given, "prod") is None
    for environment in ("prod", "prod-preview"):
        expected = [each.replace("environment:E", f"environment:{environment}") for each in trusted]
        assert {*subjects("acme/portal", given, "prod", environment)} == {*expected}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("acme/portal", "isn't made of NAME:VALUE"),
        ("repo:acme/*", "without wildcards"),
        ("repo:acme/porta?", "without wildcards"),
        ("repo:acme/portal:*", "without wildcards"),
        ("repo:acme/portal:pull_request", "isn't made of NAME:VALUE"),
        ("repo:acme/portal ", "isn't made of NAME:VALUE"),
        ("repo:acme", "names no repository"),
        ("repository_owner:acme:environment:prod", "names no repository"),
        ("repository_owner_id:12:environment:prod", "names no repository"),
        (f"environment:prod:{WORKFLOW}", "names no repository"),
        ("repository_visibility:private:environment:prod", "names no repository"),
        ("repo:acme/portal:ref:refs/heads/main", "isn't limited to the environment prod"),
        (f"repo:acme/portal:{WORKFLOW}", "isn't limited to the environment prod"),
        ("repo:acme/portal:environment:dev", "isn't limited to the environment prod"),
        ("repo:acme/portal:runner_environment:prod", "isn't limited to the environment prod"),
        ("repo:acme/portal:workflow:environment:prod:x", "isn't limited to the environment"),
    ],
)
def test_subject_that_trusts_more_is_refused(given: str, said: str) -> None:
    assert said in (fault(given, "prod") or "")

"""The SLSA provenance of an image that a GitHub Actions job built."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tools.supply.errors import SupplyError

TYPE = "https://slsa.dev/provenance/v1"
BUILD_TYPE = "https://actions.github.io/buildtypes/workflow/v1"


def predicate(environment: Mapping[str, str]) -> dict[str, Any]:
    """The predicate, from the variables that GitHub sets in each job.

    Source: SLSA provenance v1, and the build type's page. Raises SupplyError outside of a job.
    """
    try:
        server, repository = environment["GITHUB_SERVER_URL"], environment["GITHUB_REPOSITORY"]
        workflow, _, ref = environment["GITHUB_WORKFLOW_REF"].partition("@")
        run, attempt = environment["GITHUB_RUN_ID"], environment["GITHUB_RUN_ATTEMPT"]
        source = f"{server}/{repository}"
        return {
            "buildDefinition": {
                "buildType": BUILD_TYPE,
                "externalParameters": {
                    "workflow": {
                        "ref": ref,
                        "repository": source,
                        "path": workflow.removeprefix(f"{repository}/"),
                    }
                },
                "internalParameters": {
                    "github": {
                        "event_name": environment["GITHUB_EVENT_NAME"],
                        "repository_id": environment["GITHUB_REPOSITORY_ID"],
                        "repository_owner_id": environment["GITHUB_REPOSITORY_OWNER_ID"],
                        "runner_environment": environment["RUNNER_ENVIRONMENT"],
                    }
                },
                "resolvedDependencies": [
                    {
                        "uri": f"git+{source}@{environment['GITHUB_REF']}",
                        "digest": {"gitCommit": environment["GITHUB_SHA"]},
                    }
                ],
            },
            "runDetails": {
                "builder": {"id": f"{server}/{workflow}@{ref}"},
                "metadata": {"invocationId": f"{source}/actions/runs/{run}/attempts/{attempt}"},
            },
        }
    except KeyError as error:
        raise SupplyError(
            f"{error.args[0]} isn't set: provenance is written by a job of GitHub Actions"
        ) from error


def commits(content: Mapping[str, Any]) -> set[str]:
    """The commits that a predicate names as source."""
    dependencies = content["buildDefinition"]["resolvedDependencies"]
    return {each["digest"]["gitCommit"] for each in dependencies if "gitCommit" in each["digest"]}

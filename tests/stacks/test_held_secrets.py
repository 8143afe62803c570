"""Secrets that are kept elsewhere: what asks for them, and what the pods refer to."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.programs import Program, changed, differing, previewed, stack_config
from tests.stacks.pods import MIGRATION_JOB, PORTAL, ROLE_JOB, templates
from tests.tokens import DEPLOYMENT, EXTERNAL_SECRET, PASSWORD, SECRET
from tests.tools.diff.plans import done

VARIABLES, FILES = "backstage-variables-external", "backstage-github-app-external"
RELOAD = "secret.reloader.stakater.com/reload"
MANAGED = {"storeRef": {"name": "aws-secrets-manager", "kind": "ClusterSecretStore"}}
PARAMETERS = {"storeRef": {"name": "aws-parameter-store", "kind": "ClusterSecretStore"}}
GITHUB = "backstage/prod/github"
UUID = "7c9e6679-7425-40de-944b-e07fc1f90ae7"


def data(program: Program, resource: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = program.inputs(EXTERNAL_SECRET, resource)["spec"]["data"]
    return found


def sources(**changes: Any) -> list[dict[str, Any]]:
    """The stack's, with changes to the first."""
    first, *others = json.loads(stack_config("secrets").values["backstage:secretsFrom"])
    return [{**first, **changes}, *others]


def test_external_secrets_ask_for_what_the_stack_file_names() -> None:
    program = previewed("secrets")
    assert data(program, VARIABLES) == [
        {
            "secretKey": "AUTH_GITHUB_CLIENT_SECRET",
            "remoteRef": {"key": GITHUB, "property": "oauth.clientSecret"},
            "sourceRef": MANAGED,
        },
        {
            "secretKey": "AUTH_SESSION_SECRET",
            "remoteRef": {"key": "/backstage/prod/session-secret", "version": "3"},
            "sourceRef": PARAMETERS,
        },
    ]
    assert data(program, FILES) == [
        {
            "secretKey": file,
            "remoteRef": {"key": GITHUB, "property": file},
            "sourceRef": MANAGED,
        }
        for file in ("privateKey", "clientSecret", "webhookSecret")
    ]
    for each in program.all(EXTERNAL_SECRET):
        spec = each.inputs["spec"]
        # The Secret has the ExternalSecret's name, goes with it, and outlives the secret in AWS.
        assert spec["target"] == {"creationPolicy": "Owner", "deletionPolicy": "Retain"}
        annotations = each.inputs["metadata"]["annotations"]
        assert annotations["pulumi.com/waitFor"] == "condition=Ready"


def test_version_of_a_managed_secret_is_an_id() -> None:
    program = changed("secrets", {"secretsFrom": sources(version=UUID)})
    assert {each["remoteRef"]["version"] for each in data(program, FILES)} == {f"uuid/{UUID}"}


def test_pods_get_the_named_entries_and_no_other() -> None:
    program = previewed("secrets", creates=True)
    found = {
        "AUTH_GITHUB_CLIENT_SECRET": {"name": VARIABLES, "key": "AUTH_GITHUB_CLIENT_SECRET"},
        "AUTH_SESSION_SECRET": {"name": VARIABLES, "key": "AUTH_SESSION_SECRET"},
        "JIRA_TOKEN": {"name": "jira", "key": "token"},
    }
    pods = templates(program)
    for workload in (PORTAL, MIGRATION_JOB):
        [container] = pods[workload]["spec"]["containers"]
        references = [each for each in container["env"] if "valueFrom" in each]
        assert {each["name"]: each["valueFrom"]["secretKeyRef"] for each in references} == found
        # Only the program's own Secret is taken as a whole.
        assert [each["secretRef"]["name"] for each in container["envFrom"]] == ["backstage-secrets"]
        [volume] = [each for each in pods[workload]["spec"]["volumes"] if "secret" in each]
        assert volume["name"] == "github-app"
        assert volume["secret"] == {"secretName": FILES, "defaultMode": 0o440}
        [mount] = [each for each in container["volumeMounts"] if each["name"] == "github-app"]
        assert mount["mountPath"] == "/etc/backstage/github-app"
    assert "valueFrom" not in json.dumps(pods[ROLE_JOB])


def test_files_of_an_existing_secret_are_named_by_their_keys() -> None:
    keys = {f"githubAppSecrets.{each}": f"app.{each}" for each in ("privateKey", "clientSecret")}
    changes = {
        "secretsFrom": sources(keys={"AUTH_GITHUB_CLIENT_SECRET": "x"}),
        "existingSecret": {"name": "app", "keys": keys},
    }
    program = changed("secrets", changes, creates=True)
    [volume] = [each for each in templates(program)[PORTAL]["spec"]["volumes"] if "secret" in each]
    assert volume["secret"]["secretName"] == "app"
    assert volume["secret"]["items"] == [
        {"key": "app.privateKey", "path": "privateKey"},
        {"key": "app.clientSecret", "path": "clientSecret"},
    ]


def test_no_value_and_no_generated_session_secret_in_the_state() -> None:
    program = previewed("secrets", creates=True)
    assert "backstage-session-secret" not in {each.name for each in program.all(PASSWORD)}
    assert {each.name for each in program.all(SECRET)} == {
        "backstage-secrets",
        "backstage-database-administrator",
    }
    held = program.one(SECRET, "backstage-secrets").raw_inputs["stringData"]["value"]
    assert set(held) == {"POSTGRES_HOST", "POSTGRES_USER", "POSTGRES_PASSWORD"}


def test_pods_wait_for_the_secrets_of_the_operator() -> None:
    program = previewed("secrets")
    wanted = {program.one(EXTERNAL_SECRET, each).urn for each in (VARIABLES, FILES)}
    for each in (program.one(DEPLOYMENT), program.one("kubernetes:batch/v1:Job", MIGRATION_JOB)):
        assert wanted <= set(each.property_dependencies["spec"])


def test_reloader_watches_every_secret_of_others() -> None:
    program = previewed("secrets", creates=True)
    annotations = program.inputs(DEPLOYMENT)["metadata"]["annotations"]
    names = [VARIABLES, FILES, "jira"]
    assert annotations[RELOAD] == ",".join(names)
    assert RELOAD not in json.dumps(previewed("prod").inputs(DEPLOYMENT))


@pytest.mark.parametrize(
    ("changes", "replaced"),
    [
        ({"version": UUID}, {VARIABLES, FILES}),
        ({"secretsManager": "backstage/prod/other"}, {VARIABLES, FILES}),
        ({"keys": {**sources()[0]["keys"], "JIRA_USER": "user"}}, {VARIABLES}),
    ],
)
def test_a_change_is_a_new_object_that_rolls_the_pods(
    changes: dict[str, Any], replaced: set[str]
) -> None:
    after = changed("secrets", {"secretsFrom": sources(**changes)})
    assert done(previewed("secrets").recording, after.recording) == {
        "replace": {MIGRATION_JOB, *replaced},
        "update": {PORTAL},
    }


def test_order_of_the_sources_matters_to_nobody_else() -> None:
    """A source that is added leaves the Secret of files, and the pods' mount, as they are."""
    added = {"secretsManager": "backstage/prod/jira", "as": "JIRA_USER"}
    after = changed("secrets", {"secretsFrom": [*sources(), added]})
    assert differing(previewed("secrets"), after) == {PORTAL, MIGRATION_JOB, VARIABLES}


def test_on_local_too() -> None:
    changes = {
        "secretStore": {"name": "vault", "kind": "SecretStore"},
        "secretsFrom": [{"secretsManager": "portal", "as": "JIRA_TOKEN"}],
    }
    program = changed("local", changes, creates=True)
    [found] = data(program, VARIABLES)
    assert found["sourceRef"] == {"storeRef": {"name": "vault", "kind": "SecretStore"}}
    assert not [each for each in program.types() if each.startswith("aws:")]

"""Secrets that are kept elsewhere count as provided, and are guarded like those of the stack."""

from __future__ import annotations

from pathlib import Path

import pytest

from settings.integrations import webhooks
from settings.open_paths import open_paths
from tests.settings.secrets_table import APP_FILES, ARN, CSI, EXISTING, JIRA, SESSION, kept
from tests.settings.stack import APP, STORES, WITH_OIDC, loaded, refused, warnings, with_provider

CLIENT = "AUTH_GITHUB_CLIENT_SECRET"
WAYS: dict[str, dict[str, object]] = {
    "a property": kept({"secretsManager": "oauth", "keys": {CLIENT: "secret"}}),
    "a whole value": kept({"parameter": "/oauth", "as": CLIENT}),
    "an existing Secret": {"existingSecret": {"name": "oauth", "keys": {CLIENT: "secret"}}},
}


@pytest.mark.parametrize("way", WAYS)
def test_a_client_secret_is_provided(way: str) -> None:
    github = {**with_provider("github"), "secretEnv": None}
    assert f"github, without {CLIENT}" in refused(github)
    settings, _ = loaded({**github, **WAYS[way]})
    assert settings.backstage.value("auth", "providers", "github", "production") == {
        "clientId": "${AUTH_GITHUB_CLIENT_ID}",
        "clientSecret": f"${{{CLIENT}}}",
        "signIn": {"resolvers": [{"resolver": "usernameMatchingUserEntityName"}]},
    }


@pytest.mark.parametrize("way", WAYS)
def test_a_variable_that_nothing_reads_is_refused(way: str) -> None:
    assert f"nothing, but {CLIENT} is set\n    allowed: github, which reads it\n" in refused(
        WAYS[way]
    )


def test_a_variable_of_a_file_is_provided(tmp_path: Path) -> None:
    file = tmp_path / "acme.yaml"
    file.write_text("a: ${JIRA_TOKEN} ${AUTH_SESSION_SECRET}\n", encoding="utf-8")
    changes: dict[str, object] = {"appConfigPaths": [str(file)]}
    assert "uses ${JIRA_TOKEN}, which nothing provides" in refused(changes)
    loaded({**changes, **kept(JIRA, SESSION)})


def test_files_of_an_app_are_provided_and_open_its_webhooks() -> None:
    without, _ = loaded(kept(APP_FILES, githubApp=APP))
    assert webhooks(without) == ()
    hook = {"parameter": "/backstage/hook", "as": "githubAppSecrets.webhookSecret"}
    settings, _ = loaded({**WITH_OIDC, **kept(APP_FILES, hook, githubApp=APP)})
    assert open_paths(settings) == ["/api/events/http/github"]
    secret = settings.backstage.value("events", "modules", "github", "webhookSecret")
    assert secret == {"$file": "/etc/backstage/github-app/webhookSecret"}
    assert settings.database_plugins == without.database_plugins + 1


def test_a_personal_token_beside_the_app_is_warned_of() -> None:
    token = {"secretsManager": "backstage/token", "as": "GITHUB_TOKEN"}
    [warning] = [
        each for each in warnings(kept(APP_FILES, token, githubApp=APP)) if "revoke" in each
    ]
    assert warning.startswith("secretsFrom: GITHUB_TOKEN isn't used beside githubApp.")
    assert warning.endswith("config rm --stack test --path 'secretsFrom[1]'")


@pytest.mark.parametrize(
    ("changes", "unread"),
    [
        (kept(JIRA, SESSION), {}),
        (kept(JIRA), {"parameterStore": "secretsFrom has no parameter"}),
        (kept(), dict.fromkeys(STORES, "secretsFrom has no ")),
        (kept(JIRA, SESSION, **CSI), dict.fromkeys(STORES, "secretsDriver csi reads without it")),
    ],
)
def test_a_store_that_nothing_reads_is_warned_of(
    changes: dict[str, object], unread: dict[str, str]
) -> None:
    found = [each for each in warnings(changes) if "Store: " in each]
    assert len(found) == len(unread)
    for said, (key, why) in zip(found, unread.items(), strict=True):
        assert said.startswith(f"{key}: nothing reads it, as {why}")
        assert said.endswith(f"config rm --stack test {key}")


def test_a_secret_of_another_region_is_warned_of_or_refused() -> None:
    there = {**JIRA, "secretsManager": ARN.replace("us-east-1", "eu-west-1")}
    [warning] = [
        each for each in warnings(kept(JIRA | {"keys": {"A": "a"}}, there)) if "[1]" in each
    ]
    assert warning.startswith("secretsFrom[1] is in eu-west-1, the stack in us-east-1")
    assert "secretsFrom[0] in eu-west-1" in refused({"secretsFrom": [there], **CSI})
    loaded({"secretsFrom": [{**JIRA, "secretsManager": ARN}], **CSI})


def test_the_session_secret_may_come_from_elsewhere_only() -> None:
    loaded(kept(SESSION))
    loaded({"existingSecret": EXISTING})
    for key in ("env", "secretEnv"):
        assert "AUTH_SESSION_SECRET\n" in refused({key: {"AUTH_SESSION_SECRET": "x"}})

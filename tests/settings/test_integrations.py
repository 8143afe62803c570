"""GitHub App and GitLab group: generated configuration, secrets, webhooks, API requests."""

from __future__ import annotations

import base64
import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from settings.app_config import AppConfig
from settings.files import ROOT
from settings.open_paths import open_paths
from settings.rules.integrations import requests_an_hour
from settings.values.variables import ENCRYPTED
from tests.settings.stack import (
    APP,
    APP_SECRETS,
    CANARY,
    PEM,
    WITH_OIDC,
    loaded,
    refused,
    warnings,
)

WEBHOOK = {"webhookSecret": CANARY}
WITH_APP: dict[str, object] = {"githubApp": APP, "githubAppSecrets": APP_SECRETS}
WITH_GITLAB: dict[str, object] = {
    "gitlab": {"group": "acme"},
    "gitlabSecrets": {"token": CANARY, **WEBHOOK},
}
SCHEDULE = {"frequency": {"minutes": 30}, "timeout": {"minutes": 15}}


def generated(changes: Mapping[str, object]) -> dict[str, Any]:
    """The layer that the program adds; empty when there is none."""
    settings, _ = loaded(changes)
    layer = settings.app_configs.get("app-config.stack.yaml")
    if layer is None:
        return {}
    assert AppConfig.parse(layer.text).document == layer.document
    assert CANARY not in layer.text
    return dict(layer.document)


def file(name: str) -> dict[str, str]:
    return {"$file": f"/etc/backstage/{name}"}


def test_without_an_integration_nothing_is_generated() -> None:
    assert generated({}) == {}


def test_configuration_of_an_app() -> None:
    app = {**APP, "owners": ["Acme", "acme-2"], "host": "ghe.example.com"}
    secrets = {**APP_SECRETS, **WEBHOOK}

    def repositories(owner: str) -> dict[str, object]:
        return {
            "host": "ghe.example.com",
            "organization": owner,
            "validateLocationsExist": True,
            "schedule": SCHEDULE,
        }

    assert generated({"githubApp": app, "githubAppSecrets": secrets}) == {
        "integrations": {
            "github": [
                {
                    "host": "ghe.example.com",
                    "apiBaseUrl": "https://ghe.example.com/api/v3",
                    "apps": [
                        {
                            "appId": 123456,
                            "clientId": "Iv23liAbCdEf01234567",
                            "clientSecret": file("github-app/clientSecret"),
                            "privateKey": file("github-app/privateKey"),
                            "allowedInstallationOwners": ["Acme", "acme-2"],
                        }
                    ],
                }
            ]
        },
        "catalog": {
            "processingInterval": {"minutes": 30},
            "providers": {
                "github": {
                    "org-acme": repositories("Acme"),
                    "org-acme-2": repositories("acme-2"),
                },
                "githubOrg": [
                    {
                        "id": "people",
                        "githubUrl": "https://ghe.example.com",
                        "orgs": ["Acme", "acme-2"],
                        "defaultUserTransformer": {"useVerifiedEmails": True},
                        "schedule": SCHEDULE,
                    }
                ],
            },
        },
        "events": {"modules": {"github": {"webhookSecret": file("github-app/webhookSecret")}}},
    }


def test_configuration_of_a_gitlab_group() -> None:
    assert generated(WITH_GITLAB) == {
        "integrations": {
            "gitlab": [
                {
                    "host": "gitlab.com",
                    "apiBaseUrl": "https://gitlab.com/api/v4",
                    "token": file("gitlab/token"),
                }
            ]
        },
        "catalog": {
            "processingInterval": {"minutes": 30},
            "providers": {
                "gitlab": {
                    "group": {
                        "host": "gitlab.com",
                        "group": "acme",
                        "fallbackBranch": "main",
                        "orgEnabled": True,
                        "schedule": SCHEDULE,
                    }
                }
            },
        },
        "events": {"modules": {"gitlab": {"webhookSecret": file("gitlab/webhookSecret")}}},
    }


def test_both_at_once_and_a_database_plugin_for_their_webhooks() -> None:
    both = generated({**WITH_APP, **WITH_GITLAB})
    assert set(both["integrations"]) == {"github", "gitlab"}
    assert set(both["catalog"]["providers"]) == {"github", "githubOrg", "gitlab"}
    assert set(both["events"]["modules"]) == {"gitlab"}  # the App has no secret for webhooks
    without, webhooks = loaded(WITH_APP)[0], loaded(WITH_GITLAB)[0]
    assert webhooks.database_plugins == without.database_plugins + 1


def test_only_webhooks_with_a_secret_pass_the_load_balancers_sign_in() -> None:
    def opened(changes: Mapping[str, object]) -> list[str]:
        return open_paths(loaded({**changes, "ingressTokenPaths": None})[0])

    both = {**WITH_APP, **WITH_GITLAB}
    assert opened({**WITH_OIDC, **both}) == ["/api/events/http/gitlab"]
    with_secret = {**both, "githubAppSecrets": {**APP_SECRETS, **WEBHOOK}}
    assert opened({**WITH_OIDC, **with_secret}) == [
        "/api/events/http/github",
        "/api/events/http/gitlab",
    ]
    assert opened(with_secret) == []


DER = re.sub(r"-----.*-----|\s", "", PEM)


@pytest.mark.parametrize(
    "key",
    [
        PEM,
        PEM.strip(),
        PEM.replace("RSA ", ""),
        PEM.replace("\n", "\\n"),
        PEM.replace("\n", "\r\n"),
        PEM.replace(DER, "\n".join(re.findall(".{1,64}", DER))),
        ENCRYPTED,
    ],
)
def test_a_private_key_is_accepted(key: str) -> None:
    loaded({**WITH_APP, "githubAppSecrets": {**APP_SECRETS, "privateKey": key}})


@pytest.mark.parametrize(
    "key",
    [
        PEM.replace("RSA PRIVATE", "PUBLIC"),
        PEM.replace("RSA PRIVATE", "OPENSSH PRIVATE"),
        PEM.replace("BEGIN RSA", "BEGIN ENCRYPTED"),
        PEM[:200],
        PEM.replace(DER, DER[:-4]),
        PEM.replace(DER, DER + "AAAA"),
        PEM.replace(DER, base64.b64encode(CANARY.encode()).decode()),
        PEM.replace(DER, DER[1:]),
        PEM.replace(DER, "?" + DER[1:]),
        PEM.replace("\n", " "),
        "key.pem",
    ],
)
def test_another_text_is_refused_and_not_shown(key: str) -> None:
    message = refused({**WITH_APP, "githubAppSecrets": {**APP_SECRETS, "privateKey": key}})
    assert "given:   privateKey is no private key in PEM\n" in message
    assert CANARY not in message
    assert DER[:20] not in message


@pytest.mark.parametrize(
    ("changes", "warned"),
    [
        ({}, True),
        ({"githubApp": {**APP, "host": "github.acme.io"}}, False),
        (
            {"githubAppSecrets": {k: v for k, v in APP_SECRETS.items() if k != "webhookSecret"}},
            False,
        ),
        ({"ingressScheme": "internet-facing", "ingressInboundCidrs": ["192.30.252.0/22"]}, False),
    ],
)
def test_github_reaches_no_internal_load_balancer(changes: dict[str, object], warned: bool) -> None:
    secrets = {**APP_SECRETS, "webhookSecret": CANARY}
    given = {**WITH_APP, "githubAppSecrets": secrets, **changes}
    found = [each for each in warnings(given) if "github.com can't send webhooks" in each]
    assert len(found) == warned


def test_a_personal_token_has_no_use_beside_the_app() -> None:
    [warning] = [
        each
        for each in warnings({**WITH_APP, "secretEnv": {"GITHUB_TOKEN": CANARY}})
        if "isn't used beside githubApp" in each
    ]
    assert warning.endswith("pulumi config rm --stack test --path 'secretEnv.GITHUB_TOKEN'")
    assert not [each for each in warnings({"secretEnv": {"GITHUB_TOKEN": "x"}}) if "beside" in each]


def layer(folder: Path, config: Mapping[str, object]) -> dict[str, object]:
    """The key for a file with that configuration."""
    path = folder / "company.yaml"
    path.write_text(json.dumps(config), encoding="utf-8")
    return {"appConfigPaths": [str(path)]}


def test_a_file_that_replaces_the_app_is_refused(tmp_path: Path) -> None:
    changes = layer(tmp_path, {"integrations": {"github": [{"host": "ghe.example.com"}]}})
    loaded(changes)
    message = refused({**changes, **WITH_APP})
    assert message.startswith("Stack 'test' has 1 configuration problem:\n  appConfigPaths\n")
    assert "company.yaml: integrations.github replaces the list with what githubApp" in message
    loaded(
        {**layer(tmp_path, {"catalog": {"providers": {"github": {"org-acme": {}}}}}), **WITH_APP}
    )


def topics(*names: object, secret: object = None) -> dict[str, object]:
    modules = {"github": {"webhookSecret": secret}} if secret else {}
    return {"events": {"http": {"topics": names}, "modules": modules}}


@pytest.mark.parametrize(
    ("config", "open_"),
    [
        (topics("github"), "github"),
        (topics("bitbucketCloud", secret="x"), "bitbucketCloud"),
        (topics("${TOPIC}", secret="x"), "${TOPIC}"),
        (topics("azureDevOps", "github", secret="x"), "azureDevOps"),
        # No secret once the variable is unset.
        (topics("github", secret="${NOT_GIVEN:-}"), "github"),
    ],
)
def test_a_topic_that_nothing_verifies_is_refused(
    tmp_path: Path, config: Mapping[str, object], open_: str
) -> None:
    message = refused({**layer(tmp_path, config), "env": {"TOPIC": "github"}})
    assert message.startswith("Stack 'test' has 1 configuration problem:\n  appConfigPaths\n")
    assert f"company.yaml: events.http.topics: anyone may post to {open_}\n" in message


def test_a_topic_that_a_module_verifies_is_accepted(tmp_path: Path) -> None:
    config = topics("github", secret="${WEBHOOK_SECRET}")
    loaded({**layer(tmp_path, config), "secretEnv": {"WEBHOOK_SECRET": CANARY}})
    secrets = {"githubAppSecrets": {**APP_SECRETS, **WEBHOOK}}
    loaded({**layer(tmp_path, topics("github")), **WITH_APP, **secrets})


def test_a_topic_of_an_app_that_lacks_its_module_is_refused(app: Path, tmp_path: Path) -> None:
    changes = {**layer(tmp_path, topics("github", secret="x")), "appPath": str(app)}
    loaded(changes)
    index = app / "packages" / "backend" / "src" / "index.ts"
    own = index.read_text(encoding="utf-8").replace("@internal/integrations", "@acme/other")
    index.write_text(own, encoding="utf-8")
    assert "anyone may post to github" in refused(changes)
    own += "backend.add(import('@backstage/plugin-events-backend-module-github'));\n"
    index.write_text(own, encoding="utf-8")
    loaded(changes)


def test_a_topic_in_an_apps_own_file_is_refused(app: Path) -> None:
    with (app / "app-config.yaml").open("a", encoding="utf-8") as file:
        file.write("events: {http: {topics: [github]}}\n")
    message = refused({"appPath": str(app)})
    assert message.startswith("Stack 'test' has 1 configuration problem:\n  appPath\n")
    assert "app-config.yaml: events.http.topics: anyone may post to github\n" in message


def test_an_app_that_loads_no_integration_is_warned_of(app: Path) -> None:
    changes = {**WITH_APP, "appPath": str(app)}
    assert not [each for each in warnings(changes) if "@internal/integrations" in each]
    shutil.copy(ROOT / "portal/plugins/backend-start/src/index.ts", app / "packages/backend/src")
    [warning] = [each for each in warnings(changes) if "@internal/integrations" in each]
    assert "githubApp" in warning
    assert not [each for each in warnings({"appPath": str(app)}) if "@internal/integ" in each]


def test_estimate_of_the_generated_configuration() -> None:
    """By hand: 500 files every 37.5 min; 20 pages of repositories and 24 of people, both twice."""
    config = loaded({**WITH_APP, "githubApp": {**APP, "owners": ["acme", "b"]}})[0].backstage
    assert requests_an_hour(config, 500) == {"acme": 800 + 40 + 48, "b": 800 + 40 + 48}


@pytest.mark.parametrize(("repositories", "warned"), [(1450, False), (1480, True)])
def test_more_than_half_of_the_requests_is_warned_of(repositories: int, warned: bool) -> None:
    changes = {**WITH_APP, "githubApp": {**APP, "repositories": repositories}}
    found = [each for each in warnings(changes) if "requests an hour" in each]
    assert bool(found) == warned
    assert all("for acme, more than half of the 5,000" in each for each in found)


@pytest.mark.parametrize(
    ("catalog", "expected"),
    [
        # Backstage's own interval, 125 s on average: 14,400 reads of 500 files.
        ({"providers": {"github": {"organization": "acme"}}}, {"acme": 14400 + 7}),
        ({"providers": {"github": {"x": {"app": 1}}}}, {"each installation": 14400 + 7}),
        (
            {
                "processingInterval": False,
                "providers": {
                    "github": {"x": {"organization": "acme", "schedule": {"frequency": "PT10M"}}}
                },
            },
            {"acme": 120},
        ),
        (
            {
                "processingInterval": "1h",
                "providers": {
                    "github": {
                        "x": {"organization": "acme", "schedule": {"frequency": {"cron": "* * *"}}},
                        "y": {"organization": "acme", "host": "ghe.example.com"},
                    },
                    "githubOrg": {
                        "githubUrl": "https://github.com",
                        "schedule": {"frequency": {"hours": 2}},
                        "orgs": ["acme", "b"],
                    },
                },
            },
            {"acme": 400 + 20 + 12, "b": 12},
        ),
        ({"providers": {"githubOrg": [{"githubUrl": "https://ghe.example.com"}]}}, {}),
        ({"providers": {"github": None, "githubOrg": "x"}}, {}),
        ({}, {}),
    ],
)
def test_estimate_of_other_configurations(
    catalog: Mapping[str, object], expected: Mapping[str, int]
) -> None:
    config = AppConfig.parse(json.dumps({"catalog": catalog}))
    assert requests_an_hour(config, 500) == expected


def test_providers_without_an_app_are_estimated_too(tmp_path: Path) -> None:
    provider = {"x": {"organization": "acme"}}
    config = {"catalog": {"providers": {"github": provider}}}
    [warning] = [e for e in warnings(layer(tmp_path, config)) if "requests an hour" in e]
    assert "about 14,407 requests an hour to GitHub for acme" in warning
    assert "catalog.processingInterval" in warning

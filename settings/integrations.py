"""What a GitHub App and a GitLab group add to Backstage's configuration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from settings.keys import Integration, Keys
from settings.overrides import merged
from settings.values import GithubApp, Gitlab

SECRETS_DIRECTORY = "/etc/backstage"  # has a folder for each Secret that is mounted
DISCOVERY_MINUTES = 30  # between two searches for repositories and people
# Between two readings of a catalog file, at least. Backstage's 100 s would take 29 requests an hour
# for each; webhooks report changes at once.
PROCESSING_MINUTES = 30


def config(settings: Keys) -> Mapping[str, Any]:
    """Empty without either."""
    result: Mapping[str, Any] = {}
    for each in settings.integrations.all:
        if isinstance(each.given, GithubApp):
            result = merged(result, merged(_common(each), _github(each, each.given)))
        elif isinstance(each.given, Gitlab):
            result = merged(result, merged(_common(each), _gitlab(each, each.given)))
    return result


def _common(integration: Integration) -> Mapping[str, Any]:
    # Not beside the App's key as well: Backstage would then ask GitHub for the sender's App before
    # it has verified the signature, and anyone could use up the App's requests.
    secret = {"webhookSecret": _file(integration, "webhookSecret")}
    webhooks = {"events": {"modules": {integration.kind: secret}}}
    return {
        "catalog": {"processingInterval": {"minutes": PROCESSING_MINUTES}},
        **(webhooks if "webhookSecret" in integration.secrets else {}),
    }


def _github(integration: Integration, app: GithubApp) -> Mapping[str, Any]:
    server = f"https://{app.host}"
    repositories = {
        f"org-{owner.lower()}": {
            "host": app.host,
            "organization": owner,
            # Otherwise each repository without a catalog file would be read all the time.
            "validateLocationsExist": True,
            "schedule": _schedule(),
        }
        for owner in app.owners
    }
    people = {
        "id": "people",
        "githubUrl": server,
        "orgs": [*app.owners],
        # The only addresses that an App sees; other sign-in providers find people by them.
        "defaultUserTransformer": {"useVerifiedEmails": True},
        "schedule": _schedule(),
    }
    credentials = {
        "appId": app.app_id,
        "clientId": app.client_id,
        "clientSecret": _file(integration, "clientSecret"),
        "privateKey": _file(integration, "privateKey"),
        "allowedInstallationOwners": [*app.owners],
    }
    enterprise = {} if app.host == "github.com" else {"apiBaseUrl": f"{server}/api/v3"}
    return {
        "integrations": {"github": [{"host": app.host, **enterprise, "apps": [credentials]}]},
        "catalog": {"providers": {"github": repositories, "githubOrg": [people]}},
    }


def _gitlab(integration: Integration, gitlab: Gitlab) -> Mapping[str, Any]:
    group = {
        "host": gitlab.host,
        "group": gitlab.group,
        "fallbackBranch": "main",
        "orgEnabled": True,
        "schedule": _schedule(),
    }
    server = {
        "host": gitlab.host,
        "apiBaseUrl": f"https://{gitlab.host}/api/v4",
        "token": _file(integration, "token"),
    }
    return {
        "integrations": {"gitlab": [server]},
        "catalog": {"providers": {"gitlab": {"group": group}}},
    }


def _schedule() -> Mapping[str, Any]:
    return {"frequency": {"minutes": DISCOVERY_MINUTES}, "timeout": {"minutes": 15}}


def _file(integration: Integration, name: str) -> Mapping[str, str]:
    return {"$file": f"{SECRETS_DIRECTORY}/{integration.folder}/{name}"}

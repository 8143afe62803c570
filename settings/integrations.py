"""What a GitHub App and a GitLab group add to Backstage's configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from settings.keys import Keys
from settings.overrides import merged
from settings.secrets import FOLDERS, secret_files
from settings.values.integrations import GithubApp, Gitlab
from settings.values.variables import SecretMap

SECRETS_DIRECTORY = "/etc/backstage"  # has a folder for each Secret that is mounted
DISCOVERY_MINUTES = 30  # between two searches for repositories and people
# Between two readings of a catalog file, at least. Backstage's 100 s would take 29 requests an hour
# for each; webhooks report changes at once.
PROCESSING_MINUTES = 30
WEBHOOK = "webhookSecret"


@dataclass(frozen=True)
class Integration:
    """A GitHub App or a GitLab group, and its secrets.

    kind: its name in Backstage's configuration. key: the stack's. secrets: those in the stack file.
    elsewhere: names of those that are kept elsewhere.
    """

    kind: Literal["github", "gitlab"]
    key: str
    given: GithubApp | Gitlab | None
    secrets: SecretMap
    elsewhere: frozenset[str]

    @property
    def secrets_key(self) -> str:
        """The stack's key with its secrets."""
        return f"{self.key}Secrets"

    @property
    def files(self) -> frozenset[str]:
        """Names of its secrets, wherever they are kept."""
        return self.elsewhere | self.secrets.keys()


def integrations(s: Keys) -> tuple[Integration, Integration]:
    """Both, given or not."""
    of = s.integrations
    github, gitlab = (secret_files(s, key) for key in FOLDERS)
    return (
        Integration("github", "githubApp", of.github_app, of.github_app_secrets, github),
        Integration("gitlab", "gitlab", of.gitlab, of.gitlab_secrets, gitlab),
    )


def webhooks(s: Keys) -> tuple[str, ...]:
    """The kinds whose webhooks the portal accepts."""
    return tuple(each.kind for each in integrations(s) if WEBHOOK in each.files)


def mounted_secrets(s: Keys) -> Mapping[str, SecretMap]:
    """Files of the stack file to mount, by folder."""
    found = {FOLDERS[each.secrets_key]: each.secrets for each in integrations(s)}
    return {folder: secrets for folder, secrets in found.items() if secrets}


def config(settings: Keys) -> Mapping[str, Any]:
    """Empty without either."""
    result: Mapping[str, Any] = {}
    for each in integrations(settings):
        if isinstance(each.given, GithubApp):
            result = merged(result, merged(_common(each), _github(each, each.given)))
        elif isinstance(each.given, Gitlab):
            result = merged(result, merged(_common(each), _gitlab(each, each.given)))
    return result


def _common(integration: Integration) -> Mapping[str, Any]:
    # Not beside the App's key as well: Backstage would then ask GitHub for the sender's App before
    # it has verified the signature, and anyone could use up the App's requests.
    secret = {WEBHOOK: _file(integration, WEBHOOK)}
    verified = {"events": {"modules": {integration.kind: secret}}}
    return {
        "catalog": {"processingInterval": {"minutes": PROCESSING_MINUTES}},
        **(verified if WEBHOOK in integration.files else {}),
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
    return {"$file": f"{SECRETS_DIRECTORY}/{FOLDERS[integration.secrets_key]}/{name}"}

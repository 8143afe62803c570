"""Rules of the GitHub App, the GitLab group and webhooks."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from settings.app_config import AppConfig
from settings.app_gaps import INTEGRATIONS, loads
from settings.backstage_app import BACKEND
from settings.examples import example_of
from settings.integrations import PROCESSING_MINUTES, WEBHOOK, integrations
from settings.keys import KEYS
from settings.model import Settings
from settings.nearest import nearest
from settings.overrides import Path, overriding
from settings.problem import Problem, Warn, config_rm, config_set, config_set_secret
from settings.rules.rule import rule
from settings.secrets import KEPT_ELSEWHERE, PROVIDING, held_secrets, secret_variables

TOKEN = "GITHUB_TOKEN"  # noqa: S105
TOPICS = ("events", "http", "topics")
# Topics whose requests a module verifies, if their secret is configured. portal/ has both modules.
VERIFIED = ("github", "gitlab")

# Requests that an installation of a GitHub App may make in an hour at least; a personal token, too.
# Source: GitHub Docs, "Rate limits for the REST API".
MOST_REQUESTS = 5000
# What the estimate assumes of an organization; `githubApp.repositories` overrides the first.
REPOSITORIES, PEOPLE, TEAMS = 500, 1000, 100
# Of a GraphQL query. Source: plugin-catalog-backend-module-github 0.14.0, DEFAULT_PAGE_SIZES.
REPOSITORIES_A_PAGE, PEOPLE_A_PAGE, TEAMS_A_PAGE = 25, 50, 25
# Backstage processes an entity again after 100 to 150 s, or after N to 1.5 N of
# catalog.processingInterval. Source: plugin-catalog-backend 4.0.5, CatalogBuilder.
PROCESSING_SECONDS, PROCESSING_SPREAD = 125.0, 1.25
HOUR = 3600
GITHUB_HOST = "github.com"
PUBLIC_HOSTS = (GITHUB_HOST, "gitlab.com")


@rule("githubApp", "githubAppSecrets", "gitlab", "gitlabSecrets", *KEPT_ELSEWHERE)
def secrets_of_integrations(s: Settings) -> Iterator[Problem]:
    for each in integrations(s):
        secrets, key = each.secrets, each.secrets_key
        needed = KEYS[key].entries
        known = (*needed, WEBHOOK)
        if secrets and not each.given:
            said = f"{', '.join(secrets)}, without {each.key}"
            ways = (config_rm(key), config_set(each.key, example_of(KEYS[each.key])))
            yield Problem(key, said, f"unset, or with {each.key}", ways)
        if not each.given:
            continue
        unknown = [name for name in secrets if name not in known]
        missing = [name for name in needed if name not in each.files]
        unusable = {name: "is empty" for name in secrets if name in known and name in secrets.blank}
        if "privateKey" in secrets and "privateKey" not in {*unusable, *secrets.private_keys}:
            unusable["privateKey"] = "is no private key in PEM"
        if unknown or missing or unusable:
            meant = [nearest(name, known) for name in unknown]
            faults = [f"{name} is unknown" for name in unknown]
            faults += [f"no {name}" for name in missing if name not in meant]
            faults += [f"{name} {fault}" for name, fault in unusable.items()]
            commands = [config_rm(key, name) for name in unknown]
            commands += [_set(s, key, name) for name in (*missing, *unusable)]
            allowed = f"{' and '.join(needed)}; {WEBHOOK} to accept webhooks"
            yield Problem(key, "; ".join(faults), allowed, " && ".join(commands))


def _set(s: Settings, key: str, name: str) -> str:
    """Beside the others, wherever those are kept."""
    for each in held_secrets(s):
        if each.file[0] == key:
            return config_set(f'{each.keys}["{key}.{name}"]', "PROPERTY", "--path")
    return config_set_secret(name, key)


@rule("githubApp", "gitlab", "appPath")
def loaded_integrations(s: Settings) -> Iterator[Warn]:
    keys = " and ".join(each.key for each in integrations(s) if each.given)
    if keys and s.image.app and not loads(s.image.app, INTEGRATIONS):
        yield Warn(
            f"{s.image.app.path}/{BACKEND} doesn't load {INTEGRATIONS}: {keys} may have no effect. "
            "Steps: docs/portal.md, Your own app."
        )


@rule("githubApp", "secretEnv", *KEPT_ELSEWHERE)
def personal_token(s: Settings) -> Iterator[Warn]:
    removals = {"secretEnv": config_rm("secretEnv", TOKEN)} if TOKEN in s.portal.secret_env else {}
    removals |= {each.key: each.removal for each in held_secrets(s) if each.variable == TOKEN}
    for key, removal in removals.items() if s.integrations.github_app else ():
        yield Warn(
            f"{key}: {TOKEN} isn't used beside githubApp. Unset it, and revoke the token: {removal}"
        )


@rule(
    *("githubApp", "githubAppSecrets", "gitlab", "gitlabSecrets", *KEPT_ELSEWHERE),
    "ingressScheme",
    target="eks",
)
def unreachable_webhooks(s: Settings) -> Iterator[Warn]:
    for each in integrations(s) if s.ingress.scheme == "internal" else ():
        if each.given and each.given.host in PUBLIC_HOSTS and WEBHOOK in each.files:
            yield Warn(
                f"{each.secrets_key}: {each.given.host} can't send webhooks to an internal load "
                f"balancer. Unless something forwards them, unset {WEBHOOK}, or set ingressScheme "
                "to internet-facing: docs/integrations.md, Webhooks."
            )


@rule("githubApp", "gitlab", "appConfigPaths", "env", "secretEnv")
def replaced_integrations(s: Settings) -> Iterator[Problem]:
    """Lists aren't merged: one in a later layer replaces the App's or the token's entry."""
    for each in integrations(s):
        path = ("integrations", each.kind)
        own = AppConfig.of([s.app_configs["app-config.stack.yaml"]], {}) if each.given else None
        if own is None or own.value(*path) == s.backstage.value(*path):
            continue
        said = f"{'.'.join(path)} replaces the list with what {each.key} configures"
        yield _problem(s, path, said, f"no {'.'.join(path)} beside {each.key}")


@rule(
    *("appConfigPaths", *PROVIDING, "appPath"),
    *("githubApp", "githubAppSecrets", "gitlab", "gitlabSecrets"),
)
def open_webhooks(s: Settings) -> Iterator[Problem]:
    """A topic without a module that verifies its requests is a path that anyone may post to."""
    path = ".".join(TOPICS)
    allowed = f"unset: a module's {WEBHOOK}, such as githubApp's, opens its path and verifies it"
    for name in overriding(s.portal.secret_env, TOPICS):
        said = f"{name} may set {path}"
        yield Problem("secretEnv", said, allowed, config_rm("secretEnv", name))
    for each in held_secrets(s):
        if each.variable and overriding([each.variable], TOPICS):
            yield Problem(each.key, f"{each.target} may set {path}", allowed, each.removal)
    found = s.backstage.value(*TOPICS)
    topics = found if isinstance(found, list) else [found] if found else []
    unverified = [str(topic) for topic in topics if not _verified(s, topic)]
    if unverified:
        said = f"{path}: anyone may post to {', '.join(unverified)}"
        yield _problem(s, TOPICS, said, allowed)


def _verified(s: Settings, topic: object) -> bool:
    module = f"@backstage/plugin-events-backend-module-{topic}"
    if topic not in VERIFIED or (s.image.app and not loads(s.image.app, INTEGRATIONS, module)):
        return False
    given = {**s.portal.env, **dict.fromkeys(secret_variables(s), "given")}
    return bool(s.backstage.substituted(given).value("events", "modules", str(topic), WEBHOOK))


def _problem(s: Settings, path: Path, said: str, allowed: str) -> Problem:
    """A problem of the last layer that sets `path`."""
    for name in overriding(s.portal.env, path):
        return Problem("env", f"{name}: {said}", allowed, config_rm("env", name))
    *_, file = (each for each in s.layers if each.value(*path) is not None)
    return Problem(s.key_of(file), f"{file}: {said}", allowed, f"remove it from {file}")


@rule("githubApp", "appConfigPaths", "env")
def api_requests(s: Settings) -> Iterator[Warn]:
    app = s.integrations.github_app
    repositories = app.repositories if app else REPOSITORIES
    for organization, requests in requests_an_hour(s.backstage, repositories).items():
        if requests > MOST_REQUESTS / 2:
            seconds = s.backstage.seconds("catalog", "processingInterval") or PROCESSING_SECONDS
            enough = math.ceil(seconds / 60 * requests / (MOST_REQUESTS / 2))
            minutes = max(enough, PROCESSING_MINUTES)
            yield Warn(
                f"The portal makes about {requests:,} requests an hour to GitHub for "
                f"{organization}, more than half of the {MOST_REQUESTS:,} that an installation may "
                f"make, if it has {repositories:,} repositories (githubApp.repositories). Raise "
                f"catalog.processingInterval, to {{minutes: {minutes}}} or more, or the "
                "schedules in catalog.providers: docs/integrations.md."
            )


def requests_an_hour(config: AppConfig, repositories: int) -> Mapping[str, int]:
    """An estimate by organization of github.com, REST and GraphQL together.

    repositories: expected in each organization, each with a catalog file.
    """
    found: dict[str, float] = {}
    interval = config.value("catalog", "processingInterval")
    seconds = config.seconds("catalog", "processingInterval")
    period = PROCESSING_SECONDS if seconds is None else PROCESSING_SPREAD * max(seconds, 1)
    reads = 0.0 if interval is False else repositories * HOUR / period
    for provider in _entries(config.value("catalog", "providers", "github"), "organization", "app"):
        if provider.get("host", GITHUB_HOST) == GITHUB_HOST:
            name = str(provider.get("organization", "each installation"))
            pages = math.ceil(repositories / REPOSITORIES_A_PAGE)
            found[name] = found.get(name, 0) + reads + pages * _runs(provider, 3)
    for people in _entries(config.value("catalog", "providers", "githubOrg"), "githubUrl"):
        if str(people.get("githubUrl")).rstrip("/") == f"https://{GITHUB_HOST}":
            pages = math.ceil(PEOPLE / PEOPLE_A_PAGE) + math.ceil(TEAMS / TEAMS_A_PAGE)
            for name in people.get("orgs") or ["each installation"]:
                found[name] = found.get(name, 0) + pages * _runs(people, 1)
    return {name: round(requests) for name, requests in found.items()}


def _entries(node: Any, *marks: str) -> list[dict[str, Any]]:
    """The providers in a list, in an object by id, or in the place of that object."""
    if isinstance(node, dict):
        node = [node] if any(mark in node for mark in marks) else [*node.values()]
    return [each for each in node or [] if isinstance(each, dict)]


def _runs(provider: Mapping[str, Any], default_hours: int) -> float:
    """Runs an hour; a schedule that can't be read, such as cron's, counts as one."""
    config = AppConfig("", "", provider)
    if config.value("schedule") is None:
        return 1 / default_hours
    return HOUR / max(config.seconds("schedule", "frequency") or HOUR, 1)

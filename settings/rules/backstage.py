"""Rules of Backstage's configuration and of the portal's variables."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pulumi
from pulumi.runtime import is_config_secret

from settings.app_config import CONFIG_MAP_BYTES, AppConfig
from settings.keys import KEYS, SECRETS, SIGNER
from settings.model import Settings
from settings.overrides import Path, fault, overlap, overriding, path_of
from settings.problem import Problem, Warn, config_rm, config_set, config_set_secret
from settings.rules.guards import GUARDS, GUEST, Guard, unsafe
from settings.rules.rule import rule
from settings.secrets import (
    KEPT_ELSEWHERE,
    PROVIDING,
    SESSION_SECRET,
    held_secrets,
    secret_variables,
)

# Variables that the program sets itself; a test compares them with the rendered pods.
BUILT_IN_SECRETS = ("POSTGRES_HOST", "POSTGRES_USER", "AUTH_SESSION_SECRET")
TECHDOCS_VARIABLES = ("TECHDOCS_BUCKET", "TECHDOCS_PUBLISHER")
BUILT_IN_VARIABLES = (
    *("APP_PORT", "NODE_ENV", "NODE_OPTIONS", "POSTGRES_DB", "POSTGRES_PORT"),
    "APP_CONFIG_app_baseUrl",
    "APP_CONFIG_auth_environment",
    "APP_CONFIG_backend_baseUrl",
    "APP_CONFIG_backend_database_skipMigrations",
    "APP_CONFIG_techdocs_publisher_awsS3_bucketName",
    "APP_CONFIG_techdocs_publisher_awsS3_region",
    "APP_CONFIG_techdocs_publisher_local_publishDirectory",
)
TOKEN_VARIABLES = (
    "APP_CONFIG_backend_database_connection_port",
    "APP_CONFIG_backend_database_connection_type",
    "APP_CONFIG_backend_database_role",
)
# Of the migrations' Job, which may replace what env sets, and fails beside a part of it.
JOB_OVERRIDES = (
    "APP_CONFIG_backend_database_knexConfig_migrations_disableMigrationsListValidation",
    "APP_CONFIG_backend_lifecycle_serverShutdownDelay",
    "APP_CONFIG_catalog_processingInterval",
    "APP_CONFIG_scaffolder_concurrentTasksLimit",
)
# Those of the process that would undo what the pod is locked down with.
UNSAFE_VARIABLES = {
    "NODE_TLS_REJECT_UNAUTHORIZED": "TLS certificates are always verified",
    "GIT_SSL_NO_VERIFY": "TLS certificates are always verified",
    "LD_PRELOAD": "only the image's own libraries are loaded",
    "LD_LIBRARY_PATH": "only the image's own libraries are loaded",
}
AWS_CREDENTIALS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
SECRET_PATH = re.compile(r"(?i)(token|secret|password|privateKey|apiKey)$")
SECRET_NAME = re.compile(r"(^|_)(TOKEN|SECRET|PASSWORD|PRIVATE_KEY|API_KEY)$")


def built_in(s: Settings) -> set[str]:
    """Names of the variables that the program sets for the stack's target."""
    conditional = {
        "AWS_REGION": s.target == "eks",
        "POSTGRES_PASSWORD": s.database.authentication == "password",
        **dict.fromkeys(TOKEN_VARIABLES, s.database.authentication == "iam"),
        SIGNER: s.trusts_load_balancer,
        "APP_CONFIG_backend_csp_upgrade-insecure-requests": s.target == "local"
        or s.ingress.allow_http,
        "APP_CONFIG_backend_database_connection_ssl": s.database_kind == "in-cluster",
    }
    names = {name for name, is_set in conditional.items() if is_set}
    return {*BUILT_IN_SECRETS, *BUILT_IN_VARIABLES, *TECHDOCS_VARIABLES, *names}


@dataclass(frozen=True)
class _Given:
    """A variable of the stack file. value: None if it is secret. removal: the command that removes
    it.
    """

    key: str
    name: str
    value: str | None
    removal: str


def _given(s: Settings) -> Iterator[_Given]:
    for name in sorted(s.portal.secret_env):
        yield _Given("secretEnv", name, None, config_rm("secretEnv", name))
    for each in held_secrets(s):
        if each.variable:
            yield _Given(each.key, each.variable, None, each.removal)
    for name, value in sorted(s.portal.env.items()):
        yield _Given("env", name, value, config_rm("env", name))


@rule(*PROVIDING)
def variables(s: Settings) -> Iterator[Problem]:
    earlier: dict[str, _Given] = {}
    for each in _given(s):
        key, name, allowed = each.key, each.name, None
        fix: tuple[str, ...] = (each.removal,)
        if name in built_in(s) and not (name == SESSION_SECRET and key in KEPT_ELSEWHERE):
            allowed = "names that the program doesn't set itself"
        elif name in UNSAFE_VARIABLES:
            allowed = f"unset: {UNSAFE_VARIABLES[name]}"
        elif name in AWS_CREDENTIALS and key == "env":
            allowed = "unset: pods get an AWS role (workloadIdentity); or in secretEnv"
        elif name in earlier:
            other = earlier[name]
            name, allowed = f"{name}, which {other.key} sets too", "each name in one place"
            if key in KEPT_ELSEWHERE and other.key not in KEPT_ELSEWHERE:
                fix = (other.removal, each.removal)
        elif ":" in name and key == "secretEnv":
            allowed = "a name without ':', which a key of a Secret can't hold"
        earlier.setdefault(each.name, each)
        if allowed:
            yield Problem(key, name, allowed, fix)


@rule(*PROVIDING)
def overrides(s: Settings) -> Iterator[Problem]:
    """Backstage refuses a value beside one inside it; a guard can't see a secret value."""
    own = [name for name in built_in(s) if path_of(name)]
    given = [each.name for each in _given(s) if path_of(each.name) and each.value != ""]
    for each in _given(s):
        name, value, path = each.name, each.value, path_of(each.name)
        if not path or value == "" or name in own:
            continue
        inner = [one for one in given if one != name and path == path_of(one)[: len(path)]]
        fixed = (one for one in (*own, *JOB_OVERRIDES) if one != name)
        around = [one for one in fixed if overlap(path, path_of(one))]
        guard = _guard_of(s, path, value)
        if said := fault(name, value):
            allowed = "a name and a value that Backstage reads"
        elif guard:
            said = f"covers {'.'.join(guard.path)}, which {guard.why}"
            allowed = "single values; in env or in appConfigPaths what decides on access"
        elif around or inner:
            said = f"overlaps {(around or inner)[0]}"
            allowed = "paths that don't lie inside one another; the program's own are fixed"
        if said:
            yield Problem(each.key, f"{name}: {said}", allowed, each.removal)


def _guard_of(s: Settings, path: Path, value: str | None) -> Guard | None:
    """A guard that can't see the value: it is secret, or one of a parent path."""
    guards = (each for each in GUARDS if overlap(path, each.path))
    hidden = (each for each in guards if value is None or len(path) < len(each.root))
    return next((each for each in hidden if s.target == "eks" or each.path != GUEST), None)


@rule("appConfigPaths", "appPath", "env", "target")
def unsafe_configuration(s: Settings) -> Iterator[Problem]:
    variables = AppConfig.of((), s.portal.env)
    layers = (*s.layers, variables)
    found = [{str(one) for one in unsafe(each.substituted(s.portal.env))} for each in layers]
    for each in unsafe(s.backstage.substituted(s.portal.env)):
        guard, said = each.guard, str(each)
        if guard.path == GUEST and s.target == "local":
            continue  # a portal for trying out
        *_, layer = (one for one, texts in zip(layers, found, strict=True) if said in texts)
        key = s.key_of(layer)
        if key == "appPath" or layer in s.portal.app_configs:
            yield Problem(key, f"{layer}: {said}", guard.instead, each.fix(str(layer)))
        elif layer is variables:
            name, *_ = overriding(s.portal.env, guard.path)
            yield Problem("env", f"{name}: {said}", guard.instead, config_rm("env", name))


@rule("appConfigPaths")
def size_of_the_files(s: Settings) -> Iterator[Problem]:
    size = sum(len(file.text.encode()) for file in s.app_configs.values())
    if size > CONFIG_MAP_BYTES:
        allowed = f"at most {CONFIG_MAP_BYTES:,} bytes: one ConfigMap holds all files"
        yield Problem("appConfigPaths", f"{size:,} bytes", allowed, "shorten the files")


@rule(*PROVIDING, "appConfigPaths", "techdocsBucket", "target")
def provided_variables(s: Settings) -> Iterator[Problem]:
    own = {*s.portal.env, *secret_variables(s)}
    provided = {*built_in(s), *own}
    if not s.portal.techdocs_bucket:
        provided -= set(TECHDOCS_VARIABLES) - own
    needed = [(file, name) for file in s.portal.app_configs for name in sorted(file.variables)]
    for file, name in (each for each in needed if each[1] not in provided):
        allowed = f"variables from env or secretEnv, or with a default: ${{{name}:-default}}"
        ways: tuple[str, ...] = (
            config_set_secret(name),
            config_set(f"env.{name}", "VALUE", "--path"),
        )
        if name in TECHDOCS_VARIABLES:
            ways = (config_set("techdocsBucket", "create"),)
        elif name == "APP_HOST":
            allowed = "no host: the program sets app.baseUrl and backend.baseUrl itself"
            ways = (f"remove both from {file}",)
        given = f"{file} uses ${{{name}}}, which nothing provides"
        yield Problem("appConfigPaths", given, allowed, ways)


@rule("kubernetesPlugin", "kubernetesNamespaces")
def kubernetes_namespaces(s: Settings) -> Iterator[Problem]:
    if s.portal.kubernetes_namespaces and not s.portal.kubernetes_plugin:
        given = ", ".join(s.portal.kubernetes_namespaces)
        fix = config_rm("kubernetesNamespaces")
        yield Problem("kubernetesNamespaces", given, "unset, with kubernetesPlugin false", fix)


@rule("mcp", "appConfigPaths", "env")
def mcp(s: Settings) -> Iterator[Problem]:
    if s.backstage.value("mcpActions") is not None and not s.portal.mcp:
        given = "false, and Backstage's configuration has mcpActions"
        yield Problem("mcp", given, "true, or no mcpActions", config_set("mcp", "true"))


@rule("env", "appConfigPaths", *SECRETS)
def secrets_in_clear(s: Settings) -> Iterator[Warn]:
    for name in sorted(name for name in s.portal.env if SECRET_NAME.search(name)):
        fix = f"{config_set_secret(name)} && {config_rm('env', name)}"
        yield Warn(f"env.{name} looks like a secret. Encrypt it: {fix}")
    for key in SECRETS:
        held = getattr(getattr(s, str(KEYS[key].group)), KEYS[key].attribute)
        hidden = is_config_secret(f"{pulumi.get_project()}:{key}")  # one of its values at least
        if plain := sorted({*held} - held.encrypted if held.encrypted or not hidden else ()):
            fix = " && ".join(config_set_secret(name, key) for name in plain)
            yield Warn(
                f"{key} has plain text in the stack file: {', '.join(plain)}. Encrypt each value: "
                f"{fix}"
            )
    for file in s.portal.app_configs:
        for path, value in file.leaves():
            if SECRET_PATH.search(path[-1]) and isinstance(value, str) and "${" not in value:
                yield Warn(
                    f"{file}: {'.'.join(path)} looks like a secret, and a ConfigMap shows it. "
                    f"Write ${{NAME}} there, and {config_set_secret('NAME')}"
                )

"""Backstage's configuration and the variables that override it: what the preview refuses."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from settings.rules.guards import GUARDS
from tests.settings.stack import CANARY, LOCAL, loaded, refused, warnings


def app_config(tmp_path: Path, text: str) -> dict[str, list[str]]:
    path = tmp_path / "app-config.yaml"
    path.write_text(text, encoding="utf-8")
    return {"appConfigPaths": [str(path)]}


def test_a_variable_that_nothing_provides(tmp_path: Path) -> None:
    changes = app_config(tmp_path, "a: ${JIRA_TOKEN}\nb: ${APP_PORT} ${OTHER:-x} $${ESCAPED}\n")
    message = refused(changes)
    assert "uses ${JIRA_TOKEN}, which nothing provides" in message
    assert (
        "pulumi config set --stack test --path --secret secretEnv.JIRA_TOKEN\n    or:  " in message
    )
    assert "OTHER" not in message
    assert "ESCAPED" not in message
    loaded({**changes, "env": {"JIRA_TOKEN": "x"}})
    loaded({**changes, "secretEnv": {"JIRA_TOKEN": "x"}})


def test_a_file_that_still_asks_for_the_host(tmp_path: Path) -> None:
    changes = app_config(tmp_path, "app: {baseUrl: 'https://${APP_HOST}'}\n")
    message = refused(changes)
    assert "uses ${APP_HOST}" in message
    assert "the program sets app.baseUrl and backend.baseUrl" in message
    loaded({**changes, "env": {"APP_HOST": "portal.example.com"}})


def test_techdocs_variables_come_with_a_bucket(tmp_path: Path) -> None:
    changes = app_config(tmp_path, "a: ${TECHDOCS_BUCKET}\n")
    assert "techdocsBucket create" in refused(changes)
    loaded({**changes, "techdocsBucket": "create"})


def test_region_is_a_variable_on_eks_only(tmp_path: Path) -> None:
    changes = app_config(tmp_path, "a: ${AWS_REGION}\n")
    loaded(changes)
    assert "uses ${AWS_REGION}" in refused({**LOCAL, **changes})


@pytest.mark.parametrize("text", ["a: [", "- a"])
def test_a_broken_app_config(tmp_path: Path, text: str) -> None:
    assert "\n  appConfigPaths\n" in refused(app_config(tmp_path, text))


def test_every_unsafe_value_of_the_file_is_a_problem(tmp_path: Path) -> None:
    text = "auth: {providers: {guest: {}}}\npermission: {enabled: false}\n"
    message = refused(app_config(tmp_path, text))
    assert message.startswith("Stack 'test' has 2 configuration problems:\n")
    for given, instead in (
        ("auth.providers.guest lets anyone in without a password", "null"),
        ("permission.enabled lets every request do everything", "true"),
    ):
        assert f"{given}\n    allowed: {instead}\n" in message


@pytest.mark.parametrize(
    ("text", "fix"),
    [
        ("auth: {providers: {guest: {}}}", "set auth.providers.guest to null in FILE"),
        (
            "kubernetes: {objectTypes: [pods, secrets]}",
            "remove secrets from kubernetes.objectTypes in FILE",
        ),
        (
            "backend: {reading: {allow: [{host: '*'}]}}",
            "change backend.reading.allow.0.host in FILE",
        ),
        (
            "backend: {database: {connection: 'postgres://h/d?sslmode=disable'}}",
            "change backend.database.connection in FILE",
        ),
    ],
)
def test_the_fix_of_an_unsafe_value_names_its_place(tmp_path: Path, text: str, fix: str) -> None:
    changes = app_config(tmp_path, text)
    [file] = changes["appConfigPaths"]
    assert f"    fix:     {fix.replace('FILE', file)}\n" in refused(changes)


def test_what_a_guard_allows_instead_is_accepted() -> None:
    for guard in GUARDS:
        assert not guard.refuses(yaml.safe_load(guard.instead)), guard.path


def test_a_later_file_can_repair_or_break_an_earlier_one(tmp_path: Path) -> None:
    open_, closed, defaulted = (tmp_path / name for name in ("open.yaml", "closed.yaml", "d.yaml"))
    open_.write_text("permission: {enabled: false}\n", encoding="utf-8")
    closed.write_text("permission: {enabled: true}\n", encoding="utf-8")
    defaulted.write_text("permission: {enabled: '${PERMISSION:-false}'}\n", encoding="utf-8")
    loaded({"appConfigPaths": [str(open_), str(closed)]})
    assert f"{open_}: permission.enabled lets" in refused(
        {"appConfigPaths": [str(closed), str(open_)]}
    )
    assert f"{defaulted}: permission.enabled" in refused({"appConfigPaths": [str(defaulted)]})
    loaded({"appConfigPaths": [str(defaulted)], "env": {"PERMISSION": "true"}})


def test_one_config_map_holds_all_files(tmp_path: Path) -> None:
    large = app_config(tmp_path, f"a: {'x' * 600_000}\n")["appConfigPaths"]
    other = tmp_path / "other.yaml"
    other.write_text(f"b: {'x' * 600_000}\n", encoding="utf-8")
    message = refused({"appConfigPaths": [*large, str(other)]})
    assert "at most 1,000,000 bytes: one ConfigMap holds all files" in message


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("auth_providers_guest", "{}", "auth.providers.guest lets anyone in"),
        ("auth_providers_guest_dangerouslyAllowOutsideDevelopment", "true", "lets anyone in"),
        ("auth", '{"providers": {"guest": {}}}', "lets anyone in"),
        ("auth_providers", '{"guest": {}}', "covers auth.providers.guest"),
        ("backend_database_connection_ssl_rejectUnauthorized", "false", "doesn't verify"),
        ("backend_database_connection", "postgres://h/d?sslmode=disable", "doesn't verify"),
        ("backend_database_client", "better-sqlite3", "lost with the pod"),
        ("backend", '{"database":{"skipMigrations":false}}', "covers backend."),
        ("backend_auth_dangerouslyDisableDefaultAuthPolicy", "true", "without authentication"),
        ("permission_enabled", "false", "lets every request do everything"),
        ("permission_rbac_policies-csv-file", "/tmp/x.csv", "isn't the file that permissionsPath"),
        (
            "permission_rbac_conditionalPoliciesFile",
            "x",
            "file that permissionConditionsPath names",
        ),
        ("catalog_rules", '[{"allow": ["Group"]}]', "takes users and groups"),
        ("a_1x", "1", "'1x' is no name that Backstage accepts"),
        ("a__b", "1", "'' is no name that Backstage accepts"),
        ("a_b", "null", "null, which Backstage refuses"),
    ],
)
def test_an_override_that_is_refused(name: str, value: str, problem: str) -> None:
    name = f"APP_CONFIG_{name}"
    message = refused({"env": {name: value, "APP_CONFIG_app_title": "Portal"}})
    assert message.startswith("Stack 'test' has 1 configuration problem:\n  env\n"), message
    assert f"{name}: " in message
    assert problem in message
    assert f"config rm --stack test --path 'env.{name}'" in message


@pytest.mark.parametrize(
    "env",
    [
        {"auth_providers_oidc": "{}"},
        {"auth_providers_github_production_enterpriseInstanceUrl": "https://git.example.com"},
        {"backend_reading_allow": '[{"host": "example.com"}]'},
        {"catalog_rules": '[{"allow": ["System"]}]'},
        {"a_b": "1", "a_c": "2", "ab": "3"},
        {"a": "", "a_b": "1"},
        {"backend_csp_frame-ancestors": '["none"]'},
    ],
)
def test_an_override_that_is_accepted(env: Mapping[str, str]) -> None:
    loaded({"env": {f"APP_CONFIG_{name}": value for name, value in env.items()}})


@pytest.mark.parametrize(
    ("env", "secret_env"),
    [
        ({"a": "{}", "a_b": "1"}, {}),
        ({"a_b": "1"}, {"a": "{}"}),
        ({"a": "{}"}, {"a_b_c": "1"}),
        ({"techdocs_publisher": "{}"}, {}),
        ({"catalog_processingInterval_minutes": "5"}, {}),
        ({"scaffolder": "{}"}, {}),
        ({}, {"app": "{}"}),
    ],
)
def test_overrides_that_lie_inside_one_another(
    env: Mapping[str, str], secret_env: Mapping[str, str]
) -> None:
    changes = {
        "env": {f"APP_CONFIG_{name}": value for name, value in env.items()},
        "secretEnv": {f"APP_CONFIG_{name}": value for name, value in secret_env.items()},
    }
    message = refused(changes)
    assert message.startswith("Stack 'test' has 1 configuration problem:\n"), message
    assert "overlaps APP_CONFIG_" in message


@pytest.mark.parametrize(
    "name",
    [
        "auth",
        "auth_providers",
        "auth_providers_github",
        "auth_providers_github_production",
        "auth_providers_guest",
        "backend",
        "backend_database_client",
        "permission_enabled",
        "proxy",
        "kubernetes_clusterLocatorMethods",
    ],
)
def test_a_secret_may_not_hide_what_a_guard_looks_at(name: str) -> None:
    message = refused({"secretEnv": {f"APP_CONFIG_{name}": CANARY}}, ("secretEnv",))
    assert message.startswith("Stack 'test' has 1 configuration problem:\n  secretEnv\n"), message
    assert f"APP_CONFIG_{name}: covers " in message
    assert CANARY not in message


@pytest.mark.parametrize(
    "name",
    ["auth_providers_github_production_clientSecret", "backend_auth_externalAccess", "a_b"],
)
def test_a_secret_override_that_is_accepted(name: str) -> None:
    loaded({"secretEnv": {f"APP_CONFIG_{name}": CANARY}}, ("secretEnv",))


def test_timeouts_that_lose_requests_are_warned_of(tmp_path: Path) -> None:
    assert not [each for each in warnings({}) if "load balancer" in each]
    short = (
        "backend:\n  server: {keepAliveTimeout: {seconds: 120}}\n"
        "  lifecycle: {serverShutdownDelay: 5s}\n"
    )
    keep_alive, delay = (
        each for each in warnings(app_config(tmp_path, short)) if "load balancer" in each
    )
    assert "backend.server.keepAliveTimeout is 120 s. Set it to 125 s" in keep_alive
    assert "backend.lifecycle.serverShutdownDelay is 5 s. Set it to 15 s" in delay
    dropped = app_config(tmp_path, "backend: {server: null, lifecycle: null}\n")
    unset = [each for each in warnings(dropped) if "load balancer" in each]
    assert [" is 0 s" in each for each in unset] == [True, True]

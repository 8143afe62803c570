"""The portal's pod: variables that depend on settings, database and address."""

from __future__ import annotations

import pulumi
import pytest
from pulumi import ResourceOptions

from components.portal.portal_pod import pod_template, portal_variables
from settings.keys import PortalSettings
from tests.components.parts import connection, pod, run

SSL = "APP_CONFIG_backend_database_connection_ssl"
UPGRADE = "APP_CONFIG_backend_csp_upgrade-insecure-requests"
SKIPPED = "APP_CONFIG_backend_database_skipMigrations"


def variables(
    settings: PortalSettings, url: str = "https://x", tls: bool = True, **platform: str
) -> dict[str, str]:
    def build(opts: ResourceOptions) -> None:
        found = portal_variables(settings, url, 8080, connection(tls), platform)
        pulumi.export("variables", found)

    found: dict[str, str] = run(build).outputs["variables"]
    return found


def test_url_and_ports() -> None:
    found = variables(PortalSettings(), "https://portal.example.com")
    assert found["APP_CONFIG_app_baseUrl"] == "https://portal.example.com"
    assert found["APP_CONFIG_backend_baseUrl"] == "https://portal.example.com"
    assert (found["APP_PORT"], found["POSTGRES_PORT"]) == ("8080", "5433")


@pytest.mark.parametrize(("tls", "value"), [(True, None), (False, "false")])
def test_ssl_is_off_only_without_tls(tls: bool, value: str | None) -> None:
    assert variables(PortalSettings(), tls=tls).get(SSL) == value


@pytest.mark.parametrize(("url", "value"), [("https://x", None), ("http://x", "false")])
def test_browsers_upgrade_requests_except_over_http(url: str, value: str | None) -> None:
    assert variables(PortalSettings(), url).get(UPGRADE) == value


@pytest.mark.parametrize(("limit", "heap"), [("1Gi", 768), ("1500Mi", 1125)])
def test_heap_is_three_quarters_of_the_limit(limit: str, heap: int) -> None:
    found = variables(PortalSettings(memory_limit=limit))
    assert found["NODE_OPTIONS"] == f"--max-old-space-size={heap}"


def test_env_wins_over_the_platform() -> None:
    found = variables(PortalSettings(env={"A": "env"}), A="platform", B="platform")
    assert (found["A"], found["B"]) == ("env", "platform")


@pytest.mark.parametrize("migration_job", [True, False])
def test_pods_skip_migrations_when_a_job_runs_them(migration_job: bool) -> None:
    def build(opts: ResourceOptions) -> None:
        template = pod_template(pod(PortalSettings(migration_job=migration_job)))
        pulumi.export("env", template.spec.containers[0].env)

    found = {each["name"]: each["value"] for each in run(build).outputs["env"]}
    assert found.get(SKIPPED) == ("true" if migration_job else None)


def test_secret_files_are_mounted_and_no_variables() -> None:
    def build(opts: ResourceOptions) -> None:
        pulumi.export("spec", pod_template(pod(PortalSettings())).spec)

    spec = run(build).outputs["spec"]
    [container] = spec["containers"]
    [mount] = [each for each in container["volume_mounts"] if each["name"] == "github-app"]
    assert mount["mount_path"] == "/etc/backstage/github-app"
    assert mount["read_only"] is True
    [volume] = [each for each in spec["volumes"] if each["name"] == "github-app"]
    assert volume["secret"] == {"secret_name": "the-app", "default_mode": 0o440}
    [source] = container["env_from"]
    assert source["secret_ref"]["name"] == "the-secret"

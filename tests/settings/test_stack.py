"""A whole stack: the minimum of each target, and the app that it builds."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from settings.backstage_app import HOST_BUILD
from settings.files import ROOT
from tests.settings.key_table import DIGEST
from tests.settings.stack import LOCAL, loaded, refused


def test_defaults_on_eks() -> None:
    settings, recording = loaded({})
    [warning] = recording.warnings
    assert warning.startswith(
        "Nobody will be able to sign in. Choose a provider of docs/sign-in.md: "
    )
    assert (settings.port, settings.namespace, settings.target) == (7007, "backstage", "eks")
    assert settings.workload_identity == "pod-identity"
    portal, ingress = settings.portal, settings.ingress
    assert (portal.replicas, portal.most_replicas, portal.autoscaled) == (1, 1, False)
    assert (portal.cpu_request, portal.memory_request, portal.memory_limit) == (
        "250m",
        "1Gi",
        "1Gi",
    )
    assert portal.migration_job
    assert portal.metrics
    assert portal.network_policy
    assert portal.kubernetes_plugin
    assert (ingress.scheme, ingress.class_name, ingress.controller) == (
        "internal",
        "alb",
        "existing",
    )


def test_defaults_on_local() -> None:
    settings, recording = loaded(LOCAL)
    [warning] = recording.warnings
    assert warning.startswith(
        "Nobody will be able to sign in. Choose a provider of docs/sign-in.md: "
    )
    assert (settings.target, settings.host, settings.kube_context) == ("local", "", None)
    assert (settings.aws.region, settings.cluster_name) == ("", "")
    assert settings.ingress.given_class_name is None


def test_a_digest_needs_no_tag() -> None:
    settings, _ = loaded({"imageTag": None, "imageDigest": DIGEST})
    assert settings.image.digest == DIGEST


def test_a_repository_of_one_part_has_no_tag_either() -> None:
    assert "without scheme, tag or digest" in refused({**LOCAL, "imageRepository": "portal:5"})


def test_the_guards_check_the_file_in_the_image(app: Path) -> None:
    file = app / "app-config.yaml"
    file.write_text("proxy: {endpoints: {/m: {target: 'http://169.254.169.254'}}}\n", "utf-8")
    message = refused({"appPath": str(app)})
    assert f"\n  appPath\n    given:   {file}: proxy.endpoints./m.target reaches" in message
    # What the mounted file overrides isn't in force.
    file.write_text("backend: {database: {client: better-sqlite3}}\n", "utf-8")
    loaded({"appPath": str(app)})


def test_an_app_is_accepted(app: Path) -> None:
    settings, _ = loaded({"appPath": str(app)})
    assert settings.database_plugins == 13


def test_an_app_is_built_on_local_without_a_repository(app: Path) -> None:
    settings, _ = loaded({**LOCAL, "imageRepository": None, "appPath": str(app)})
    assert settings.image.repository is None


@pytest.mark.parametrize(
    ("file", "text", "problem"),
    [
        ("yarn.lock", None, "no yarn.lock"),
        ("app-config.yaml", None, "no app-config.yaml"),
        ("app-config.yaml", "app: [", "app-config.yaml: line "),
        ("package.json", "{", "names no yarn 4"),
        ("package.json", '{"a":' * 5000, "names no yarn 4"),
        ("package.json", '{"packageManager": "yarn@1.22.22"}', "names no yarn 4"),
        ("packages/backend/package.json", None, "no packages/backend/package.json"),
        ("packages/backend/package.json", "{}", "isn't built on the new backend system"),
        ("packages/backend/package.json", '{"dependencies": null}', "isn't built on the new"),
        ("packages/backend/package.json", "[]", "no packages/backend/package.json"),
        (
            "packages/backend/package.json",
            '{"dependencies": {"@backstage/backend-defaults": "1"}}',
            "doesn't depend on pg",
        ),
    ],
)
def test_an_app_that_cannot_be_built(app: Path, file: str, text: str | None, problem: str) -> None:
    (app / file).unlink()
    if text is not None:
        (app / file).write_text(text, encoding="utf-8")
    message = refused({"appPath": str(app)})
    assert "\n  appPath\n" in message
    assert problem in message


def test_a_host_build_needs_its_bundle(app: Path) -> None:
    message = refused({"appPath": str(app), "imageBuild": "host"})
    assert "no packages/backend/dist/skeleton.tar.gz or packages/backend/dist/bundle" in message
    assert "yarn build:backend" in message
    for file in HOST_BUILD:
        (app / file).parent.mkdir(exist_ok=True)
        (app / file).touch()
    settings, _ = loaded({"appPath": str(app), "imageBuild": "host"})
    assert settings.image.build == "host"


def test_a_commit_has_its_time() -> None:
    command = ["git", "log", "-1", "--format=%H %cI"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    commit, time = done.stdout.split()
    settings, _ = loaded({"appPath": "portal", "imageTag": commit})
    assert settings.image.app
    assert settings.image.app.commit_time(commit) == time
    assert settings.image.app.commit_time("no-commit") is None


def test_plugins_are_those_of_the_app_or_as_set(app: Path) -> None:
    manifest = json.loads((app / "packages/backend/package.json").read_text(encoding="utf-8"))
    manifest["dependencies"]["@shop/backstage-plugin-costs-backend"] = "1.0.0"
    (app / "packages/backend/package.json").write_text(json.dumps(manifest), encoding="utf-8")
    assert loaded({"appPath": str(app)})[0].database_plugins == 14
    assert loaded({"appPath": str(app), "databasePlugins": 3})[0].database_plugins == 3

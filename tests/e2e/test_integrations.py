"""A GitHub App, webhooks and tasks, on a portal with a database of its own."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest
import yaml

from components.database.database import ROLE_NAME
from components.portal.portal import CA_FILE
from components.portal.portal_pod import CA_DIRECTORY, CONFIG_DIRECTORY
from tests.e2e.conftest import TOKEN, Pods, Site, Start
from tests.e2e.github_api import GitHubApi
from tests.programs import previewed
from tools.container import engine
from tools.container.portal import Answer, PodSpec, PortalContainer
from tools.preview.manifests import write_manifests

pytestmark = pytest.mark.e2e

MACHINE = {"Authorization": f"Bearer {TOKEN}"}
STACK = "integrations"  # of tests/stacks
DATABASE = "integrations"
APP_ID = 123456
HOOK, GITLAB_HOOK = "/api/events/http/github", "/api/events/http/gitlab"
COMPONENT = """\
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {{name: {0}}}
spec: {{type: service, lifecycle: production, owner: platform}}
"""
USER = """\
apiVersion: backstage.io/v1alpha1
kind: User
metadata: {name: mallory}
spec: {memberOf: []}
"""
TEMPLATE = """\
apiVersion: scaffolder.backstage.io/v1beta3
kind: Template
metadata: {name: slow}
spec:
  type: service
  owner: platform
  steps:
    - id: write
      action: catalog:write
      input: {entity: {apiVersion: backstage.io/v1alpha1, kind: Component, metadata: {name: kept}}}
    - {id: wait, action: 'debug:wait', input: {seconds: 20}}
    - {id: list, action: 'debug:log', input: {listWorkspace: with-contents}}
"""


@dataclass(frozen=True)
class Integrated:
    """The pod of the stack with both integrations, and what its secrets are."""

    pod: PodSpec
    api: GitHubApi
    secrets: Mapping[str, Mapping[str, str]]


@pytest.fixture(scope="module")
def integrated(
    site: Site,
    pods: Pods,
    migrated: list[str],
    containers: Start,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Integrated]:
    manifests = tmp_path_factory.mktemp(STACK)
    write_manifests(previewed(STACK, creates=True).recording, manifests)
    site.database.query(f"CREATE DATABASE {DATABASE} OWNER {ROLE_NAME}")
    repositories = {"checkout": COMPONENT.format("checkout"), "mallory": USER}
    api_of = GitHubApi(APP_ID, ["Acme", "acme-labs"], repositories)
    with api_of.serve(site.address) as api:
        held = {
            "github-app": {
                "privateKey": api.private_key,
                "clientSecret": secrets.token_hex(16),
                "webhookSecret": secrets.token_hex(16),
            },
            "gitlab": {"token": secrets.token_hex(16), "webhookSecret": secrets.token_hex(16)},
        }

        def pod(kind: str, name: str) -> PodSpec:
            read = PodSpec.read(manifests, kind, name)
            given = {key: pods.portal.environment[key] for key in (
                "POSTGRES_HOST", "POSTGRES_USER", "POSTGRES_PASSWORD", "POSTGRES_PORT",
                "AUTH_SESSION_SECRET", "APP_CONFIG_backend_auth_externalAccess",
            )}  # fmt: skip
            location = {"type": "file", "target": "/etc/backstage/people/people.yaml",
                        "rules": [{"allow": ["Template"]}]}  # fmt: skip
            given["APP_CONFIG_catalog_locations"] = json.dumps([location])
            files = {
                **read.files,
                CA_DIRECTORY: {CA_FILE: site.database.ca_certificate},
                CONFIG_DIRECTORY: _pointed(read.files[CONFIG_DIRECTORY], api.url),
                "/etc/backstage/people": {"people.yaml": TEMPLATE},
                **{f"/etc/backstage/{folder}": dict(each) for folder, each in held.items()},
            }
            environment = {**read.environment, **given, "POSTGRES_DB": DATABASE}
            return replace(read, environment=environment, files=files)

        job = containers("integrations-migrations", pod("Job", "backstage-migrations"))
        assert job.wait_ended(180) == 0, job.logs()
        yield Integrated(pod("Deployment", "backstage"), api, held)
    site.database.query(f"DROP DATABASE {DATABASE} WITH (FORCE)")


def _pointed(files: Mapping[str, str], url: str) -> dict[str, str]:
    """The configuration files with the stand-in's API in the generated one."""
    config = yaml.safe_load(files["app-config.stack.yaml"])
    config["integrations"]["github"][0]["apiBaseUrl"] = f"{url}/api/v3"
    return {**files, "app-config.stack.yaml": yaml.safe_dump(config)}


@pytest.fixture(scope="module")
def portal(containers: Start, integrated: Integrated) -> PortalContainer:
    """Tests that stop it come last."""
    container = containers("integrations", integrated.pod)
    container.wait_ready()
    return container


def names(portal: PortalContainer, kind: str) -> set[str]:
    found = portal.get(f"/api/catalog/entities?filter=kind={kind}", MACHINE)
    return {each["metadata"]["name"] for each in found.json()} if found.status == 200 else set()


def eventually(condition: Callable[[], Any], seconds: float = 60) -> Any:
    """The condition's first true value, or its last one."""
    end = time.monotonic() + seconds
    while not (found := condition()) and time.monotonic() < end:
        time.sleep(0.5)
    return found


def delivery(
    portal: PortalContainer, payload: object, headers: Mapping[str, str], path: str = HOOK
) -> Answer:
    json_headers = {"Content-Type": "application/json", **headers}
    return portal.post(path, json.dumps(payload).encode(), json_headers)


def signature(secret: str, payload: object) -> dict[str, str]:
    digest = hmac.new(secret.encode(), json.dumps(payload).encode(), hashlib.sha256)
    return {"X-Hub-Signature-256": f"sha256={digest.hexdigest()}"}


def push(repository: str) -> dict[str, Any]:
    """The event of a push that adds a catalog file."""
    owner = {"login": "Acme"}
    return {
        "ref": "refs/heads/main",
        "installation": {"id": 4711},
        "organization": owner,
        "repository": {
            "name": repository, "owner": owner, "default_branch": "main", "topics": [],
            "html_url": f"https://github.com/Acme/{repository}", "archived": False, "fork": False,
            "visibility": "private",
        },
        "commits": [{"added": ["catalog-info.yaml"], "modified": [], "removed": []}],
    }  # fmt: skip


def test_people_and_repositories_come_through_the_app(
    portal: PortalContainer, integrated: Integrated
) -> None:
    assert eventually(lambda: "checkout" in names(portal, "component"))
    assert eventually(lambda: names(portal, "user")) == {"alice"}
    user = portal.get("/api/catalog/entities/by-name/user/default/alice", MACHINE).json()
    assert user["spec"]["profile"]["email"] == "alice@acme.example.com"
    assert names(portal, "group") == {"platform"}
    # A repository may define components, but no users.
    refusal = re.compile("Entity user:default/mallory at .* is not of an allowed kind")
    assert eventually(lambda: refusal.search(portal.logs()))
    assert names(portal, "user") == {"alice"}
    assert "POST /api/v3/app/installations/1/access_tokens" in integrated.api.requests


def test_secrets_are_files_and_no_variables(
    portal: PortalContainer, integrated: Integrated
) -> None:
    environment = engine.docker("exec", portal.name, "cat", "/proc/1/environ")
    assert "POSTGRES_PASSWORD" in environment
    logs = portal.logs()
    for folder, held in integrated.secrets.items():
        for name, value in held.items():
            shown = engine.docker("exec", portal.name, "cat", f"/etc/backstage/{folder}/{name}")
            assert shown == value
            assert value not in environment
            assert value.splitlines()[-2 if name == "privateKey" else 0] not in logs


def test_a_delivery_without_a_valid_signature_changes_nothing(
    portal: PortalContainer, integrated: Integrated
) -> None:
    asked, payload = len(integrated.api.requests), push("forged")
    event = {"X-GitHub-Event": "push"}
    wrong = {**event, **signature("guessed", payload)}
    of_another = {**event, **signature(integrated.secrets["github-app"]["webhookSecret"], {})}
    for headers in (event, wrong, of_another, {**event, "X-Hub-Signature-256": "sha256="}):
        assert delivery(portal, payload, headers).status == 403
    # Nor do they cost requests to GitHub, of which an installation has 5,000 an hour.
    assert len(integrated.api.requests) == asked


def test_a_signed_push_reaches_the_catalog(portal: PortalContainer, integrated: Integrated) -> None:
    integrated.api.files["cart"] = COMPONENT.format("cart")
    payload = push("cart")
    headers = signature(integrated.secrets["github-app"]["webhookSecret"], payload)
    answer = delivery(portal, payload, {"X-GitHub-Event": "push", **headers})
    assert answer.status == 202
    assert eventually(lambda: "cart" in names(portal, "component"), 30)


def test_gitlab_deliveries_need_their_token(
    portal: PortalContainer, integrated: Integrated
) -> None:
    payload = {"object_kind": "push"}
    token = integrated.secrets["gitlab"]["webhookSecret"]
    for given, status in ((token, 202), (token[:-1], 403), ("", 403), (None, 403)):
        headers = {} if given is None else {"X-Gitlab-Token": given}
        assert delivery(portal, payload, headers, GITLAB_HOOK).status == status


def test_without_a_secret_there_is_no_path(start: Start, pod: PodSpec, migrated: list[str]) -> None:
    """Not even for a topic that the preview would refuse."""
    topics = {"APP_CONFIG_events_http_topics": '["github"]'}
    container = start("no-webhooks", pod, topics)
    container.wait_ready()
    for path in (HOOK, GITLAB_HOOK, "/api/events/http/other"):
        assert delivery(container, {}, {}, path).status == 404
    container.remove()


def test_a_task_survives_the_loss_of_its_pod(
    portal: PortalContainer, integrated: Integrated, containers: Start
) -> None:
    assert eventually(lambda: names(portal, "template") == {"slow"})
    task = {"templateRef": "template:default/slow", "values": {}}
    json_headers = {"Content-Type": "application/json", **MACHINE}
    created = portal.post("/api/scaffolder/v2/tasks", json.dumps(task).encode(), json_headers)
    path = f"/api/scaffolder/v2/tasks/{created.json()['id']}"

    def log(container: PortalContainer) -> str:
        return container.get(f"{path}/events", MACHINE).body

    assert eventually(lambda: "Beginning step debug:wait" in log(portal), 30), log(portal)
    portal.signal("KILL")
    # With a new /tmp, as another pod has.
    other = containers("integrations-other", integrated.pod)
    other.wait_ready()
    ended = ("completed", "failed", "cancelled")
    assert eventually(lambda: other.get(path, MACHINE).json()["status"] in ended, 120)
    assert other.get(path, MACHINE).json()["status"] == "completed", log(other)
    assert "Skipping step write because it was already completed" in log(other)
    assert "catalog-info.yaml" in log(other).partition("resuming from last known good state")[2]

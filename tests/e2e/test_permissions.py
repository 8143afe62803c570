"""Who may do what: every permission and every route that Backstage leaves open, by everyone."""

from __future__ import annotations

import json
import re
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import pytest

from settings.access import PERMISSIONS, RULES
from settings.files import parse_yaml, read_text
from tests.e2e.access_table import ACTIONS, ADMINISTRATORS, ALLOWED, ROUTES, USERS
from tests.e2e.client import Client, Upstream
from tests.e2e.conftest import TOKEN, Site, Start
from tests.e2e.sign_in import Response, sign_in
from tools.container.portal import PodSpec, PortalContainer

pytestmark = pytest.mark.e2e

RESTRICTED = secrets.token_hex(16)
GITHUB_TOKEN = secrets.token_hex(16)
TEMPLATE = {
    "apiVersion": "scaffolder.backstage.io/v1beta3",
    "kind": "Template",
    "metadata": {"name": "attack"},
    "spec": {
        "type": "service",
        "parameters": [],
        "steps": [
            {
                "id": "steal",
                "name": "Steal",
                "action": "fetch:plain:file",
                "input": {
                    "url": "https://git.internal/org/private/blob/main/secret.txt",
                    "targetPath": "secret.txt",
                },
            }
        ],
    },
}
DRY_RUN = {"template": TEMPLATE, "values": {}, "secrets": {}, "directoryContents": []}
CLUSTER = {"Backstage-Kubernetes-Cluster": "stub"}


@pytest.fixture(scope="module")
def upstream(site: Site) -> Iterator[Upstream]:
    with Upstream().serve(site.address) as upstream:
        yield upstream


@pytest.fixture(scope="module")
def portal(start: Start, pod: PodSpec, migrated: list[str], upstream: Upstream) -> PortalContainer:
    """A portal with a proxy endpoint, a cluster, and an integration with the portal's own token."""
    machines = [
        {"type": "static", "options": {"token": TOKEN, "subject": "e2e"}},
        {
            "type": "static",
            "options": {"token": RESTRICTED, "subject": "reader"},
            "accessRestrictions": [{"plugin": "catalog", "permission": ["catalog.entity.read"]}],
        },
    ]
    cluster = {
        "name": "stub",
        "url": upstream.url,
        "authProvider": "serviceAccount",
        "serviceAccountToken": "of-the-pod",
    }
    integration = {"host": "git.internal", "apiBaseUrl": upstream.url, "token": GITHUB_TOKEN}
    values = {
        "backend_auth_externalAccess": machines,
        "mcpActions_name": "e2e",
        "backend_database_skipMigrations": False,  # the shared migrations ran without MCP
        "backend_actions_pluginSources": sorted({each.partition(":")[0] for each in ACTIONS}),
        "kubernetes_clusterLocatorMethods": [{"type": "config", "clusters": [cluster]}],
        "integrations_github": [integration],
        "proxy_endpoints": {"/stub": upstream.url},
    }
    container = start(
        "permissions", pod, {f"APP_CONFIG_{key}": json.dumps(each) for key, each in values.items()}
    )
    container.wait_ready()
    return container


Clients = Mapping[str, Client]


@pytest.fixture(scope="module")
def clients(portal: PortalContainer, site: Site) -> Clients:
    """Somebody of each kind; people are in the catalog."""
    tokens: dict[str, str | None] = {
        "anonymous": None,
        "machine": TOKEN,
        "restricted machine": RESTRICTED,
    }
    machine = Client(portal.address, TOKEN)
    end = time.monotonic() + 180  # a portal that was killed keeps the location reserved
    for entity in ("template/default/greet", "component/default/checkout"):
        while machine.call("GET", f"/api/catalog/entities/by-name/{entity}").status != 200:
            assert time.monotonic() < end, f"no {entity}"
            time.sleep(0.5)
    for who, login in USERS.items():
        signed_in = sign_in(portal.address, site.github, login)
        tokens[who] = signed_in["response"]["backstageIdentity"]["token"]
    return {who: Client(portal.address, token) for who, token in tokens.items()}


@pytest.fixture(scope="module")
def task(clients: Clients) -> str:
    """A task that the template user has started."""
    body = {"templateRef": "template:default/greet", "values": {}}
    answer = clients["template user"].call("POST", "/api/scaffolder/v2/tasks", body)
    assert answer.status == 201, answer.text
    task: str = answer.json()["id"]
    return task


def resource(resource_type: str | None, task: str) -> dict[str, str]:
    found = {
        "catalog-entity": "component:default/checkout",
        "scaffolder-template": "template:default/greet",
        "scaffolder-action": "debug:log",
        "scaffolder-task": task,
    }
    return {"resourceRef": found[resource_type]} if resource_type else {}


@pytest.mark.parametrize("who", USERS)
def test_every_permission(clients: Clients, task: str, who: str) -> None:
    items = [
        {
            "id": name,
            "permission": {
                "name": name,
                "attributes": {} if action == "use" else {"action": action},
                **(
                    {"type": "resource", "resourceType": resource_type}
                    if resource_type
                    else {"type": "basic"}
                ),
            },
            **resource(resource_type, task),
        }
        for name, (action, resource_type) in PERMISSIONS.items()
    ]
    answer = clients[who].call("POST", "/api/permission/authorize", {"items": items})
    assert answer.status == 200, answer.text
    found = {each["id"] for each in answer.json()["items"] if each["result"] == "ALLOW"}
    assert found == {name for name, people in ALLOWED.items() if who in people}


def test_nobody_else_is_asked(clients: Clients) -> None:
    for who, status in (("anonymous", 401), ("machine", 403), ("restricted machine", 403)):
        answer = clients[who].call("POST", "/api/permission/authorize", {"items": []})
        assert answer.status == status, who


def plugins(portal: PortalContainer) -> list[str]:
    started = re.search(r"Plugin initialization started: ([^\"]*)", portal.logs())
    assert started
    found = re.findall(r"'([a-z-]+)'", started[1])
    assert {"catalog", "scaffolder", "auth"} <= set(found)
    return found


def test_permissions_and_rules_are_those_of_the_portal(
    clients: Clients, portal: PortalContainer
) -> None:
    """A release that adds one fails here, until somebody decides who gets it."""
    permissions: dict[str, str] = {}
    rules: dict[str, Any] = {}
    path = ".well-known/backstage/permissions/metadata"
    for plugin in plugins(portal):
        answer = clients["administrator"].call("GET", f"/api/{plugin}/{path}")
        if answer.status == 404 or plugin == "app":  # which answers every path with its page
            continue
        assert answer.status == 200, (plugin, answer.text)
        for each in answer.json()["permissions"]:
            words = (each["attributes"].get("action", "use"), each.get("resourceType", ""))
            permissions[each["name"]] = " ".join(filter(None, words))
        for each in answer.json()["rules"]:
            schema = each["paramsSchema"]
            names = {"array": "list"}
            types = {
                name: f"{'' if name in schema['required'] else 'optional '}"
                f"{names.get(value['type'], value['type'])}"
                for name, value in schema["properties"].items()
            }
            rules.setdefault(each["resourceType"], {"plugin": plugin})[each["name"]] = types
    assert permissions == parse_yaml(read_text("assets/permissions.yaml"))["permissions"]
    assert rules == RULES


def refused(answer: Response) -> bool:
    """Whether it was the right that was missing."""
    return answer.status in (401, 403)


def allowed(clients: Clients, method: str, path: str, body: object = None) -> set[str]:
    answers = {who: client.call(method, path, body) for who, client in clients.items()}
    assert answers["anonymous"].status == 401, answers["anonymous"].text
    assert all(each.status < 500 for each in answers.values()), answers
    return {who for who, answer in answers.items() if not refused(answer)}


@pytest.mark.parametrize(("method", "path", "body", "who"), ROUTES)
def test_a_route(clients: Clients, method: str, path: str, body: object, who: set[str]) -> None:
    assert allowed(clients, method, path, body) == who


def test_schedulers_and_metadata_of_every_plugin(clients: Clients, portal: PortalContainer) -> None:
    for plugin in plugins(portal):
        tasks = f"/api/{plugin}/.backstage/scheduler/v1/tasks"
        for method, path in (
            ("GET", tasks),
            ("GET", tasks.replace("scheduler", "Scheduler") + "/"),
            ("POST", f"{tasks}/none/trigger"),
            ("POST", f"{tasks}/none/cancel"),
            ("GET", f"/api/{plugin}/.well-known/backstage/permissions/metadata"),
        ):
            assert allowed(clients, method, path) == ADMINISTRATORS, (method, path)


def test_a_task_that_is_triggered_runs(clients: Clients) -> None:
    tasks = "/api/search/.backstage/scheduler/v1/tasks"
    listed = clients["administrator"].call("GET", tasks).json()["tasks"]
    assert listed
    path = f"{tasks}/{listed[0]['taskId']}/trigger"
    assert clients["reader"].call("POST", path).status == 403
    # 409: it is running already.
    assert clients["administrator"].call("POST", path).status in (200, 409)


def actions(client: Client) -> set[str]:
    found: set[str] = set()
    for plugin in {each.partition(":")[0] for each in ACTIONS}:
        answer = client.call("GET", f"/api/{plugin}/.backstage/actions/v1/actions")
        assert answer.status == 200, answer.text
        found |= {each["id"] for each in answer.json()["actions"]}
    return found


def test_every_action_has_a_permission(clients: Clients) -> None:
    assert actions(clients["machine"]) == set(ACTIONS)
    for who in USERS:
        expected = {each for each, name in ACTIONS.items() if who in ALLOWED[name]}
        assert actions(clients[who]) == expected, who
    for plugin in ("auth", "catalog"):
        path = f"/api/{plugin}/.backstage/actions/v1/actions"
        assert clients["anonymous"].call("GET", path).status == 401


@pytest.mark.parametrize("action", ACTIONS)
def test_an_action(clients: Clients, action: str) -> None:
    """One that isn't allowed isn't there."""
    for version, body in (("v1", {"x": 1}), ("v2", {"input": {"x": 1}})):
        plugin = action.partition(":")[0]
        path = f"/api/{plugin}/.backstage/actions/{version}/actions/{action}/invoke"
        found = {who for who in USERS if clients[who].call("POST", path, body).status != 404}
        assert found == ALLOWED[ACTIONS[action]]
        assert clients["anonymous"].call("POST", path, body).status in (401, 403)


def test_mcp_offers_what_the_user_may_do(clients: Clients) -> None:
    headers = {"Accept": "application/json, text/event-stream"}
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
    call = partial(
        Client.call, method="POST", path="/api/mcp-actions/v1", body=body, headers=headers
    )
    answers = {who: call(clients[who]) for who in ("reader", "administrator", "anonymous")}
    assert answers["anonymous"].status == 401
    assert "get-catalog-entity" in answers["reader"].text
    assert "unregister-entity" not in answers["reader"].text
    assert "unregister-entity" in answers["administrator"].text


def test_others_unregister_nothing(clients: Clients) -> None:
    """That its owner may is in `test_every_permission`; the other tests still need the entity."""
    by_name = "/api/catalog/entities/by-name/component/default/checkout"
    uid = clients["reader"].call("GET", by_name).json()["metadata"]["uid"]
    for who in ("anonymous", "reader", "template user", "restricted machine"):
        answer = clients[who].call("DELETE", f"/api/catalog/entities/by-uid/{uid}")
        assert answer.status in (401, 403, 404), who
    assert clients["reader"].call("GET", by_name).status == 200


def test_tasks_are_their_users_own(clients: Clients, task: str) -> None:
    for who in USERS:
        listed = clients[who].call("GET", "/api/scaffolder/v2/tasks").json()["tasks"]
        one = clients[who].call("GET", f"/api/scaffolder/v2/tasks/{task}")
        sees = who in ALLOWED["scaffolder.task.read"]
        assert (task in {each["id"] for each in listed}) == sees, who
        assert (one.status == 200) == sees, who


Attack = Callable[[Client], Response]


def dry_run(client: Client) -> Response:
    """A template of one's own with the portal's token: any private repository. Administrators may
    try theirs, with credentials of their own.
    """
    return client.call("POST", "/api/scaffolder/v2/dry-run", DRY_RUN)


def kubernetes_proxy(client: Client) -> Response:
    """The pod's service account: every ConfigMap."""
    path = "/api/kubernetes/proxy/api/v1/configmaps"
    return client.call("GET", path, headers=CLUSTER)


@pytest.mark.parametrize(
    ("attack", "status", "given"),
    [(dry_run, 400, []), (kubernetes_proxy, 200, ["Bearer of-the-pod"])],
    ids=["dry run", "Kubernetes proxy"],
)
def test_an_attack(
    clients: Clients, upstream: Upstream, attack: Attack, status: int, given: list[str]
) -> None:
    for who in ("anonymous", "reader", "owner", "template user", "restricted machine"):
        upstream.asked.clear()
        assert refused(attack(clients[who])), who
        assert upstream.asked == [], who
    answer = attack(clients["administrator"])
    assert answer.status == status, answer.text
    assert [authorization for *_, authorization in upstream.asked] == given

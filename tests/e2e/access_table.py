"""Who is allowed what, written down apart from the files that decide."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from settings.access import PERMISSIONS

USERS = {"reader": "bob", "owner": "alice", "template user": "tina", "administrator": "ada"}
ADMINISTRATORS = {"administrator", "machine"}
BUILDERS = {"template user", *ADMINISTRATORS}
OWNERS = {"owner", *ADMINISTRATORS}
CHECKOUT = {"entityRef": "component:default/checkout"}
ENTITY = {"kind": "Component", "metadata": {"name": "checkout"}}
SPEC = {"type": "x", "lifecycle": "x", "owner": "x"}
VALID = {
    "location": "url:https://x.example.com/y.yaml",
    "entity": {**ENTITY, "apiVersion": "backstage.io/v1alpha1", "spec": SPEC},
}
NOWHERE = {"type": "url", "target": "x"}
NO_TEMPLATE = {"templateRef": "template:default/none", "values": {}}
SIGNED_IN = {*USERS, "machine"}

# Who is allowed: by permission, on what alice owns and on tina's task.
READ = {"reader", "owner", "template user", "administrator"}
ALLOWED: Mapping[str, set[str]] = {
    **{name: {"administrator"} for name in PERMISSIONS},
    "auth.actions.read": READ,
    "catalog.actions.read": READ,
    "catalog.entity.read": READ,
    "catalog.entity.delete": {"owner", "administrator"},
    "catalog.entity.refresh": {"owner", "administrator"},
    "notifications.actions.read": READ,
    "scaffolder.action.execute": {"template user", "administrator"},
    "scaffolder.actions.read": {"template user", "administrator"},
    "scaffolder.actions.use": {"template user", "administrator"},
    "scaffolder.task.cancel": {"template user", "administrator"},
    "scaffolder.task.create": {"template user", "administrator"},
    "scaffolder.task.read": {"template user", "administrator"},
    "scaffolder.template.parameter.read": {"template user", "administrator"},
    "scaffolder.template.step.read": {"template user", "administrator"},
    "search.actions.read": READ,
    "techdocs.actions.read": READ,
}
# A new action of a release fails `test_every_action_has_a_permission` until it is here.
ACTIONS = {
    "auth:who-am-i": "auth.actions.read",
    "catalog:get-catalog-entity": "catalog.actions.read",
    "catalog:get-catalog-model-description": "catalog.actions.read",
    "catalog:query-catalog-entities": "catalog.actions.read",
    "catalog:refresh-catalog-entity": "catalog.actions.use",
    "catalog:register-entity": "catalog.actions.use",
    "catalog:unregister-entity": "catalog.actions.use",
    "catalog:validate-entity": "catalog.actions.read",
    "kubernetes:get-kubernetes-clusters": "kubernetes.clusters.read",
    "kubernetes:get-kubernetes-resources-for-entity": "kubernetes.resources.read",
    "notifications:get-notifications": "notifications.actions.read",
    "scaffolder:dry-run-template": "scaffolder.template.dry-run",
    "scaffolder:execute-template": "scaffolder.actions.use",
    "scaffolder:get-scaffolder-task-logs": "scaffolder.actions.read",
    "scaffolder:list-scaffolder-actions": "scaffolder.actions.read",
    "scaffolder:list-scaffolder-tasks": "scaffolder.actions.read",
    "search:query": "search.actions.read",
    "techdocs:get-techdocs-metadata": "techdocs.actions.read",
}

# Routes that Backstage leaves open, and some of each plugin's own.
Route = tuple[str, str, Any, set[str]]
ROUTES: tuple[Route, ...] = (
    ("GET", "/api/catalog/entities?limit=1", None, {*SIGNED_IN, "restricted machine"}),
    ("GET", "/api/search/query?term=x", None, SIGNED_IN),
    ("POST", "/api/catalog/refresh", CHECKOUT, OWNERS),
    ("POST", "/api/catalog/locations?dryRun=true", NOWHERE, ADMINISTRATORS),
    ("POST", "/api/catalog/analyze-location", {"location": NOWHERE}, ADMINISTRATORS),
    ("POST", "/api/catalog/validate-entity", VALID, ADMINISTRATORS),
    ("DELETE", "/api/catalog/locations/00000000-0000-4000-8000-000000000000", None, ADMINISTRATORS),
    ("GET", "/api/kubernetes/clusters", None, ADMINISTRATORS),
    ("POST", "/api/kubernetes/services/x", {"entity": ENTITY}, ADMINISTRATORS),
    ("GET", "/api/scaffolder/v2/actions", None, ADMINISTRATORS),
    ("GET", "/api/scaffolder/v2/templating-extensions", None, ADMINISTRATORS),
    ("POST", "/api/scaffolder/v2/autocomplete/none/none", {"token": "x"}, BUILDERS),
    ("POST", "/api/scaffolder/v2/tasks", NO_TEMPLATE, BUILDERS),
    ("GET", "/api/proxy/stub/path", None, ADMINISTRATORS),
    ("POST", "/api/proxy/stub/path", {}, ADMINISTRATORS),
    ("GET", "/api/proxy/none/path", None, ADMINISTRATORS),
)  # fmt: skip

"""Pods of a stack, read from a run with stand-ins for what a preview doesn't know."""

from __future__ import annotations

from typing import Any

from tests.programs import Program, previewed
from tests.tokens import DEPLOYMENT, JOB, STATEFUL_SET
from tools.preview.recording import Resource

# Logical names, by which `templates` and `jobs` are keyed.
PORTAL, POSTGRES = "backstage-deployment", "backstage-postgres-server"
ROLE_JOB, MIGRATION_JOB = "backstage-database-role", "backstage-migrations"
PASSWORD_JOB = "backstage-password-removal"
ADMINISTERING = (ROLE_JOB, PASSWORD_JOB)  # they share a service account


def templates(program: Program) -> dict[str, dict[str, Any]]:
    """Every pod template, by the logical name of its Deployment, StatefulSet or Job."""
    return {
        each.name: each.inputs["spec"]["template"]
        for type_ in (DEPLOYMENT, STATEFUL_SET, JOB)
        for each in program.all(type_)
    }


def jobs(program: Program) -> dict[str, Resource]:
    """The Jobs, by logical name."""
    return {each.name: each for each in program.all(JOB)}


def container(stack: str) -> dict[str, Any]:
    """The portal's container in the Deployment."""
    [found] = templates(previewed(stack, creates=True))[PORTAL]["spec"]["containers"]
    return dict(found)


def variables(template: dict[str, Any]) -> dict[str, str]:
    """The plain variables of a pod's only container."""
    [found] = template["spec"]["containers"]
    return {each["name"]: each["value"] for each in found["env"] if "value" in each}

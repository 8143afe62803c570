"""A running stack that moves between a password of the portal's login and tokens."""

from __future__ import annotations

import pytest

from tests.engine.cli import Engine
from tests.engine.doubles import World

pytestmark = pytest.mark.engine

ROLE = ("backstage-role", "backstage-association")
TECHDOCS_ROLE = ("backstage-techdocs-role", "backstage-techdocs-association")


def since(world: World, before: int) -> list[tuple[str, str]]:
    return [(each.kind, each.name) for each in world.operations[before:]]


def test_password_to_tokens_and_back(engine: Engine, world: World) -> None:
    engine.new_stack("prod")
    engine.up("prod")
    passwords = [*world.secrets]
    before = len(world.operations)
    engine.set("prod", "databaseAuthentication", "iam")
    engine.up("prod")
    done = since(world, before)
    # Its rights, then its login, then the pods, then the end of the password.
    for first, then in (
        (("create", "backstage-database-login"), ("update", "backstage-deployment")),
        (("create", "backstage-migrations-policy"), ("create", "backstage-migrations")),
        (("create", "backstage-database-role"), ("create", "backstage-migrations")),
        (("create", "backstage-migrations"), ("update", "backstage-deployment")),
        (("update", "backstage-deployment"), ("create", "backstage-password-removal")),
        (("create", "backstage-password-removal"), ("delete", "backstage-role-password")),
        (("create", "backstage-password-removal"), ("delete", "backstage-postgres-role-version")),
    ):
        assert done.index(first) < done.index(then)
    assert "backstage-1-cluster" not in [name for _, name in done]
    state = engine.command("stack", "export", "--stack", "prod", "--show-secrets").output
    # The portal's, of three; the master user's and the session's are still there.
    assert sum(each not in state for each in passwords) == 1
    assert "databaseSecretArn" not in engine.outputs("prod")

    before = len(world.operations)
    engine.set("prod", "databaseAuthentication", "password")
    engine.up("prod")
    done = since(world, before)
    for first, then in (
        (("create", "backstage-database-role"), ("update", "backstage-deployment")),
        # Pods with tokens keep their right until they are replaced.
        (("update", "backstage-deployment"), ("delete", "backstage-database-login")),
        (("update", "backstage-deployment"), ("delete", "backstage-role")),
    ):
        assert done.index(first) < done.index(then)
    assert "backstage-1-cluster" not in [name for _, name in done]
    assert engine.operate("preview", "prod", "--expect-no-changes").code == 0


def test_role_of_the_pods_moves_with_techdocs(engine: Engine, world: World) -> None:
    """A second association of one service account would be refused."""
    engine.new_stack("prod")
    engine.set("prod", "databaseAuthentication", "iam")
    engine.up("prod")
    assert {*ROLE} <= {*world.names("create")}
    before = len(world.operations)
    engine.set("prod", "techdocsBucket", "docs")
    engine.up("prod")
    done = since(world, before)
    assert ("create", "backstage-techdocs-read") in done
    assert not {name for kind, name in done if kind != "update"} & {*ROLE, *TECHDOCS_ROLE}
    before = len(world.operations)
    engine.command("config", "rm", "--stack", "prod", "techdocsBucket")
    engine.up("prod")
    done = since(world, before)
    assert ("delete", "backstage-techdocs-read") in done
    assert not {name for kind, name in done if kind != "update"} & {*ROLE, *TECHDOCS_ROLE}

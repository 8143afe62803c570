"""Updates of every committed stack, as the engine plans and orders them."""

from __future__ import annotations

import json
import signal

import pytest

from tests.engine.conftest import CANARY, Engine, Stacks
from tests.engine.doubles import World
from tests.programs import COMMITTED

pytestmark = pytest.mark.engine

DATABASE = {
    "dev": "backstage-1-cluster",
    "prod": "backstage-1-cluster",
    "local": "backstage-postgres-server",
}
each_stack = pytest.mark.parametrize("stack", COMMITTED)


@each_stack
def test_a_stack_comes_up_and_then_stays(stacks: Stacks, stack: str) -> None:
    shared = stacks.shared(stack)
    engine, world = shared.engine, shared.world
    assert set(shared.planned) == {"create"}
    assert shared.made == shared.planned
    before = len(world.operations)
    assert engine.operate("preview", stack, "--expect-no-changes").code == 0
    assert set(engine.up(stack).changes) == {"same"}
    assert world.operations[before:] == []


def only(world: World, since: int, *kinds: str) -> dict[str, list[str]]:
    """Logical names by kind of operation, of what was done after `since` operations."""
    return {
        kind: sorted(each.name for each in world.operations[since:] if each.kind == kind)
        for kind in kinds
    }


@pytest.mark.parametrize(
    ("stack", "image"), [("dev", ["backstage-image"]), ("prod", []), ("local", [])]
)
def test_a_new_tag_touches_image_jobs_and_deployment(
    stacks: Stacks, stack: str, image: list[str]
) -> None:
    shared = stacks.shared(stack)
    engine, world = shared.engine, shared.world
    before = len(world.operations)
    engine.set(stack, "imageTag", "0" * 40)
    engine.up(stack)
    jobs = ["backstage-database-role", "backstage-migrations"]
    assert only(world, before, "create", "update", "delete") == {
        "create": jobs,
        "update": ["backstage-deployment", *image],
        "delete": jobs,
    }
    order = [each.name for each in world.operations[before:] if each.kind != "delete"]
    assert order == [*image, *jobs, "backstage-deployment"]


@each_stack
def test_a_new_password_reaches_everything_in_one_update(stacks: Stacks, stack: str) -> None:
    shared = stacks.shared(stack)
    engine, world = shared.engine, shared.world
    before = len(world.operations)
    engine.set(stack, "databasePasswordVersion", "2")
    engine.up(stack)
    done = only(world, before, "create", "update", "delete")
    passwords = [] if stack == "local" else ["backstage-password"]
    replaced = [
        "backstage-database-administrator", "backstage-database-role", "backstage-migrations",
        *passwords, "backstage-role-password", "backstage-secrets",
    ]  # fmt: skip
    stored = ["backstage-postgres-password-version", "backstage-postgres-role-version"]
    cluster = [] if stack == "local" else ["backstage-1-cluster"]
    assert done == {
        "create": replaced,
        "update": [*cluster, "backstage-deployment", *(stored if cluster else [])],
        "delete": replaced,
    }
    order = [each.name for each in world.operations[before:] if each.kind != "delete"]
    # The database knows the new password before anything logs in with it, and every old object
    # goes when the pods no longer use it.
    for first, then in (
        *[(name, "backstage-database-administrator") for name in cluster],
        ("backstage-database-administrator", "backstage-database-role"),
        ("backstage-database-role", "backstage-migrations"),
        ("backstage-secrets", "backstage-migrations"),
        ("backstage-migrations", "backstage-deployment"),
    ):
        assert order.index(first) < order.index(then)
    kinds = [each.kind for each in world.operations[before:]]
    assert kinds.index("delete") > len(order) - 1
    # The update brought one password to all of them.
    again = len(world.operations)
    engine.up(stack)
    assert world.operations[again:] == []


@each_stack
def test_a_failed_creation_is_made_up_for(engine: Engine, world: World, stack: str) -> None:
    database = DATABASE[stack]
    engine.new_stack(stack)
    world.failing[database] = "no capacity for a database"
    failed = engine.up(stack, check=False)
    assert failed.code != 0
    assert "no capacity for a database" in failed.output
    made = world.names("create")
    assert "backstage-deployment" not in made
    del world.failing[database]
    engine.up(stack)
    assert world.twice() == []
    assert set(world.names("create")) > {*made, database, "backstage-deployment"}
    assert world.names("delete") == []
    assert engine.operate("preview", stack, "--expect-no-changes").code == 0


def test_a_failed_migration_leaves_the_pods_and_is_tried_again(stacks: Stacks) -> None:
    shared = stacks.shared("prod")
    engine, world = shared.engine, shared.world
    before = len(world.operations)
    engine.set("prod", "imageTag", "1" * 40)
    world.failing["backstage-migrations"] = "relation refresh_state already exists"
    failed = engine.up("prod", check=False)
    assert failed.code != 0
    assert "relation refresh_state already exists" in failed.output
    assert "backstage-deployment" not in [each.name for each in world.operations[before:]]
    del world.failing["backstage-migrations"]
    engine.up("prod")
    assert world.operations[-1].kind == "delete"
    assert "backstage-deployment" in [each.name for each in world.operations[before:]]


@each_stack
def test_an_interrupted_update_is_gone_on_with(engine: Engine, world: World, stack: str) -> None:
    engine.new_stack(stack)
    held = world.hold(DATABASE[stack])
    with engine.started("up", stack, "--skip-preview") as process:
        assert world.reached.wait(120)
        process.send_signal(signal.SIGINT)
        held.set()
        output, _ = process.communicate(timeout=120)
    assert process.returncode != 0
    assert "update canceled" in output
    engine.up(stack)  # no lock is left
    assert world.twice() == []
    assert "backstage-deployment" in world.names("create")


def test_outputs(stacks: Stacks) -> None:
    built = {"ecrRepositoryUrl", "loadBalancerControllerRoleArn", "techdocsBucketName"}
    for stack, url in (
        ("dev", "https://backstage.dev.example.com"),
        ("prod", "https://backstage.example.com"),
        ("local", "http://localhost:7007"),
    ):
        outputs = stacks.shared(stack).engine.outputs(stack)
        assert outputs["url"] == url
        assert outputs["namespace"] == "backstage"
        specific = {"portForwardCommand"}
        if stack != "local":
            specific = {"databaseAdministratorSecretArn", "databaseSecretArn", "kubeconfigCommand",
                        "loadBalancerHostname", *(built if stack == "dev" else ())}  # fmt: skip
        assert set(outputs) == {"databaseEndpoint", "image", "namespace", "url", *specific}


@each_stack
def test_no_secret_in_clear(stacks: Stacks, stack: str) -> None:
    shared = stacks.shared(stack)
    engine, world = shared.engine, shared.world
    engine.set(stack, "databasePasswordVersion", "3")
    engine.up(stack, "--diff")
    secrets = [CANARY, *world.secrets]
    assert len(secrets) >= 5
    shown = engine.shown + engine.state()
    assert "backstage-secrets" in shown
    assert [secret for secret in secrets if secret in shown] == []
    # The pods' Secret got what the state hides.
    assert CANARY in json.dumps([each.inputs for each in world.operations])


def test_protection_stops_destroy_until_it_is_lifted(engine: Engine, world: World) -> None:
    engine.new_stack("prod")
    engine.up("prod")
    stopped = engine.operate("destroy", "prod", check=False)
    assert stopped.code != 0
    assert "pulumi state unprotect" in stopped.output
    assert world.names("delete") == []
    engine.set("prod", "databaseDeletionProtection", "false")
    assert engine.up("prod").changes["update"] == 1
    engine.operate("destroy", "prod")
    assert sorted(world.names("delete")) == sorted(world.names("create"))


def test_a_generation_is_made_beside_the_old_one(stacks: Stacks) -> None:
    taken = stacks.taken("prod")
    engine, world = taken.engine, taken.world
    engine.set("prod", "databaseGeneration", "2")
    refused = engine.up("prod", check=False)
    assert refused.code != 0
    assert "databaseDeletionProtection false" in refused.output
    engine.set("prod", "databaseDeletionProtection", "false")
    engine.set("prod", "databaseGeneration", "1")
    engine.up("prod")
    before = len(world.operations)
    engine.set("prod", "databaseGeneration", "2")
    engine.up("prod")
    done = [(each.kind, each.name) for each in world.operations[before:]]
    moved = done.index(("update", "backstage-deployment"))
    assert done.index(("create", "backstage-2-cluster")) < moved
    assert moved < done.index(("delete", "backstage-1-cluster"))
    engine.set("prod", "databaseProtectedGeneration", "2")
    engine.set("prod", "databaseDeletionProtection", "true")
    engine.up("prod")
    assert "pulumi state unprotect" in engine.operate("destroy", "prod", check=False).output


def test_order_of_creation_and_deletion(stacks: Stacks) -> None:
    taken = stacks.taken("dev")
    before = len(taken.world.operations)
    taken.engine.operate("destroy", "dev")
    # What was replaced meanwhile was made first in its first place.
    made = taken.world.names("create")
    gone = [each.name for each in taken.world.operations[before:]]
    for first, then in (
        ("backstage-1-cluster", "backstage-1-instance-0"),
        ("backstage-1-instance-0", "backstage-database-administrator"),
        ("backstage-image", "backstage-database-role"),
        ("backstage-database-role", "backstage-migrations"),
        ("backstage-migrations", "backstage-deployment"),
        ("backstage-service", "backstage-deployment"),
        ("backstage-load-balancer-controller", "backstage-ingress"),
        ("backstage-ingress", "backstage-deployment"),
        ("backstage-namespace", "backstage-service"),
    ):
        assert made.index(first) < made.index(then)
        # Without its controller nobody takes the Ingress' load balancer down.
        assert gone.index(then) < gone.index(first)

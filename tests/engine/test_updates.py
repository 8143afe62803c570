"""How the engine plans and orders updates of the committed stacks."""

from __future__ import annotations

import json
import signal

import pytest

from tests.engine.cli import Engine
from tests.engine.conftest import CANARY, Stacks
from tests.engine.doubles import World, type_and_name
from tests.programs import COMMITTED

pytestmark = pytest.mark.engine

DATABASE = {
    "dev": "backstage-1-cluster",
    "prod": "backstage-1-cluster",
    "local": "backstage-postgres-server",
}
each_stack = pytest.mark.parametrize("stack", COMMITTED)


@each_stack
def test_second_update_changes_nothing(stacks: Stacks, stack: str) -> None:
    shared = stacks.shared(stack)
    engine, world = shared.engine, shared.world
    assert set(shared.planned) == {"create"}
    assert shared.created == shared.planned
    before = len(world.operations)
    assert engine.operate("preview", stack, "--expect-no-changes").code == 0
    assert set(engine.up(stack).changes) == {"same"}
    assert world.operations[before:] == []


def only(world: World, since: int, *kinds: str) -> dict[str, list[str]]:
    """Sorted logical names per kind of operation, leaving out the first `since` operations."""
    return {
        kind: sorted(each.name for each in world.operations[since:] if each.kind == kind)
        for kind in kinds
    }


@pytest.mark.parametrize(
    ("stack", "image"), [("dev", ["backstage-image"]), ("prod", []), ("local", [])]
)
def test_new_tag_changes_only_image_jobs_and_deployment(
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
def test_password_rotation_takes_one_update(stacks: Stacks, stack: str) -> None:
    shared = stacks.shared(stack)
    engine, world = shared.engine, shared.world
    before = len(world.operations)
    engine.set(stack, "databasePasswordVersion", "2")
    engine.up(stack)
    done = only(world, before, "create", "update", "delete")
    passwords = [] if stack == "local" else ["backstage-password"]
    cluster = [] if stack == "local" else ["backstage-1-cluster"]
    stored = ["backstage-postgres-password-version", "backstage-postgres-role-version"]
    replaced = [
        "backstage-database-administrator", "backstage-database-role", "backstage-migrations",
        *passwords, *(stored if cluster else []), "backstage-role-password", "backstage-secrets",
    ]  # fmt: skip
    assert done == {
        "create": replaced,
        "update": [*cluster, "backstage-deployment"],
        "delete": replaced,
    }
    order = [each.name for each in world.operations[before:] if each.kind != "delete"]
    # The database has the new password before anything logs in with it, and old objects are deleted
    # only after the pods stop using them.
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
    # A second update has nothing left to do.
    again = len(world.operations)
    engine.up(stack)
    assert world.operations[again:] == []


@each_stack
def test_update_after_a_failed_one_creates_the_rest(
    engine: Engine, world: World, stack: str
) -> None:
    database = DATABASE[stack]
    engine.new_stack(stack)
    world.failing[database] = "no capacity for a database"
    failed = engine.up(stack, check=False)
    assert failed.code != 0
    assert "no capacity for a database" in failed.output
    created = world.names("create")
    assert "backstage-deployment" not in created
    del world.failing[database]
    engine.up(stack)
    assert world.twice() == []
    assert set(world.names("create")) > {*created, database, "backstage-deployment"}
    assert world.names("delete") == []
    assert engine.operate("preview", stack, "--expect-no-changes").code == 0


def test_failed_migration_keeps_the_pods_and_is_retried(stacks: Stacks) -> None:
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
def test_interrupted_update_can_be_resumed(engine: Engine, world: World, stack: str) -> None:
    engine.new_stack(stack)
    held = world.hold(DATABASE[stack])
    with engine.started("up", stack, "--skip-preview") as process:
        assert world.reached.wait(120)
        process.send_signal(signal.SIGINT)
        held.set()
        output, _ = process.communicate(timeout=120)
    assert process.returncode != 0
    assert "update canceled" in output
    engine.up(stack)  # the interrupted update left no lock
    assert world.twice() == []
    assert "backstage-deployment" in world.names("create")


def test_new_host_replaces_certificate_and_record_without_a_gap(stacks: Stacks) -> None:
    shared = stacks.shared("dev")
    engine, world = shared.engine, shared.world
    before = len(world.operations)
    engine.set("dev", "host", "portal.dev.example.com")
    engine.up("dev")
    done = only(world, before, "create", "update", "delete")
    replaced = [
        "backstage-alias", "backstage-certificate", "backstage-certificate-issue",
        "backstage-certificate-validation", "backstage-migrations",
    ]  # fmt: skip
    assert done == {
        "create": replaced,
        "update": ["backstage-deployment", "backstage-ingress"],
        "delete": replaced,
    }
    order = [(each.kind, each.name) for each in world.operations[before:]]
    # ACM refuses to delete a certificate that a load balancer uses.
    for first, then in (
        (("create", "backstage-certificate-issue"), ("update", "backstage-ingress")),
        (("update", "backstage-ingress"), ("delete", "backstage-certificate")),
        (("update", "backstage-ingress"), ("delete", "backstage-alias")),
    ):
        assert order.index(first) < order.index(then)
    engine.set("dev", "host", "backstage.dev.example.com")
    engine.up("dev")


def test_new_tag_updates_every_tagged_resource(stacks: Stacks) -> None:
    shared = stacks.shared("dev")
    engine, world = shared.engine, shared.world
    tagged = {type_and_name(each.urn)[1] for each in world.account.values() if each.tagged}
    assert {"backstage-1-cluster", "backstage-techdocs", "backstage-repository"} <= tagged
    before = len(world.operations)
    engine.set("dev", "tags.owner", "portal-team", "--path")
    engine.up("dev")
    # The Ingress has the load balancer's tags in an annotation.
    assert only(world, before, "create", "update", "delete") == {
        "create": [],
        "update": sorted({*tagged, "backstage-ingress"}),
        "delete": [],
    }
    assert engine.operate("preview", "dev", "--expect-no-changes").code == 0


def test_major_upgrade_keeps_the_parameter_group_until_the_cluster_leaves_it(
    stacks: Stacks,
) -> None:
    shared = stacks.shared("dev")
    engine, world = shared.engine, shared.world
    before = len(world.operations)
    engine.set("dev", "databaseEngineVersion", "18")
    engine.up("dev")
    assert [(each.kind, each.name) for each in world.operations[before:]] == [
        ("create", "backstage-parameters-aurora-postgresql18"),
        ("update", "backstage-1-cluster"),
        ("delete", "backstage-parameters-aurora-postgresql17"),
    ]
    engine.set("dev", "databaseEngineVersion", "17")
    engine.up("dev")


def test_new_namespace_moves_every_object(stacks: Stacks) -> None:
    taken = stacks.taken("prod")
    engine, world = taken.engine, taken.world
    before = len(world.operations)
    engine.set("prod", "namespace", "portal")
    engine.up("prod")
    done = world.operations[before:]
    inside = {
        each.name
        for each in world.operations[:before]
        if each.kind == "create" and each.inputs.get("metadata", {}).get("namespace") == "backstage"
    }
    assert "backstage-deployment" in inside
    assert inside <= {each.name for each in done if each.kind == "create"}
    assert inside <= {each.name for each in done if each.kind == "delete"}
    assert [each for each in done if each.type.startswith("aws:")] == []


def test_stack_outputs(stacks: Stacks) -> None:
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
        common = {"databaseEndpoint", "image", "namespace", "permissions", "url"}
        assert set(outputs) == common | specific


@each_stack
def test_secrets_are_never_in_plain_text(stacks: Stacks, stack: str) -> None:
    shared = stacks.shared(stack)
    engine, world = shared.engine, shared.world
    engine.set(stack, "databasePasswordVersion", "3")
    engine.up(stack, "--diff")
    secrets = [CANARY, *world.secrets]
    assert world.secrets
    shown = engine.shown + engine.state()
    assert "backstage-secrets" in shown
    assert [secret for secret in secrets if secret in shown] == []
    # The pods' Secret does have it.
    assert CANARY in json.dumps([each.inputs for each in world.operations])


def test_destroy_needs_protection_to_be_lifted(engine: Engine, world: World) -> None:
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


def test_new_database_generation_is_created_beside_the_old_one(stacks: Stacks) -> None:
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
    # Earlier tests replaced some resources; index() finds the first creation.
    created = taken.world.names("create")
    deleted = [each.name for each in taken.world.operations[before:]]
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
        assert created.index(first) < created.index(then)
        # Without its controller, nothing would delete the Ingress's load balancer.
        assert deleted.index(then) < deleted.index(first)

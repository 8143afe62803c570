"""The local stack on a real cluster, by the real Kubernetes plugin; only passwords are a double's.

One stack goes through all of it, so each test starts where the one before has ended.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest

from tests.cluster.site import ENVIRONMENT, IMAGES, PATHS
from tests.engine.conftest import Engine
from tests.engine.doubles import World, served
from tools.reliability.cluster import Cluster, Manifest
from tools.reliability.load import Load, Outcome, Way
from tools.reliability.portal import Portal

pytestmark = [pytest.mark.engine, pytest.mark.usefixtures("kubernetes")]

NAMESPACE = "backstage-engine"
REPOSITORY, _, TAG = IMAGES[0].rpartition(":")
NEXT_TAG = IMAGES[1].rpartition(":")[2]
WAY = Way(f"http://backstage.{NAMESPACE}.svc:7007", PATHS)
RATE = 10  # requests a second


@pytest.fixture(scope="module")
def engine(kubernetes: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    for program in ("pulumi", "pulumi-resource-kubernetes"):
        if shutil.which(program) is None:
            pytest.skip(f"no {program} on PATH")
    with served(World(), ("random",)) as debug_providers:
        engine = Engine(tmp_path_factory.mktemp("engine"), debug_providers)
        engine.new_stack("local")
        for key, value in {
            "namespace": NAMESPACE,
            "imageRepository": REPOSITORY,
            "imageTag": TAG,
            "databaseStorageSize": "ephemeral",
        }.items():
            engine.set("local", key, value)
        for key, value in ENVIRONMENT.items():
            engine.set("local", f"env.{key}", value, "--path")
        try:
            yield engine
        finally:
            engine.operate("destroy", "local", check=False)
            Cluster(NAMESPACE).delete_namespace()


@pytest.fixture(scope="module")
def portal() -> Portal:
    return Portal(Cluster(NAMESPACE), "app=backstage", IMAGES)


def test_up_gives_a_working_portal(engine: Engine, portal: Portal) -> None:
    assert set(engine.up("local").changes) == {"create"}
    assert portal.whole()
    assert portal.answers()
    assert engine.operate("preview", "local", "--expect-no-changes").code == 0


def query(portal: Portal, statement: str) -> list[str]:
    """The rows that PostgreSQL's administrator gets, in its pod."""
    return portal.cluster.run(
        "exec", "postgres-0", "--", "psql", "--username", "postgres", "--dbname", "backstage",
        "--tuples-only", "--no-align", "--command", statement,
    ).split()  # fmt: skip


def test_role_owns_its_schemas_and_can_do_nothing_else(engine: Engine, portal: Portal) -> None:
    owners = (
        "SELECT DISTINCT nspowner::regrole FROM pg_namespace WHERE nspname IN ('catalog', 'auth')"
    )
    assert query(portal, owners) == ["backstage"]
    rights = "rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls"
    assert query(portal, f"SELECT {rights} FROM pg_roles WHERE rolname = 'backstage'") == [
        "f|f|f|f|f"
    ]


def test_administrators_password_reaches_the_role_job_only(engine: Engine, portal: Portal) -> None:
    def named(spec: Manifest) -> set[str]:
        (container,) = spec["containers"]
        return {each["secretRef"]["name"] for each in container["envFrom"]}

    password = {"PGPASSWORD", "POSTGRES_PASSWORD"}
    holders = {
        secret["metadata"]["name"].rpartition("-")[0]: password & set(secret["data"])
        for secret in portal.cluster.get("secrets")
    }
    assert holders["backstage-database-administrator"] == {"PGPASSWORD"}
    for pod in portal.pods():
        assert [name.rpartition("-")[0] for name in named(pod["spec"])] == ["backstage-secrets"]


def container(portal: Portal) -> Manifest:
    """Of the only pod that serves."""
    (pod,) = portal.pods()
    found: Manifest = pod["spec"]["containers"][0]
    return found


def updated(engine: Engine) -> tuple[Outcome, Manifest]:
    """An update under load: what users saw, and how many resources changed."""
    with Load(WAY, IMAGES[0], RATE, 1) as load:
        changes = engine.up("local").changes
    return load.outcome, changes


def test_changed_image_and_secret_reach_the_pods(engine: Engine, portal: Portal) -> None:
    engine.set("local", "imageTag", NEXT_TAG)
    outcome, changes = updated(engine)
    portal.wait_whole()
    assert container(portal)["image"] == f"{REPOSITORY}:{NEXT_TAG}"
    assert outcome.errors == {}
    assert {key: count for key, count in changes.items() if key != "same"} == {
        "replace": 2, "update": 1,
    }  # fmt: skip
    engine.set("local", "secretEnv.GITHUB_TOKEN", "of-the-test", "--path", "--secret")
    outcome, _ = updated(engine)
    portal.wait_whole()
    shown = portal.cluster.run(
        "exec", portal.names()[0], "--", "node", "-p", "process.env.GITHUB_TOKEN"
    )
    assert shown.strip() == "of-the-test"
    assert outcome.errors == {}


def test_rotation_under_load(engine: Engine, portal: Portal) -> None:
    engine.set("local", "databasePasswordVersion", "2")
    outcome, _ = updated(engine)
    portal.wait_whole()
    print(f"rotation: {len(outcome.samples)} requests, {outcome.errors}, {outcome.window:.1f} s")
    # Open connections outlive the new password; only a pod that opens one is refused.
    assert {each.path for each in outcome.failures} <= {PATHS[2]["path"]}
    assert portal.answers()


def test_failing_image_takes_nothing_from_the_users(engine: Engine, portal: Portal) -> None:
    image, tag = os.environ.get("FAILING_IMAGE", "postgres:17").split(":")
    engine.set("local", "imageRepository", image)
    engine.set("local", "imageTag", tag)
    with Load(WAY, IMAGES[0], RATE, 1) as load:
        failed = engine.up("local", check=False)
    assert failed.code != 0
    assert "backstage-database-role" in failed.output
    assert load.outcome.errors == {}
    engine.set("local", "imageRepository", REPOSITORY)
    engine.set("local", "imageTag", NEXT_TAG)
    engine.up("local")
    assert container(portal)["image"] == f"{REPOSITORY}:{NEXT_TAG}"
    assert engine.operate("preview", "local", "--expect-no-changes").code == 0


def test_failing_migration_takes_nothing_from_the_users(engine: Engine, portal: Portal) -> None:
    query(portal, "ALTER TABLE catalog.knex_migrations RENAME TO knex_migrations_away")
    engine.set("local", "imageTag", TAG)
    with Load(WAY, IMAGES[0], RATE, 1) as load:
        failed = engine.up("local", check=False)
    assert failed.code != 0
    assert "The database was not migrated" in failed.output
    assert "already exists" in failed.output
    assert container(portal)["image"] == f"{REPOSITORY}:{NEXT_TAG}"
    assert load.outcome.errors == {}
    query(portal, "DROP TABLE catalog.knex_migrations")
    query(portal, "ALTER TABLE catalog.knex_migrations_away RENAME TO knex_migrations")
    engine.up("local")
    portal.wait_whole()
    assert container(portal)["image"] == IMAGES[0]


def test_replicas_are_the_programs_or_the_autoscalers(engine: Engine, portal: Portal) -> None:
    def scale_then_update(count: int, value: str) -> int:
        portal.cluster.run("scale", "deployment/backstage", f"--replicas={count}")
        engine.set("local", "env.SCALED", value, "--path")
        engine.up("local")
        return int(portal.deployment()["spec"]["replicas"])

    assert scale_then_update(2, "by hand") == 1
    engine.set("local", "maxReplicas", "3")
    engine.up("local")
    assert scale_then_update(2, "by the autoscaler") == 2


def test_refresh_finds_no_difference(engine: Engine, portal: Portal) -> None:
    portal.wait_whole()
    assert set(engine.operate("refresh", "local", "--expect-no-changes").changes) == {"same"}


def test_destroy_leaves_nothing(engine: Engine, portal: Portal) -> None:
    engine.operate("destroy", "local")
    selected = ("--field-selector", f"metadata.name={NAMESPACE}")
    assert portal.cluster.get("namespaces", *selected) == []
    assert portal.cluster.get("clusterroles", "--selector", "app=backstage") == []

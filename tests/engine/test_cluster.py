"""The local stack on a real cluster with the real Kubernetes plugin; only `random` is a double.

The tests share one stack: each starts where the previous one ended.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cluster.site import ENVIRONMENT, IMAGES, PATHS
from tests.engine.cli import Engine
from tests.engine.doubles import World, served
from tools.kubectl import Cluster, Manifest
from tools.reliability.load import Endpoint, Load, Outcome
from tools.reliability.portal import CATALOG, Portal

pytestmark = [pytest.mark.engine, pytest.mark.usefixtures("kubernetes")]

NAMESPACE = f"backstage-engine-{secrets.token_hex(3)}"  # so that runs can overlap
REPOSITORY, _, TAG = IMAGES[0].rpartition(":")
NEXT_TAG = IMAGES[1].rpartition(":")[2]
ENDPOINT = Endpoint(f"http://backstage.{NAMESPACE}.svc:7007", PATHS)
RATE = 10  # requests per second
SERVICE = f"/api/v1/namespaces/{NAMESPACE}/services/backstage:7007/proxy"
PROGRAMS = {
    "pulumi": "`make engine` installs it into .local/engine",
    "pulumi-resource-kubernetes": "run `pulumi plugin install resource kubernetes` and add its "
    "folder in ~/.pulumi/plugins to PATH",
}


def not_loaded() -> list[str]:
    """Images without a registry that no node has loaded."""
    nodes = Cluster(NAMESPACE).get("nodes")
    images = [image for node in nodes for image in node["status"].get("images", [])]
    names = [f"/{name}" for image in images for name in image.get("names") or []]
    return [
        image
        for image in IMAGES
        if "/" not in image and not any(name.endswith(f"/{image}") for name in names)
    ]


@contextmanager
def local_stack(namespace: str, directory: Path, kubeconfig: str | None = None) -> Iterator[Engine]:
    """A new stack `local` in a namespace of its own, destroyed at the end.

    kubeconfig: instead of KUBECONFIG. Skips the test without what it needs.
    """
    for program, remedy in PROGRAMS.items():
        if shutil.which(program) is None:
            pytest.skip(f"no {program} on PATH; {remedy}")
    if missing := not_loaded():
        pytest.skip(
            f"no node has {' or '.join(missing)}; load it, such as with `kind load docker-image`, "
            "or set PORTAL_IMAGE and PORTAL_NEXT_IMAGE"
        )
    with served(World(), ("random",)) as debug_providers:
        engine = Engine(directory, debug_providers)
        if kubeconfig:
            engine.environment["KUBECONFIG"] = kubeconfig
        engine.new_stack("local")
        for key, value in {
            "namespace": namespace,
            "imageRepository": REPOSITORY,
            "imageTag": TAG,
            "databaseStorageSize": "ephemeral",
            "cpuRequest": "50m",  # so that three pods fit a small node
        }.items():
            engine.set("local", key, value)
        for key, value in ENVIRONMENT.items():
            engine.set("local", f"env.{key}", value, "--path")
        try:
            yield engine
        finally:
            engine.operate("destroy", "local", check=False)


@pytest.fixture(scope="module")
def engine(kubernetes: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with local_stack(NAMESPACE, tmp_path_factory.mktemp("engine")) as engine:
        yield engine
    Cluster(NAMESPACE).delete_namespace()


@pytest.fixture(scope="module")
def portal() -> Portal:
    return Portal(Cluster(NAMESPACE), "app=backstage", IMAGES)


def test_up_deploys_a_working_portal(engine: Engine, portal: Portal) -> None:
    assert set(engine.up("local").changes) == {"create"}
    assert portal.settled()
    assert portal.answers()
    assert "<title>" in portal.cluster.run("get", "--raw", f"{SERVICE}/")
    assert engine.operate("preview", "local", "--expect-no-changes").code == 0


def query(portal: Portal, statement: str) -> list[str]:
    """Runs a query as PostgreSQL's administrator. Returns its rows."""
    return portal.cluster.run(
        "exec", "postgres-0", "--", "psql", "--username", "postgres", "--dbname", "backstage",
        "--tuples-only", "--no-align", "--command", statement,
    ).split()  # fmt: skip


def test_role_owns_its_schemas_without_further_privileges(engine: Engine, portal: Portal) -> None:
    owners = dict(
        row.split("|")
        for row in query(
            portal,
            "SELECT nspname, nspowner::regrole FROM pg_namespace WHERE nspname !~ '^pg_' "
            "AND nspname NOT IN ('public', 'information_schema')",
        )
    )
    assert {"auth", "catalog", "scaffolder", "search"} <= set(owners)
    assert set(owners.values()) == {"backstage"}
    rights = "rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls"
    assert query(portal, f"SELECT {rights} FROM pg_roles WHERE rolname = 'backstage'") == [
        "f|f|f|f|f"
    ]


def test_only_the_role_job_gets_the_administrators_password(engine: Engine, portal: Portal) -> None:
    stored = {
        secret["metadata"]["name"]: secret["data"] for secret in portal.cluster.get("secrets")
    }
    keys = ("PGPASSWORD", "POSTGRES_PASSWORD")
    own = [data for name, data in stored.items() if not name.startswith("backstage-secrets-")]
    (password,) = {data[key] for data in own for key in keys if key in data}
    holders = {name for name, data in stored.items() if password in data.values()}
    assert {name.rpartition("-")[0] for name in holders} == {
        "backstage-database-administrator", "backstage-postgres",
    }  # fmt: skip
    clear = base64.b64decode(password).decode()
    assert clear not in json.dumps(portal.cluster.get("configmaps"))
    for pod in portal.pods():
        spec = json.dumps(pod["spec"])
        assert clear not in spec
        assert [name for name in holders if name in spec] == []


def container(portal: Portal) -> Manifest:
    """The container of the portal's only pod."""
    (pod,) = portal.pods()
    found: Manifest = pod["spec"]["containers"][0]
    return found


def updated(engine: Engine) -> tuple[Outcome, Manifest]:
    """Updates under load. Returns the requests and the counts of changed resources."""
    with Load(ENDPOINT, IMAGES[0], RATE, 1) as load:
        changes = engine.up("local").changes
    return load.outcome, changes


def test_changed_image_and_secret_reach_the_pods(engine: Engine, portal: Portal) -> None:
    engine.set("local", "imageTag", NEXT_TAG)
    outcome, changes = updated(engine)
    portal.wait_settled()
    assert container(portal)["image"] == f"{REPOSITORY}:{NEXT_TAG}"
    assert outcome.errors == {}
    assert {key: count for key, count in changes.items() if key != "same"} == {
        "replace": 2, "update": 1,
    }  # fmt: skip
    engine.set("local", "secretEnv.GITHUB_TOKEN", "of-the-test", "--path", "--secret")
    outcome, _ = updated(engine)
    portal.wait_settled()
    shown = portal.cluster.run(
        "exec", portal.names()[0], "--", "node", "-p", "process.env.GITHUB_TOKEN"
    )
    assert shown.strip() == "of-the-test"
    assert outcome.errors == {}


def test_rotation_under_load(engine: Engine, portal: Portal) -> None:
    engine.set("local", "databasePasswordVersion", "2")
    outcome, _ = updated(engine)
    portal.wait_settled()
    print(
        f"rotation: {len(outcome.samples)} requests during an update of "
        f"{outcome.until - outcome.since:.0f} s; failures: {outcome.errors} "
        f"within {outcome.window:.1f} s"
    )
    # Open connections survive the rotation; only new connections of old pods are rejected.
    assert {each.path for each in outcome.failures} <= {CATALOG}
    assert portal.answers()


def test_broken_image_keeps_the_old_pods_serving(engine: Engine, portal: Portal) -> None:
    image, tag = os.environ.get("FAILING_IMAGE", "postgres:17").split(":")
    engine.set("local", "imageRepository", image)
    engine.set("local", "imageTag", tag)
    with Load(ENDPOINT, IMAGES[0], RATE, 1) as load:
        failed = engine.up("local", check=False)
    assert failed.code != 0
    assert "backstage-database-role" in failed.output
    assert load.outcome.errors == {}
    engine.set("local", "imageRepository", REPOSITORY)
    engine.set("local", "imageTag", NEXT_TAG)
    engine.up("local")
    assert container(portal)["image"] == f"{REPOSITORY}:{NEXT_TAG}"
    assert engine.operate("preview", "local", "--expect-no-changes").code == 0


def unpulled(portal: Portal) -> bool:
    """Whether the kubelet failed to pull an image."""
    statuses = [
        status
        for pod in portal.cluster.get("pods")
        for status in pod["status"].get("containerStatuses", [])
    ]
    return any(
        each["state"].get("waiting", {}).get("reason") in ("ErrImagePull", "ImagePullBackOff")
        for each in statuses
    )


def test_missing_tag_keeps_the_old_pods_serving(engine: Engine, portal: Portal) -> None:
    engine.set("local", "imageTag", "does-not-exist")
    with (
        Load(ENDPOINT, IMAGES[0], RATE, 1) as load,
        engine.started("up", "local", "--skip-preview") as process,
    ):
        portal.cluster.until(lambda: unpulled(portal), 120, "the image can't be pulled")
        # Otherwise the engine reports it only at the Job's deadline, after ten minutes.
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=120)
    assert process.returncode != 0
    assert "[database-role][ErrImagePull]" in output
    assert f"{REPOSITORY}:does-not-exist" in output
    assert load.outcome.errors == {}
    engine.set("local", "imageTag", NEXT_TAG)
    engine.up("local")
    assert container(portal)["image"] == f"{REPOSITORY}:{NEXT_TAG}"
    assert engine.operate("preview", "local", "--expect-no-changes").code == 0


def test_failed_migration_keeps_the_old_pods_serving(engine: Engine, portal: Portal) -> None:
    query(portal, "ALTER TABLE catalog.knex_migrations RENAME TO knex_migrations_away")
    engine.set("local", "imageTag", TAG)
    with Load(ENDPOINT, IMAGES[0], RATE, 1) as load:
        failed = engine.up("local", check=False)
    assert failed.code != 0
    assert "The database was not migrated" in failed.output
    assert "already exists" in failed.output
    assert container(portal)["image"] == f"{REPOSITORY}:{NEXT_TAG}"
    assert load.outcome.errors == {}
    query(portal, "DROP TABLE catalog.knex_migrations")
    query(portal, "ALTER TABLE catalog.knex_migrations_away RENAME TO knex_migrations")
    engine.up("local")
    portal.wait_settled()
    assert container(portal)["image"] == IMAGES[0]


def test_program_sets_replicas_unless_there_is_an_hpa(engine: Engine, portal: Portal) -> None:
    def scale_then_update(count: int, value: str) -> int:
        portal.cluster.run("scale", "deployment/backstage", f"--replicas={count}")
        engine.set("local", "env.SCALED", value, "--path")
        engine.up("local")
        return int(portal.deployment()["spec"]["replicas"])

    assert scale_then_update(2, "by hand") == 1
    engine.set("local", "maxReplicas", "3")
    engine.up("local")
    assert scale_then_update(2, "by the autoscaler") == 2


def test_refresh_finds_no_drift(engine: Engine, portal: Portal) -> None:
    portal.wait_settled()
    assert set(engine.operate("refresh", "local", "--expect-no-changes").changes) == {"same"}


def test_destroy_deletes_everything(engine: Engine, portal: Portal) -> None:
    outside = [f"namespace/{NAMESPACE}"]
    for binding in portal.cluster.get("clusterrolebindings", "--selector", "app=backstage"):
        if NAMESPACE in [subject.get("namespace") for subject in binding["subjects"]]:
            outside.append(f"clusterrolebinding/{binding['metadata']['name']}")
            outside.append(f"clusterrole/{binding['roleRef']['name']}")
    assert len(outside) == 3
    assert all(portal.cluster.run("get", each) for each in outside)
    engine.operate("destroy", "local")
    assert portal.cluster.run("get", *outside, "--ignore-not-found") == ""

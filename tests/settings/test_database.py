"""The database: defaults, the connection budget, generations, root certificates."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from settings.files import ROOT
from settings.keys import IN_CLUSTER_CONNECTIONS, SHIPPED_PLUGINS, DatabaseSettings
from tests.settings.stack import IN_CLUSTER, LOCAL, loaded, warnings
from tests.settings.test_backstage import app_config


@pytest.mark.parametrize(
    ("changes", "most"),
    [
        # The documented table of Aurora PostgreSQL serverless.
        ({"databaseMaxCapacity": 1}, 189),
        ({"databaseMaxCapacity": 4}, 823),
        ({"databaseMaxCapacity": 8}, 1668),
        ({"databaseMaxCapacity": 16, "databaseMinCapacity": 1}, 3360),
        ({"databaseMaxCapacity": 16, "databaseMinCapacity": 0.5}, 2000),
        ({"databaseMaxCapacity": 128, "databaseMinCapacity": 2}, 5000),
        ({"databaseInstanceClass": "db.t4g.medium"}, 400),
        ({"databaseInstanceClass": "db.t4g.large"}, 823),
        ({"databaseInstanceClass": "db.r7g.large"}, 1668),
        (IN_CLUSTER, IN_CLUSTER_CONNECTIONS),
        (LOCAL, IN_CLUSTER_CONNECTIONS),
    ],
)
def test_connections_that_the_database_accepts(changes: Mapping[str, object], most: int) -> None:
    assert loaded(changes)[0].max_connections == most


def test_the_pool_size_of_the_app_config_counts(tmp_path: Path) -> None:
    pool = app_config(tmp_path, "backend: {database: {knexConfig: {pool: {max: 7}}}}\n")
    assert loaded(pool)[0].most_connections == 12 * 7 * 2
    given = {"env": {"APP_CONFIG_backend_database_knexConfig_pool": '{"max": 3}'}}
    assert loaded({**pool, **given})[0].most_connections == 12 * 3 * 2
    unset = app_config(tmp_path, "backend: {database: {knexConfig: null}}\n")
    assert loaded(unset)[0].most_connections == 12 * 10 * 2  # knex's default
    one = "backend: {database: {plugin: {catalog: {knexConfig: {pool: {max: 20}}}}}}\n"
    assert loaded(app_config(tmp_path, one))[0].most_connections == 12 * 20 * 2


def test_as_many_pods_as_postgres_in_the_cluster_has_connections_for() -> None:
    assert loaded({**LOCAL, "maxReplicas": 4})[0].most_connections == 240


@pytest.mark.parametrize(
    ("changes", "kind"),
    [({}, "aurora"), ({"database": "aurora"}, "aurora"), (IN_CLUSTER, "in-cluster"),
     (LOCAL, "in-cluster"), ({**LOCAL, **IN_CLUSTER}, "in-cluster")],
)  # fmt: skip
def test_the_target_decides_on_the_database_unless_the_stack_does(
    changes: Mapping[str, object], kind: str
) -> None:
    assert loaded(changes)[0].database_kind == kind


def test_eks_without_a_storage_class_is_warned_of() -> None:
    def pending(changes: Mapping[str, object]) -> bool:
        return any("EKS has no default StorageClass" in each for each in warnings(changes))

    assert pending(IN_CLUSTER)
    assert not pending({**IN_CLUSTER, "databaseStorageClass": "gp3"})
    assert not pending({**IN_CLUSTER, "databaseStorageSize": "ephemeral"})
    assert not pending(LOCAL)
    assert not pending({})


def test_a_bundle_for_a_region_without_shipped_roots(tmp_path: Path) -> None:
    shipped = (ROOT / "assets" / "rds-ca-bundle.pem").read_text(encoding="utf-8")
    bundle = tmp_path / "bundle.pem"
    bundle.write_text(re.sub(r"^#.*\n", "", shipped, flags=re.M), encoding="utf-8")
    zone = {"certificateArn": None, "hostedZoneName": "example.com"}
    settings, _ = loaded({**zone, "aws:region": "ca-west-1", "databaseCaBundlePath": str(bundle)})
    assert settings.database.ca_bundle.for_region("ca-west-1").count("BEGIN CERTIFICATE") == 81


def test_postgres_in_the_cluster_needs_no_roots_of_the_region() -> None:
    zone = {"certificateArn": None, "hostedZoneName": "example.com"}
    loaded({**zone, **IN_CLUSTER, "aws:region": "ca-west-1"})


def test_a_snapshot_for_generation_one_is_warned_of() -> None:
    assert any(
        "raise databaseGeneration" in w for w in warnings({"databaseSnapshotIdentifier": "a"})
    )


def test_a_generation_may_be_raised_without_protection() -> None:
    settings, _ = loaded({"databaseGeneration": 2, "databaseDeletionProtection": False})
    assert settings.database.generation == 2


def test_defaults() -> None:
    database = loaded({})[0].database
    assert database == DatabaseSettings()
    given = database.model_dump(exclude={"ca_bundle"})
    assert given.pop("min_capacity") == 0.5
    assert given.pop("max_capacity") == 4
    assert {name: value for name, value in given.items() if value not in (None, ())} == {
        "engine_version": "17",
        "instance_class": "db.serverless",
        "instances": 1,
        "backup_retention_days": 7,
        "backup_window": "07:00-09:00",
        "maintenance_window": "sun:09:30-sun:10:30",
        "deletion_protection": True,
        "skip_final_snapshot": False,
        "generation": 1,
        "protected_generation": 1,
        "storage_size": "5Gi",
        "password_version": 1,
        "authentication": "password",
        "master": "generated",
        "port": 5432,
        "name": "backstage",
    }


def test_mcp_keeps_a_pool_of_its_own() -> None:
    plugins = [loaded({"mcp": mcp})[0].database_plugins for mcp in (False, True)]
    assert plugins == [SHIPPED_PLUGINS, SHIPPED_PLUGINS + 1]


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"databaseAuthentication": "iam"}, "databaseAuthentication iam: RDS"),
        ({"databaseMasterPassword": "managed"}, "databaseMasterPassword managed: RDS"),
    ],
)
def test_a_restore_takes_two_updates_with_logins_that_rds_keeps(
    changes: dict[str, object], named: str
) -> None:
    snapshot = {"databaseSnapshotIdentifier": "a"}
    [found] = [each for each in warnings({**snapshot, **changes}) if "two updates" in each]
    assert named in found
    for one in (snapshot, changes):
        assert not [each for each in warnings(one) if "two updates" in each]

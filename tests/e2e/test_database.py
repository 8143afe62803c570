"""The two Jobs that run before the pods: database role and migrations."""

from __future__ import annotations

import re
import secrets
from dataclasses import replace

import pytest

from settings.keys import SHIPPED_PLUGINS
from tests.e2e.conftest import Pods, Site, Start

pytestmark = pytest.mark.e2e

SCHEMAS = "nspname !~ '^(pg_|information_schema|public)'"


def test_the_role_owns_its_schemas_and_nothing_else(site: Site, migrated: list[str]) -> None:
    owners = site.database.query(
        f"SELECT DISTINCT pg_get_userbyid(nspowner), count(*) OVER () FROM pg_namespace "
        f"WHERE {SCHEMAS}"
    )
    assert owners == [f"backstage|{SHIPPED_PLUGINS}"]
    tables = site.database.query(
        f"SELECT DISTINCT pg_get_userbyid(relowner) FROM pg_class JOIN pg_namespace n "
        f"ON n.oid = relnamespace WHERE {SCHEMAS}"
    )
    assert tables == ["backstage"]
    rights = site.database.query(
        "SELECT rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls FROM pg_roles "
        "WHERE rolname = 'backstage'"
    )
    assert rights == ["f|f|f|f|f"]
    assert site.database.query(
        "SELECT pg_get_userbyid(datdba), has_database_privilege('backstage', datname, 'CREATE'),"
        " has_schema_privilege('backstage', 'public', 'CREATE') FROM pg_database "
        "WHERE datname = 'backstage'"
    ) == ["administrator|t|f"]


def test_nobody_else_may_connect(site: Site, migrated: list[str]) -> None:
    site.database.query("CREATE ROLE somebody LOGIN", "postgres")
    assert site.database.query(
        "SELECT has_database_privilege('somebody', 'backstage', 'CONNECT')"
    ) == ["f"]


def test_no_password_in_the_logs(site: Site, pods: Pods, migrated: list[str]) -> None:
    password = pods.role.environment["ROLE_PASSWORD"]
    assert len(migrated) == 2
    for log in migrated:
        assert site.database.password not in log
    for log in (*migrated, site.database.log()):
        assert password not in log
    # PostgreSQL logs the statement with the SCRAM verifier that it stores.
    assert re.search(r"CREATE ROLE \"backstage\".*SCRAM-SHA-256", site.database.log())


def test_migrations_run_again_without_a_change(
    start: Start, pods: Pods, migrated: list[str]
) -> None:
    container = start("migrations-again", pods.migrations)
    assert container.wait_ended(120) == 0, container.logs()
    assert re.search(r"migrated in [\d.]+ s", container.logs().splitlines()[-1])


def test_a_failed_migration_ends_with_its_reason(
    start: Start, pods: Pods, migrated: list[str]
) -> None:
    container = start("migrations-refused", pods.migrations, {"POSTGRES_PASSWORD": "wrong"})
    assert container.wait_ended(120) == 1
    end = container.logs()[-2048:]  # a pod's status keeps this much
    assert "The database was not migrated" in end
    assert "password authentication failed" in end


def test_an_older_image_runs_on_a_newer_database(
    start: Start, pods: Pods, site: Site, migrated: list[str]
) -> None:
    name = "99990101000000_of_a_newer_image.js"
    tables = site.database.query(
        "SELECT format('%I.%I', table_schema, table_name) FROM information_schema.tables "
        "WHERE table_name LIKE '%knex_migrations'"
    )
    assert len(tables) > SHIPPED_PLUGINS
    try:
        for table in tables:
            site.database.query(
                f"INSERT INTO {table} (name, batch, migration_time) VALUES ('{name}', 99, now())"
            )
        job = start("older-migrations", pods.migrations)
        assert job.wait_ended(120) == 0, job.logs()
        older = start("older", pods.portal)
        older.wait_ready()
        older.remove()
    finally:
        for table in tables:
            site.database.query(f"DELETE FROM {table} WHERE name = '{name}'")


def test_a_new_password_invalidates_the_old_one(
    start: Start, pods: Pods, site: Site, migrated: list[str]
) -> None:
    other = secrets.token_hex(16)
    before = pods.role.environment["ROLE_PASSWORD"]
    try:
        rotated = start("rotate", pods.role, {"ROLE_PASSWORD": other})
        assert rotated.wait_ended(60) == 0, rotated.logs()
        assert "password changed" in rotated.logs()
        with_new = replace(
            pods.migrations, environment={**pods.migrations.environment, "POSTGRES_PASSWORD": other}
        )
        container = start("rotated", with_new)
        assert container.wait_ended(120) == 0, container.logs()
        assert start("not-rotated", pods.migrations).wait_ended(120) == 1
    finally:
        assert start("rotate-back", pods.role, {"ROLE_PASSWORD": before}).wait_ended(60) == 0


def test_a_failing_role_job_logs_its_reason(start: Start, pods: Pods) -> None:
    container = start("no-such-database", pods.role, {"PGDATABASE": "elsewhere"})
    assert container.wait_ended(60) == 1
    assert 'database "elsewhere" does not exist' in container.logs()

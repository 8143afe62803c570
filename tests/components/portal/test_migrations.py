"""The Job that migrates the database's schemas."""

from __future__ import annotations

from pulumi import ResourceOptions

from components.portal.database_role import DatabaseRole, DatabaseRoleArgs
from components.portal.migrations import Migrations, MigrationsArgs
from settings.keys import PortalSettings
from tests.components.parts import MODES, connection, image, objects, pod, run
from tests.programs import Program
from tests.tokens import JOB


def migrations(creates: bool) -> Program:
    def build(opts: ResourceOptions) -> None:
        role = DatabaseRole("r", DatabaseRoleArgs(image(), objects(), connection(), []), opts)
        Migrations("m", MigrationsArgs(pod(PortalSettings()), after=[role.job]), opts)

    return run(build, creates)


@MODES
def test_migrations_wait_for_the_role(creates: bool) -> None:
    program = migrations(creates)
    job = program.one(JOB, "m-migrations")
    assert program.one(JOB, "r-database-role").urn in job.dependencies
    [found] = job.inputs["spec"]["template"]["spec"]["containers"]
    assert found["envFrom"] == [{"secretRef": {"name": "the-secret"}}]


def test_script_gives_up_before_the_deadline() -> None:
    spec = migrations(creates=True).inputs(JOB, "m-migrations")["spec"]
    [found] = spec["template"]["spec"]["containers"]
    [seconds] = [int(each["value"]) for each in found["env"] if each["name"] == "MIGRATION_SECONDS"]
    # The portal's own shutdown may take a minute after the script has given up.
    assert seconds + 60 < spec["activeDeadlineSeconds"]

"""Rules of whoever logs in to the database: its address, certificates, passwords and tokens."""

from __future__ import annotations

import re
from collections.abc import Iterator

from settings.model import Settings
from settings.problem import Problem, Warn, config_rm, config_set
from settings.rules.rule import rule

RDS_HOST = re.compile(r"\.rds\.amazonaws\.com(\.cn)?$")


@rule("databaseCaBundlePath", "aws:region", "database", target="eks")
def root_certificates(s: Settings) -> Iterator[Problem]:
    region = s.aws.region
    if region and s.database_kind != "in-cluster" and not s.database.ca_bundle.for_region(region):
        allowed = "a PEM file that covers aws:region; AWS publishes one for each of its regions"
        fix = config_set("databaseCaBundlePath", "PATH")
        yield Problem("databaseCaBundlePath", f"no root certificates for {region}", allowed, fix)


@rule(
    *("database", "databaseHost", "databaseAdministratorSecretArn", "databaseMaxConnections"),
    *("databaseAuthentication", "databaseResourceId"),
    target="eks",
)
def existing(s: Settings) -> Iterator[Problem]:
    database = s.database
    if s.database_kind != "existing":
        return
    needed = {
        "databaseHost": (database.host, "its host name", "HOST"),
        "databaseAdministratorSecretArn": (
            database.administrator_secret_arn,
            "the secret of a login that may create roles",
            "ARN",
        ),
        "databaseMaxConnections": (
            database.given_max_connections,
            "how many connections it has for the portal",
            "NUMBER",
        ),
    }
    tokens = database.authentication == "iam"
    if tokens:
        allowed = "its resource id (aws rds describe-db-clusters), which policies name"
        needed["databaseResourceId"] = (database.resource_id, allowed, "ID")
    for key, (value, allowed, placeholder) in needed.items():
        if not value:
            said = "nothing, with database existing"
            yield Problem(key, said, allowed, config_set(key, placeholder))
    if database.resource_id and not tokens:
        said = f"{database.resource_id}, with databaseAuthentication password"
        fix = config_rm("databaseResourceId")
        yield Problem("databaseResourceId", said, "unset: only tokens need it", fix)
    if tokens and database.host and not RDS_HOST.search(database.host):
        allowed = "the host name that RDS gave it, ending in .rds.amazonaws.com: tokens name it"
        yield Problem("databaseHost", database.host, allowed, config_set("databaseHost", "HOST"))


@rule("databaseAuthentication", "databaseMasterPassword", "databasePasswordVersion", "database")
def password_version(s: Settings) -> Iterator[Problem]:
    database = s.database
    generates = database.master == "generated" and s.database_kind != "existing"
    if database.password_version > 1 and database.authentication == "iam" and not generates:
        allowed = "unset: this program generates no password of the database"
        fix = config_rm("databasePasswordVersion")
        yield Problem("databasePasswordVersion", str(database.password_version), allowed, fix)


@rule(
    *("databaseAuthentication", "databaseMasterPassword", "databaseSnapshotIdentifier"),
    target="eks",
)
def logins_after_a_restore(s: Settings) -> Iterator[Warn]:
    database = s.database
    logins = {
        "databaseAuthentication iam": database.authentication == "iam",
        "databaseMasterPassword managed": database.master == "managed",
    }
    used = [login for login, is_used in logins.items() if is_used]
    if used and database.snapshot_identifier:
        yield Warn(
            f"A restore may take two updates with {' and '.join(used)}: RDS restores without. The "
            "first stops before the pods are replaced; run pulumi up again then."
        )

"""Keys and rules of the database."""

from __future__ import annotations

from tests.settings.row import Key, Row
from tests.settings.stack import EXISTING, LOCAL

KEYS: dict[str, Key] = {
    "database": Key("in-cluster", bad=(("mysql", "aurora or existing or in-cluster"),)),
    "databaseEngineVersion": Key(
        "16.8", bad=(("13", "from 14"), ("17.4.1", "major.minor"), ("99", "from 14 to 18"))
    ),
    "databaseInstanceClass": Key(
        "db.r7g.large", bad=(("r7g.large", "db.r7g.large"), ("db.x.y", "db.r7g.large"))
    ),
    "databaseInstances": Key(
        2,
        bad=(
            (0, "from 1 to 16"),
            (17, "15 readers"),
            (1.5, "a whole number"),
            (
                "two",
                "15 readers); the policy refuses 1\n",
                "fix:     pulumi config set --stack test databaseInstances 2\n",
            ),
        ),
    ),
    "databaseMinCapacity": Key(
        0,
        bad=(
            (0.3, "steps of 0.5", "given:   0.3"),
            (-1, "0 to 256"),
            (8, "at most databaseMaxCapacity, 4"),
        ),
    ),
    "databaseMaxCapacity": Key(
        8.5, bad=((300, "1 to 256", "Capacity 256\n"), (0.5, "1 to 256"), ("four", "ACU"))
    ),
    "databaseSubnetIds": Key(
        ["subnet-01234567", "subnet-89abcdef"],
        bad=(
            (["subnet-01234567"], "two subnets"),
            ([], "an empty list"),
            (["subnet-01234567", "subnet-01234567"], "each entry once"),
            (["a", "b"], "'a' isn't one"),
            ("subnet-01234567", "a list"),
        ),
    ),
    "databaseAllowedCidrs": Key(
        ["10.1.0.0/16"],
        bad=(
            (["10.0.0.1/24"], "10.0.0.1/24"),
            (["10.0.0.0"], "10.0.0.0"),
            (["::/0"], "IPv4"),
            (["0.0.0.0/0"], "not 0.0.0.0/0"),
            (["10.0.0.0/255.0.0.0"], "IPv4"),
            (["0.0.0.0/1", "128.0.0.0/1"], "cover the whole Internet together"),
            ([f"10.{n}.0.0/16" for n in range(60)], "60 networks and 0", "at most 59 together"),
        ),
    ),
    "databaseAllowedSecurityGroupIds": Key(
        ["sg-01234567"], bad=((["default"], "a security group id"),)
    ),
    "databaseBackupRetentionDays": Key(35, bad=((0, "1 to 35 days"), (36, "1 to 35 days"))),
    "databaseBackupWindow": Key(
        "22:00-23:00", bad=(("23:00-24:00", "in UTC"), ("07:00-07:29", "at least 30 minutes"))
    ),
    "databaseMaintenanceWindow": Key(
        "sat:23:30-sun:00:30",
        bad=(
            ("09:30-10:30", "ddd"),
            ("son:09:30-son:10:30", "ddd"),
            ("sun:09:30-sun:09:45", "30 minutes to 24 hours"),
            ("tue:08:59-tue:09:59", "don't overlap", "07:00-09:00"),
        ),
    ),
    "databaseDeletionProtection": Key(False, bad=(("yes", "true or false"),)),
    "databaseSkipFinalSnapshot": Key(True, bad=((1, "true or false"),)),
    "databaseGeneration": Key(
        2,
        bad=(
            (
                2,
                "deletion protection holds generation 1",
                "the engine refuses to delete the protected one",
                "fix:     pulumi config set --stack test databaseGeneration 1 && "
                "pulumi config set --stack test databaseDeletionProtection false\n",
            ),
            (0, "from 1 to 999"),
        ),
    ),
    "databaseProtectedGeneration": Key(2, bad=((0, "from 1 to 999"),)),
    "databaseSnapshotIdentifier": Key(
        "rds:backstage-prod-1-2026-11-01-07-10",
        bad=(("my snapshot", "ARN"), ("a--b", "snapshot's name"), ("ab-", "snapshot's name")),
    ),
    "databaseImage": Key(
        "r.io/postgres:17@sha256:" + "ab" * 32,
        bad=(("postgres 17", "an image reference"), ("Https://r.io/pg", "an image reference")),
    ),
    "databaseStorageSize": Key(
        "ephemeral",
        bad=((5, "5Gi, or ephemeral"), ("5GB", "5Gi, or ephemeral"), ("0Gi", "lost with the pod")),
    ),
    "databaseStorageClass": Key("gp3", bad=(("GP3", "the name of a StorageClass"),)),
    "databasePlugins": Key(20, bad=((0, "from 1 to 200"),)),
    "databaseHost": Key(
        "portal.example.com",
        bad=(("https://a.b", "without scheme"), ("postgres", "DNS name")),
    ),
    "databasePort": Key(6432, bad=((0, "from 1 to 65535"),)),
    "databaseName": Key("portal", bad=(("Portal", "a-z, 0-9 and '_'"), ("a" * 64, "at most 63"))),
    "databaseAdministratorSecretArn": Key(
        "arn:aws:secretsmanager:us-east-1:123456789012:secret:rds!cluster-0a1b-AbCdEf",
        bad=(("administrator", "the ARN of a Secrets Manager secret"),),
    ),
    "databaseMaxConnections": Key(
        400,
        bad=(
            (9, "from 10 to 100000", "Connections NUMBER\n"),
            (
                95,
                "given:   95; 96 connections are needed: 12 plugins x 4 in each pool x 2 pods",
                "the 95 connections that portal.cluster-abc.us-east-1.rds.amazonaws.com has for",
                "fix:     pulumi config set --stack test --path "
                "env.APP_CONFIG_backend_database_knexConfig_pool_max 3\n"
                "    or:      pulumi config set --stack test databaseMaxConnections 96\n",
            ),
            (47, "fix:     lower backend.database.knexConfig.pool.max, in appConfigPaths\n"),
        ),
    ),
    "databaseResourceId": Key("db-ABC1", bad=(("portal", "the resource id of a cluster"),)),
    "databaseMasterPassword": Key("managed", bad=(("mine", "generated or managed"),)),
    "databaseAuthentication": Key("iam", bad=(("kerberos", "password or iam"),)),
    "databasePasswordVersion": Key(3, bad=((0, "from 1 to 9999"),)),
    "databaseCaBundlePath": Key(
        "assets/rds-ca-bundle.pem",
        bad=(("nowhere.pem", "No such file"), ("LICENSE", "no certificate in it")),
    ),
}

RULES: dict[str, Row] = {
    "existing database without a host": (
        {**EXISTING, "databaseHost": None},
        "databaseHost",
        ("nothing, with database existing", "its host name", "databaseHost HOST"),
    ),
    "existing database without an administrator": (
        {**EXISTING, "databaseAdministratorSecretArn": None},
        "databaseAdministratorSecretArn",
        ("nothing", "a login that may create roles", "databaseAdministratorSecretArn ARN"),
    ),
    "existing database of unknown size": (
        {**EXISTING, "databaseMaxConnections": None},
        "databaseMaxConnections",
        ("nothing", "how many connections", "databaseMaxConnections NUMBER"),
    ),
    "tokens without a resource id": (
        {**EXISTING, "databaseAuthentication": "iam"},
        "databaseResourceId",
        ("nothing", "which policies name", "databaseResourceId ID"),
    ),
    "resource id without tokens": (
        {**EXISTING, "databaseResourceId": "db-ABC1"},
        "databaseResourceId",
        ("db-ABC1, with databaseAuthentication password", "only tokens need it", "config rm"),
    ),
    "tokens for a name that RDS doesn't know": (
        {
            **EXISTING,
            "databaseAuthentication": "iam",
            "databaseResourceId": "db-ABC1",
            "databaseHost": "database.example.com",
        },
        "databaseHost",
        ("database.example.com", "ending in .rds.amazonaws.com", "databaseHost HOST"),
    ),
    "version of no password": (
        {
            "databaseAuthentication": "iam",
            "databaseMasterPassword": "managed",
            "databasePasswordVersion": 2,
        },
        "databasePasswordVersion",
        ("given:   2", "generates no password", "config rm"),
    ),
    "existing database on local": (
        {**LOCAL, "database": "existing"},
        "database",
        ("given:   existing", "in-cluster, with target local", "test database in-cluster"),
    ),
    "too many pods for an existing database": (
        {**EXISTING, "maxReplicas": 10},
        "maxReplicas",
        ("10; 528 connections", "the 500 connections that portal.cluster-abc", "maxReplicas 9"),
    ),
    "variable of tokens": (
        {
            "databaseAuthentication": "iam",
            "env": {"APP_CONFIG_backend_database_role": "portal"},
        },
        "env",
        ("names that the program doesn't set itself",),
    ),
    "too many pods": (
        {"maxReplicas": 20, "databaseMaxCapacity": 4},
        "maxReplicas",
        (
            "given:   20; 1008 connections are needed: 12 plugins x 4 in each pool x 21 pods",
            "803 connections: db.serverless of at most 4 ACU accepts 823, 20 stay in reserve; a la",
            "fix:     pulumi config set --stack test maxReplicas 15\n",
            "or:      pulumi config set --stack test databaseMaxCapacity 5\n",
            "or:      pulumi config set --stack test --path "
            "env.APP_CONFIG_backend_database_knexConfig_pool_max 3\n",
        ),
    ),
    "too many pods, with pools that a variable sets as a whole": (
        {
            "maxReplicas": 20,
            "env": {"APP_CONFIG_backend_database_knexConfig_pool": '{"max": 4}'},
        },
        "maxReplicas",
        ("or:      lower backend.database.knexConfig.pool.max, in appConfigPaths\n",),
    ),
    "too many pods at the least": (
        {"replicas": 30, "maxReplicas": 30},
        "maxReplicas",
        (
            "fix:     pulumi config set --stack test replicas 15 && "
            "pulumi config set --stack test maxReplicas 15\n",
            "or:      pulumi config set --stack test databaseMaxCapacity 8\n",
        ),
    ),
    "too many pods for any capacity": (
        {"replicas": 100, "databaseMaxCapacity": 256},
        "replicas",
        (
            "given:   100; ",
            "fix:     pulumi config set --stack test replicas 40\n    or:      lower",
        ),
    ),
    "too many plugins": (
        {"databasePlugins": 60, "databaseMaxCapacity": 1},
        "replicas",
        (
            "60 plugins x 4 in each pool x 2 pods",
            "169 connections: db.serverless",
            "knexConfig.pool.max",
        ),
    ),
    "too many pods for Postgres in the cluster": (
        {**LOCAL, "maxReplicas": 5},
        "maxReplicas",
        (
            "288 connections",
            "12 plugins x 4 in each pool x 6 pods",
            "280 connections: Postgres in the cluster accepts 300, 20 stay in reserve\n",
            "maxReplicas 4",
        ),
    ),
    "Aurora on local": (
        {**LOCAL, "database": "aurora"},
        "database",
        (
            "given:   aurora",
            "in-cluster, with target local",
            "test database in-cluster",
        ),
    ),
    "windows overlap after midnight": (
        {"databaseBackupWindow": "23:30-01:00", "databaseMaintenanceWindow": "wed:00:30-wed:01:30"},
        "databaseMaintenanceWindow",
        ("don't overlap",),
    ),
    "windows overlap at the week's end": (
        {"databaseBackupWindow": "00:15-01:00", "databaseMaintenanceWindow": "sun:23:45-mon:00:30"},
        "databaseMaintenanceWindow",
        ("don't overlap",),
    ),
    "protection of a generation to come": (
        {"databaseProtectedGeneration": 2},
        "databaseGeneration",
        (
            "holds generation 2",
            "fix:     pulumi config set --stack test databaseGeneration 2\n",
            "or:      pulumi config set --stack test databaseProtectedGeneration 1\n",
        ),
    ),
    "region without roots": (
        {"aws:region": "ca-west-1", "certificateArn": None, "hostedZoneName": "example.com"},
        "databaseCaBundlePath",
        ("no root certificates for ca-west-1",),
    ),
    "overlap with the default": (
        {"databaseBackupWindow": "09:00-10:00"},
        "databaseMaintenanceWindow",
        ("sun:12:30",),
    ),
    "a version that can't pause": (
        {"databaseMinCapacity": 0, "databaseEngineVersion": "16.2"},
        "databaseMinCapacity",
        ("0, with databaseEngineVersion 16.2", "from 16.3 on"),
    ),
    "Aurora's key with Postgres in the cluster": (
        {"database": "in-cluster", "databaseInstances": 2},
        "databaseInstances",
        (
            "set, with database in-cluster",
            "unset, or database aurora",
            "databaseInstances\nNothing",
        ),
    ),
    "Postgres's key with Aurora": (
        {"databaseImage": "postgres:17"},
        "databaseImage",
        (
            "given:   set, with database aurora\n    allowed: unset, or database in-cluster\n",
            "fix:     pulumi config rm --stack test databaseImage\n",
            "or:      pulumi config set --stack test database in-cluster\n",
        ),
    ),
    "too many pods for Postgres in the cluster on eks": (
        {"database": "in-cluster", "maxReplicas": 5},
        "maxReplicas",
        ("Postgres in the cluster",),
    ),
}

"""A login of the database in Secrets Manager."""

from __future__ import annotations

import pulumi_aws as aws
from pulumi import Output, ResourceOptions

from components.database.database import DatabaseConnection, Login


def stored(
    name: str,
    args: aws.secretsmanager.SecretArgs,
    connection: DatabaseConnection,
    login: Login,
    opts: ResourceOptions,
) -> Output[str]:
    """Creates a secret with a whole connection. Returns its ARN."""
    secret = aws.secretsmanager.Secret(name, args, opts=opts)
    aws.secretsmanager.SecretVersion(
        f"{name}-version",
        aws.secretsmanager.SecretVersionArgs(
            secret_id=secret.id,
            # The keys that RDS itself writes and that AWS's clients expect.
            secret_string=Output.json_dumps(
                {
                    "engine": "postgres",
                    "host": connection.host,
                    "port": connection.port,
                    "dbname": connection.name,
                    "username": login.user,
                    "password": login.password,
                }
            ),
        ),
        opts=opts,
    )
    return secret.arn

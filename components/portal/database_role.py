"""The portal's own role in the database, created by a Job that logs in as the administrator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
import pulumi_kubernetes as k8s
from pulumi import Input, Output, ResourceOptions

from components.database.database import DatabaseConnection, StoredLogin, TokenLogin
from components.kubernetes.job import JobPod, job_account, run_once
from components.kubernetes.labels import job_labels
from components.kubernetes.names import name_of
from components.kubernetes.pods import (
    PodImage,
    config_map_volume,
    container,
    port_text,
    read_only,
    secret_variables,
)
from components.portal.portal import CA_FILE, ROLE_SCRIPT, PortalObjects
from components.portal.portal_pod import CA_DIRECTORY, SCRIPT_DIRECTORY, USER
from settings.draining import GRACE_SECONDS

CONNECT_SECONDS = 240  # until the script gives up to connect
DEADLINE = CONNECT_SECONDS + 60


@dataclass(frozen=True)
class DatabaseRoleArgs:
    image: PodImage
    """The portal's, whose PostgreSQL driver the script uses."""
    objects: PortalObjects
    """Namespace, root certificates and script."""
    database: DatabaseConnection
    after: Sequence[pulumi.Resource]
    """Resources that must exist before the pod is created."""
    service_account_annotations: Mapping[str, Input[str]] = field(default_factory=dict)


class DatabaseRole(pulumi.ComponentResource):
    """Creates the role, or changes its password; it owns the portal's schemas and nothing else.
    With a `TokenLogin` also that login, a member of the role.

    The Jobs' pods get the administrator's login from a Secret that no other pod reads, or read it
    themselves where it is stored.
    """

    job: k8s.batch.v1.Job

    def __init__(
        self, name: str, args: DatabaseRoleArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("backstage:database:DatabaseRole", name, None, opts)
        self._name, self._args = name, args
        self._job = f"{name}-database-role"
        own = ResourceOptions(parent=self)
        namespace = args.objects.namespace
        self._account = job_account(self._job, namespace, args.service_account_annotations, own)
        self._secret = self._logins(name, args)
        self.job = self._run(self._job, {}, DEADLINE, args.after)
        self.register_outputs({})

    def remove_password(self, after: Sequence[pulumi.Resource]) -> None:
        """Creates a Job that takes login and password from the role that a `TokenLogin` acts as.

        after: the pods that log in with tokens. Those that they replaced still use the password
        until they end, for which the Job waits.
        """
        variables: dict[str, Input[str]] = {"REMOVE_PASSWORD_AFTER": str(GRACE_SECONDS)}
        self._run(
            f"{self._name}-password-removal",
            variables,
            DEADLINE + GRACE_SECONDS,
            [*self._args.after, *after],
        )

    def _logins(self, name: str, args: DatabaseRoleArgs) -> Output[str]:
        administrator, login = args.database.administrator, args.database.login
        values: dict[str, Input[str]] = {"PGHOST": args.database.host}
        if isinstance(administrator, StoredLogin):
            values["ADMINISTRATOR_SECRET_ARN"] = administrator.secret_arn
        else:
            values |= {"PGUSER": administrator.user, "PGPASSWORD": administrator.password}
        if isinstance(login, TokenLogin):
            values |= {"ROLE_NAME": login.role, "IAM_LOGIN_NAME": login.user}
        else:
            values |= {"ROLE_NAME": login.user, "ROLE_PASSWORD": login.password}
        secret = k8s.core.v1.Secret(
            f"{name}-database-administrator",
            k8s.core.v1.SecretInitArgs(
                metadata=k8s.meta.v1.ObjectMetaArgs(
                    namespace=args.objects.namespace, labels=job_labels(self._job)
                ),
                type="Opaque",
                string_data=values,
            ),
            opts=ResourceOptions(parent=self),
        )
        return name_of(secret)

    def _run(
        self,
        name: str,
        variables: Mapping[str, Input[str]],
        deadline: int,
        after: Sequence[pulumi.Resource],
    ) -> k8s.batch.v1.Job:
        image, objects, database = self._args.image, self._args.objects, self._args.database
        verified = {"PGSSLROOTCERT": f"{CA_DIRECTORY}/{CA_FILE}"}
        role = container(
            image,
            name.removeprefix(f"{self._name}-"),
            ["node", f"{SCRIPT_DIRECTORY}/{ROLE_SCRIPT}"],
            {
                "PGPORT": port_text(database.port),
                "PGDATABASE": database.name,
                "CONNECT_SECONDS": str(CONNECT_SECONDS),
                **(verified if database.ca_certificates else {}),
                **variables,
            },
            env_from=secret_variables(self._secret),
            volume_mounts=[
                read_only("database-ca", CA_DIRECTORY),
                read_only("scripts", SCRIPT_DIRECTORY),
            ],
            resources=k8s.core.v1.ResourceRequirementsArgs(
                requests={"cpu": "50m", "memory": "128Mi"}, limits={"memory": "256Mi"}
            ),
        )
        volumes = [
            config_map_volume("database-ca", objects.database_ca),
            config_map_volume("scripts", objects.scripts),
        ]
        return run_once(
            name,
            objects.namespace,
            JobPod(self._account, job_labels(self._job), image, USER, role, volumes, deadline),
            ResourceOptions(parent=self, depends_on=after),
        )

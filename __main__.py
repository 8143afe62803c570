"""The Backstage portal on a cluster: settings, target, image, database, portal, pods, outputs."""

import re

import pulumi

from components.database_role import DatabaseRole, DatabaseRoleArgs
from components.deployment import PortalDeployment, PortalDeploymentArgs
from components.image import Image, ImageArgs
from components.migrations import Migrations, MigrationsArgs
from components.namespace import PortalNamespace, PortalNamespaceArgs
from components.network_policy import PortalNetworkPolicy, PortalNetworkPolicyArgs
from components.pod import PodArgs
from components.portal import Portal, PortalArgs
from configuration import load
from targets.target import NAME, Target

settings = load()
project, stack = pulumi.get_project(), pulumi.get_stack()
# For physical names: letters, digits and single hyphens, as RDS and ECR ask for.
identifier = re.sub(r"[^a-z0-9]+", "-", f"{project}-{stack}".lower())[:50].strip("-")

target: Target
if settings.target == "eks":
    from targets.eks import EksTarget

    tags = {"project": project, "stack": stack, "managed-by": "pulumi", **settings.tags}
    target = EksTarget(settings, identifier, tags)
else:
    from targets.local import LocalTarget

    target = LocalTarget(settings)
opts = target.opts

image = Image(
    NAME,
    ImageArgs(settings.image, identifier, settings.commit_time, settings.target == "eks"),
    opts,
)
namespace = PortalNamespace(
    NAME, PortalNamespaceArgs(settings.namespace, target.namespace_labels), opts
)
database = target.database(namespace.name)
portal = Portal(
    NAME,
    PortalArgs(
        settings=settings,
        namespace=namespace.name,
        database=database,
        service_account_name=NAME,
        service_account_annotations=target.service_account_annotations,
    ),
    opts,
)
if settings.portal.network_policy:
    PortalNetworkPolicy(
        NAME,
        PortalNetworkPolicyArgs(settings, namespace.name, target.sources, database),
        opts,
    )
pod = PodArgs(
    settings=settings,
    image=image.reference,
    pull_policy=image.pull_policy,
    objects=portal.objects,
    database=database,
    techdocs_bucket=target.techdocs_bucket,
)
# The role first, then its schemas, then the pods that use them.
database_ready: list[pulumi.Resource] = [DatabaseRole(NAME, DatabaseRoleArgs(pod), opts).job]
if settings.portal.migration_job:
    after = [*database_ready, *target.credentials]
    database_ready = [Migrations(NAME, MigrationsArgs(pod, after), opts).job]
PortalDeployment(
    NAME,
    PortalDeploymentArgs(
        settings=settings.portal,
        namespace=namespace.name,
        pod=pod,
        after=[
            portal.service,
            *target.ingress(portal.objects),
            *target.credentials,
            *database_ready,
        ],
    ),
    opts,
)

outputs: dict[str, pulumi.Input[str] | None] = {
    "url": settings.base_url,
    "namespace": namespace.name,
    "image": image.reference,
    "databaseEndpoint": database.host,
    "ecrRepositoryUrl": image.repository_url,
    **target.outputs(),
}
for output, value in outputs.items():
    if value is not None:
        pulumi.export(output, value)

"""The Backstage portal on a cluster: settings, platform, image, database, portal, pods, outputs."""

import importlib
import re

import pulumi

from components.database.database import TokenLogin
from components.kubernetes.namespace import PortalNamespace, PortalNamespaceArgs
from components.monitoring.prometheus import PrometheusArgs, PrometheusMonitoring
from components.portal.database_role import DatabaseRole, DatabaseRoleArgs
from components.portal.deployment import PortalDeployment, PortalDeploymentArgs
from components.portal.image import Image, ImageArgs
from components.portal.migrations import Migrations, MigrationsArgs
from components.portal.network_policy import PortalNetworkPolicy, PortalNetworkPolicyArgs
from components.portal.portal import Portal, PortalArgs
from components.portal.portal_pod import METRICS, PortalPodArgs, heap_mebibytes, portal_variables
from components.portal.secret_sources import held_secrets
from settings.access import access
from settings.integrations import mounted_secrets
from settings.kubernetes import shown
from settings.load import load
from settings.secrets import session_secret_version
from settings.sign_in import callback_urls
from targets.platform import NAME, Outputs, Platform

settings = load()
# For physical names: letters, digits and single hyphens, as RDS and ECR require.
stack = f"{pulumi.get_project()}-{pulumi.get_stack()}"
identifier = re.sub(r"[^a-z0-9]+", "-", stack.lower())[:50].strip("-")

target = importlib.import_module(f"targets.{settings.target}")  # only the SDKs that it needs
platform: Platform = target.platform(settings, identifier)
opts = platform.opts

image = Image(NAME, ImageArgs(settings.image, identifier, platform.ecr, platform.kms_key_arn), opts)
namespace = PortalNamespace(
    NAME,
    PortalNamespaceArgs(settings.namespace, platform.namespace_labels, settings.create_namespace),
    opts,
)
database = platform.database(namespace.name)
portal = Portal(
    NAME,
    PortalArgs(
        namespace=namespace.name,
        port=settings.port,
        app_configs={name: file.text for name, file in settings.app_configs.items()},
        permissions=settings.portal.permissions.text,
        permission_conditions=settings.portal.permission_conditions.text,
        secret_env=settings.portal.secret_env,
        secret_files=mounted_secrets(settings),
        session_secret_version=session_secret_version(settings),
        readable=shown(settings.backstage) if settings.portal.kubernetes_plugin else {},
        readable_namespaces=settings.portal.kubernetes_namespaces,
        database=database.connection,
        service_account_name=NAME,
        service_account_annotations=platform.identity.annotations,
    ),
    opts,
)
policies: list[pulumi.Resource] = []
if settings.portal.network_policy:
    policy = PortalNetworkPolicyArgs(
        namespace=namespace.name,
        port=settings.port,
        settings=settings.portal,
        clients=platform.clients,
        database=database.connection,
        resolver=platform.resolver,
        egress=[*platform.identity.egress, *platform.egress],
        role_egress=database.role.egress,
        migrations_egress=database.migrations.egress,
    )
    policies = [PortalNetworkPolicy(NAME, policy, opts)]
exposure = platform.expose(portal.objects)
pod = PortalPodArgs(
    image=image.pods,
    settings=settings.portal,
    port=settings.port,
    objects=portal.objects,
    variables=portal_variables(
        settings.portal,
        platform.url,
        settings.port,
        database.connection,
        {**platform.variables, **exposure.variables},
    ),
    held=held_secrets(NAME, settings, namespace.name, opts),
)
# The role first, then its schemas, then the pods that use them.
role = DatabaseRole(
    NAME,
    DatabaseRoleArgs(
        image.pods,
        portal.objects,
        database.connection,
        [*policies, *database.role.before_pods],
        database.role.annotations,
    ),
    opts,
)
after: list[pulumi.Resource] = [role.job, *policies]
serving = [*after, *platform.identity.before_pods, *database.before_pods]
if settings.portal.migration_job:
    migrating = [*after, *database.migrations.before_pods]
    annotations = database.migrations.annotations
    serving += [Migrations(NAME, MigrationsArgs(pod, migrating, annotations), opts).job]
deployment = PortalDeployment(
    NAME,
    PortalDeploymentArgs(
        pod, [portal.service, *exposure.before_pods, *serving], settings.connections_per_pod
    ),
    opts,
)
if isinstance(database.connection.login, TokenLogin):
    role.remove_password(after=[deployment])
if settings.monitoring.operator:
    heap = heap_mebibytes(settings.portal) * 1024**2
    labels = settings.monitoring.labels
    PrometheusMonitoring(
        NAME, PrometheusArgs(namespace.name, settings.namespace, METRICS, heap, labels), opts
    )

outputs: Outputs = {
    "url": platform.url,
    "signInCallbackUrls": callback_urls(settings.access.providers, platform.url) or None,
    "namespace": namespace.name,
    "image": image.reference,
    "databaseEndpoint": database.connection.host,
    "permissions": access(settings),
    "ecrRepositoryUrl": image.repository_url,
    **platform.outputs,
    **database.outputs,
    **exposure.outputs,
}
for output, value in outputs.items():
    if value is not None:
        pulumi.export(output, value)

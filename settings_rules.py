"""The rules between configuration keys.

Each rule gets the settings and the reader that collects problems. A rule looks only at keys whose
own value was accepted (`reader.sound`), so that one mistake is reported once. The rules in COMMON
are of every target and come first, those in RULES_OF of one.
"""

from __future__ import annotations

import pulumi

from mounted_files import OVERRIDE, AppConfig
from settings import DAYS, MODELS, Settings
from settings_reader import Reader, declared

# The variables that the program itself gives the portal; env and secretEnv can't replace them.
BUILT_IN_SECRETS = ("POSTGRES_HOST", "POSTGRES_USER", "POSTGRES_PASSWORD", "AUTH_SESSION_SECRET")
BUILT_IN_VARIABLES = (
    "APP_HOST",
    "APP_PORT",
    "APP_CONFIG_app_baseUrl",
    "APP_CONFIG_backend_baseUrl",
    "APP_CONFIG_auth_environment",
    "APP_CONFIG_backend_database_connection_ssl",
    "APP_CONFIG_backend_database_skipMigrations",
    "AWS_REGION",
    "NODE_ENV",
    "NODE_OPTIONS",
    "POSTGRES_DB",
    "POSTGRES_PORT",
)
TECHDOCS_VARIABLES = (  # where there is a bucket
    "APP_CONFIG_techdocs_publisher_awsS3_bucketName",
    "APP_CONFIG_techdocs_publisher_awsS3_region",
    "TECHDOCS_BUCKET",
    "TECHDOCS_PUBLISHER",
)
UNSEEN = (f"{OVERRIDE}auth_providers_guest", f"{OVERRIDE}backend_database")  # not in secretEnv
OWN_TAGS = ("project", "stack", "managed-by")
DAY_MINUTES = 24 * 60
WEEK_MINUTES = 7 * DAY_MINUTES
SUNDAY_WINDOWS = ("sun:09:30-sun:10:30", "sun:12:30-sun:13:30", "sun:20:30-sun:21:30")
RESERVED_CONNECTIONS = 20  # for AWS's own sessions, superusers, and a person with psql
SHORTEST_WINDOW = 30  # minutes; RDS, CreateDBCluster


def target(s: Settings, reader: Reader) -> None:
    if not reader.sound("target"):
        return
    kinds = {"eks": "aurora", "local": "in-cluster"}
    kind = kinds[s.target]
    if s.database.kind not in (None, kind):
        reader.report(
            "database", str(s.database.kind), f"{kind}, with target {s.target}",
            reader.set_command("database", kind),
        )  # fmt: skip
    for model in MODELS:
        for _, each in declared(model):
            elsewhere = each.target not in (None, s.target)
            if elsewhere and each.key in reader.given and reader.sound(each.key):
                reader.report(
                    each.key, f"a key of target {each.target}", f"unset, with target {s.target}",
                    reader.remove_command(each.key),
                )  # fmt: skip


def namespace(s: Settings, reader: Reader) -> None:
    if s.namespace == "default" or s.namespace.startswith("kube-"):
        reader.report(
            "namespace", s.namespace, "a namespace of the portal's own, which the program creates",
            reader.set_command("namespace", "backstage"),
        )  # fmt: skip


def image(s: Settings, reader: Reader) -> None:
    image = s.image
    if not image.app_path and reader.sound("appPath"):
        if not image.repository and reader.sound("imageRepository"):
            reader.report(
                "imageRepository", "nothing, and no appPath to build from",
                "the repository to pull from, or appPath",
                reader.set_command("imageRepository", "REGISTRY/REPOSITORY"),
            )  # fmt: skip
        building = {
            "imageBuild": image.build if image.build != "multi-stage" else None,
            "imageTarget": image.target if image.target != "portal" else None,
            "imageBase": image.base,
            "imageSource": image.source,
        }
        for key, value in building.items():
            if value and reader.sound(key):
                reader.report(
                    key, value, "unset without appPath, as nothing is built",
                    reader.remove_command(key),
                )  # fmt: skip
    if image.app_path and image.digest:
        reader.report(
            "imageDigest", f"{image.digest} besides appPath",
            "one of both: appPath builds an image, imageDigest deploys one that exists",
            f"{reader.remove_command('imageDigest')}, or {reader.remove_command('appPath')}",
        )  # fmt: skip
    elif not image.tag and not image.digest and reader.sound("imageTag", "imageDigest"):
        allowed = "the commit SHA that the image is built from"
        if not image.app_path:
            allowed = "the tag to deploy, or imageDigest"
        reader.report("imageTag", "nothing", allowed, reader.set_command("imageTag", "SHA"))


def app(s: Settings, reader: Reader) -> None:
    if not s.app or not reader.sound("appPath"):
        return
    path = s.image.app_path
    faults = s.app.faults()
    if faults:
        reader.report(
            "appPath", f"{path} ({'; '.join(faults)})",
            "the folder of a Backstage app with yarn 4 and the new backend system, as "
            "`npx @backstage/create-app` makes it",
            reader.set_command("appPath", "portal"),
        )  # fmt: skip
    elif s.image.build == "host" and s.app.missing_host_build():
        reader.report(
            "imageBuild", f"host, and {path} has no {' or '.join(s.app.missing_host_build())}",
            f"a bundle that was built before: yarn install --immutable && yarn build:backend, in "
            f"{path}; or multi-stage, which builds it in Docker",
            reader.set_command("imageBuild", "multi-stage"),
        )  # fmt: skip


def connections(s: Settings, reader: Reader) -> None:
    database = s.database
    keys = (
        "databaseInstanceClass", "databaseMinCapacity", "databaseMaxCapacity", "databasePlugins",
        "replicas", "maxReplicas", "appConfigPath", "appPath",
    )  # fmt: skip
    room = s.max_connections - RESERVED_CONNECTIONS
    if not reader.sound(*keys) or s.most_connections <= room:
        return
    provider = database.instance_class
    if s.target == "local":
        provider = "Postgres in the cluster"
    elif provider == "db.serverless":
        provider += f" of at most {database.max_capacity:g} ACU"
    fits = room // (s.database_plugins * s.app_config.pool_size) - 1
    mend = f"lower backend.database.knexConfig.pool.max in {s.portal.app_config_path}"
    if fits >= s.portal.replicas:
        mend = f"{reader.set_command('maxReplicas', str(fits))}, or {mend}"
    reader.report(
        "maxReplicas",
        f"{s.portal.most_replicas}, for which {s.most_connections} connections are needed: "
        f"{s.database_plugins} plugins x {s.app_config.pool_size} in each pool x {s.most_pods} "
        "pods, with the one that a rollout adds",
        f"the {room} connections that {provider} has to give"
        + ("; a larger database has more" if s.target == "eks" else ""),
        mend,
    )


def sign_in(s: Settings, reader: Reader) -> None:
    given = {*s.portal.env, *s.portal.secret_env}
    if not reader.sound("appConfigPath", "env", "secretEnv"):
        return
    if any(name.startswith(f"{OVERRIDE}auth_providers") for name in s.portal.secret_env):
        return  # which of the values it brings can't be seen
    missing = {name: variables - given for name, variables in s.app_config.sign_in.items()}
    if not missing:
        pulumi.log.warn(
            f"Nobody will be able to sign in: {s.portal.app_config_path} configures no "
            "auth.providers."
        )
    elif all(missing.values()):
        names = ", ".join(sorted(set().union(*missing.values())))
        pulumi.log.warn(
            f"Nobody will be able to sign in to the portal: {names} not given. Once the OAuth app "
            f"is registered: {reader.set_command('secretEnv.NAME', 'VALUE', '--path --secret')}"
        )


def variables(s: Settings, reader: Reader) -> None:
    portal = s.portal
    built_in = {*BUILT_IN_SECRETS, *BUILT_IN_VARIABLES, *TECHDOCS_VARIABLES}
    if s.target == "local":
        built_in.discard("AWS_REGION")
    for key, given in (("env", portal.env), ("secretEnv", portal.secret_env)):
        for name in sorted(built_in.intersection(given)):
            reader.report(
                key, name, "names that the program doesn't set itself",
                reader.remove_command(f"--path '{key}.{name}'"),
            )  # fmt: skip
    for name in sorted(set(portal.env).intersection(portal.secret_env)):
        reader.report(
            "env", f"{name}, which secretEnv sets too", "each name in one of both",
            reader.remove_command(f"--path 'env.{name}'"),
        )  # fmt: skip
    if portal.env.get("NODE_TLS_REJECT_UNAUTHORIZED") == "0":
        reader.report(
            "env", "NODE_TLS_REJECT_UNAUTHORIZED=0", "TLS certificates are always verified",
            reader.remove_command("--path 'env.NODE_TLS_REJECT_UNAUTHORIZED'"),
        )  # fmt: skip
    if "NODE_TLS_REJECT_UNAUTHORIZED" in portal.secret_env:  # its value can't be looked at
        reader.report(
            "secretEnv", "NODE_TLS_REJECT_UNAUTHORIZED", "TLS certificates are always verified",
            reader.remove_command("--path 'secretEnv.NODE_TLS_REJECT_UNAUTHORIZED'"),
        )  # fmt: skip
    for name in sorted(portal.secret_env):
        if name.startswith(UNSEEN) and name not in built_in:
            reader.report(
                "secretEnv", name,
                "in env or in appConfigPath, where it is checked: it decides who gets in, or how "
                "the database is reached",
                reader.remove_command(f"--path 'secretEnv.{name}'"),
            )  # fmt: skip
    if portal.secret_env and not pulumi.runtime.is_config_secret(f"{reader.project}:secretEnv"):
        pulumi.log.warn(
            "secretEnv stands in clear in the stack file; encrypt it: pulumi config set --path "
            "--secret secretEnv.NAME"
        )


def app_config(s: Settings, reader: Reader) -> None:
    if not reader.sound("appConfigPath", "env", "secretEnv", "techdocsBucket"):
        return
    path = s.portal.app_config_path
    provided = {*BUILT_IN_SECRETS, *BUILT_IN_VARIABLES, *s.portal.env, *s.portal.secret_env}
    if s.target == "local" and "AWS_REGION" not in {*s.portal.env, *s.portal.secret_env}:
        provided.discard("AWS_REGION")
    if s.portal.techdocs_bucket:
        provided.update(TECHDOCS_VARIABLES)
    for name in sorted(s.app_config.variables - provided):
        mend = (
            reader.set_command("techdocsBucket", "create")
            if name in TECHDOCS_VARIABLES
            else reader.set_command(f"secretEnv.{name}", "VALUE", "--path --secret")
            + ", or "
            + reader.set_command(f"env.{name}", "VALUE", "--path")
        )
        reader.report(
            "appConfigPath", f"{path} uses ${{{name}}}, which nothing provides",
            f"variables from env or secretEnv, or with a default: ${{{name}:-default}}",
            mend,
        )  # fmt: skip
    for unsafe in s.app_config.unsafe:
        if s.target == "local" and unsafe.startswith("auth.providers.guest"):
            continue  # a portal for trying out
        if unsafe in AppConfig(s.app_config.text).unsafe:
            reader.report("appConfigPath", f"{path}: {unsafe}", "a safe setting", f"mend {path}")
        else:
            name = next(name for name in sorted(s.portal.env) if _brings(s, name, unsafe))
            reader.report(
                "env", f"{name}: {unsafe}", "a safe setting",
                reader.remove_command(f"--path 'env.{name}'"),
            )  # fmt: skip


def _brings(s: Settings, name: str, unsafe: str) -> bool:
    """Whether a variable of env alone makes the configuration unsafe."""
    return unsafe in AppConfig(s.app_config.text, {name: s.portal.env[name]}).unsafe


def replicas(s: Settings, reader: Reader) -> None:
    portal = s.portal
    if reader.sound("replicas", "maxReplicas") and portal.most_replicas < portal.replicas:
        reader.report(
            "maxReplicas", str(portal.max_replicas), f"at least replicas, {portal.replicas}",
            reader.set_command("maxReplicas", str(portal.replicas)),
        )  # fmt: skip
    if reader.sound("memoryRequest", "memoryLimit") and (
        portal.memory_limit_mebibytes < portal.memory_request_mebibytes
    ):
        reader.report(
            "memoryLimit", portal.memory_limit, f"at least memoryRequest, {portal.memory_request}",
            reader.set_command("memoryLimit", portal.memory_request),
        )  # fmt: skip


# Of target eks


def required(s: Settings, reader: Reader) -> None:
    required = {
        "host": (s.host, "the portal's public host name", "backstage.example.com"),
        "clusterName": (s.cluster_name, "the name of an existing EKS cluster", "CLUSTER"),
        "aws:region": (s.aws.region, "the cluster's AWS region", "us-east-1"),
    }
    for key, (value, meaning, example) in required.items():
        if not value and reader.sound("target", key):
            reader.report(key, "nothing", meaning, reader.set_command(key, example))


def registry(s: Settings, reader: Reader) -> None:
    repository = s.image.repository
    if repository and "/" not in repository and reader.sound("target"):
        reader.report(
            "imageRepository", repository, "registry/repository, on eks",
            reader.set_command("imageRepository", f"REGISTRY/{repository}"),
        )  # fmt: skip


def capacity(s: Settings, reader: Reader) -> None:
    database = s.database
    if database.min_capacity > database.max_capacity and reader.sound(
        "databaseMinCapacity", "databaseMaxCapacity"
    ):
        reader.report(
            "databaseMinCapacity", f"{database.min_capacity:g}",
            f"at most databaseMaxCapacity, {database.max_capacity:g}",
            reader.set_command("databaseMaxCapacity", f"{database.min_capacity:g}"),
        )  # fmt: skip


def windows(s: Settings, reader: Reader) -> None:
    backup_key, maintenance_key = "databaseBackupWindow", "databaseMaintenanceWindow"
    if not reader.sound(backup_key, maintenance_key):
        return
    backup_text, maintenance_text = s.database.backup_window, s.database.maintenance_window
    backup = _minutes(backup_text, DAY_MINUTES)
    maintenance = _minutes(maintenance_text, WEEK_MINUTES)
    if len(backup) < SHORTEST_WINDOW:
        reader.report(
            backup_key, backup_text, f"{SHORTEST_WINDOW} minutes at least",
            reader.set_command(backup_key, "07:00-09:00"),
        )  # fmt: skip
    if len(maintenance) < SHORTEST_WINDOW or len(maintenance) > DAY_MINUTES:
        reader.report(
            maintenance_key, maintenance_text, f"{SHORTEST_WINDOW} minutes to 24 hours",
            reader.set_command(maintenance_key, "sun:09:30-sun:10:30"),
        )  # fmt: skip
    elif _daily(maintenance_text) & backup:
        free = (w for w in SUNDAY_WINDOWS if not _daily(w) & backup)
        reader.report(
            maintenance_key, f"{maintenance_text} with the backup window {backup_text}",
            "windows that don't overlap: backups run every day",
            reader.set_command(maintenance_key, next(free, "WINDOW")),
        )  # fmt: skip


def _daily(window: str) -> set[int]:
    """The minutes of the day that a maintenance window covers."""
    return {minute % DAY_MINUTES for minute in _minutes(window, WEEK_MINUTES)}


def _minutes(window: str, cycle: int) -> set[int]:
    """The minutes that a window covers, counted from midnight or from Monday's."""
    start, end = window.split("-")
    first, last = _minute(start), _minute(end)
    return {minute % cycle for minute in range(first, last if last > first else last + cycle)}


def _minute(text: str) -> int:
    *day, hours, minutes = text.split(":")
    return (DAYS.index(day[0]) if day else 0) * DAY_MINUTES + int(hours) * 60 + int(minutes)


def subnets(s: Settings, reader: Reader) -> None:
    given = s.database.subnet_ids
    if "databaseSubnetIds" in reader.given and len(given) < 2 and reader.sound("databaseSubnetIds"):
        reader.report(
            "databaseSubnetIds", ", ".join(given) or "an empty list",
            "two subnets at least, in different zones; or unset: the cluster's private subnets",
            f"{reader.set_command('databaseSubnetIds[0]', 'subnet-...', '--path')}, and [1]",
        )  # fmt: skip


def generation(s: Settings, reader: Reader) -> None:
    database = s.database
    keys = ("databaseGeneration", "databaseProtectedGeneration", "databaseDeletionProtection")
    if not reader.sound(*keys):
        return
    if database.deletion_protection and database.generation != database.protected_generation:
        reader.report(
            "databaseGeneration",
            f"{database.generation}, while deletion protection holds generation "
            f"{database.protected_generation}",
            "a new generation deletes the old cluster, so lift its protection in an update of its "
            "own first; once the new cluster serves, protect that",
            reader.set_command("databaseDeletionProtection", "false")
            + " and pulumi up before the new generation, or "
            + reader.set_command("databaseProtectedGeneration", str(database.generation))
            + " after it",
        )
    if database.snapshot_identifier and database.generation == 1:
        pulumi.log.warn(
            "databaseSnapshotIdentifier is read only when a cluster is created: a stack that "
            "already has its database has to raise databaseGeneration to restore from it."
        )


def ca_bundle(s: Settings, reader: Reader) -> None:
    region = s.aws.region
    sound = region and reader.sound("databaseCaBundlePath", "aws:region")
    if sound and not s.ca_bundle.for_region(region):
        reader.report(
            "databaseCaBundlePath", f"no root certificates for {region}",
            "a PEM file that covers the region; AWS publishes one for each",
            reader.set_command("databaseCaBundlePath", "PATH"),
        )  # fmt: skip


def ingress(s: Settings, reader: Reader) -> None:
    ingress = s.ingress
    unnamed = ingress.scheme == "internet-facing" and not ingress.inbound_cidrs
    if unnamed and reader.sound("ingressInboundCidrs", "ingressScheme"):
        reader.report(
            "ingressInboundCidrs", "nothing, with ingressScheme internet-facing",
            "who may reach the portal from the Internet, even if it is 0.0.0.0/0",
            reader.set_command("ingressInboundCidrs[0]", "203.0.113.0/24", "--path"),
        )  # fmt: skip
    certificate_keys = ("certificateArn", "hostedZoneName", "allowHttp", "host")
    if not reader.sound(*certificate_keys):
        return
    has_certificate = ingress.certificate_arn or ingress.hosted_zone_name
    parent = s.host.partition(".")[2]
    zone = parent if "." in parent else s.host  # not a top-level domain
    if s.host and not has_certificate and not ingress.allow_http:
        reader.report(
            "certificateArn", f"nothing, for {s.host}",
            "an ACM certificate; or hostedZoneName, in which one is issued; or allowHttp",
            f"{reader.set_command('hostedZoneName', zone)}, or "
            f"{reader.set_command('certificateArn', 'ARN')}",
        )  # fmt: skip
    if has_certificate and ingress.allow_http:
        key = "certificateArn" if ingress.certificate_arn else "hostedZoneName"
        reader.report(
            "allowHttp", f"true, besides {key}", "false where there is a certificate",
            reader.remove_command("allowHttp"),
        )  # fmt: skip
    given = ingress.hosted_zone_name
    if s.host and given and s.host != given and not s.host.endswith(f".{given}"):
        reader.report(
            "host", f"{s.host}, with hostedZoneName {given}", f"{given} or a name that ends in "
            f".{given}", reader.set_command("host", f"backstage.{given}"),
        )  # fmt: skip


def arns(s: Settings, reader: Reader) -> None:
    given = {"certificateArn": s.ingress.certificate_arn, "wafAclArn": s.ingress.waf_acl_arn}
    for key, arn in given.items():
        if arn and reader.sound(key, "aws:region") and arn.split(":")[3] != s.aws.region:
            reader.report(
                key, arn, f"one in the load balancer's region, {s.aws.region}",
                reader.set_command(key, "ARN"),
            )  # fmt: skip


def load_balancer_controller(s: Settings, reader: Reader) -> None:
    ingress = s.ingress
    can_install = ingress.controller in ("pod-identity", "irsa")
    sound = reader.sound("loadBalancerController", "installLoadBalancerController")
    if ingress.install_controller and not can_install and sound:
        reader.report(
            "installLoadBalancerController", f"true, with loadBalancerController "
            f"{ingress.controller}", "loadBalancerController pod-identity or irsa, whose role it "
            "needs", reader.remove_command("installLoadBalancerController"),
        )  # fmt: skip
    if ingress.controller == "auto-mode":
        refused = {"wafAclArn": ingress.waf_acl_arn, "ingressGroup": ingress.group}
        for key, value in refused.items():
            if value and reader.sound("loadBalancerController", key):
                reader.report(
                    key, f"{value}, with loadBalancerController auto-mode",
                    "unset: EKS Auto Mode's load balancing doesn't know it",
                    reader.remove_command(key),
                )  # fmt: skip


def tags(s: Settings, reader: Reader) -> None:
    if not reader.sound("tags"):
        return
    for name in sorted(set(OWN_TAGS).intersection(s.tags)):
        reader.report(
            "tags", name, f"names other than {', '.join(OWN_TAGS)}, which the program sets",
            reader.remove_command(f"--path 'tags.{name}'"),
        )  # fmt: skip
    if len(s.tags) > 50 - len(OWN_TAGS):  # AWS allows 50 tags on a resource
        reader.report("tags", f"{len(s.tags)} tags", f"at most {50 - len(OWN_TAGS)}", "remove some")


# Of target local


def local_host(s: Settings, reader: Reader) -> None:
    unserved = s.host and not s.ingress.given_class_name
    if unserved and reader.sound("host", "ingressClassName"):
        reader.report(
            "host", f"{s.host}, without ingressClassName",
            "unset, for http://localhost with a forwarded port; or with the IngressClass of a "
            "controller that serves the host",
            reader.remove_command("host") + ", or "
            + reader.set_command("ingressClassName", "nginx"),
        )  # fmt: skip


COMMON = (
    target,
    namespace,
    image,
    app,
    connections,
    sign_in,
    variables,
    app_config,
    replicas,
)
# A refused target counts as the default, and `required` and `registry` say nothing then.
RULES_OF = {
    "eks": (
        required,
        registry,
        capacity,
        windows,
        subnets,
        generation,
        ca_bundle,
        ingress,
        arns,
        load_balancer_controller,
        tags,
    ),
    "local": (local_host,),
}

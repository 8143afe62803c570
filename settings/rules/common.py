"""Rules of every target: the target itself, namespace, image, pods."""

from __future__ import annotations

from collections.abc import Iterator

from settings.app_gaps import database_gaps, gaps
from settings.keys import DEFAULT_DATABASE, KEYS, METRICS_PORT
from settings.model import Settings
from settings.problem import Problem, Warn, config_rm, config_set
from settings.rules.rule import rule
from settings.values.variables import OBJECT_BYTES, byte_size

LEAST_MEMORY = 256  # MiB; a serving portal uses about 210 (docs/performance.md)


@rule("target", "database")
def database_of_the_target(s: Settings) -> Iterator[Problem]:
    default, kind = DEFAULT_DATABASE[s.target], s.database.kind
    if kind in ("aurora", "existing") and default != "aurora":
        allowed = f"{default}, with target {s.target}"
        yield Problem("database", kind, allowed, config_set("database", default))


@rule("target", "database")
def keys_of_the_target(s: Settings) -> Iterator[Problem]:
    for key in KEYS.values():
        group = getattr(s, key.group) if key.group else s
        known_to = key.known_to
        if known_to is None or key.attribute not in group.model_fields_set:
            continue
        if known_to.knows(s.target, s.database_kind):
            continue
        ways = [config_rm(key.name)]
        if s.target not in known_to.targets:
            owner, current = f"target {' or '.join(sorted(known_to.targets))}", f"target {s.target}"
        else:
            owner = f"database {' or '.join(known_to.databases)}"
            current = f"database {s.database_kind}"
            if s.database.kind is None:  # forgotten; where it is set, another would replace it
                ways += [config_set("database", each) for each in known_to.databases]
        yield Problem(key.name, f"set, with {current}", f"unset, or {owner}", tuple(ways))


@rule("namespace")
def namespace(s: Settings) -> Iterator[Problem]:
    if s.namespace == "default" or s.namespace.startswith("kube-"):
        allowed = "a namespace of the portal's own"
        yield Problem("namespace", s.namespace, allowed, config_set("namespace", "backstage"))


@rule("imageRepository", "appPath")
def image_source(s: Settings) -> Iterator[Problem]:
    if not s.image.app and not s.image.repository:
        allowed = "the repository to pull from, or appPath"
        fix = config_set("imageRepository", "REGISTRY/REPOSITORY")
        yield Problem("imageRepository", "nothing, and no appPath to build from", allowed, fix)


@rule("appPath")
def build_options(s: Settings) -> Iterator[Problem]:
    options = {
        "imageBuild": s.image.build if s.image.build != "multi-stage" else None,
        "imageTarget": s.image.stage if s.image.stage != "portal" else None,
        "imageBase": s.image.base,
        "imageSource": s.image.source,
    }
    for key, value in options.items():
        if value and not s.image.app:
            allowed = "unset without appPath, as nothing is built"
            yield Problem(key, value, allowed, config_rm(key))


@rule("appPath", "imageTag", "imageDigest")
def image_version(s: Settings) -> Iterator[Problem]:
    image = s.image
    if image.app and image.digest:
        allowed = "one of both: appPath builds an image, imageDigest deploys one that exists"
        fix = (config_rm("imageDigest"), config_rm("appPath"))
        yield Problem("imageDigest", f"{image.digest}, with appPath", allowed, fix)
    elif not image.tag and not image.digest:
        allowed = "the tag to deploy, or imageDigest"
        if image.app:
            allowed = "the commit SHA that the image is built from"
        yield Problem("imageTag", "nothing", allowed, config_set("imageTag", "SHA"))


@rule("appPath", "database", "databaseAuthentication", "databaseMasterPassword")
def gaps_of_the_app(s: Settings) -> Iterator[Warn]:
    app = s.image.app
    if app:
        tokens, steps = s.database.authentication == "iam", "Steps: docs/portal.md, Your own app."
        found = (*gaps(app), *database_gaps(app, tokens, s.stored_administrator))
        yield from (Warn(f"{app.path}/{gap}. {steps}") for gap in found)


@rule("appPath", "imageBuild")
def host_build(s: Settings) -> Iterator[Problem]:
    app = s.image.app
    if app and s.image.build == "host" and app.missing_host_build():
        yield Problem(
            "imageBuild",
            f"host, and {app.path} has no {' or '.join(app.missing_host_build())}",
            f"a bundle that was built before: yarn install --immutable && yarn build:backend, in "
            f"{app.path}; or multi-stage, which builds it in Docker",
            config_set("imageBuild", "multi-stage"),
        )


@rule("replicas", "maxReplicas")
def replicas(s: Settings) -> Iterator[Problem]:
    if s.portal.most_replicas < s.portal.replicas:
        allowed = f"at least replicas, {s.portal.replicas}"
        fix = config_set("maxReplicas", str(s.portal.replicas))
        yield Problem("maxReplicas", str(s.portal.max_replicas), allowed, fix)


@rule("memoryRequest", "memoryLimit")
def memory(s: Settings) -> Iterator[Problem]:
    limit = s.portal.memory_limit_mebibytes
    if limit < s.portal.memory_request_mebibytes:
        allowed = f"at least memoryRequest, {s.portal.memory_request}"
        fix = config_set("memoryLimit", s.portal.memory_request)
        yield Problem("memoryLimit", s.portal.memory_limit, allowed, fix)
    elif limit < LEAST_MEMORY:
        allowed = f"at least {LEAST_MEMORY}Mi, with which a portal starts"
        fix = config_set("memoryLimit", "1Gi")
        yield Problem("memoryLimit", s.portal.memory_limit, allowed, fix)


@rule("port", "metrics")
def metrics_port(s: Settings) -> Iterator[Problem]:
    if s.portal.metrics and s.port == METRICS_PORT:
        allowed = f"any other port; {METRICS_PORT} serves the metrics"
        yield Problem("port", str(s.port), allowed, config_set("port", "7007"))


@rule("egressCidrs", "networkPolicy")
def unused_networks(s: Settings) -> Iterator[Problem]:
    if s.portal.egress_cidrs and not s.portal.network_policy:
        given, allowed = "networks, with networkPolicy false", "unset, or networkPolicy true"
        yield Problem("egressCidrs", given, allowed, config_set("networkPolicy", "true"))


@rule("env", "secretEnv")
def size_of_the_variables(s: Settings) -> Iterator[Problem]:
    size = byte_size(s.portal.env) + s.portal.secret_env.size
    if size > OBJECT_BYTES:
        yield Problem(
            "env",
            f"{size:,} bytes, with secretEnv",
            f"at most {OBJECT_BYTES:,} bytes: the API server takes objects of up to 1 MiB",
            "move large values into the image or a file",
        )


@rule("monitoring", "monitoringLabels", "metrics")
def prometheus(s: Settings) -> Iterator[Problem | Warn]:
    operator = s.monitoring.operator
    if operator and not s.portal.metrics:
        given = f"false, with monitoring {operator}"
        yield Problem("metrics", given, "true: it is what is monitored", config_rm("metrics"))
    if s.monitoring.labels and not operator:
        fix = config_set("monitoring", "prometheus-operator")
        yield Warn(f"monitoringLabels label nothing without monitoring: {fix}")

"""The rendered app-config with the rendered pod's variables, against the portal's own schema."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import jsonschema
import pytest
import yaml

from settings import draining
from settings.overrides import merged
from settings.rules.backstage import JOB_OVERRIDES, built_in
from settings.secrets import secret_variables
from tests.programs import COMMITTED, ROOT, STACKS, previewed, stack_config
from tests.settings.stack import VALID, loaded

CONFIG_MAP = "kubernetes:core/v1:ConfigMap"
SECRET = "kubernetes:core/v1:Secret"
INGRESS = "kubernetes:networking.k8s.io/v1:Ingress"
DEPLOYMENT = "kubernetes:apps/v1:Deployment"
JOB = "kubernetes:batch/v1:Job"
# What reads the configuration: the pods that serve, and the Job that migrates.
SERVING, MIGRATING = (DEPLOYMENT, "backstage-deployment"), (JOB, "backstage-migrations")
# What every package of portal/ says of its configuration; `make e2e` compares it with the image.
SCHEMAS = ROOT / "tests" / "golden" / "portal-config-schemas.json"
VANISHED = object()


def environment(stack: str, workload: tuple[str, str] = SERVING) -> dict[str, str]:
    """The variables of a workload's container; what is unknown before an update has a stand-in."""
    program = previewed(stack, creates=True)
    pod = program.inputs(*workload)["spec"]["template"]["spec"]
    [found] = pod["containers"]
    [source] = found["envFrom"]
    # Generated names are the logical ones.
    secret = program.one(SECRET, source["secretRef"]["name"])
    variables = dict.fromkeys(secret.raw_inputs["stringData"]["value"], "secret")
    return variables | {each["name"]: each.get("value", "secret") for each in found["env"]}


def substituted(node: Any, variables: Mapping[str, str]) -> Any:
    """As Backstage reads it: null, or a value with an unset variable, takes its key away."""
    if isinstance(node, dict):
        if set(node) == {"$file"}:
            return "the file's text"
        kept = {key: substituted(value, variables) for key, value in node.items()}
        return {key: value for key, value in kept.items() if value is not VANISHED}
    if isinstance(node, list):
        values = [substituted(each, variables) for each in node]
        return [each for each in values if each is not VANISHED]
    if node is None:
        return VANISHED
    if not isinstance(node, str):
        return node
    unset = False

    def replace(match: re.Match[str]) -> str:
        nonlocal unset
        name, _, default = match.group(1).partition(":-")
        value = variables.get(name) or default
        unset = unset or not value
        return value

    text = re.sub(r"\$\{([^}]*)\}", replace, node)
    return VANISHED if unset else text


def parsed(value: str) -> Any:
    """A variable as Backstage reads it: JSON, or else the text itself."""
    try:
        return json.loads(value)
    except ValueError:
        return value


def config_files(stack: str, workload: tuple[str, str] = SERVING) -> list[str]:
    """The mounted files that a container is started with, in order; the image's own is first."""
    pod = previewed(stack, creates=True).inputs(*workload)["spec"]["template"]["spec"]
    arguments = pod["containers"][0]["args"]
    files = [file for option, file in pairwise(arguments) if option == "--config"]
    assert files[0] == "app-config.yaml"
    return [file.removeprefix("/etc/backstage/app-config/") for file in files[1:]]


def rendered(stack: str, workload: tuple[str, str] = SERVING) -> dict[str, Any]:
    """The mounted files as the pod reads them, with the overrides of its environment."""
    texts = previewed(stack, creates=True).inputs(CONFIG_MAP, "backstage-app-config")["data"]
    variables = environment(stack, workload)
    config: dict[str, Any] = {}
    for file in config_files(stack, workload):
        config = merged(config, substituted(yaml.safe_load(texts[file]), variables))
    for name, value in variables.items():
        if name.startswith("APP_CONFIG_"):
            *path, last = name.removeprefix("APP_CONFIG_").split("_")
            node = config
            for part in path:
                node = node.setdefault(part, {})
            node[last] = parsed(value)
    return config


def problems(config: dict[str, Any]) -> list[str]:
    """What the schemas of the portal's packages say against a configuration."""
    schemas = json.loads(SCHEMAS.read_text(encoding="utf-8"))
    assert len(schemas) > 20
    found = (
        error for each in schemas for error in jsonschema.Draft7Validator(each).iter_errors(config)
    )
    return [f"{error.json_path}: {error.message}" for error in found]


@pytest.mark.parametrize("workload", [SERVING, MIGRATING], ids=["serving", "migrating"])
@pytest.mark.parametrize("stack", [*COMMITTED, "iam"])
def test_rendered_configuration_follows_the_schema(stack: str, workload: tuple[str, str]) -> None:
    assert problems(rendered(stack, workload)) == []


def test_integrations_follow_the_schema() -> None:
    config = rendered("integrations")
    assert problems(config) == []
    assert set(config["integrations"]) == {"github", "gitlab"}
    [github] = config["integrations"]["github"]
    assert "token" not in github  # the shipped list is replaced
    github["apps"][0]["clientId"] = ["x"]
    assert problems(config)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("backend", "baseUrl"), 7),
        (("backend", "lifecycle", "serverShutdownDelay"), {"seconds": "soon"}),
        (("backend", "server", "keepAliveTimeout"), ["125"]),
        (("auth", "session", "secret"), {}),
        (("catalog", "rules"), "all"),
        (("permission", "enabled"), "sometimes"),
        (("techdocs", "builder"), 1),
        (("backend", "database", "skipMigrations"), "yes"),
        (("catalog", "processingInterval"), True),
        (("scaffolder", "concurrentTasksLimit"), "none"),
    ],
)
def test_a_wrong_type_is_found(path: tuple[str, ...], value: object) -> None:
    config = rendered("prod")
    node = config
    for part in path[:-1]:
        node = node[part]
    node[path[-1]] = value
    assert problems(config)


@pytest.mark.parametrize("stack", COMMITTED)
def test_what_the_portal_needs_is_there(stack: str) -> None:
    config = rendered(stack)
    assert config["app"]["baseUrl"] == config["backend"]["baseUrl"]
    assert config["backend"]["listen"] == ":7007"
    database = config["backend"]["database"]
    assert database["connection"]["database"] == "backstage"
    verified = {"rejectUnauthorized": True, "ca": "the file's text"}
    # Postgres in the cluster speaks no TLS.
    assert database["connection"]["ssl"] == (False if stack == "local" else verified)
    assert database["skipMigrations"] is True
    assert (database["ensureExists"], database["ensureSchemaExists"]) == (False, True)
    assert set(config["auth"]["providers"]) == ({"guest"} if stack == "local" else set())
    assert config["auth"]["session"]["secret"] == "secret"
    assert config["backend"]["trustProxy"] == 1
    techdocs = config["techdocs"]["publisher"]
    if stack == "dev":
        bucket = {"bucketName": "backstage-techdocs", "region": "us-east-1"}
        assert techdocs == {"type": "awsS3", "awsS3": bucket}
    else:  # the only place that a pod may write to
        assert techdocs == {"type": "local", "local": {"publishDirectory": "/tmp/techdocs"}}
    # No token was given: the key is gone, and with it a header that GitHub would refuse.
    assert config["integrations"]["github"] == [{"host": "github.com"}]


def test_tokens_take_the_place_of_the_password() -> None:
    database = rendered("iam")["backend"]["database"]
    assert database.pop("role") == "backstage"
    connection = database.pop("connection")
    assert (connection.pop("type"), connection.pop("port")) == ("rds", 5432)
    with_password = rendered("prod")["backend"]["database"]
    given = {**connection, "port": "5432", "password": "secret"}
    assert with_password.pop("connection") == given
    assert with_password == database


@pytest.mark.parametrize("stack", COMMITTED)
def test_the_migration_job_reads_the_same_but_for_what_else_it_would_do(stack: str) -> None:
    serving, migrating = rendered(stack), rendered(stack, MIGRATING)
    # What Backstage does without the key; the pods that serve set it.
    assert serving["backend"]["database"].pop("skipMigrations") is True
    assert migrating["catalog"].pop("processingInterval") is False
    assert migrating["scaffolder"].pop("concurrentTasksLimit") == 0
    assert migrating["backend"]["lifecycle"].pop("serverShutdownDelay") == {"seconds": 5}
    assert serving["backend"]["lifecycle"].pop("serverShutdownDelay") == {"seconds": 15}
    migrations = migrating["backend"]["database"]["knexConfig"].pop("migrations")
    assert migrations == {"disableMigrationsListValidation": True}
    assert migrating == serving


def test_time_outs_fit_the_load_balancer_and_the_pod() -> None:
    backend = rendered("prod")["backend"]
    server, lifecycle = backend["server"], backend["lifecycle"]
    assert server["keepAliveTimeout"] == {"seconds": draining.KEEP_ALIVE_SECONDS}
    assert server["headersTimeout"] == {"seconds": draining.HEADERS_SECONDS}
    assert draining.IDLE_SECONDS < draining.KEEP_ALIVE_SECONDS < draining.HEADERS_SECONDS
    assert lifecycle["serverShutdownDelay"] == {"seconds": draining.SHUTDOWN_DELAY_SECONDS}
    spec = previewed("prod", creates=True).inputs(DEPLOYMENT)["spec"]
    pod = spec["template"]["spec"]
    grace = pod["terminationGracePeriodSeconds"]
    pre_stop = pod["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
    served = pre_stop + lifecycle["serverShutdownDelay"]["seconds"]
    assert served + 30 < grace
    # A request of 30 s that comes when the target is nearly out of service ends before the pod.
    assert served >= 10 + 30
    attributes = previewed("prod").inputs(INGRESS)["metadata"]["annotations"][
        "alb.ingress.kubernetes.io/target-group-attributes"
    ]
    assert f"deregistration_delay.timeout_seconds={served}" in attributes.split(",")


def test_layers_of_the_configuration() -> None:
    assert config_files("prod") == ["app-config.production.yaml"]
    layers = [f"app-config.{name}.yaml" for name in ("production", "stack", "1", "2")]
    assert config_files("internet-facing") == config_files("internet-facing", MIGRATING) == layers
    config = rendered("internet-facing")
    assert (config["app"]["title"], config["organization"]["name"]) == ("Developers", "Acme")
    assert config["catalog"]["rules"] == [{"allow": ["Component", "Domain"]}]  # of the last
    assert config["catalog"]["import"]["pullRequestBranchName"] == "portal"
    assert config["catalog"]["import"]["entityFilename"] == "catalog-info.yaml"


@pytest.mark.parametrize("stack", STACKS)
def test_every_variable_of_the_files_is_provided(stack: str) -> None:
    texts = previewed(stack).inputs(CONFIG_MAP, "backstage-app-config")["data"].values()
    text = "\n".join(texts)
    values = re.sub(r"^\s*#.*$", "", text, flags=re.M)
    uses = set(re.findall(r"(?<!\$)\$\{([A-Z0-9_]+)\}", values))
    assert uses
    for workload in (SERVING,) if stack == "local-build" else (SERVING, MIGRATING):
        assert uses <= set(environment(stack, workload))


def test_the_rules_know_every_variable_that_the_program_sets() -> None:
    """And name none that no stack has."""
    known: set[str] = set()
    found: set[str] = set()
    for stack in STACKS:
        values = {
            key.removeprefix("backstage:"): value
            for key, value in stack_config(stack).values.items()
        }
        settings, _ = loaded({**dict.fromkeys(VALID), **values})
        own = {*settings.portal.env, *secret_variables(settings)}
        serving = set(environment(stack, SERVING)) - own
        assert serving <= built_in(settings), stack
        known |= built_in(settings)
        found |= serving
        if settings.portal.migration_job:
            job = set(environment(stack, MIGRATING)) - own
            added = {"AWS_EC2_METADATA_DISABLED", "MIGRATION_SECONDS", "READINESS_PATH"}
            assert job - serving == {*JOB_OVERRIDES, *added}
    assert found == known

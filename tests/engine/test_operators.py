"""Rotations of what `secretsFrom` names, by the External Secrets Operator and Reloader.

Both run on this machine against the cluster of KUBECONFIG, which has the operator's CRDs. moto is
AWS. The tests share one stack: each starts where the previous one ended.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.cluster.site import IMAGES
from tests.engine.cli import Engine
from tests.engine.test_cluster import ENDPOINT, NAMESPACE, RATE, local_stack, updated
from tests.processes import running
from tools.alb.aws import CREDENTIALS, Aws, moto_server
from tools.kubectl import Cluster, Manifest
from tools.reliability.load import Load
from tools.reliability.portal import Portal

pytestmark = [pytest.mark.engine, pytest.mark.usefixtures("kubernetes")]

OPERATOR = ("external-secrets", "--metrics-addr=127.0.0.1:0", "--live-addr=127.0.0.1:0")
RELOADER = ("reloader", "--reload-strategy=annotations")
SECRET, PARAMETER = f"{NAMESPACE}/jira", f"/{NAMESPACE}/session-secret"
STORES = {"secretStore": "SecretsManager", "parameterStore": "ParameterStore"}
KEYS = {
    "secretsFrom[0].secretsManager": SECRET,
    "secretsFrom[0].keys.JIRA_TOKEN": "jira.token",
    "secretsFrom[1].parameter": PARAMETER,
    "secretsFrom[1].as": "AUTH_SESSION_SECRET",
    "secretsFrom[1].version": "1",
}


def store(key: str) -> str:
    """Name of the cluster's store that a key names."""
    return f"{NAMESPACE}-{key.lower()}"


class Kept:
    """Secrets Manager and Parameter Store on a moto server."""

    def __init__(self, url: str) -> None:
        self.environment = {
            **CREDENTIALS,
            "AWS_SECRETSMANAGER_ENDPOINT": url,
            "AWS_SSM_ENDPOINT": url,
        }
        account = Aws(url, cluster="")
        self._secrets, self._parameters = account.client("secretsmanager"), account.client("ssm")
        self._secrets.create_secret(Name=SECRET)

    def put(self, token: str) -> None:
        """A new version of the secret."""
        value = json.dumps({"jira": {"token": token}})
        self._secrets.put_secret_value(SecretId=SECRET, SecretString=value)

    def put_parameter(self, value: str) -> None:
        """A new version of the parameter, numbered from 1."""
        self._parameters.put_parameter(
            Name=PARAMETER, Value=value, Type="SecureString", Overwrite=True
        )


@pytest.fixture(scope="module")
def kept() -> Iterator[Kept]:
    for module in ("boto3", "moto"):
        pytest.importorskip(module, reason="needs requirements-cluster.txt")
    with moto_server() as url:
        found = Kept(url)
        found.put("first")
        found.put_parameter("the first session secret of the test")
        yield found


@pytest.fixture(scope="module")
def engine(
    kubernetes: None, kept: Kept, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Engine]:
    cluster = Cluster(NAMESPACE)
    if not cluster.run("get", "crd", "externalsecrets.external-secrets.io", "--ignore-not-found"):
        pytest.skip("the cluster lacks the CRDs of the External Secrets Operator")
    for program in (OPERATOR[0], RELOADER[0]):
        if shutil.which(program) is None:
            pytest.skip(f"no {program} on PATH; its image has it")
    logs = tmp_path_factory.mktemp("operators")
    with ExitStack() as stack:
        stack.enter_context(running(OPERATOR, logs / "operator.log", kept.environment))
        stack.enter_context(running(RELOADER, logs / "reloader.log"))
        cluster.apply([
            {
                "apiVersion": "external-secrets.io/v1",
                "kind": "ClusterSecretStore",
                "metadata": {"name": store(key)},
                "spec": {"provider": {"aws": {"service": service, "region": "us-east-1"}}},
            }
            for key, service in STORES.items()
        ])  # fmt: skip
        engine = stack.enter_context(local_stack(NAMESPACE, tmp_path_factory.mktemp("engine")))
        for key in STORES:
            engine.set("local", f"{key}.name", store(key), "--path")
        for key, value in KEYS.items():
            engine.set("local", key, value, "--path", "--plaintext")
        yield engine
    cluster.run("delete", "clustersecretstore", *map(store, STORES))
    cluster.delete_namespace()


@pytest.fixture(scope="module")
def portal() -> Portal:
    return Portal(Cluster(NAMESPACE), "app=backstage", IMAGES)


def environment(portal: Portal) -> dict[str, str]:
    """The secrets that the newest pod has."""
    pods = sorted(portal.pods(), key=lambda pod: str(pod["metadata"]["creationTimestamp"]))
    shown = portal.cluster.run(
        "exec", pods[-1]["metadata"]["name"], "--", "node", "-p",
        "JSON.stringify({t: process.env.JIRA_TOKEN, s: process.env.AUTH_SESSION_SECRET})",
        check=False,
    )  # fmt: skip
    found: dict[str, str] = json.loads(shown or "{}")
    return found


def external_secret(portal: Portal) -> Manifest:
    """The only ExternalSecret."""
    (found,) = portal.cluster.get("externalsecrets.external-secrets.io")
    return found


def test_values_reach_the_pods_and_not_the_state(engine: Engine, portal: Portal) -> None:
    engine.up("local")
    portal.wait_settled()
    assert environment(portal) == {"t": "first", "s": "the first session secret of the test"}
    state = engine.command("stack", "export", "--stack", "local", "--show-secrets").output
    assert SECRET in state
    assert "the first session secret" not in state


def test_a_new_version_rolls_the_pods_without_a_failed_request(
    engine: Engine, portal: Portal, kept: Kept
) -> None:
    before = portal.names()
    with Load(ENDPOINT, IMAGES[0], RATE, 1) as load:
        kept.put("second")
        portal.cluster.run(
            "annotate", "externalsecrets.external-secrets.io", "--all",
            f"force-sync={time.time()}", "--overwrite",
        )  # fmt: skip
        portal.cluster.until(
            lambda: environment(portal).get("t") == "second", 180, "a pod has the new version"
        )
        portal.wait_settled()
    print(f"new version: {len(load.outcome.samples)} requests, failures: {load.outcome.errors}")
    assert load.outcome.errors == {}
    assert not set(before) & set(portal.names())
    # Reloader's mark is no change of the stack.
    assert engine.operate("preview", "local", "--expect-no-changes").code == 0


def test_a_pinned_version_rolls_the_pods_with_an_update(
    engine: Engine, portal: Portal, kept: Kept
) -> None:
    kept.put_parameter("the second session secret of the test")
    before = external_secret(portal)["metadata"]["name"]
    assert environment(portal)["s"] == "the first session secret of the test"
    engine.set("local", "secretsFrom[1].version", "2", "--path")
    outcome, _ = updated(engine)
    portal.wait_settled()
    assert outcome.errors == {}
    assert environment(portal) == {"t": "second", "s": "the second session secret of the test"}
    assert external_secret(portal)["metadata"]["name"] != before


def test_a_version_that_does_not_exist_stops_before_the_pods(
    engine: Engine, portal: Portal
) -> None:
    before = portal.names()
    engine.set("local", "secretsFrom[1].version", "7", "--path")
    with Load(ENDPOINT, IMAGES[0], RATE, 1) as load:
        failed = engine.up("local", check=False)
    assert failed.code != 0
    assert "backstage-variables-external" in failed.output
    assert load.outcome.errors == {}
    assert portal.names() == before
    # Back again: a third object, since the first one stays until an update succeeds.
    engine.set("local", "secretsFrom[1].version", "2", "--path")
    outcome, _ = updated(engine)
    portal.wait_settled()
    assert outcome.errors == {}
    assert environment(portal) == {"t": "second", "s": "the second session secret of the test"}
    assert external_secret(portal)["status"]["conditions"][0]["status"] == "True"

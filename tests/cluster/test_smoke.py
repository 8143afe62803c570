"""`make smoke` against a portal on a real cluster, from a Job and from outside."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from components.kubernetes.labels import SELECTOR
from tests.cluster.site import IMAGES, deploy, local
from tests.programs import STACK_FILES, changed
from tools.alb.aws import free_port
from tools.container.edge import https_edge
from tools.deployer.kubernetes_roles import kubernetes_roles
from tools.kubectl import Cluster
from tools.preview.settings import settings_of
from tools.preview.stack_file import read_stack
from tools.reliability.portal import Portal
from tools.smoke.__main__ import ROOT, SCRIPTS, main, read
from tools.smoke.expected import expected
from tools.smoke.job import NAME, SmokeJob, service_url

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("kubernetes")]

NAMESPACE = "backstage-smoke"
URL = "http://localhost:7007"
TOKEN = "of-the-smoke-test"
# What docs/operations.md says that the token needs.
READS_ENTITIES = [{"plugin": "catalog", "permission": "catalog.entity.read"}]
EXTERNAL = {
    "type": "static",
    "options": {"token": TOKEN, "subject": "smoke"},
    "accessRestrictions": READS_ENTITIES,
}
CHANGES = {
    "signIn": ["github"],
    "secretEnv": {"AUTH_GITHUB_CLIENT_SECRET": "of-the-stack-file"},
    "env": {
        "AUTH_GITHUB_CLIENT_ID": "smoke",
        "APP_CONFIG_backend_auth_externalAccess": json.dumps([EXTERNAL]),
    },
}
CHECKS = (
    *("address", "connection", "readiness", "sign-in page", "sign-in github"),
    *("catalog, no token", "catalog, token", "database TLS", "deployed version"),
)
STATES = ("ok", "missing", "not checked")


@pytest.fixture(scope="module")
def portal(kubernetes: None) -> Iterator[Portal]:
    portal = deploy(NAMESPACE, local(NAMESPACE, CHANGES).objects)
    yield portal
    portal.cluster.delete_namespace()


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The stack's file."""
    content = yaml.safe_load(STACK_FILES["local"].read_text(encoding="utf-8"))
    repository, _, tag = IMAGES[0].rpartition(":")
    given = {**CHANGES, "namespace": NAMESPACE, "imageRepository": repository, "imageTag": tag}
    content["config"] |= {f"backstage:{key}": value for key, value in given.items()}
    found = tmp_path_factory.mktemp("stack") / "Pulumi.local.yaml"
    found.write_text(yaml.safe_dump(content), encoding="utf-8")
    return found


@pytest.fixture
def stack(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Arguments for the stack, whose outputs a stand-in for the CLI knows."""
    outputs = json.dumps({"url": URL, "image": IMAGES[0]})
    script = tmp_path / "pulumi"
    script.write_text(f"#!/bin/sh\necho '{outputs}'\n")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr("tools.smoke.expected.engine", lambda: str(script))
    monkeypatch.setenv("SMOKE_TOKEN", TOKEN)
    return ["local", "--config-file", str(file)]


def states(printed: str) -> dict[str, str]:
    """State by check of what was printed."""
    lines = [line for line in printed.splitlines() if line[:11].strip() in STATES]
    return {line[13:37].strip(): line[:11].strip() for line in lines}


def test_a_job_finds_nothing_wrong_and_leaves_nothing(
    portal: Portal, stack: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*stack, "--in-cluster"]) == 0
    printed = capsys.readouterr().out
    assert states(printed) == dict.fromkeys(CHECKS, "ok") | {"database TLS": "not checked"}
    assert TOKEN not in printed
    kinds = ",".join(("jobs", "secrets", "configmaps", "networkpolicies", "pods"))
    own = ("--selector", f"app.kubernetes.io/name={NAME}")
    portal.cluster.until(lambda: not portal.cluster.get(kinds, *own), 60, f"no {kinds}")


def test_a_job_passes_a_policy_that_lets_nobody_out(
    portal: Portal, stack: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    deny = {
        "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
        "metadata": {"name": "deny", "namespace": NAMESPACE},
        "spec": {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]},
    }  # fmt: skip
    portal.cluster.apply([deny])
    try:
        assert main([*stack, "--in-cluster"]) == 0
    finally:
        portal.cluster.run("delete", "networkpolicy", "deny")


@contextmanager
def forwarded() -> Iterator[str]:
    """A local address that kubectl forwards to a pod: no policy admits this machine."""
    port = free_port("127.0.0.1")
    command = ["kubectl", "--namespace", NAMESPACE, "port-forward", "deployment/backstage"]
    process = subprocess.Popen([*command, f"{port}:7007"], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert "Forwarding from" in process.stdout.readline()
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.communicate(timeout=30)


def test_from_outside_behind_tls(
    portal: Portal, stack: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    authority = pytest.importorskip("trustme", reason="needs requirements-cluster.txt").CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("NODE_EXTRA_CA_CERTS", str(tmp_path / "ca.pem"))
    certificate = authority.issue_cert("localhost")
    with forwarded() as target, https_edge("localhost", target, certificate) as port:
        code = main([*stack, "--url", f"https://localhost:{port}"])
    found = states(capsys.readouterr().out)
    # The portal's own address is http://localhost:7007, where its sign-in leads back.
    assert code == 1
    assert found == dict.fromkeys((*CHECKS, "certificate", "without TLS"), "ok") | {
        "database TLS": "not checked", "sign-in github": "missing",
    }  # fmt: skip


def _selector() -> str:
    return ",".join(f"{key}={value}" for key, value in SELECTOR.items())


def test_another_token(
    portal: Portal, stack: list[str], monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setenv("SMOKE_TOKEN", "of-nobody")
    assert main([*stack, "--in-cluster"]) == 1
    printed = capsys.readouterr().out
    assert [each for each, state in states(printed).items() if state == "missing"] == [
        "catalog, token"
    ]
    assert "answers 401 to the token" in printed
    assert "of-nobody" not in printed


def test_the_database_is_asked_from_a_job(portal: Portal, file: Path) -> None:
    """That of the local stack speaks no TLS; its policy may not let the Job in."""
    settings = settings_of(read_stack(ROOT, "local", file))
    given = expected(settings, "local", URL, service_url(NAMESPACE, 7007))
    deployment = json.loads(
        portal.cluster.run("get", "deployment", "backstage", "--output", "json")
    )
    job = SmokeJob(portal.cluster, deployment, replace(given, database_port=5432), SCRIPTS, TOKEN)
    found = dict(read(job.run()))["database TLS"]
    assert found.state == "missing"
    assert found.text in (
        f"postgres.{NAMESPACE}.svc speaks no TLS",
        "no answer within 10 s",
        "ECONNREFUSED",
    )


def test_the_deployers_role_is_enough(portal: Portal, file: Path) -> None:
    """Also to read what the Job found, without a right to logs."""
    group = "backstage-local-deployer"
    plan = changed("local", {**CHANGES, "namespace": NAMESPACE}).recording
    roles = [each for each in kubernetes_roles(plan, group, group) if "Cluster" not in each["kind"]]
    portal.cluster.apply(roles)
    deployer = Cluster(NAMESPACE, ["--as", "deployer", "--as-group", group])
    with pytest.raises(RuntimeError, match="Forbidden"):
        deployer.run("logs", "deployment/backstage")
    settings = settings_of(read_stack(ROOT, "local", file))
    given = expected(settings, "local", URL, service_url(NAMESPACE, 7007))
    deployment = json.loads(deployer.run("get", "deployment", "backstage", "--output", "json"))
    found = dict(read(SmokeJob(deployer, deployment, given, SCRIPTS, TOKEN).run()))
    assert {each.state for each in found.values()} == {"ok", "not checked"}


def test_another_image(
    portal: Portal, stack: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    portal.cluster.run("set", "image", "deployment/backstage", f"backstage={IMAGES[1]}")
    portal.wait_settled()
    try:
        assert main([*stack, "--in-cluster"]) == 1
        printed = capsys.readouterr().out
        assert f"pods run {IMAGES[1]}; the stack has {IMAGES[0]}" in printed
        found = states(printed)
        assert [each for each, state in found.items() if state == "missing"] == ["deployed version"]
    finally:
        portal.cluster.run("set", "image", "deployment/backstage", f"backstage={IMAGES[0]}")
        portal.wait_settled()


def test_no_pod(portal: Portal, stack: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """The last test: it leaves no portal."""
    portal.cluster.run("delete", "hpa", "--all")
    portal.cluster.run("scale", "deployment/backstage", "--replicas=0")
    portal.cluster.until(
        lambda: not portal.cluster.get("pods", "--selector", _selector()), 180, "no pod is left"
    )
    assert main([*stack, "--in-cluster"]) == 1
    printed = capsys.readouterr().out
    assert states(printed)["connection"] == "missing"
    assert "no pod is ready" in printed

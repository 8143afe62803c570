"""The Secrets Store CSI driver with AWS's provider, as programs of the cluster's node."""

from __future__ import annotations

import base64
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from components.portal.secret_provider_classes import DRIVER
from tests.processes import local_address, running
from tools.container.http_stub import StubHandler, serving
from tools.kubectl import Cluster, Manifest

PROGRAMS = (
    "secrets-store-csi",
    "secrets-store-csi-driver-provider-aws",
    "csi-node-driver-registrar",
)
KUBELET = Path(os.environ.get("KUBELET_DIR", "/var/lib/kubelet"))
PLUGINS = KUBELET / "plugins_registry"
KINDS = ("secretproviderclasses", "secretproviderclasspodstatuses")
# The provider is made to run in a pod: it knows no other place of its token.
TOKEN = Path("/var/run/secrets/kubernetes.io/serviceaccount")
AGENT, AUDIENCE = "169.254.170.23", "pods.eks.amazonaws.com"  # EKS User Guide, "EKS Pod Identities"
PROVIDER = "backstage-test-csi-provider"  # its service account
# As the driver's chart has it.
CSI_DRIVER: Manifest = {
    "apiVersion": "storage.k8s.io/v1",
    "kind": "CSIDriver",
    "metadata": {"name": DRIVER},
    "spec": {
        "podInfoOnMount": True,
        "attachRequired": False,
        "volumeLifecycleModes": ["Ephemeral"],
    },
}
SYSTEM = Cluster("kube-system")


def skip_without_driver() -> None:
    """Skips the test where the driver can't run."""
    for program in PROGRAMS:
        if shutil.which(program) is None:
            pytest.skip(f"no {program} on PATH; its image has it")
    if os.geteuid() or not PLUGINS.is_dir():
        pytest.skip(f"needs root and a kubelet in {KUBELET}; KUBELET_DIR sets another directory")
    if TOKEN.exists():
        pytest.skip(f"{TOKEN} exists: this is a pod")
    for kind in KINDS:
        crd = f"{kind}.secrets-store.csi.x-k8s.io"
        if not SYSTEM.run("get", "crd", crd, "--ignore-not-found"):
            pytest.skip(f"the cluster has no {crd}")


@contextmanager
def _in_pod() -> Iterator[dict[str, str]]:
    """What a pod of a service account that may do everything has: files, and variables."""
    SYSTEM.run("create", "serviceaccount", PROVIDER)
    account = f"--serviceaccount={SYSTEM.namespace}:{PROVIDER}"
    SYSTEM.run("create", "clusterrolebinding", PROVIDER, "--clusterrole=cluster-admin", account)
    own = [each for each in (TOKEN, *TOKEN.parents) if not each.exists()][-1]
    TOKEN.mkdir(parents=True)
    try:
        shown = SYSTEM.run("config", "view", "--minify", "--raw", "--output", "json")
        cluster = json.loads(shown)["clusters"][0]["cluster"]
        server = urlsplit(cluster["server"])
        (TOKEN / "ca.crt").write_bytes(base64.b64decode(cluster["certificate-authority-data"]))
        (TOKEN / "token").write_text(SYSTEM.run("create", "token", PROVIDER, "--duration=2h"))
        yield {
            "KUBERNETES_SERVICE_HOST": str(server.hostname),
            "KUBERNETES_SERVICE_PORT": str(server.port or 443),
        }
    finally:
        shutil.rmtree(own)
        SYSTEM.run("delete", "clusterrolebinding", PROVIDER)
        SYSTEM.run("delete", "serviceaccount", PROVIDER)


@contextmanager
def secrets_store(aws: str, folder: Path) -> Iterator[None]:
    """Runs the driver, with rotation and copies, until the context exits. aws: URL of its API."""
    providers, socket = folder / "providers", folder / "csi.sock"
    providers.mkdir()
    [found] = SYSTEM.get("nodes")
    node, (driver, provider, registrar) = found["metadata"]["name"], PROGRAMS
    to_provider = f"--provider-volume={providers}"
    SYSTEM.apply([CSI_DRIVER])
    with ExitStack() as stack:
        stack.callback(SYSTEM.run, "delete", "csidriver", DRIVER)
        in_pod = stack.enter_context(_in_pod()) | {"AWS_ENDPOINT_URL": aws}
        stack.enter_context(running([provider, to_provider], folder / "provider.log", in_pod))
        command = [
            *(driver, f"--endpoint=unix://{socket}", f"--nodeid={node}", to_provider),
            *("--metrics-addr=127.0.0.1:0", "--enable-secret-rotation"),
            "--rotation-poll-interval=2s",
        ]
        stack.enter_context(running(command, folder / "driver.log"))
        SYSTEM.until(socket.exists, 60, "the driver listens")
        command = [
            *(registrar, f"--csi-address={socket}", f"--kubelet-registration-path={socket}"),
            f"--plugin-registration-path={PLUGINS}",
        ]
        stack.enter_context(running(command, folder / "registrar.log"))
        drivers = ("get", "csinode", node, "--output", "jsonpath={.spec.drivers[*].name}")
        SYSTEM.until(lambda: DRIVER in SYSTEM.run(*drivers), 60, "the kubelet knows the driver")
        yield


@contextmanager
def pod_identity_agent(sts: Any, roles: Mapping[tuple[str, str], str]) -> Iterator[list[str]]:
    """EKS's agent: hands out credentials of a role to pods of a service account.

    roles: ARNs by namespace and service account. Yields the roles, one for each answer.
    """
    issued: list[str] = []

    class Agent(StubHandler):
        def do_GET(self) -> None:
            role = roles.get(_account(str(self.headers["Authorization"])))
            if role is None:
                self.send_json({"message": "no such association"}, 404)
                return
            issued.append(role)
            given = sts.assume_role(RoleArn=role, RoleSessionName="pod")["Credentials"]
            self.send_json(
                {
                    "AccessKeyId": given["AccessKeyId"],
                    "SecretAccessKey": given["SecretAccessKey"],
                    "Token": given["SessionToken"],
                    "Expiration": given["Expiration"].strftime("%Y-%m-%dT%H:%M:%SZ"),
                }
            )

    with local_address(AGENT), serving(Agent, AGENT, 80):
        yield issued


def _account(token: str) -> tuple[str, str]:
    """Namespace and service account in a pod's token, unverified; empty for another audience."""
    payload = token.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    if claims["aud"] != [AUDIENCE] or "pod" not in claims["kubernetes.io"]:
        return "", ""
    _, _, namespace, name = claims["sub"].split(":")
    return namespace, name

"""Runs the AWS Load Balancer Controller against the stand-in."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import urlopen

from tools.alb.aws import CREDENTIALS, Aws, free_port
from tools.alb.webhooks import NAME, configurations
from tools.kubectl import Cluster, Manifest

BINARY = "AWS_LOAD_BALANCER_CONTROLLER"
"""Environment variable: path of the controller's executable, to run it outside the cluster."""
CRDS = "AWS_LOAD_BALANCER_CONTROLLER_CRDS"
"""Environment variable: a file or folder with its CRDs, such as the chart's folder `crds`; required
if the cluster doesn't have them."""
NEEDS = (
    f"needs the AWS Load Balancer Controller: set {BINARY} to its executable and {CRDS} to the "
    "folder crds of its chart, or install the chart in the cluster's kube-system"
)
INGRESS_CLASS: Manifest = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "IngressClass",
    "metadata": {"name": "alb"},
    "spec": {"controller": "ingress.k8s.aws/alb"},
}
_DEPLOYMENT = "aws-load-balancer-controller"
_START_SECONDS = 60
# As the AWS SDK for Go names the services.
_SERVICES = (
    "EC2", "Elastic Load Balancing v2", "ACM", "STS", "WAFV2", "WAF Regional", "Shield",
    "Resource Groups Tagging API", "Global Accelerator", "Route 53",
)  # fmt: skip


def address_for_pods() -> str:
    """This machine's address on its route to the cluster's first node.

    Raises RuntimeError if kubectl can't reach a cluster.
    """
    nodes = Cluster("default").get("nodes")
    addresses = {each["type"]: each["address"] for each in nodes[0]["status"]["addresses"]}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((addresses["InternalIP"], 9))  # sends nothing, but selects the route
        address: str = probe.getsockname()[0]
        return address


class ControllerMissing(RuntimeError):
    """No executable and no Deployment of the controller, or no CRDs."""


@contextmanager
def controller(aws: Aws, address: str, log: Path) -> Iterator[None]:
    """Points the current cluster's controller at an account.

    If `BINARY` is set, applies CRDs and IngressClass and runs the controller as a process; stops it
    and deletes its webhooks when the context exits. Otherwise patches the chart's Deployment in
    kube-system, permanently.

    address: of this machine, reachable from the API server. log: file for the process's output.
    Raises ControllerMissing; RuntimeError if it doesn't start or another run's is active.
    """
    cluster = Cluster("kube-system")
    binary = os.environ.get(BINARY)
    if binary:
        if not os.access(binary, os.X_OK):
            raise ControllerMissing(f"{BINARY}={binary} is not executable")
        with _process(binary, aws, address, cluster, log):
            yield
    else:
        _point(cluster, aws)
        yield


def _arguments(aws: Aws) -> list[str]:
    endpoints = ",".join(f"{service}={aws.url}" for service in _SERVICES)
    return [
        f"--cluster-name={aws.cluster}",
        f"--aws-region={aws.region}",
        f"--aws-vpc-id={aws.vpc_id}",
        f"--aws-api-endpoints={endpoints}",
        # moto doesn't implement these.
        "--enable-shield=false",
        "--enable-waf=false",
        "--enable-wafv2=false",
    ]


@contextmanager
def _process(binary: str, aws: Aws, address: str, cluster: Cluster, log: Path) -> Iterator[None]:
    import trustme

    _require_exclusive(cluster)
    _apply_definitions(cluster)
    authority = trustme.CA()
    health, webhooks = free_port("127.0.0.1"), free_port(address)
    with tempfile.TemporaryDirectory() as folder, log.open("wb") as output:
        issued = authority.issue_cert(address)
        issued.private_key_pem.write_to_path(f"{folder}/tls.key")
        issued.cert_chain_pems[0].write_to_path(f"{folder}/tls.crt")
        kubeconfig = os.environ.get("KUBECONFIG", str(Path.home() / ".kube/config"))
        process = subprocess.Popen(  # noqa: S603, the executable that the user chose
            [
                binary,
                *_arguments(aws),
                f"--kubeconfig={kubeconfig}",
                f"--webhook-cert-dir={folder}",
                "--webhook-cert-file=tls.crt",
                "--webhook-key-file=tls.key",
                f"--webhook-bind-port={webhooks}",
                f"--health-probe-bind-addr=127.0.0.1:{health}",
                "--metrics-bind-addr=0",
                "--enable-leader-election=false",
            ],
            env={**os.environ, **CREDENTIALS},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            _wait(process, health, (address, webhooks), log)
            cluster.apply(
                configurations(f"https://{address}:{webhooks}", authority.cert_pem.bytes())
            )
            yield
        finally:
            # Without a server, they would reject every Ingress in the cluster.
            cluster.run(
                "delete", "mutatingwebhookconfigurations,validatingwebhookconfigurations", NAME,
                "--ignore-not-found", check=False,
            )  # fmt: skip
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _require_exclusive(cluster: Cluster) -> None:
    """Two controllers of one class with different accounts would undo each other's work."""
    named = f"metadata.name={NAME}"
    for found in cluster.get("mutatingwebhookconfigurations", "--field-selector", named):
        server = urlsplit(found["webhooks"][0]["clientConfig"]["url"])
        with (
            contextlib.suppress(OSError),
            socket.create_connection((str(server.hostname), int(server.port or 443)), timeout=2),
        ):
            raise RuntimeError(f"another run's controller, {server.netloc}, serves this cluster")


def _apply_definitions(cluster: Cluster) -> None:
    """Applies CRDs and IngressClass and leaves them: any cluster with the controller has both."""
    if named := os.environ.get(CRDS):
        path = Path(named)
        files = sorted(path.glob("*.yaml")) if path.is_dir() else [path]
        for file in files:
            if file.name != "kustomization.yaml":
                cluster.run("apply", "--server-side", "--force-conflicts", "--filename", str(file))
    elif not _definitions(cluster):
        raise ControllerMissing(f"the cluster lacks the controller's CRDs: set {CRDS}")
    cluster.until(lambda: _established(cluster), 30, "the controller's CRDs are established")
    cluster.apply([INGRESS_CLASS])


def _definitions(cluster: Cluster) -> list[Manifest]:
    name = "targetgroupbindings.elbv2.k8s.aws"
    return cluster.get("crd", "--field-selector", f"metadata.name={name}")


def _established(cluster: Cluster) -> bool:
    """`kubectl wait` fails while a CRD has no condition yet."""
    conditions = [
        condition
        for definition in _definitions(cluster)
        for condition in definition.get("status", {}).get("conditions") or []
    ]
    return any(each["type"] == "Established" and each["status"] == "True" for each in conditions)


def _wait(
    process: subprocess.Popen[bytes], health: int, webhooks: tuple[str, int], log: Path
) -> None:
    end = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < end:
        with contextlib.suppress(OSError):
            url = f"http://127.0.0.1:{health}/healthz"
            with urlopen(url, timeout=2), socket.create_connection(webhooks, timeout=2):
                return
        time.sleep(0.2)
    raise RuntimeError(f"the controller didn't start; last lines of {log}:\n{_end(log)}")


def _end(log: Path) -> str:
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:])


def _point(cluster: Cluster, aws: Aws) -> None:
    """Patches the chart's Deployment and waits for the rollout."""
    found = cluster.get("deployments", "--field-selector", f"metadata.name={_DEPLOYMENT}")
    if not found:
        raise ControllerMissing(NEEDS)
    (container,) = found[0]["spec"]["template"]["spec"]["containers"]
    arguments = _arguments(aws)
    ours = tuple(each.partition("=")[0] for each in arguments)
    kept = [each for each in container.get("args", []) if each.partition("=")[0] not in ours]
    change = {
        "name": container["name"],
        "args": kept + arguments,
        "env": [{"name": key, "value": value} for key, value in CREDENTIALS.items()],
    }
    # One replica: a second would run with the old arguments until it is replaced.
    patch = {"spec": {"replicas": 1, "template": {"spec": {"containers": [change]}}}}
    cluster.run("patch", "deployment", _DEPLOYMENT, "--patch", json.dumps(patch))
    cluster.run("rollout", "status", f"deployment/{_DEPLOYMENT}", "--timeout=180s")

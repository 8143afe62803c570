"""`make doctor` on a real cluster: one thing there, then missing; its line, its command."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.site import IMAGES
from tests.settings.stack import IN_CLUSTER, LOCAL, STORES, loaded
from tools.doctor.objects import CONTROLLER, Objects
from tools.doctor.reader import Reader
from tools.findings import Finding, run
from tools.kubectl import Cluster, Manifest

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("kubernetes")]

NAMESPACE = "doctor"
FILLED = {"name": "filled", "keys": {"JIRA_TOKEN": "jira", "OTHER_TOKEN": "other"}}
SOURCES = [
    {"secretsManager": "backstage/jira", "as": "JIRA_TOKEN"},
    {"parameter": "/backstage/token", "as": "TOKEN"},
]
SYSTEM = Cluster("kube-system")
DRIVER = "driver external-secrets"
ESO = ("external-secrets.io", "v1")


@pytest.fixture(scope="module")
def cluster(kubernetes: None) -> Iterator[Cluster]:
    found = Cluster(NAMESPACE)
    found.new_namespace()
    yield found
    found.delete_namespace()


def findings(
    changes: Mapping[str, object], options: Sequence[str] = (), **given: Any
) -> dict[str, Finding]:
    """What the doctor finds, by check."""
    settings = loaded({"namespace": NAMESPACE, **changes})[0]
    objects = Objects("prod", settings, Reader(Cluster(NAMESPACE, options)), **given)
    return {"cluster": objects.reachable(), **dict(run([*objects.checks(), *objects.policies()]))}


@contextmanager
def applied(cluster: Cluster, *objects: Manifest) -> Iterator[None]:
    """Creates objects, and deletes them in the end."""
    if not objects:
        yield
        return
    cluster.apply(objects)
    try:
        yield
    finally:
        stdin = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})
        cluster.run("delete", "--filename", "-", "--ignore-not-found", "--wait", stdin=stdin)


def manifest(api: str, kind: str, name: str, **content: Any) -> Manifest:
    metadata = {"name": name, **content.pop("metadata", {})}
    return {"apiVersion": api, "kind": kind, "metadata": metadata, **content}


def resource(group: str, version: str, kind: str, plural: str, scope: str) -> Manifest:
    """A CustomResourceDefinition whose objects may have any content."""
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    return manifest(
        "apiextensions.k8s.io/v1", "CustomResourceDefinition", f"{plural}.{group}",
        metadata={"annotations": {"api-approved.kubernetes.io": "unapproved, for a test"}},
        spec={
            "group": group, "scope": scope,
            "names": {"kind": kind, "plural": plural, "singular": kind.lower()},
            "versions": [
                {"name": version, "served": True, "storage": True,
                 "schema": {"openAPIV3Schema": schema}, "subresources": {"status": {}}}
            ],
        },
    )  # fmt: skip


def wait_for(cluster: Cluster, *definitions: Manifest) -> None:
    """Waits until the API server knows them, and kubectl would find them."""
    for each in definitions:
        cluster.run(
            "wait", "crd", each["metadata"]["name"], "--for=condition=Established", "--timeout=30s"
        )


def workload(kind: str, name: str, namespace: str, **pod: Any) -> Manifest:
    """A Deployment or DaemonSet of the portal's image that does nothing."""
    labels = {"app.kubernetes.io/name": name}
    container = {"name": "main", "image": IMAGES[0], "command": ["sleep", "infinity"]}
    spec = {
        "terminationGracePeriodSeconds": 0,
        "containers": [container | pod.pop("container", {})],
    }
    return manifest(
        "apps/v1", kind, name,
        metadata={"namespace": namespace, "labels": labels},
        spec={
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": spec | pod},
        },
    )  # fmt: skip


def is_missing(found: Finding, text: str, fix: str) -> None:
    assert found.state == "missing"
    assert text in found.text
    assert fix in found.fix


def test_cluster_answers(cluster: Cluster) -> None:
    found = findings(LOCAL)
    assert found["cluster"].state == "ok"
    assert found["rights in the cluster"].text == f"deployments in {NAMESPACE}"


def test_nobody_listens(cluster: Cluster) -> None:
    found = findings(LOCAL, ["--server", "https://127.0.0.1:1"], unreachable=("start it",))
    is_missing(found["cluster"], "connection to the server 127.0.0.1:1 was refused", "start it")


def test_the_api_server_knows_nobody(cluster: Cluster, tmp_path: Path) -> None:
    """As an EKS cluster answers an identity without an access entry."""
    config = json.loads(cluster.run("config", "view", "--raw", "--minify", "--output", "json"))
    config["users"][0]["user"] = {"token": "of-nobody"}
    file = tmp_path / "kubeconfig"
    file.write_text(json.dumps(config))
    found = findings({}, ["--kubeconfig", str(file)])
    is_missing(found["cluster"], "doesn't know this identity", "the access entry above")


def test_an_identity_without_rights(cluster: Cluster) -> None:
    found = findings({"createNamespace": False}, ["--as", f"system:serviceaccount:{NAMESPACE}:x"])
    is_missing(
        found["rights in the cluster"], f"may not create deployments in {NAMESPACE}",
        "make deployer STACK=prod && kubectl apply --filename deployer/prod/kubernetes.yaml",
    )  # fmt: skip
    for check in ("namespace", "controller", "IngressClass", "NetworkPolicies"):
        assert found[check].state == "not checked"
        assert "(Forbidden)" in found[check].text


def test_no_namespace(cluster: Cluster) -> None:
    assert findings({"createNamespace": False})["namespace"].state == "ok"
    absent = {"createNamespace": False, "namespace": "doctor-absent"}
    is_missing(
        findings(absent)["namespace"], "no doctor-absent", "kubectl create namespace doctor-absent"
    )


def test_no_controller(cluster: Cluster) -> None:
    found = findings({})["controller"]
    is_missing(found, f"has no {CONTROLLER}", "installLoadBalancerController true")
    runs = workload("Deployment", CONTROLLER, NAMESPACE)
    with applied(cluster, runs):
        cluster.run("rollout", "status", f"deployment/{CONTROLLER}", "--timeout=60s")
        assert findings({})["controller"] == Finding("ok", f"{NAMESPACE}/{CONTROLLER}")
        cluster.run("scale", f"deployment/{CONTROLLER}", "--replicas=0")
        cluster.until(lambda: findings({})["controller"].state != "ok", 30, "it is gone")
        is_missing(
            findings({})["controller"], "has no pod that runs",
            f"kubectl describe deployment --namespace {NAMESPACE} {CONTROLLER}",
        )  # fmt: skip


def test_no_ingress_class(cluster: Cluster) -> None:
    changes = {**LOCAL, "ingressClassName": "doctor"}
    made = manifest("networking.k8s.io/v1", "IngressClass", "doctor-other",
                    spec={"controller": "example.com/ingress"})  # fmt: skip
    with applied(cluster, made):
        found = findings(changes)["IngressClass"]
        is_missing(found, "there is no doctor; the cluster has", "ingressClassName NAME")
        assert "doctor-other" in found.text
        other = findings({**LOCAL, "ingressClassName": "doctor-other"})["IngressClass"]
    assert other == Finding("ok", "doctor-other, of example.com/ingress")


def test_no_metrics_server(cluster: Cluster) -> None:
    changes = {"replicas": 2, "maxReplicas": 3}
    add = "aws eks create-addon --cluster-name platform --addon-name metrics-server"
    is_missing(findings(changes)["metrics server"], "nobody serves metrics.k8s.io/v1beta1", add)
    dead = manifest(
        "apiregistration.k8s.io/v1", "APIService", "v1beta1.metrics.k8s.io",
        spec={"group": "metrics.k8s.io", "version": "v1beta1", "insecureSkipTLSVerify": True,
              "groupPriorityMinimum": 100, "versionPriority": 100,
              "service": {"name": "absent", "namespace": NAMESPACE}},
    )  # fmt: skip
    with applied(cluster, dead):
        is_missing(findings(changes)["metrics server"], "nobody serves", add)
    served = resource("metrics.k8s.io", "v1beta1", "NodeMetrics", "nodes", "Cluster")
    with applied(cluster, served):
        wait_for(cluster, served)
        assert findings(changes)["metrics server"].state == "ok"


def test_no_network_policies(cluster: Cluster) -> None:
    assert findings({})["NetworkPolicies"].state == "not checked"
    nowhere = {"nodeSelector": {"doctor": "nowhere"}}
    for arguments, state in (([], "missing"), (["--enable-network-policy=true"], "ok")):
        agent = workload("DaemonSet", "aws-node", "kube-system", **nowhere,
                         container={"args": arguments})  # fmt: skip
        with applied(SYSTEM, agent):
            found = findings({})["NetworkPolicies"]
            assert found.state == state
            assert bool(found.fix) == (state == "missing")


def test_no_network_policies_in_auto_mode(cluster: Cluster) -> None:
    def found() -> Finding:
        return findings({"loadBalancerController": "auto-mode"}, auto_mode=True)["NetworkPolicies"]

    is_missing(found(), "is off", "--from-literal enable-network-policy-controller=true")
    on = manifest("v1", "ConfigMap", "amazon-vpc-cni", metadata={"namespace": "kube-system"},
                  data={"enable-network-policy-controller": "true"})  # fmt: skip
    with applied(SYSTEM, on):
        assert found().state == "ok"


def test_no_storage_class(cluster: Cluster) -> None:
    others = cluster.run("get", "storageclasses", "--output", "name").split()
    if others:
        pytest.skip("the cluster has a StorageClass")
    assert "StorageClass" not in findings({**LOCAL, "databaseStorageSize": "ephemeral"})
    is_missing(findings(LOCAL)["StorageClass"], "no default one; the cluster has none", "ephemeral")
    default = {"annotations": {"storageclass.kubernetes.io/is-default-class": "true"}}
    made = manifest("storage.k8s.io/v1", "StorageClass", "doctor", provisioner="example.com/none")
    with applied(cluster, made):
        found = findings(IN_CLUSTER)["StorageClass"]
        is_missing(found, "no default one; the cluster has doctor", "databaseStorageClass NAME")
        named = {**IN_CLUSTER, "databaseStorageClass": "doctor"}
        assert findings(named)["StorageClass"] == Finding("ok", "doctor")
        another = {**IN_CLUSTER, "databaseStorageClass": "gp3"}
        is_missing(findings(another)["StorageClass"], "there is no gp3", "databaseStorageClass")
        cluster.apply([{**made, "metadata": made["metadata"] | default}])
        assert findings(IN_CLUSTER)["StorageClass"] == Finding("ok", "doctor")


@pytest.mark.parametrize("driver", ["external-secrets", "csi"])
def test_no_driver_of_secrets(driver: str, cluster: Cluster) -> None:
    changes = {"secretsFrom": SOURCES[:1], "secretsDriver": driver, **STORES}
    if driver == "csi":
        changes = {key: value for key, value in changes.items() if key not in STORES}
    group = {"external-secrets": ESO[0], "csi": "secrets-store.csi.x-k8s.io"}[driver]
    if f"{group}/" in cluster.run("api-versions"):
        pytest.skip(f"the cluster serves {group}")
    is_missing(findings(changes)[f"driver {driver}"], f"nobody serves {group}/v1", "install the")


def test_no_store_of_secrets(cluster: Cluster) -> None:
    """Without the operator, whose place the test takes, or beside it."""
    definitions = [
        resource(*ESO, "ClusterSecretStore", "clustersecretstores", "Cluster"),
        resource(*ESO, "SecretStore", "secretstores", "Namespaced"),
    ]
    if f"{ESO[0]}/" in cluster.run("api-versions"):
        definitions = []
    names = {"secretStore": {"name": "doctor-aws"},
             "parameterStore": {"name": "doctor-parameters", "kind": "SecretStore"}}  # fmt: skip
    stores = [
        manifest("/".join(ESO), kind, name, metadata=place,
                 spec={"provider": {"fake": {"data": []}}})
        for kind, name, place in (
            ("ClusterSecretStore", "doctor-aws", {}),
            ("SecretStore", "doctor-parameters", {"namespace": NAMESPACE}),
        )
    ]  # fmt: skip

    def found() -> Finding:
        return findings({"secretsFrom": SOURCES, **names})[DRIVER]

    def report(store: Manifest, ready: str) -> None:
        status = {"status": {"conditions": [{"type": "Ready", "status": ready}]}}
        kind, name = f"{store['kind']}.{ESO[0]}".lower(), store["metadata"]["name"]
        cluster.run("patch", kind, name, "--subresource=status", "--type=merge",
                    "--patch", json.dumps(status))  # fmt: skip

    with applied(cluster, *definitions):
        wait_for(cluster, *definitions)
        is_missing(found(), "there is no ClusterSecretStore doctor-aws", "create it")
        with applied(cluster, stores[0]):
            is_missing(found(), "there is no SecretStore doctor-parameters", "create it")
            report(stores[0], "True")
            with applied(cluster, stores[1]):
                report(stores[1], "False")
                is_missing(found(), "SecretStore doctor-parameters isn't ready",
                           "kubectl describe secretstore doctor-parameters")  # fmt: skip
                report(stores[1], "True")
                assert found().state == "ok"


def test_no_secret_of_the_namespace(cluster: Cluster) -> None:
    changes: dict[str, object] = {"existingSecret": FILLED, "imagePullSecret": "pull"}
    found = findings(changes)
    is_missing(found["Secret filled"], f"{NAMESPACE} has no Secret filled",
               f"kubectl create secret generic --namespace {NAMESPACE} filled "
               "--from-file jira=FILE --from-file other=FILE")  # fmt: skip
    is_missing(found["pull secret"], f"{NAMESPACE} has no Secret pull",
               "--docker-server images.example.com")  # fmt: skip
    place = {"namespace": NAMESPACE}
    filled = manifest("v1", "Secret", "filled", metadata=place, stringData={"jira": "hunter2"})
    pull = manifest("v1", "Secret", "pull", metadata=place, stringData={"x": "hunter2"})
    with applied(cluster, filled, pull):
        found = findings(changes)
        is_missing(found["Secret filled"], "has no other in it", "--from-file other=FILE")
        assert found["pull secret"].state == "ok"
        cluster.apply([{**filled, "stringData": {"jira": "hunter2", "other": "hunter2"}}])
        found = findings(changes)
    assert found["Secret filled"].state == "ok"
    assert "hunter2" not in str(found)


def test_no_image_on_a_node(cluster: Cluster) -> None:
    repository, _, tag = IMAGES[0].rpartition(":")
    here = {**LOCAL, "imageRepository": repository, "imageTag": tag}
    assert findings(here)["image"].state == "ok"
    is_missing(findings({**here, "imageTag": "absent"})["image"],
               f"no node has {repository}:absent", "kind load docker-image")  # fmt: skip

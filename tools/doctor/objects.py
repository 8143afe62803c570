"""What the Kubernetes cluster needs, as kubectl sees it with the stack's own kubeconfig."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from settings.keys import IngressSettings
from settings.model import Settings
from tools.doctor.network_policies import Enforcement
from tools.doctor.reader import FORBIDDEN, NOT_FOUND, UNAVAILABLE, Reader
from tools.doctor.secret_objects import SecretObjects
from tools.findings import Check, Finding, Unanswered, missing, ok
from tools.local import images_of, load_image

CONTROLLER = "aws-load-balancer-controller"
_METRICS = "metrics.k8s.io/v1beta1"


@dataclass(frozen=True)
class Objects:
    """The cluster's objects. reader: in the stack's namespace. stack: its name, for commands."""

    stack: str
    settings: Settings
    reader: Reader
    auto_mode: bool = False
    policies_by_addon: Callable[[], Finding | None] = lambda: None
    """Whether an add-on enforces NetworkPolicies; None: no add-on would."""
    unreachable: tuple[str, ...] = ()
    """What to do if the API server doesn't answer, a way each."""

    def reachable(self) -> Finding:
        """Whether the API server answers this identity."""
        try:
            version = json.loads(self.reader.run("get", "--raw", "/version"))["gitVersion"]
            self.reader.run("get", "--raw", "/api")  # refused to whoever isn't known
        except Unanswered as error:
            if "Unauthorized" in str(error) or "provide credentials" in str(error):
                text = f"the API server doesn't know this identity ({error})"
                return missing(
                    text, *(["the access entry above"] if self._eks else self.unreachable)
                )
            return missing(str(error), *self.unreachable)
        return ok(version)

    @property
    def _eks(self) -> bool:
        return self.settings.target == "eks"

    def checks(self) -> Iterator[Check]:
        """Those that the stack's keys need."""
        s = self.settings
        yield Check("rights in the cluster", self._rights)
        if not s.create_namespace:
            yield Check("namespace", self._namespace)
        if self._eks and s.ingress.controller != "auto-mode" and not s.ingress.install_controller:
            yield Check("controller", self._controller)
        if not self._eks and not s.image.app:
            yield Check("image", self._image)
        if self._ingress_class_exists(s.ingress):
            yield Check("IngressClass", self._ingress_class)
        if s.portal.autoscaled:
            yield Check("metrics server", self._metrics)
        if s.database_kind == "in-cluster" and s.database.storage_size != "ephemeral":
            yield Check("StorageClass", self._storage_class)
        yield from SecretObjects(s, self.reader).checks()

    def policies(self) -> Iterator[Check]:
        """Whether NetworkPolicies are enforced, which AWS may know without the API server."""
        if self._eks and self.settings.portal.network_policy:
            enforcement = Enforcement(self.reader, self.auto_mode, self.policies_by_addon)
            yield Check("NetworkPolicies", enforcement.find)

    def _ingress_class_exists(self, ingress: IngressSettings) -> bool:
        """Whether somebody else creates the IngressClass."""
        if not self._eks:
            return bool(ingress.given_class_name)
        return ingress.controller != "auto-mode" and not ingress.install_controller

    def _rights(self) -> Finding:
        # Of what every stack creates; prints no, and exits with 1, if it may not.
        answer = self.reader.kubectl.run("auth", "can-i", "create", "deployments.apps", check=False)
        if answer.strip() == "yes":
            return ok(f"deployments in {self.settings.namespace}")
        if answer.strip() != "no":
            raise Unanswered("the API server doesn't answer reviews of rights")
        return missing(
            f"this identity may not create deployments in {self.settings.namespace}",
            f"make deployer STACK={self.stack} && "
            f"kubectl apply --filename deployer/{self.stack}/kubernetes.yaml",
        )

    def _namespace(self) -> Finding:
        name = self.settings.namespace
        if self.reader.get("namespace", name):
            return ok(f"{name} exists")
        return missing(f"createNamespace is false, and there is no {name}",
                       f"kubectl create namespace {name}")  # fmt: skip

    def _controller(self) -> Finding:
        selector = f"app.kubernetes.io/name={CONTROLLER}"
        deployments = self.reader.items("deployments", "--all-namespaces", "--selector", selector)
        install = (
            f"pulumi config set --stack {self.stack} loadBalancerController pod-identity && "
            f"pulumi config set --stack {self.stack} installLoadBalancerController true"
        )
        if not deployments:
            return missing(f"the cluster has no {CONTROLLER}", install)
        [found, *_] = deployments
        where = f"{found['metadata']['namespace']}/{found['metadata']['name']}"
        if not found["status"].get("availableReplicas"):
            namespace, name = where.split("/")
            describe = f"kubectl describe deployment --namespace {namespace} {name}"
            return missing(f"{where} has no pod that runs", describe)
        return ok(where)

    def _image(self) -> Finding:
        image = self.settings.image
        if "/" in str(image.repository) or image.digest:
            raise Unanswered(f"{image.repository} is pulled: only nodes know if they can")
        name = f"{image.repository}:{image.tag}"
        nodes = self.reader.items("nodes")
        if any(name in images_of(node) for node in nodes):
            return ok(f"{name} is on a node")
        return missing(f"no node has {name}", *load_image(name))

    def _ingress_class(self) -> Finding:
        name = self.settings.ingress.class_name
        found = self.reader.get("ingressclass", name)
        if found:
            return ok(f"{name}, of {found['spec']['controller']}")
        others = self.reader.run("get", "ingressclasses", "--output", "name").split()
        known = ", ".join(each.rpartition("/")[2] for each in others) or "none"
        choose = f"pulumi config set --stack {self.stack} ingressClassName NAME"
        return missing(f"there is no {name}; the cluster has {known}", choose)

    def _metrics(self) -> Finding:
        try:
            self.reader.run("get", "--raw", f"/apis/{_METRICS}/nodes?limit=1")
        except Unanswered as error:
            if FORBIDDEN in str(error):
                return ok(f"{_METRICS} is served")
            if NOT_FOUND not in str(error) and UNAVAILABLE not in str(error):
                raise
            add = f"aws eks create-addon --cluster-name {self.settings.cluster_name} "
            return missing(
                f"maxReplicas is above replicas, and nobody serves {_METRICS}",
                f"{add}--addon-name metrics-server" if self._eks else "install metrics-server",
            )
        return ok(f"{_METRICS} is served")

    def _storage_class(self) -> Finding:
        name = self.settings.database.storage_class
        listed = self.reader.items("storageclasses")
        default = "storageclass.kubernetes.io/is-default-class"
        found = [
            each["metadata"]["name"]
            for each in listed
            if each["metadata"]["name"] == name
            or (not name and each["metadata"].get("annotations", {}).get(default) == "true")
        ]
        if found:
            return ok(found[0])
        set_key = f"pulumi config set --stack {self.stack}"
        ways = [f"{set_key} databaseStorageClass NAME"]
        if not listed:
            ways = [f"{set_key} databaseStorageSize ephemeral", "install a provisioner"]
        known = ", ".join(each["metadata"]["name"] for each in listed) or "none"
        return missing(f"there is no {name or 'default one'}; the cluster has {known}", *ways)

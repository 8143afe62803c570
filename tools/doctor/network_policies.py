"""Whether a cluster enforces NetworkPolicies."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tools.doctor.reader import Reader
from tools.findings import Finding, Unanswered, missing, ok


@dataclass(frozen=True)
class Enforcement:
    """By the VPC CNI, or by Auto Mode's own controller."""

    reader: Reader
    auto_mode: bool
    by_addon: Callable[[], Finding | None]
    """What the CNI's add-on does; None if it isn't installed as one."""

    def find(self) -> Finding:
        """Raises Unanswered for a cluster with another CNI."""
        if self.auto_mode:
            return self._policies_of_auto_mode()
        found = self.by_addon()
        if found:
            return found
        agent = self.reader.get("daemonset", "aws-node", "kube-system")
        if agent is None:
            raise Unanswered("the cluster has no VPC CNI: whether its network enforces them is "
                             "for its own tools to say")  # fmt: skip
        containers = agent["spec"]["template"]["spec"]["containers"]
        arguments = [word for each in containers for word in each.get("args", [])]
        if "--enable-network-policy=true" in arguments:
            return ok("aws-node enforces them")
        return missing(
            "the VPC CNI enforces none",
            "helm upgrade --namespace kube-system --reuse-values "
            "--set enableNetworkPolicy=true aws-vpc-cni eks/aws-vpc-cni",
        )

    def _policies_of_auto_mode(self) -> Finding:
        key = "enable-network-policy-controller"
        found = self.reader.get("configmap", "amazon-vpc-cni", "kube-system")
        if found and found.get("data", {}).get(key) == "true":
            return ok("Auto Mode's controller enforces them")
        create = "kubectl --namespace kube-system create configmap amazon-vpc-cni"
        return missing("Auto Mode's controller of NetworkPolicies is off",
                       f"{create} --from-literal {key}=true")  # fmt: skip

"""Add-ons and features of an EKS cluster."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from settings.model import Settings
from tools.doctor.aws import Aws, AwsError
from tools.findings import Check, Finding, missing, ok

AGENT, CNI = "eks-pod-identity-agent", "vpc-cni"
_FIRST_CNI = (1, 14)  # with network policies

Description = dict[str, Any]


def numbers(version: str) -> tuple[int, ...]:
    """Major and minor release in a version."""
    return tuple(map(int, version.removeprefix("v").split("-")[0].split(".")))[:2]


@dataclass(frozen=True)
class Parts:
    """Of the cluster with this description."""

    settings: Settings
    aws: Aws
    description: Description

    @property
    def _name(self) -> str:
        return str(self.description["name"])

    @property
    def auto_mode(self) -> bool:
        """Whether AWS runs its nodes, and what else Auto Mode includes."""
        return bool(self.description.get("computeConfig", {}).get("enabled"))

    @property
    def pods_need_the_agent(self) -> bool:
        """Whether a service account gets its AWS role through EKS Pod Identity."""
        s = self.settings
        portal = s.portal_needs_aws or s.stored_administrator
        return s.ingress.controller == "pod-identity" or (
            portal and s.workload_identity == "pod-identity"
        )

    @property
    def needs_the_issuer(self) -> bool:
        """Whether a service account gets its AWS role through the cluster's OIDC issuer."""
        s = self.settings
        portal = s.portal_needs_aws or s.stored_administrator
        return s.ingress.controller == "irsa" or (portal and s.workload_identity == "irsa")

    def checks(self) -> Iterator[Check]:
        """Those that the stack's keys need."""
        if self.settings.ingress.controller == "auto-mode":
            yield Check("EKS Auto Mode", self._auto_mode)
        if self.pods_need_the_agent:
            yield Check("Pod Identity agent", self._agent)
        if self.needs_the_issuer:
            yield Check("OIDC provider", self._issuer)

    def _auto_mode(self) -> Finding:
        network = self.description.get("kubernetesNetworkConfig", {})
        balancing = network.get("elasticLoadBalancing", {}).get("enabled")
        if self.auto_mode and balancing:
            return ok("it runs the load balancers' controller")
        enable = self.aws.command(
            *("eks", "update-cluster-config", "--name", self._name),
            *("--compute-config", "enabled=true"),
            *("--kubernetes-network-config", '{"elasticLoadBalancing":{"enabled":true}}'),
            *("--storage-config", '{"blockStorage":{"enabled":true}}'),
        )
        return missing("loadBalancerController is auto-mode, and it is off", enable)

    def _agent(self) -> Finding:
        if self.auto_mode:
            return ok("part of Auto Mode")
        addon = self.addon(AGENT)
        create = self.aws.command(
            *("eks", "create-addon", "--cluster-name", self._name, "--addon-name", AGENT)
        )
        if addon is None:
            return missing(f"the add-on {AGENT} isn't installed", create)
        if addon["status"] not in ("ACTIVE", "UPDATING"):
            return missing(f"the add-on {AGENT} is {addon['status']}", self._health(AGENT))
        return ok(f"{AGENT} {addon['addonVersion']}")

    def _health(self, addon: str) -> str:
        return self.aws.command(
            *("eks", "describe-addon", "--cluster-name", self._name, "--addon-name", addon),
            *("--query", "addon.health.issues"),
        )

    def _issuer(self) -> Finding:
        issuer = self.description["identity"]["oidc"]["issuer"]
        host = issuer.removeprefix("https://")
        found = self.aws.ask("iam", "list-open-id-connect-providers")
        arns = [each["Arn"] for each in found["OpenIDConnectProviderList"]]
        if any(arn.endswith(f"oidc-provider/{host}") for arn in arns):
            return ok(host)
        create = self.aws.command(
            *("iam", "create-open-id-connect-provider", "--url", issuer),
            *("--client-id-list", "sts.amazonaws.com"),
        )
        return missing(f"IAM has no provider for {host}", create)

    def addon(self, name: str) -> dict[str, Any] | None:
        """An add-on's description; None if it isn't installed as one. Raises AwsError."""
        words = ("describe-addon", "--cluster-name", self._name, "--addon-name", name)
        try:
            found: dict[str, Any] = self.aws.ask("eks", *words)["addon"]
        except AwsError as error:
            if error.code != "ResourceNotFoundException":
                raise
            return None
        return found

    def policies_by_addon(self) -> Finding | None:
        """Whether the VPC CNI's add-on enforces NetworkPolicies; None if it isn't an add-on."""
        addon = self.addon(CNI)
        if addon is None:
            return None
        version = addon["addonVersion"]
        configuration = _configuration(addon.get("configurationValues", ""))
        if str(configuration.get("enableNetworkPolicy", "")).lower() != "true":
            enable = self._update_cni("--configuration-values", '{"enableNetworkPolicy":"true"}')
            return missing(f"{CNI} {version} enforces none", enable)
        if numbers(version) < _FIRST_CNI:
            newest = self._update_cni("--addon-version", "VERSION")
            return missing(f"{CNI} {version} can't enforce them, 1.14 can", newest)
        return ok(f"{CNI} {version} enforces them")

    def _update_cni(self, *options: str) -> str:
        words = ("eks", "update-addon", "--cluster-name", self._name, "--addon-name", CNI)
        return self.aws.command(*words, "--resolve-conflicts", "PRESERVE", *options)


def _configuration(text: str) -> dict[str, Any]:
    """An add-on's values, which AWS returns as they were given: as JSON or as YAML."""
    found = yaml.safe_load(text or "{}")
    return found if isinstance(found, dict) else {}

"""Recorded answers of AWS and the cluster about an ordinary EKS cluster.

Look-ups are matched by token and echo their arguments. Nothing here is real, except for the account
if the stack's configuration names it.
"""

from __future__ import annotations

import base64
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tools.preview.stack_file import StackConfig

ACCOUNT = "123456789012"
# Keys with an ARN of the stack's own account.
_OWNED = ("permissionsBoundaryArn", "certificateArn")
_ACCOUNT = re.compile(r"\b\d{12}\b")
ISSUER_ID = "EXAMPLED539D4633E53DE1B71EXAMPLE"
VPC = "vpc-0a1b2c3d4e5f60718"
SUBNETS = {  # id: (zone, network, public)
    "subnet-0aaaaaaaaaaaaaaa1": ("a", "10.0.0.0/19", False),
    "subnet-0bbbbbbbbbbbbbbb2": ("b", "10.0.32.0/19", False),
    "subnet-0ccccccccccccccc3": ("c", "10.0.64.0/19", False),
    "subnet-0ddddddddddddddd4": ("a", "10.0.96.0/24", True),
    "subnet-0eeeeeeeeeeeeeee5": ("b", "10.0.97.0/24", True),
}
# Of a namespace that is prepared as docs/existing-environment.md says.
_NAMESPACE_LABELS = {
    "pod-security.kubernetes.io/enforce": "restricted",
    "elbv2.k8s.aws/pod-readiness-gate-inject": "enabled",
    "eks.amazonaws.com/pod-readiness-gate-inject": "enabled",
}
CANONICAL_ZONE = "Z35SXDOTRQ7X7K"

Properties = dict[str, Any]


@dataclass(frozen=True)
class Place:
    """A provider's region, and the stack's account."""

    region: str
    account: str = ACCOUNT


def account_of(config: StackConfig) -> str:
    """The account that a stack's configuration names, or the examples'."""
    texts = [config.values.get("aws:allowedAccountIds", "")]
    texts += [config.values.get(f"{config.project}:{key}", "") for key in _OWNED]
    found = (_ACCOUNT.search(text) for text in texts)
    return next((match[0] for match in found if match), ACCOUNT)


class UnansweredError(Exception):
    """A look-up, or a resource to read, for which there is no recorded answer."""


class Answers:
    """Answers the look-ups of one run. Unknown subnets get zones in turn."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._other_subnets: dict[str, int] = {}
        self._by_token: dict[str, Callable[[Properties, Place], Properties]] = {
            "aws:ec2/getSubnet:getSubnet": self._subnet,
            "aws:ec2/getSubnets:getSubnets": _tagged_subnets,
            "aws:ecr/getAuthorizationToken:getAuthorizationToken": _registry_token,
            "aws:eks/getCluster:getCluster": _cluster,
            "aws:iam/getOpenIdConnectProvider:getOpenIdConnectProvider": _identity_provider,
            "aws:lb/getLbs:getLbs": _load_balancers,
            "aws:lb/getTargetGroup:getTargetGroup": _target_group,
            "aws:lb/getHostedZoneId:getHostedZoneId": _load_balancer_zone,
            "aws:route53/getZone:getZone": _zone,
        }

    def look_up(self, token: str, arguments: Properties, place: Place) -> Properties:
        """The answer to a look-up. Raises UnansweredError."""
        if token not in self._by_token:
            raise UnansweredError(
                f"the look-up {token} has no recorded answer; add one to tools/preview/answers.py"
            )
        answer = {"id": token, "region": place.region, **self._by_token[token](arguments, place)}
        return {**answer, **{key: value for key, value in arguments.items() if value is not None}}

    def _subnet(self, arguments: Properties, place: Place) -> Properties:
        subnet = arguments["id"]
        if subnet in SUBNETS:
            zone, network, public = SUBNETS[subnet]
        else:
            with self._lock:
                number = self._other_subnets.setdefault(subnet, len(self._other_subnets))
            zone, network, public = "abc"[number % 3], f"10.0.{128 + number}.0/24", False
        return {
            "availabilityZone": f"{place.region}{zone}",
            "cidrBlock": network,
            "mapPublicIpOnLaunch": public,
            "tags": {_role(public): "1"},
            "vpcId": VPC,
        }


def _role(public: bool) -> str:
    return f"kubernetes.io/role/{'' if public else 'internal-'}elb"


def _cluster(arguments: Properties, place: Place) -> Properties:
    name = arguments["name"]
    certificate = base64.b64encode(b"offline preview: no certificate").decode()
    return {
        "arn": f"arn:aws:eks:{place.region}:{place.account}:cluster/{name}",
        "certificateAuthorities": [{"data": certificate}],
        "endpoint": f"https://{ISSUER_ID}.gr7.{place.region}.eks.amazonaws.com",
        "identities": [
            {"oidcs": [{"issuer": f"https://oidc.eks.{place.region}.amazonaws.com/id/{ISSUER_ID}"}]}
        ],
        "kubernetesNetworkConfigs": [{"ipFamily": "ipv4", "serviceIpv4Cidr": "172.20.0.0/16"}],
        "status": "ACTIVE",
        "version": "1.35",
        "vpcConfig": {
            "clusterSecurityGroupId": "sg-0f1e2d3c4b5a69788",
            "endpointPrivateAccess": True,
            "endpointPublicAccess": False,
            "publicAccessCidrs": [],
            "securityGroupIds": [],
            "subnetIds": list(SUBNETS),
            "vpcId": VPC,
        },
    }


def _tagged_subnets(arguments: Properties, place: Place) -> Properties:
    asked = {each["name"] for each in arguments["filters"]}
    found = [id_ for id_, (_, _, public) in SUBNETS.items() if f"tag:{_role(public)}" in asked]
    return {"ids": found}


def _zone(arguments: Properties, place: Place) -> Properties:
    return {"zoneId": "Z0123456789ABCDEFGHIJ", "privateZone": False}


def _load_balancer_zone(arguments: Properties, place: Place) -> Properties:
    return {"id": CANONICAL_ZONE}


def _load_balancers(arguments: Properties, place: Place) -> Properties:
    resource = "loadbalancer/app/k8s-backstag-backstag-standin/0123456789abcdef"
    return {"arns": [f"arn:aws:elasticloadbalancing:{place.region}:{place.account}:{resource}"]}


def _target_group(arguments: Properties, place: Place) -> Properties:
    resource = "targetgroup/k8s-backstag-backstag-standin/0123456789abcdef"
    return {"arn": f"arn:aws:elasticloadbalancing:{place.region}:{place.account}:{resource}"}


def _identity_provider(arguments: Properties, place: Place) -> Properties:
    issuer = arguments["url"].removeprefix("https://")
    return {"arn": f"arn:aws:iam::{place.account}:oidc-provider/{issuer}"}


def _registry_token(arguments: Properties, place: Place) -> Properties:
    return {
        "userName": "AWS",
        "password": "offline-preview",
        "proxyEndpoint": f"https://{place.account}.dkr.ecr.{place.region}.amazonaws.com",
    }


def existing(type_: str, id_: str) -> Properties:
    """The properties of a resource that exists outside the stack. Raises UnansweredError."""
    if type_ != "kubernetes:core/v1:Namespace":
        raise UnansweredError(
            f"reading {type_} {id_} has no recorded answer; add one to tools/preview/answers.py"
        )
    return {"metadata": {"name": id_, "labels": _NAMESPACE_LABELS}}

"""Recorded answers of AWS about an ordinary EKS cluster, and stand-ins for computed properties.

Look-ups are matched by token and echo their arguments. Nothing here is real: the account is
123456789012, and names that AWS would generate are the logical names.
"""

from __future__ import annotations

import base64
import hashlib
import threading
from collections.abc import Callable
from typing import Any

ACCOUNT = "123456789012"
ISSUER_ID = "EXAMPLED539D4633E53DE1B71EXAMPLE"
VPC = "vpc-0a1b2c3d4e5f60718"
SUBNETS = {  # id: (zone, network, public)
    "subnet-0aaaaaaaaaaaaaaa1": ("a", "10.0.0.0/19", False),
    "subnet-0bbbbbbbbbbbbbbb2": ("b", "10.0.32.0/19", False),
    "subnet-0ccccccccccccccc3": ("c", "10.0.64.0/19", False),
    "subnet-0ddddddddddddddd4": ("a", "10.0.96.0/24", True),
    "subnet-0eeeeeeeeeeeeeee5": ("b", "10.0.97.0/24", True),
}
CANONICAL_ZONE = "Z35SXDOTRQ7X7K"

Properties = dict[str, Any]


class UnansweredError(Exception):
    """A look-up, or a resource to read, for which there is no recorded answer."""


class Answers:
    """Answers the look-ups of one run. Unknown subnets get zones in turn."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._other_subnets: dict[str, int] = {}
        self._by_token: dict[str, Callable[[Properties, str], Properties]] = {
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

    def look_up(self, token: str, arguments: Properties, region: str) -> Properties:
        """The answer to a look-up; region is that of the provider. Raises UnansweredError."""
        if token not in self._by_token:
            raise UnansweredError(
                f"the look-up {token} has no recorded answer; add one to tools/preview/answers.py"
            )
        answer = {"id": token, "region": region, **self._by_token[token](arguments, region)}
        return {**answer, **{key: value for key, value in arguments.items() if value is not None}}

    def _subnet(self, arguments: Properties, region: str) -> Properties:
        subnet = arguments["id"]
        if subnet in SUBNETS:
            zone, network, public = SUBNETS[subnet]
        else:
            with self._lock:
                number = self._other_subnets.setdefault(subnet, len(self._other_subnets))
            zone, network, public = "abc"[number % 3], f"10.0.{128 + number}.0/24", False
        return {
            "availabilityZone": f"{region}{zone}",
            "cidrBlock": network,
            "mapPublicIpOnLaunch": public,
            "tags": {_role(public): "1"},
            "vpcId": VPC,
        }


def _role(public: bool) -> str:
    return f"kubernetes.io/role/{'' if public else 'internal-'}elb"


def _cluster(arguments: Properties, region: str) -> Properties:
    name = arguments["name"]
    certificate = base64.b64encode(b"offline preview: no certificate").decode()
    return {
        "arn": f"arn:aws:eks:{region}:{ACCOUNT}:cluster/{name}",
        "certificateAuthorities": [{"data": certificate}],
        "endpoint": f"https://{ISSUER_ID}.gr7.{region}.eks.amazonaws.com",
        "identities": [
            {"oidcs": [{"issuer": f"https://oidc.eks.{region}.amazonaws.com/id/{ISSUER_ID}"}]}
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


def _tagged_subnets(arguments: Properties, region: str) -> Properties:
    asked = {each["name"] for each in arguments["filters"]}
    found = [id_ for id_, (_, _, public) in SUBNETS.items() if f"tag:{_role(public)}" in asked]
    return {"ids": found}


def _zone(arguments: Properties, region: str) -> Properties:
    return {"zoneId": "Z0123456789ABCDEFGHIJ", "privateZone": False}


def _load_balancer_zone(arguments: Properties, region: str) -> Properties:
    return {"id": CANONICAL_ZONE}


def _load_balancers(arguments: Properties, region: str) -> Properties:
    resource = "loadbalancer/app/k8s-backstag-backstag-standin/0123456789abcdef"
    return {"arns": [f"arn:aws:elasticloadbalancing:{region}:{ACCOUNT}:{resource}"]}


def _target_group(arguments: Properties, region: str) -> Properties:
    resource = "targetgroup/k8s-backstag-backstag-standin/0123456789abcdef"
    return {"arn": f"arn:aws:elasticloadbalancing:{region}:{ACCOUNT}:{resource}"}


def _identity_provider(arguments: Properties, region: str) -> Properties:
    issuer = arguments["url"].removeprefix("https://")
    return {"arn": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{issuer}"}


def _registry_token(arguments: Properties, region: str) -> Properties:
    return {
        "userName": "AWS",
        "password": "offline-preview",
        "proxyEndpoint": f"https://{ACCOUNT}.dkr.ecr.{region}.amazonaws.com",
    }


def existing(type_: str, id_: str) -> Properties:
    """The properties of a resource that exists outside the stack. Raises UnansweredError."""
    if type_ != "kubernetes:core/v1:Namespace":
        raise UnansweredError(
            f"reading {type_} {id_} has no recorded answer; add one to tools/preview/answers.py"
        )
    return {"metadata": {"name": id_}}


def created(type_: str, name: str, inputs: Properties, region: str) -> tuple[str, Properties]:
    """The id and outputs that a resource would have once created; outputs include its inputs."""
    outputs = {
        "arn": f"arn:aws:standin:{region}:{ACCOUNT}:{name}",
        "name": name,
        **inputs,
        **(_SPECIFIC[type_](name, inputs, region) if type_ in _SPECIFIC else {}),
    }
    if type_.startswith("kubernetes:") and "metadata" in inputs:
        outputs["metadata"] = {"name": name, **inputs["metadata"]}
    return str(outputs.get("id") or outputs["name"]), outputs


def _image(name: str, inputs: Properties, region: str) -> Properties:
    repository = inputs["imageName"].rpartition(":")[0]
    digest = hashlib.sha256(inputs["imageName"].encode()).hexdigest()
    return {"repoDigest": f"{repository}@sha256:{digest}"}


def _managed_secrets(inputs: Properties, region: str) -> list[Properties]:
    secret = f"arn:aws:secretsmanager:{region}:{ACCOUNT}:secret:rds!cluster-standin"
    return [{"secretArn": secret}] if inputs.get("manageMasterUserPassword") else []


def _ingress(name: str, inputs: Properties, region: str) -> Properties:
    hostname = f"internal-k8s-backstage-standin.{region}.elb.amazonaws.com"
    return {"status": {"loadBalancer": {"ingress": [{"hostname": hostname}]}}}


def _managed_key(service: str, region: str) -> str:
    """AWS's own key of a service, which encrypts where no other is named."""
    return f"arn:aws:kms:{region}:{ACCOUNT}:key/standin-of-aws-{service}"


def _validation_options(name: str, inputs: Properties, region: str) -> Properties:
    host = inputs["domainName"]
    option = {
        "domainName": host,
        "resourceRecordName": f"_standin.{host}.",
        "resourceRecordType": "CNAME",
        "resourceRecordValue": "_standin.acm-validations.aws.",
    }
    return {"domainValidationOptions": [option]}


_SPECIFIC: dict[str, Callable[[str, Properties, str], Properties]] = {
    "aws:acm/certificate:Certificate": _validation_options,
    "aws:ecr/repository:Repository": lambda name, inputs, region: {
        "encryptionConfigurations": [
            {"kmsKey": _managed_key("ecr", region), **each}
            for each in inputs["encryptionConfigurations"]
        ],
        "registryId": ACCOUNT,
        "repositoryUrl": f"{ACCOUNT}.dkr.ecr.{region}.amazonaws.com/{inputs['name']}",
    },
    "aws:rds/cluster:Cluster": lambda name, inputs, region: {
        "endpoint": f"{inputs['clusterIdentifier']}.cluster-standin.{region}.rds.amazonaws.com",
        "kmsKeyId": inputs.get("kmsKeyId", _managed_key("rds", region)),
        "clusterResourceId": "cluster-STANDIN",
        "masterUserSecrets": _managed_secrets(inputs, region),
    },
    "aws:route53/record:Record": lambda name, inputs, region: {"fqdn": inputs["name"]},
    "aws:s3/bucket:Bucket": lambda name, inputs, region: {"bucket": name},
    "docker:index/image:Image": _image,
    "kubernetes:networking.k8s.io/v1:Ingress": _ingress,
    "random:index/randomId:RandomId": lambda name, inputs, region: {"hex": "00000000"},
    "random:index/randomPassword:RandomPassword": lambda name, inputs, region: {
        "result": "offline-preview",
    },
}

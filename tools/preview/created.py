"""Stand-ins for what providers compute: ids, ARNs, addresses. Names are the logical ones."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from tools.preview.answers import Place, Properties


def created(type_: str, name: str, inputs: Properties, place: Place) -> tuple[str, Properties]:
    """The id and outputs that a resource would have once created; outputs include its inputs."""
    outputs = {
        "arn": f"arn:aws:standin:{place.region}:{place.account}:{name}",
        "name": name,
        **inputs,
        **(_SPECIFIC[type_](name, inputs, place) if type_ in _SPECIFIC else {}),
    }
    if type_.startswith("kubernetes:") and "metadata" in inputs:
        outputs["metadata"] = {"name": name, **inputs["metadata"]}
    return str(outputs.get("id") or outputs["name"]), outputs


def _image(name: str, inputs: Properties, place: Place) -> Properties:
    repository = inputs["imageName"].rpartition(":")[0]
    digest = hashlib.sha256(inputs["imageName"].encode()).hexdigest()
    return {"repoDigest": f"{repository}@sha256:{digest}"}


def _database(name: str, inputs: Properties, place: Place) -> Properties:
    cluster, region = inputs["clusterIdentifier"], place.region
    secret = f"arn:aws:secretsmanager:{region}:{place.account}:secret:rds!cluster-standin"
    managed = inputs.get("manageMasterUserPassword")
    return {
        "endpoint": f"{cluster}.cluster-standin.{region}.rds.amazonaws.com",
        "kmsKeyId": inputs.get("kmsKeyId", _managed_key("rds", place)),
        "clusterResourceId": "cluster-STANDIN",
        "masterUserSecrets": [{"secretArn": secret}] if managed else [],
    }


def _ingress(name: str, inputs: Properties, place: Place) -> Properties:
    hostname = f"internal-k8s-backstage-standin.{place.region}.elb.amazonaws.com"
    return {"status": {"loadBalancer": {"ingress": [{"hostname": hostname}]}}}


def _managed_key(service: str, place: Place) -> str:
    """AWS's own key of a service, which encrypts where no other is named."""
    return f"arn:aws:kms:{place.region}:{place.account}:key/standin-of-aws-{service}"


def _validation_options(name: str, inputs: Properties, place: Place) -> Properties:
    host = inputs["domainName"]
    option = {
        "domainName": host,
        "resourceRecordName": f"_standin.{host}.",
        "resourceRecordType": "CNAME",
        "resourceRecordValue": "_standin.acm-validations.aws.",
    }
    return {"domainValidationOptions": [option]}


_SPECIFIC: dict[str, Callable[[str, Properties, Place], Properties]] = {
    "aws:acm/certificate:Certificate": _validation_options,
    "aws:ecr/repository:Repository": lambda name, inputs, place: {
        "encryptionConfigurations": [
            {"kmsKey": _managed_key("ecr", place), **each}
            for each in inputs["encryptionConfigurations"]
        ],
        "registryId": place.account,
        "repositoryUrl": f"{place.account}.dkr.ecr.{place.region}.amazonaws.com/{inputs['name']}",
    },
    "aws:rds/cluster:Cluster": _database,
    "aws:route53/record:Record": lambda name, inputs, place: {"fqdn": inputs["name"]},
    "aws:s3/bucket:Bucket": lambda name, inputs, place: {"bucket": name},
    "docker:index/image:Image": _image,
    "kubernetes:networking.k8s.io/v1:Ingress": _ingress,
    "random:index/randomId:RandomId": lambda name, inputs, place: {"hex": "00000000"},
    "random:index/randomPassword:RandomPassword": lambda name, inputs, place: {
        "result": "offline-preview",
    },
}

"""Resources of programs that aren't this one, as short as their providers accept them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from policy.plan import Resource
from tests.policy.broken import resource
from tests.tokens import BUCKET, CLUSTER_ROLE, ROLE, ROLE_POLICY

RESTRICTED = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "readOnlyRootFilesystem": True,
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}
CONTAINER = {
    "name": "main",
    "image": "registry.example/app:1.2.3",
    "securityContext": RESTRICTED,
    "resources": {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"memory": "1Gi"}},
    "readinessProbe": {"httpGet": {"port": 80}},
    "livenessProbe": {"httpGet": {"port": 80}},
}
_TEMPLATES = {"CronJob": ("spec", "jobTemplate", "spec", "template"), "PodTemplate": ("template",)}
_VERSIONS = {"CronJob": "batch/v1", "Job": "batch/v1", "PodTemplate": "core/v1", "Pod": "core/v1"}
GITHUB = "token.actions.githubusercontent.com"
EKS = "oidc.eks.us-east-1.amazonaws.com/id/0A"


def container(**fields: Any) -> dict[str, Any]:
    """A container that meets every rule, with other fields."""
    return {**CONTAINER, **fields}


def workload(kind: str, version: str = "", **spec: Any) -> Resource:
    """A workload that meets every rule about a pod alone, with other fields of its pod's spec."""
    pod = {
        "metadata": {"labels": {"app": "x"}},
        "spec": {
            "serviceAccountName": "x",
            "automountServiceAccountToken": False,
            "containers": [CONTAINER],
            **spec,
        },
    }
    inputs: dict[str, Any] = pod
    if kind != "Pod":
        for key in reversed(_TEMPLATES.get(kind, ("spec", "template"))):
            inputs = {key: inputs}
    meta = {"name": "x", "namespace": "shop", "labels": {"app": "x"}}
    version = version or _VERSIONS.get(kind, "apps/v1")
    return resource(f"kubernetes:{version}:{kind}", kind.lower(), {**inputs, "metadata": meta})


def deployment(**spec: Any) -> Resource:
    return workload("Deployment", **spec)


def running(**fields: Any) -> Resource:
    """A Deployment with other fields of its container."""
    return deployment(containers=[container(**fields)])


def env(name: str, value: object) -> Resource:
    return running(env=[{"name": name, "value": value}])


def kube(token: str, **inputs: Any) -> Resource:
    """An object in the namespace of `workload`. token: such as core/v1:Service."""
    meta = {"name": "x", "namespace": "shop", **inputs.pop("metadata", {})}
    return resource(f"kubernetes:{token}", "x", {"metadata": meta, **inputs})


def config(**data: str) -> Resource:
    """A ConfigMap. data: `__` in a name stands for a dot."""
    return kube("core/v1:ConfigMap", data={key.replace("__", "."): v for key, v in data.items()})


def rights(**given: Any) -> Resource:
    return resource(CLUSTER_ROLE, "rights", {"rules": [{"apiGroups": [""], **given}]})


def binding(role: str, subject: str, kind: str = "Group", scope: str = "Cluster") -> Resource:
    scope = scope if scope == "Cluster" else ""
    token = f"rbac.authorization.k8s.io/v1:{scope}RoleBinding"
    return kube(token, roleRef={"name": role}, subjects=[{"kind": kind, "name": subject}])


def network_policy(**spec: Any) -> Resource:
    spec = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"], **spec}
    return kube("networking.k8s.io/v1:NetworkPolicy", spec=spec)


def statement(effect: str = "Allow", **elements: Any) -> str:
    """A policy of one statement, which JSON allows to stand without a list."""
    return json.dumps({"Version": "2012-10-17", "Statement": {"Effect": effect, **elements}})


def policy(**elements: Any) -> Resource:
    """An inline policy of a role."""
    return resource(ROLE_POLICY, "rights", {"policy": statement(**{"Resource": "*"} | elements)})


def trusting(provider: str, **conditions: Mapping[str, Any]) -> Resource:
    """A role for identities of an OpenID Connect provider."""
    trust = {"Federated": f"arn:aws:iam::123456789012:oidc-provider/{provider}"}
    action = "sts:AssumeRoleWithWebIdentity"
    policy = statement(Principal=trust, Action=action, Condition=conditions)
    return resource(ROLE, "trusting", {"assumeRolePolicy": policy})


def guarded(type_: str, document: str, at: str = "policy") -> Resource:
    """A resource with a policy of its own."""
    return resource(type_, "guarded", {at: document})


def opening(**inputs: Any) -> Resource:
    """A rule of a security group."""
    return resource("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", "in", inputs)


def bucket(**inputs: Any) -> Resource:
    return resource(BUCKET, "papers", {"bucket": "papers", **inputs})


def of_bucket(kind: str, **inputs: Any) -> Resource:
    """A resource about `bucket`."""
    type_ = f"aws:s3/{kind[:1].lower()}{kind[1:]}:{kind}"
    return resource(type_, kind.lower(), {"bucket": "papers", **inputs})


def listener(**inputs: Any) -> Resource:
    return resource("aws:lb/listener:Listener", "listener", inputs)


def ingress(class_name: str = "alb", **annotations: str) -> Resource:
    """An Ingress of AWS's controller. annotations: `_` in a name stands for a dash."""
    given = {
        f"alb.ingress.kubernetes.io/{name.replace('_', '-')}": value
        for name, value in annotations.items()
    }
    spec = {"ingressClassName": class_name} if class_name else {}
    return kube("networking.k8s.io/v1:Ingress", metadata={"annotations": given}, spec=spec)


def database(kind: str = "Instance", **inputs: Any) -> Resource:
    type_ = f"aws:rds/{kind[:1].lower()}{kind[1:]}:{kind}"
    engine = "aurora-postgresql" if kind == "Cluster" else "postgres"
    return resource(type_, "db", {"engine": engine, **inputs})

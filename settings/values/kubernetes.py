"""Types of values of Kubernetes."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator

from settings.values.common import DNS, DNS_ALLOWED, LABEL, NAME, matching, scalar, whole

Label = Annotated[
    str,
    matching(LABEL, "an RFC 1123 label: a-z, 0-9 and '-', at most 63 characters", "backstage"),
    NAME,
]
ZoneName = Annotated[str, matching(DNS, DNS_ALLOWED, "example.com", 253)]
StorageClass = Annotated[
    str, matching(rf"{LABEL}(?:\.{LABEL})*", "the name of a StorageClass", "gp3", 253), NAME
]
IngressClass = Annotated[str, matching(LABEL, "an RFC 1123 label: a-z, 0-9 and '-'", "alb"), NAME]
Context = Annotated[str, matching(r"\S.*", "a context of the kubeconfig", "kind-backstage"), NAME]
Cpu = Annotated[
    str, matching(r"[1-9][0-9]{0,5}m|[1-9][0-9]{0,2}(?:\.[0-9])?", "CPU such as 250m or 1", "250m")
]
Memory = Annotated[str, matching(r"[1-9][0-9]{0,6}(?:Mi|Gi)", "memory such as 512Mi or 1Gi", "1Gi")]
EPHEMERAL = "ephemeral"
StorageSize = Annotated[
    str,
    matching(
        rf"[1-9][0-9]{{0,4}}(?:Mi|Gi|Ti)|{EPHEMERAL}",
        f"a size such as 5Gi, or {EPHEMERAL}: lost with the pod",
        "5Gi",
    ),
]
Port = Annotated[int, whole(1, 65535)]
MonitoringOperator = Annotated[
    str, matching("prometheus-operator", "prometheus-operator", "prometheus-operator")
]
KubernetesLabel = Annotated[
    str,
    matching(
        rf"(?:{DNS}/)?[A-Za-z0-9](?:[A-Za-z0-9._-]{{0,61}}[A-Za-z0-9])?",
        "the name of a Kubernetes label",
        "release",
        317,
    ),
]
KubernetesLabelValue = Annotated[
    str,
    BeforeValidator(scalar),
    matching(
        r"(?:[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?",
        "at most 63 letters, digits and . _ -, a letter or digit first and last",
        "kube-prometheus-stack",
    ),
]
ObjectName = Annotated[
    str,
    matching(
        rf"{LABEL}(?:\.{LABEL})*",
        "the name of a Kubernetes object: a-z, 0-9, '-' and '.'",
        "aws-secrets",
        253,
    ),
]

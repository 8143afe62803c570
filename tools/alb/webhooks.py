"""Admission webhooks of an AWS Load Balancer Controller that runs outside the cluster.

The chart's webhooks with a URL in place of a Service, less those of unused features.
"""

from __future__ import annotations

import base64
from typing import Any

NAME = "backstage-alb-test"
_GROUP = "elbv2.k8s.aws"
_VERSION = "v1beta1"


def configurations(url: str, authority: bytes) -> list[dict[str, Any]]:
    """Returns the mutating and the validating configuration.

    url: of the controller's webhook server, reachable from the API server. authority: PEM
    certificate of the CA that issued the server's certificate.
    """

    def webhook(
        name: str, path: str, group: str, version: str, resource: str, **more: Any
    ) -> dict[str, Any]:
        operations = ["CREATE"] if resource == "pods" else ["CREATE", "UPDATE"]
        return {
            "name": f"{name}.{_GROUP}",
            "clientConfig": {
                "url": f"{url}{path}", "caBundle": base64.b64encode(authority).decode(),
            },
            "rules": [
                {
                    "apiGroups": [group], "apiVersions": [version], "operations": operations,
                    "resources": [resource],
                }
            ],
            "failurePolicy": "Fail",
            "admissionReviewVersions": ["v1"],
            "sideEffects": "None",
            **more,
        }  # fmt: skip

    gate = {"matchLabels": {"elbv2.k8s.aws/pod-readiness-gate-inject": "enabled"}}
    own = f"{_GROUP.replace('.', '-')}-{_VERSION}"
    mutating = [
        webhook("mpod", "/mutate-v1-pod", "", "v1", "pods", namespaceSelector=gate,
                failurePolicy="Ignore"),
        webhook("mtargetgroupbinding", f"/mutate-{own}-targetgroupbinding", _GROUP, _VERSION,
                "targetgroupbindings"),
    ]  # fmt: skip
    validating = [
        webhook(f"v{kind}", f"/validate-{own}-{kind}", _GROUP, _VERSION, resource)
        for kind, resource in (
            ("ingressclassparams", "ingressclassparams"),
            ("targetgroupbinding", "targetgroupbindings"),
        )
    ] + [
        webhook("vingress", "/validate-networking-v1-ingress", "networking.k8s.io", "v1",
                "ingresses", matchPolicy="Equivalent"),
    ]  # fmt: skip
    return [
        {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": f"{kind}WebhookConfiguration",
            "metadata": {"name": NAME},
            "webhooks": webhooks,
        }
        for kind, webhooks in (("Mutating", mutating), ("Validating", validating))
    ]

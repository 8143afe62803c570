"""The portal's namespace."""

from __future__ import annotations

import pulumi
from pulumi import ResourceOptions

from components.kubernetes.namespace import PortalNamespace, PortalNamespaceArgs
from tests.components.parts import MODES, run
from tests.tokens import NAMESPACE


@MODES
def test_namespace_enforces_restricted_pods(creates: bool) -> None:
    def build(opts: ResourceOptions) -> None:
        namespace = PortalNamespace("n", PortalNamespaceArgs("ns", {"gate": "on"}), opts)
        pulumi.export("name", namespace.name)

    program = run(build, creates)
    assert program.outputs == {"name": "ns"}
    metadata = program.inputs(NAMESPACE)["metadata"]
    assert metadata["name"] == "ns"
    assert metadata["labels"] == {
        "app.kubernetes.io/managed-by": "pulumi",
        "app.kubernetes.io/part-of": "backstage",
        "gate": "on",
        "pod-security.kubernetes.io/audit": "restricted",
        "pod-security.kubernetes.io/enforce": "restricted",
        "pod-security.kubernetes.io/warn": "restricted",
    }

"""A cluster of the kubeconfig."""

from __future__ import annotations

import pytest

from components.cluster.local_cluster import LocalCluster, LocalClusterArgs
from components.cluster.port_forward import port_forward
from tests.programs import built
from tests.tokens import KUBERNETES_PROVIDER


@pytest.mark.parametrize("context", [None, "kind portal"])
def test_provider_and_command_use_the_context(
    context: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KUBECONFIG", raising=False)  # the SDK's default
    program = built(lambda: LocalCluster("c", LocalClusterArgs(context)), creates=False)
    provider = program.inputs(KUBERNETES_PROVIDER)
    assert provider.get("context") == context
    assert provider["clusterIdentifier"] == f"local/{context or 'current'}"
    assert provider["enableServerSideApply"] == "true"
    assert not {"kubeconfig", "cluster"} & set(provider)
    given = " --context 'kind portal'" if context else ""
    assert port_forward(context, "ns", "portal", 8080) == (
        f"kubectl{given} --namespace ns port-forward service/portal 8080"
    )

"""The portal's Deployment, its autoscaler and its PodDisruptionBudget."""

from __future__ import annotations

import pytest
from pulumi import ResourceOptions

from components.portal.deployment import PortalDeployment, PortalDeploymentArgs
from settings.keys import PortalSettings
from tests.components.parts import MODES, pod, run
from tests.programs import Program
from tests.tokens import AUTOSCALER, DEPLOYMENT, DISRUPTION_BUDGET


def deployment(creates: bool, settings: PortalSettings) -> Program:
    def build(opts: ResourceOptions) -> None:
        PortalDeployment("d", PortalDeploymentArgs(pod(settings), [], 48), opts)

    return run(build, creates)


@MODES
@pytest.mark.parametrize(("replicas", "most"), [(1, None), (2, 2)])
def test_fixed_number_of_pods(replicas: int, most: int | None, creates: bool) -> None:
    program = deployment(creates, PortalSettings(replicas=replicas, max_replicas=most))
    found = program.one(DEPLOYMENT)
    assert found.inputs["spec"]["replicas"] == replicas
    assert found.ignore_changes == []
    assert program.all(AUTOSCALER) == []


@MODES
def test_autoscaler_owns_the_number_of_pods(creates: bool) -> None:
    program = deployment(creates, PortalSettings(replicas=2, max_replicas=5))
    found = program.one(DEPLOYMENT)
    # Never left out: a Deployment that loses the field drops to one pod.
    assert found.inputs["spec"]["replicas"] == 2
    assert found.ignore_changes == ["spec.replicas"]
    scaler = program.inputs(AUTOSCALER)["spec"]
    assert (scaler["minReplicas"], scaler["maxReplicas"]) == (2, 5)
    assert scaler["scaleTargetRef"] == {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "name": found.inputs["metadata"]["name"],
    }


@MODES
def test_budget_lets_nodes_be_drained(creates: bool) -> None:
    program = deployment(creates, PortalSettings(replicas=2))
    budget = program.inputs(DISRUPTION_BUDGET)["spec"]
    assert budget["maxUnavailable"] == 1
    assert budget["unhealthyPodEvictionPolicy"] == "AlwaysAllow"
    spec = program.inputs(DEPLOYMENT)["spec"]
    labels = spec["template"]["metadata"]["labels"]
    for selector in (budget["selector"], spec["selector"]):
        assert selector["matchLabels"].items() <= labels.items()


def test_fields_of_the_program_win() -> None:
    metadata = deployment(False, PortalSettings()).inputs(DEPLOYMENT)["metadata"]
    assert metadata["annotations"]["pulumi.com/patchForce"] == "true"

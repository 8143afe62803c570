"""The IngressClass of EKS Auto Mode."""

from __future__ import annotations

from pulumi import ResourceOptions

from components.ingress.auto_mode import AutoModeIngressClass, AutoModeIngressClassArgs
from settings.keys import IngressSettings
from tests.components.parts import MODES, run
from tests.tokens import INGRESS_CLASS


@MODES
def test_class_refers_to_its_parameters(creates: bool) -> None:
    def build(opts: ResourceOptions) -> None:
        settings = IngressSettings(
            given_class_name="edge", scheme="internet-facing", controller="auto-mode"
        )
        AutoModeIngressClass("a", AutoModeIngressClassArgs(settings), opts)

    program = run(build, creates)
    parameters = program.one("kubernetes:eks.amazonaws.com/v1:IngressClassParams")
    assert parameters.inputs["metadata"] == {"name": "edge"}
    assert parameters.inputs["spec"] == {"scheme": "internet-facing"}
    found = program.one(INGRESS_CLASS)
    assert found.inputs["metadata"]["name"] == "edge"
    assert found.inputs["spec"] == {
        "controller": "eks.amazonaws.com/alb",
        "parameters": {
            "apiGroup": "eks.amazonaws.com",
            "kind": "IngressClassParams",
            "name": "edge",
        },
    }
    assert parameters.urn in found.dependencies

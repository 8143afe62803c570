"""The AWS Load Balancer Controller: its policy, its role, its chart."""

from __future__ import annotations

import json
import re

import pytest
from pulumi import ResourceOptions

from components.ingress.load_balancer_controller import (
    LoadBalancerController,
    LoadBalancerControllerArgs,
    policy_document,
)
from settings.keys import IngressSettings
from settings.versions import LOAD_BALANCER_CONTROLLER_CHART as CHART
from tests.components.parts import MODES, facts, run
from tests.programs import Program
from tests.tokens import ASSOCIATION, ATTACHMENT, RELEASE


def controller(settings: IngressSettings, creates: bool = False) -> Program:
    def build(opts: ResourceOptions) -> None:
        LoadBalancerController("l", LoadBalancerControllerArgs(facts(), settings), opts)

    return run(build, creates)


def test_policy_is_the_guides_narrowed_to_the_vpc() -> None:
    text = policy_document("aws-cn", "cn-north-1", "210987654321", "vpc-shop")
    assert len(text) <= 6144  # what a managed policy holds
    statements = json.loads(text)["Statement"]
    assert len(statements) == 16
    actions = [action for each in statements for action in each["Action"]]
    assert len(actions) == 86
    assert len(set(actions)) == 80
    assert not [action for action in actions if "*" in action]
    assert "arn:aws:" not in text  # every ARN in the cluster's own partition
    [scoped] = [each for each in statements if "ArnEquals" in each.get("Condition", {})]
    assert scoped["Condition"]["ArnEquals"] == {
        "ec2:Vpc": "arn:aws-cn:ec2:cn-north-1:210987654321:vpc/vpc-shop"
    }
    assert scoped["Action"] == [
        "ec2:AuthorizeSecurityGroupIngress",
        "ec2:RevokeSecurityGroupIngress",
    ]


@MODES
def test_chart_runs_with_the_role(creates: bool) -> None:
    program = controller(IngressSettings(controller="irsa", install_controller=True), creates)
    release = program.one(RELEASE)
    assert release.inputs["version"] == "3.5.0"
    assert release.inputs["atomic"] is True
    values = release.inputs["values"]
    assert re.fullmatch(rf"v{re.escape(CHART)}@sha256:[0-9a-f]{{64}}", values["image"]["tag"])
    assert values["clusterName"] == "shop"
    assert values["vpcId"] == "vpc-shop"
    assert values["ingressClass"] == "alb"
    assert values["enableServiceMutatorWebhook"] is False
    assert list(values["serviceAccount"]["annotations"]) == ["eks.amazonaws.com/role-arn"]
    # Its own policy and none of the control plane's; its pods read the role when they start.
    assert program.one(ATTACHMENT).urn in release.dependencies


@pytest.mark.parametrize("identity", ["pod-identity", "irsa"])
def test_role_without_the_chart(identity: str) -> None:
    program = controller(IngressSettings(controller=identity))
    assert program.all(RELEASE) == []
    associations = [each.inputs["serviceAccount"] for each in program.all(ASSOCIATION)]
    assert associations == (["aws-load-balancer-controller"] if identity == "pod-identity" else [])

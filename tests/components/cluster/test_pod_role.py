"""An IAM role for one service account."""

from __future__ import annotations

import pulumi
from pulumi import ResourceOptions

from components.cluster.pod_role import PodRole, PodRoleArgs
from tests.components.parts import ISSUER, MODES, facts, run, statement
from tests.programs import Program
from tests.tokens import ASSOCIATION, ROLE


def pod_role(workload_identity: str, creates: bool) -> Program:
    def build(opts: ResourceOptions) -> None:
        role = PodRole("r", PodRoleArgs(facts(), workload_identity, "ns", "sa", "d"), opts)
        pulumi.export("annotations", role.service_account_annotations)

    return run(build, creates)


@MODES
def test_pod_identity_trusts_one_service_account(creates: bool) -> None:
    program = pod_role("pod-identity", creates)
    trust = statement(program.inputs(ROLE)["assumeRolePolicy"])
    assert trust["Principal"] == {"Service": "pods.eks.amazonaws.com"}
    assert trust["Action"] == ["sts:AssumeRole", "sts:TagSession"]
    assert trust["Condition"]["StringEquals"] == {
        "aws:RequestTag/eks-cluster-name": "shop",
        "aws:RequestTag/kubernetes-namespace": "ns",
        "aws:RequestTag/kubernetes-service-account": "sa",
    }
    association = program.inputs(ASSOCIATION)
    assert association["clusterName"] == "shop"
    assert (association["namespace"], association["serviceAccount"]) == ("ns", "sa")
    assert program.outputs.get("annotations", {}) == {}


@MODES
def test_irsa_trusts_one_service_account(creates: bool) -> None:
    program = pod_role("irsa", creates)
    trust = statement(program.inputs(ROLE)["assumeRolePolicy"])
    issuer = ISSUER.removeprefix("https://")
    assert trust["Principal"]["Federated"].endswith(f":oidc-provider/{issuer}")
    assert trust["Action"] == ["sts:AssumeRoleWithWebIdentity"]
    assert trust["Condition"]["StringEquals"] == {
        f"{issuer}:aud": "sts.amazonaws.com",
        f"{issuer}:sub": "system:serviceaccount:ns:sa",
    }
    assert program.all(ASSOCIATION) == []
    assert list(program.outputs["annotations"]) == ["eks.amazonaws.com/role-arn"]

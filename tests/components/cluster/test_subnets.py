"""The load balancer's subnets, found by tag."""

from __future__ import annotations

import re

import pulumi
import pulumi_aws as aws
import pytest
from pulumi import InvokeOutputOptions, ResourceOptions

from components.cluster.subnets import load_balancer_cidrs
from tests.components.parts import MODES, facts, run
from tools.preview import answers
from tools.preview.run import PreviewError


def found(scheme: str, creates: bool) -> list[str]:
    def build(opts: ResourceOptions) -> None:
        look_up = InvokeOutputOptions(provider=aws.Provider("look-ups"))
        pulumi.export("cidrs", load_balancer_cidrs(facts(), scheme, look_up))

    cidrs: list[str] = run(build, creates).outputs["cidrs"]
    return cidrs


@MODES
def test_scheme_chooses_the_subnets(creates: bool) -> None:
    private = ["10.0.0.0/19", "10.0.32.0/19", "10.0.64.0/19"]
    assert found("internal", creates) == private
    assert found("internet-facing", creates) == ["10.0.96.0/24", "10.0.97.0/24"]


@MODES
@pytest.mark.parametrize(
    ("scheme", "public", "tag"),
    [
        ("internal", True, "kubernetes.io/role/internal-elb"),
        ("internet-facing", False, "kubernetes.io/role/elb"),
    ],
)
def test_no_tagged_subnet_ends_the_preview_with_the_command_that_tags(
    scheme: str, public: bool, tag: str, creates: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    only = {id_: each for id_, each in answers.SUBNETS.items() if each[2] == public}
    monkeypatch.setattr(answers, "SUBNETS", only)
    fix = f"Fix: aws ec2 create-tags --tags Key={tag},Value=1 --resources"
    message = rf"cluster shop's VPC, vpc-shop, has the tag {tag}\.(.|\n)*{re.escape(fix)}"
    with pytest.raises(PreviewError, match=message):
        found(scheme, creates)

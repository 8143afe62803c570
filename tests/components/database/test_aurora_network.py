"""Subnets of the Aurora database."""

from __future__ import annotations

import dataclasses

import pulumi
import pytest
from pulumi import Output, ResourceOptions

from components.database.aurora_network import AuroraNetwork, AuroraNetworkArgs
from settings.keys import DatabaseSettings
from tests.components.parts import MODES, facts, run
from tests.tokens import SUBNET_GROUP
from tools.preview.run import PreviewError

PRIVATE_A, PRIVATE_B = "subnet-0aaaaaaaaaaaaaaa1", "subnet-0bbbbbbbbbbbbbbb2"
PUBLIC_A, PUBLIC_B = "subnet-0ddddddddddddddd4", "subnet-0eeeeeeeeeeeeeee5"


@MODES
@pytest.mark.parametrize(
    ("subnets", "message"),
    [
        ([PRIVATE_A], "the 1 private subnets of cluster shop lie in us-east-1a"),
        ([PUBLIC_A, PUBLIC_B], "the 0 private subnets of cluster shop lie in none"),
        ([PRIVATE_A, PUBLIC_A], "the 1 private subnets"),
    ],
    ids=["one zone", "public only", "one private"],
)
def test_a_single_zone_fails_the_preview(subnets: list[str], message: str, creates: bool) -> None:
    def build(opts: ResourceOptions) -> None:
        cluster = dataclasses.replace(facts(), subnet_ids=Output.from_input(subnets))
        AuroraNetwork("n", AuroraNetworkArgs(cluster, DatabaseSettings()), opts)

    with pytest.raises(PreviewError, match=message):
        run(build, creates)


def test_given_subnets_in_a_single_zone_fail_the_preview() -> None:
    def build(opts: ResourceOptions) -> None:
        settings = DatabaseSettings(subnet_ids=(PRIVATE_A, PUBLIC_A))
        AuroraNetwork("n", AuroraNetworkArgs(facts(), settings), opts)

    with pytest.raises(PreviewError, match="the 2 subnets in databaseSubnetIds of cluster shop"):
        run(build)


def test_public_subnets_of_the_cluster_are_left_out() -> None:
    def build(opts: ResourceOptions) -> None:
        subnets = Output.from_input([PUBLIC_A, PRIVATE_A, PUBLIC_B, PRIVATE_B])
        cluster = dataclasses.replace(facts(), subnet_ids=subnets)
        network = AuroraNetwork("n", AuroraNetworkArgs(cluster, DatabaseSettings()), opts)
        pulumi.export("cidrs", network.cidrs)

    program = run(build)
    assert program.inputs(SUBNET_GROUP)["subnetIds"] == [PRIVATE_A, PRIVATE_B]
    assert program.outputs["cidrs"] == ["10.0.0.0/19", "10.0.32.0/19"]

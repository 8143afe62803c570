"""The stand-in and the real controller for the tests on a cluster.

This machine and the pods have to reach each other: the stand-in sends requests to pods, and pods
send requests to it. On kind this takes a route to the pod network via the node's address.
ALB_ADDRESS overrides this machine's address, by default the one on its route to the first node.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from tests.programs import ROOT

if TYPE_CHECKING:
    from tools.alb.stand_in import Alb

LOG = ROOT / "build/cluster/aws-load-balancer-controller.log"


@pytest.fixture(scope="session")
def alb(kubernetes: None) -> Iterator[Alb]:
    """A running stand-in with the cluster's controller pointed at it."""
    for module in ("aiohttp", "moto", "trustme"):
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"needs {module} of requirements-cluster.txt; run `make test-alb`")
    from tools.alb.controller import ControllerMissing, address_for_pods, controller
    from tools.alb.stand_in import alb_stand_in

    address = os.environ.get("ALB_ADDRESS") or address_for_pods()
    LOG.parent.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        stand_in = stack.enter_context(alb_stand_in(address))
        try:
            stack.enter_context(controller(stand_in.aws, address, LOG))
        except ControllerMissing as error:
            pytest.skip(str(error))
        yield stand_in

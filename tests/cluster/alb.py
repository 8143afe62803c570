"""The path through an Application Load Balancer on the cluster that kubectl points at.

This machine and the pods have to reach each other: the stand-in sends requests to pods, and pods
send theirs to it. On kind that takes a route to the pods' network by way of the node's address.
ALB_ADDRESS names the address of this machine to use, where it isn't the one that nodes are reached
from.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.programs import ROOT

if TYPE_CHECKING:
    from tools.reliability.alb import Alb

LOG = ROOT / "build/cluster/aws-load-balancer-controller.log"


@pytest.fixture(scope="session")
def alb(kubernetes: None) -> Iterator[Alb]:
    """The stand-in, and the real controller that works against it."""
    for module in ("aiohttp", "moto", "trustme"):
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"needs {module} of requirements-cluster.txt; run by `make test-alb`")
    from tools.reliability.alb import alb_stand_in
    from tools.reliability.controller import ControllerMissing, address_for_pods, controller

    address = os.environ.get("ALB_ADDRESS") or address_for_pods()
    LOG.parent.mkdir(parents=True, exist_ok=True)
    with alb_stand_in(address) as stand_in:
        try:
            running = controller(stand_in.aws, address, LOG)
            running.__enter__()
        except ControllerMissing as error:
            pytest.skip(f"needs {error}")
        try:
            yield stand_in
        finally:
            running.__exit__(None, None, None)

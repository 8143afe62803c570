"""A load balancer for the tests on a cluster, and the table of what they measured.

This machine and the pods have to reach each other: the stand-in sends requests to pods, and pods
send theirs to it. On kind that takes a route to the pods' network by way of the node's address.
ALB_ADDRESS names the address of this machine to use, where it isn't the one that nodes are reached
from.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from tests.programs import ROOT
from tools.reliability import report

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
    with ExitStack() as stack:
        stand_in = stack.enter_context(alb_stand_in(address))
        try:
            stack.enter_context(controller(stand_in.aws, address, LOG))
        except ControllerMissing as error:
            pytest.skip(str(error))
        yield stand_in


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The measurements, those of earlier runs included."""
    lines = list(report.tables())
    if lines and os.environ.get("KUBECONFIG"):
        terminalreporter.section("what the users saw")
        terminalreporter.write_line("\n".join(lines))

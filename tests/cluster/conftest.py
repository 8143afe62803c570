"""The load balancer before a cluster, and the table of what the tests measured."""

from __future__ import annotations

import os

import pytest

from tests.cluster.alb import alb as alb
from tools.reliability import report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The measurements, those of earlier runs included."""
    lines = list(report.tables())
    if lines and os.environ.get("KUBECONFIG"):
        terminalreporter.section("what the users saw")
        terminalreporter.write_line("\n".join(lines))

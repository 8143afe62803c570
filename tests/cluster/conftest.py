"""What the tests on a cluster need."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

from tests.cluster.alb import alb as alb


@pytest.fixture(scope="session")
def kubernetes() -> None:
    """A cluster that kubectl reaches, or the test is skipped."""
    if not os.environ.get("KUBECONFIG"):
        pytest.skip("KUBECONFIG is not set: name the kubeconfig of a cluster for tests")
    if shutil.which("kubectl") is None:
        pytest.skip("no kubectl on PATH")
    answer = subprocess.run(
        ["kubectl", "get", "--raw", "/readyz", "--request-timeout", "10s"],
        capture_output=True,
        text=True,
        check=False,
    )
    if answer.returncode:
        pytest.skip(f"the cluster of KUBECONFIG doesn't answer: {answer.stderr.strip()}")

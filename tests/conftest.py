"""Options of the test run."""

import gc
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path

import pytest
from pulumi.runtime.proto.source_pb2 import StackTrace

from tests import SHARED


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden", action="store_true", help="rewrite tests/golden from the program"
    )


# Markers of tests that need more than Python; each runs with its own make target only.
OPT_IN = {
    "e2e": "needs a Docker engine and PostgreSQL's server binaries; run by `make e2e`",
    "cluster": "needs a cluster and kubectl; run by `make test-cluster`",
    "alb": "needs a cluster and the AWS Load Balancer Controller; run by `make test-alb`",
    "portal": "needs the installed packages of portal/; run by `make portal-check`",
    "scan": "needs checkov and kube-score; run by `make scan`",
    "crds": "needs the CRDs of other projects; run by `make test-crds`",
    "engine": "needs the Pulumi CLI; run by `make test-engine`",
    "deployer": "needs Node and a package registry; run by `make test-deployer`",
    "supply": "needs cosign and crane; run by `make test-supply`",
    "aws": "needs the Pulumi CLI and pulumi-resource-aws; run by `make test-aws`",
}

_MODULE_MARKS = re.compile(r"^pytestmark = (?:\[$.*?^\]|.*?$)", re.MULTILINE | re.DOTALL)
_MARK = re.compile(r"pytest\.mark\.(\w+)")


def pytest_configure(config: pytest.Config) -> None:
    # A run of the program allocates much that lives on; with the default, collections take 22 %.
    gc.set_threshold(100_000)
    # Where a resource was declared: 60 frames of pytest each time, 12 % of the run, read by none.
    trace = "pulumi.runtime.resource._get_stack_trace"
    pytest.MonkeyPatch().setattr(trace, StackTrace, raising=False)
    if SHARED not in os.environ:  # which the workers of xdist inherit
        os.environ[SHARED] = tempfile.mkdtemp(prefix="backstage-runs-")
        config.add_cleanup(lambda: shutil.rmtree(os.environ.pop(SHARED)))
    for marker, reason in OPT_IN.items():
        config.addinivalue_line("markers", f"{marker}: {reason}")


def needs(config: pytest.Config, markers: Iterable[str]) -> str | None:
    """Why tests with these markers are skipped; None if the run includes them."""
    chosen = str(config.getoption("markexpr"))
    return next((OPT_IN[each] for each in markers if each in OPT_IN and each not in chosen), None)


class SkippedModule(pytest.Module):
    """A module skipped as a whole, and not imported: that takes a third of the collection."""

    reason: str

    def collect(self) -> list[pytest.Item | pytest.Collector]:
        pytest.skip(self.reason)


def pytest_pycollect_makemodule(
    module_path: Path, parent: pytest.Collector
) -> pytest.Module | None:
    marks = _MODULE_MARKS.search(module_path.read_text(encoding="utf-8"))
    reason = needs(parent.config, _MARK.findall(marks[0])) if marks else None
    if reason is None:
        return None
    module: SkippedModule = SkippedModule.from_parent(parent, path=module_path)
    module.reason = reason
    return module


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if reason := needs(config, (mark.name for mark in item.iter_markers())):
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def kubernetes() -> None:
    """Skips the test unless kubectl reaches a cluster."""
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

"""The real AWS provider, and an account on a moto server.

The provider is the published plugin or, if PULUMI_DEBUG_PROVIDERS names aws, the one that it
attaches. moto is a requirement of these tests only, so nothing imports it before it is looked for.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from tests.engine.conftest import needs_the_cli
from tests.engine.doubles import World, served
from tests.programs import EKS_STACKS
from tools.alb.aws import moto_server

if TYPE_CHECKING:
    from tests.aws.account import Account
    from tests.aws.life import Life

DOUBLES = ("kubernetes", "random", "docker")
PLUGIN = "pulumi-resource-aws"


def attached() -> str:
    """The entry for aws in PULUMI_DEBUG_PROVIDERS, or an empty text."""
    entries = os.environ.get("PULUMI_DEBUG_PROVIDERS", "").split(",")
    return next((entry for entry in entries if entry.startswith("aws:")), "")


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """A stack's operations mostly wait for the provider's next poll. An attached one is shared."""
    return 1 if attached() else 4


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """One worker for a stack's whole life. xdist 3.8's groups have no effect in pytest 9.2."""
    scheduler = LoadScopeScheduling(config, log)
    scheduler._split_scope = lambda nodeid: nodeid.rpartition("[")[2]
    return scheduler


@pytest.fixture(scope="session")
def provider() -> str:
    """The entry for aws in PULUMI_DEBUG_PROVIDERS; empty for the published plugin.

    Skips the test where there is neither.
    """
    needs_the_cli()
    if importlib.util.find_spec("moto") is None:
        pytest.skip("needs moto of requirements-aws.txt; run `make test-aws`")
    from tests.aws.life import PLUGINS

    if entry := attached():
        return entry
    if not shutil.which(PLUGIN) and not list(PLUGINS.glob("resource-aws-v*")):
        pytest.skip(
            f"no {PLUGIN} on PATH or in {PLUGINS}, and no aws in PULUMI_DEBUG_PROVIDERS; "
            "`pulumi plugin install resource aws` installs it"
        )
    return ""


@pytest.fixture(scope="session")
def account(provider: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """An account on a moto server of its own, or on the one that an attached provider calls."""
    from tests.aws.account import Account

    if not provider:
        recording = tmp_path_factory.mktemp("moto") / "recording"
        managed = {"MOTO_IAM_LOAD_MANAGED_POLICIES": "true"}
        recorder = {"MOTO_RECORDER_FILEPATH": str(recording)}
        with moto_server("tests.aws.moto_server", **managed, **recorder) as url:
            yield Account(url)
        return
    url = os.environ.get("AWS_ENDPOINT_URL", "")
    if not url and (port := os.environ.get("MOTO_PORT")):  # moto's own variable
        url = f"http://127.0.0.1:{port}"
    if not url:
        pytest.skip("PULUMI_DEBUG_PROVIDERS names aws: set AWS_ENDPOINT_URL to its moto server")
    account = Account(url)
    if not account.is_moto():
        pytest.skip(f"no moto server answers at {url}, and these tests empty the account")
    yield account


@pytest.fixture(scope="module", params=EKS_STACKS)
def life(
    request: pytest.FixtureRequest,
    provider: str,
    account: Account,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Life]:
    """The stack of a stack file, shared by a module's tests in their order."""
    from tests.aws.life import Life

    world = World()
    with served(world, DOUBLES) as doubles:
        providers = ",".join(filter(None, (provider, doubles)))
        yield Life(request.param, tmp_path_factory.mktemp(request.param), account, world, providers)

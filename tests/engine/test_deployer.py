"""The local stack on a real cluster, deployed, changed and destroyed with the rights that `make
deployer` writes, and no others. Only `random` is a double.

The tests share one stack: each starts where the previous one ended.
"""

from __future__ import annotations

import dataclasses
import json
import os
import secrets
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.engine.cli import Engine
from tests.engine.test_cluster import NEXT_TAG, local_stack
from tests.programs import ROOT
from tools.deployer.__main__ import files, placeholders
from tools.kubectl import Cluster
from tools.preview.stack_file import read_stack

pytestmark = [pytest.mark.engine, pytest.mark.usefixtures("kubernetes")]

SUFFIX = secrets.token_hex(3)  # so that runs can overlap
NAMESPACE = f"backstage-deployer-{SUFFIX}"
NAME = "backstage-local-deployer"  # of roles and group
GROUP = f"{NAME}-{SUFFIX}"
# The namespace and its components; docs/deployer.md has the same.
FIRST = ("**Cluster::backstage", "**PortalNamespace::backstage", "**Namespace::backstage-namespace")


def roles() -> list[dict[str, Any]]:
    """What `make deployer STACK=local` writes, with names of this run."""
    config = read_stack(ROOT, "local")
    values = {**config.values, "backstage:namespace": NAMESPACE}
    text = files(dataclasses.replace(config, values=values), placeholders("local"))
    return list(yaml.safe_load_all(text["kubernetes.yaml"].replace(NAME, GROUP)))


def impersonating(kubeconfig: Path) -> Path:
    """A kubeconfig for the current cluster whose user acts as a member of the group only."""
    shown = subprocess.run(
        ["kubectl", "config", "view", "--raw", "--flatten", "--minify", "--output", "json"],
        capture_output=True,
        text=True,
        check=True,
    )
    content = json.loads(shown.stdout)
    for user in content["users"]:
        user["user"] |= {"as": "deployer", "as-groups": [GROUP, "system:authenticated"]}
    kubeconfig.write_text(json.dumps(content), encoding="utf-8")
    kubeconfig.chmod(0o600)
    return kubeconfig


@pytest.fixture(scope="module")
def deployer(
    kubernetes: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, str]]:
    """The environment of a process that acts as the deployer."""
    kubeconfig = impersonating(tmp_path_factory.mktemp("kubeconfig") / "config")
    yield {**os.environ, "KUBECONFIG": str(kubeconfig)}
    cluster = Cluster(NAMESPACE)
    cluster.run("delete", "clusterrole,clusterrolebinding", GROUP, "--ignore-not-found")
    cluster.delete_namespace()


@pytest.fixture(scope="module")
def engine(deployer: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    directory = tmp_path_factory.mktemp("engine")
    with local_stack(NAMESPACE, directory, deployer["KUBECONFIG"]) as engine:
        yield engine


def may(deployer: dict[str, str], *arguments: str) -> bool:
    """Whether the deployer may do something, by the cluster's answer."""
    done = subprocess.run(
        ["kubectl", "auth", "can-i", *arguments],
        env=deployer, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.stdout.strip() == "yes"


def test_role_of_the_cluster_is_enough_for_the_namespace(engine: Engine) -> None:
    page = (ROOT / "docs" / "deployer.md").read_text(encoding="utf-8")
    assert all(f"--target '{urn}'" in page for urn in FIRST)
    cluster = Cluster(NAMESPACE)
    cluster.apply([each for each in roles() if "namespace" not in each["metadata"]])
    engine.up("local", *[word for urn in FIRST for word in ("--target", urn)])
    cluster.apply(roles())


def test_deployer_may_do_nothing_elsewhere(engine: Engine, deployer: dict[str, str]) -> None:
    assert may(deployer, "create", "deployments", "--namespace", NAMESPACE)
    assert not may(deployer, "create", "deployments", "--namespace", "default")
    assert not may(deployer, "get", "secrets", "--namespace", "kube-system")
    assert not may(deployer, "create", "pods", "--namespace", NAMESPACE)
    assert not may(deployer, "escalate", "clusterroles")
    assert not may(deployer, "impersonate", "users")


def test_up_deploys_with_these_rights_alone(engine: Engine) -> None:
    assert "create" in engine.up("local").changes
    assert engine.operate("preview", "local", "--expect-no-changes").code == 0


def test_change_of_image_and_secret(engine: Engine) -> None:
    engine.set("local", "imageTag", NEXT_TAG)
    engine.set("local", "secretEnv.GITHUB_TOKEN", "of-the-test", "--path", "--secret")
    changes = engine.up("local").changes
    assert changes["replace"] > 0
    assert changes["update"] > 0


def test_refresh(engine: Engine) -> None:
    engine.operate("refresh", "local")


def test_destroy_deletes_everything(engine: Engine) -> None:
    changes = engine.operate("destroy", "local").changes
    assert set(changes) == {"delete"}
    assert Cluster(NAMESPACE).run("get", "namespace", NAMESPACE, "--ignore-not-found") == ""

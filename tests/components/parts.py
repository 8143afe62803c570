"""Runs one component, with arguments that no look-up and no other component provided."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from typing import Any

import pulumi_aws as aws
import pulumi_kubernetes as k8s
import pytest
from pulumi import Output, ResourceOptions

from components.cluster.cluster import ClusterFacts
from components.database.database import DatabaseConnection, Login
from components.kubernetes.network import networks
from components.kubernetes.pods import PodImage
from components.portal.portal import PortalObjects
from components.portal.portal_pod import PortalPodArgs, portal_variables
from settings.keys import PortalSettings
from tests.programs import Program, built

MODES = pytest.mark.parametrize("creates", [False, True], ids=["preview", "created"])
HOST = "portal.example.com"
PORT = 7007
ISSUER = "https://oidc.eks.eu-west-1.amazonaws.com/id/ABC"
ECR = "210987654321.dkr.ecr.eu-west-1.amazonaws.com/portal"


def run(build: Callable[[ResourceOptions], object], creates: bool = False) -> Program:
    """Runs `build` with explicit providers. creates: as in `tools.preview.run.run_program`."""

    def program() -> object:
        providers = [aws.Provider("aws"), k8s.Provider("kubernetes")]
        return build(ResourceOptions(providers=providers))

    return built(program, creates)


def facts() -> ClusterFacts:
    """The EKS cluster "shop"."""
    return ClusterFacts(
        name="shop",
        region="eu-west-1",
        partition=Output.from_input("aws"),
        account_id=Output.from_input("210987654321"),
        oidc_issuer=Output.from_input(ISSUER),
        security_group_id=Output.from_input("sg-cluster"),
        vpc_id=Output.from_input("vpc-shop"),
        service_cidr=Output.from_input("172.20.0.0/16"),
        subnet_ids=Output.from_input(["subnet-0aaaaaaaaaaaaaaa1", "subnet-0bbbbbbbbbbbbbbb2"]),
    )


def connection(tls: bool = True) -> DatabaseConnection:
    """A database with the roles "portal" and "master"."""
    return DatabaseConnection(
        host=Output.from_input("db.example.com"),
        port=Output.from_input(5433),
        login=Login("portal", Output.secret("hunter2")),
        administrator=Login("master", Output.secret("hunter3")),
        ca_certificates="PEM" if tls else None,
        peers=networks(["10.8.1.0/24"]),
    )


def objects() -> PortalObjects:
    """The portal's objects, named `the-<field>`."""
    given = {"app_config_files", "secret_files"}
    names = {field.name for field in dataclasses.fields(PortalObjects)} - given
    return PortalObjects(
        app_config_files=("app-config.production.yaml", "app-config.1.yaml"),
        secret_files={"github-app": Output.from_input("the-app")},
        **{name: Output.from_input(f"the-{name}") for name in names},
    )


def image() -> PodImage:
    return PodImage("r.io/p:abc", "Always", "linux/amd64")


def pod(settings: PortalSettings, tls: bool = True) -> PortalPodArgs:
    """The portal's pod at https://portal.example.com."""
    variables = portal_variables(settings, f"https://{HOST}", PORT, connection(tls), {})
    return PortalPodArgs(image(), settings, PORT, objects(), variables)


def statement(document: str) -> dict[str, Any]:
    """The only statement of an IAM policy."""
    [only] = json.loads(document)["Statement"]
    found: dict[str, Any] = only
    return found

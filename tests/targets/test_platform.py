"""A further target takes one package with a `platform` function."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pulumi_kubernetes as k8s
import pytest
from pulumi import Output, ResourceOptions

import settings.load
from components.database.postgres import Postgres, PostgresArgs
from components.kubernetes.network import any_pod
from components.portal.portal_pod import LOCAL_TECHDOCS
from settings.model import Settings
from targets.platform import NAME, Database, Exposure, Platform
from tests.programs import patched, previewed


def platform(settings: Settings, identifier: str) -> Platform:
    opts = ResourceOptions(providers=[k8s.Provider("bare")])
    variables, url = LOCAL_TECHDOCS, f"https://{identifier}.example.com"

    def database(namespace: Output[str]) -> Database:
        postgres = Postgres(NAME, PostgresArgs(settings.database, namespace), opts)
        return Database(postgres.connection, {"databaseImage": settings.database.image or "none"})

    exposure = Exposure(outputs={"loadBalancer": "none"})
    return Platform(opts, url, False, any_pod(), database, lambda _: exposure, variables)


def test_a_target_of_ten_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    local, load = previewed("local"), settings.load.load
    monkeypatch.setitem(sys.modules, "targets.bare", SimpleNamespace(platform=platform))
    monkeypatch.setattr(settings.load, "load", lambda: load().model_copy(update={"target": "bare"}))
    bare = patched("local")
    assert bare.outputs["url"] == "https://backstage-local.example.com"
    assert (bare.outputs["databaseImage"], bare.outputs["loadBalancer"]) == ("none", "none")
    assert "portForwardCommand" not in bare.outputs
    # The portal is the same; only the target's own cluster component is missing.
    assert local.types() - bare.types() == {"backstage:cluster:LocalCluster"}
    assert bare.types() <= local.types()

"""What the engine does when a running stack gets a KMS key, or a namespace that isn't its own."""

from __future__ import annotations

import shlex

import pytest

from tests.engine.cli import Engine
from tests.engine.doubles import World
from tests.programs import ROOT
from tests.settings.key_table import KEY

pytestmark = pytest.mark.engine


def test_a_key_replaces_nothing_and_a_new_generation_takes_it(engine: Engine, world: World) -> None:
    engine.new_stack("dev")
    engine.up("dev")
    before = len(world.operations)
    engine.set("dev", "kmsKeyArn", KEY)
    engine.up("dev")
    assert sorted((each.kind, each.name) for each in world.operations[before:]) == [
        ("update", name)
        for name in (
            "backstage-1-log-group",
            "backstage-postgres-password",
            "backstage-postgres-role",
            "backstage-techdocs-encryption",
            "backstage-techdocs-read",
        )
    ]
    preview = engine.operate("preview", "dev", "--expect-no-changes").output
    for what in ("The database", "The image repository"):
        assert f"{what} stays encrypted with" in preview

    before = len(world.operations)
    engine.set("dev", "databaseGeneration", "2")
    engine.up("dev")
    created = {each.name: each for each in world.operations[before:] if each.kind == "create"}
    assert created["backstage-2-cluster"].inputs["kmsKeyId"] == KEY
    assert created["backstage-2-instance-0"].inputs["performanceInsightsKmsKeyId"] == KEY
    assert "backstage-repository" not in created
    preview = engine.operate("preview", "dev", "--expect-no-changes").output
    assert "The database stays encrypted with" not in preview

    before = len(world.operations)
    engine.command("config", "rm", "--stack", "dev", "kmsKeyArn")
    engine.up("dev")
    assert {each.kind for each in world.operations[before:]} == {"update"}
    assert not [each for each in world.operations[before:] if "rds" in each.type]


def documented_import() -> list[list[str]]:
    """The commands of the page that hand a namespace to a stack, for the stack local."""
    page = (ROOT / "docs" / "existing-environment.md").read_text(encoding="utf-8")
    block = page.partition("import it first:")[2].split("```")[1].removeprefix("bash\n")
    block = block.replace("prod", "local").replace("cluster:Cluster", "cluster:LocalCluster")
    urn, *lines = block.replace("\\\n", " ").splitlines()
    value = urn.removeprefix("urn=")
    words = [
        shlex.split(line.replace("\\$kub", "$kub").replace("\\$pul", "$pul")) for line in lines
    ]
    return [[word.replace("$urn", value) for word in command] for command in words if command]


def test_a_namespace_that_is_no_longer_the_stacks_stays(engine: Engine, world: World) -> None:
    engine.new_stack("local")
    engine.up("local")
    assert "backstage-namespace" in world.names("create")

    before = len(world.operations)
    engine.set("local", "createNamespace", "false")
    assert set(engine.operate("preview", "local").changes) == {"read", "same"}
    engine.up("local")
    assert world.operations[before:] == []
    engine.operate("preview", "local", "--expect-no-changes")

    # Without the import, the API server would say that it exists.
    for command in documented_import():
        confirmed = ["--yes"] if command[1] in ("state", "import") else []
        engine.command(*command[1:], *confirmed)
    assert world.operations[before:] == []

    engine.set("local", "createNamespace", "false")
    engine.up("local")
    assert world.operations[before:] == []
    engine.operate("destroy", "local")
    assert "backstage-namespace" not in world.names("delete")
    assert {*world.names("create")} == {*world.names("delete"), "backstage-namespace"}

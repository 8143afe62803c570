"""What the engine does when a running stack gets a KMS key."""

from __future__ import annotations

import pytest

from tests.engine.cli import Engine
from tests.engine.doubles import World
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

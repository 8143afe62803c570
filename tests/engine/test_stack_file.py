"""The engine's own reading of what tests/tools/test_engine_yaml.py expects."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.engine.cli import Engine
from tests.tools.test_engine_yaml import READ

pytestmark = pytest.mark.engine


def test_the_engine_reads_plain_scalars_so(tmp_path: Path) -> None:
    engine = Engine(tmp_path, "")
    engine.command("stack", "init", "scalars")
    values = "".join(f"  backstage:k{number}: {text}\n" for number, text in enumerate(READ))
    (engine.directory / "Pulumi.scalars.yaml").write_text(f"config:\n{values}", encoding="utf-8")
    found = json.loads(engine.command("config", "--json", "--stack", "scalars").output)
    for number, (written, given) in enumerate(READ.items()):
        assert (written, found[f"backstage:k{number}"]["value"]) == (written, given)

"""A Backstage app that a test may change."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from settings.files import ROOT


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """A copy of what the Dockerfiles read of an app."""
    files = ("package.json", "yarn.lock", ".yarnrc.yml", "backstage.json", "app-config.yaml")
    for file in (
        *files,
        "packages/backend/package.json",
        "packages/app/package.json",
        "packages/backend/src/index.ts",
    ):
        copy = tmp_path / "app" / file
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / "portal" / file, copy)
    return tmp_path / "app"

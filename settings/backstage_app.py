"""The Backstage app that a stack builds."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from settings.app_config import AppConfig
from settings.files import ROOT, FileError

# What both Dockerfiles under image/ rely on.
_YARN = re.compile(r"yarn@([4-9]|\d\d)\..*")
BACKEND = "packages/backend"
HOST_BUILD = (f"{BACKEND}/dist/skeleton.tar.gz", f"{BACKEND}/dist/bundle.tar.gz")
# A plugin's package, not a module's: @backstage/plugin-catalog-backend
_PLUGIN = re.compile(r"(@[^/]+/)?(backstage-)?plugin-[a-z0-9-]+-backend")


@dataclass(frozen=True)
class BackstageApp:
    """A Backstage app in a folder of this machine.

    path: the folder, relative to the project's.
    """

    path: str

    @classmethod
    def load(cls, path: str) -> BackstageApp:
        """Raises FileError with every reason why the Dockerfiles can't build the folder."""
        app = cls(path)
        try:
            faults = list(app._faults()) if app.directory.is_dir() else ["no such directory"]
        except (OSError, ValueError) as error:  # a name that no file system takes
            raise FileError(getattr(error, "strerror", None) or "not a path") from error
        if faults:
            raise FileError(*faults)
        return app

    @property
    def directory(self) -> Path:
        """The folder's absolute path."""
        return ROOT / self.path

    @cached_property
    def app_config(self) -> AppConfig:
        """The file in the image, below every mounted one. Raises FileError."""
        return AppConfig.parse(self.text("app-config.yaml"), f"{self.path}/app-config.yaml")

    def _faults(self) -> Iterator[str]:
        for file in ("package.json", "yarn.lock", ".yarnrc.yml", "backstage.json"):
            if not (self.directory / file).is_file():
                yield f"no {file}"
        if not (self.directory / "app-config.yaml").is_file():
            yield "no app-config.yaml, which the portal starts with"
        else:
            try:
                self.app_config  # noqa: B018, reads it
            except FileError as error:
                yield f"app-config.yaml: {error}"
        root = self._manifest("package.json") or {}
        if not _YARN.fullmatch(str(root.get("packageManager"))):
            yield "its package.json names no yarn 4 as packageManager"
        backend = self.dependencies("backend")
        if self._manifest(f"{BACKEND}/package.json") is None:
            yield f"no {BACKEND}/package.json"
        elif "@backstage/backend-defaults" not in backend:
            yield f"{BACKEND} isn't built on the new backend system, @backstage/backend-defaults"
        elif "pg" not in backend:
            yield f"{BACKEND} doesn't depend on pg, PostgreSQL's driver"

    def missing_host_build(self) -> tuple[str, ...]:
        """Files of `yarn build:backend` that don't exist."""
        return tuple(file for file in HOST_BUILD if not (self.directory / file).is_file())

    def database_plugins(self) -> int:
        """Plugins of the backend; each keeps a pool of connections to the database."""
        return sum(1 for name in self.dependencies("backend") if _PLUGIN.fullmatch(name))

    def commit_time(self, commit: str) -> str | None:
        """When `commit` was made, in RFC 3339; None when git doesn't know it as a commit."""
        command = ["git", "-C", str(self.directory), "log", "-1", "--format=%cI", commit, "--"]
        try:
            done = subprocess.run(  # noqa: S603, the tag's characters are checked
                command, capture_output=True, text=True, timeout=10, check=False
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
        return done.stdout.strip() or None

    def dependencies(self, package: str) -> dict[str, Any]:
        """What `packages/<package>` depends on, without its devDependencies."""
        manifest = self._manifest(f"packages/{package}/package.json") or {}
        dependencies = manifest.get("dependencies")
        return dependencies if isinstance(dependencies, dict) else {}

    def text(self, path: str) -> str:
        """A file's text; empty when there is none."""
        try:
            return (self.directory / path).read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""

    def _manifest(self, path: str) -> dict[str, Any] | None:
        try:
            manifest = json.loads((self.directory / path).read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            return None
        return manifest if isinstance(manifest, dict) else None

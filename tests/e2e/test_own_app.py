"""A freshly scaffolded app: the steps of docs/portal.md make it build, start and sign people in.

Scaffolding and building need package registries only.
"""

from __future__ import annotations

import os
import re
import shutil
from functools import partial
from pathlib import Path

import pytest

from settings.app_gaps import gaps
from settings.backstage_app import BackstageApp
from tests.e2e.conftest import Pods, Start
from tests.e2e.test_browser import (
    browser,
    test_a_user_in_the_catalog_signs_in,
    test_a_user_missing_from_the_catalog_is_refused,
    test_sign_in_page_offers_what_is_configured,
)
from tests.e2e.test_portal import (
    test_a_certificate_for_another_host_ends_the_process,
    test_a_starting_portal_answers_503_and_never_404,
    test_a_wrong_certificate_authority_ends_the_process,
    test_metrics_have_a_port_of_their_own,
    test_ready_and_alive,
)
from tests.programs import ROOT
from tools.container import engine
from tools.container.portal import PortalContainer

# Imported tests run here against the scaffolded app: `start` and `portal` below override theirs.
__all__ = (
    "browser",
    "test_a_certificate_for_another_host_ends_the_process",
    "test_a_starting_portal_answers_503_and_never_404",
    "test_a_user_in_the_catalog_signs_in",
    "test_a_user_missing_from_the_catalog_is_refused",
    "test_a_wrong_certificate_authority_ends_the_process",
    "test_metrics_have_a_port_of_their_own",
    "test_ready_and_alive",
    "test_sign_in_page_offers_what_is_configured",
)

pytestmark = pytest.mark.e2e

CREATE_APP = "0.9.2"


def documented_steps() -> tuple[str, str, list[tuple[str, str]]]:
    """Reads docs/portal.md: shell commands, the file to edit, its replacements."""
    page = (ROOT / "docs" / "portal.md").read_text(encoding="utf-8")
    section = page.split("\n## Your own app\n")[1].split("\n## ")[0]
    (commands,) = re.findall(r"^```bash\n(.*?)^```$", section, re.M | re.S)
    (diff,) = re.findall(r"^```diff\n(.*?)^```$", section, re.M | re.S)
    header, *hunks = re.split(r"^@@\n", diff, flags=re.M)
    replacements = []
    for hunk in hunks:
        lines = hunk.splitlines()
        before = [line[1:] for line in lines if not line.startswith("+")]
        after = [line[1:] for line in lines if not line.startswith("-")]
        replacements.append(("\n".join(before), "\n".join(after)))
    return commands, header.split()[-1], replacements


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """create-app's template after the documented steps."""
    directory = tmp_path_factory.mktemp("own")
    commands, file, replacements = documented_steps()
    script = (
        f"echo app | npx --yes @backstage/create-app@{CREATE_APP} --skip-install --path /own/app\n"
        f"export APP=/own/app\n{commands}\n"
    )
    shutil.copytree(
        ROOT / "portal" / "plugins",
        directory / "portal" / "plugins",
        ignore=shutil.ignore_patterns("node_modules", "dist*"),
    )
    owner = f"trap 'chown -R {os.getuid()}:{os.getgid()} /own' EXIT\n"
    engine.docker(
        "run", "--rm", "--network", "host", "--workdir", "/own", "--volume", f"{directory}:/own",
        "--volume", "backstage-e2e-yarn:/var/cache/yarn", "--env", "YARN_ENABLE_GLOBAL_CACHE=true",
        "--env", "YARN_GLOBAL_FOLDER=/var/cache/yarn", "--env", "YARN_ENABLE_SCRIPTS=false",
        engine.base_image(), "sh", "-ec", owner + script,
    )  # fmt: skip
    source = directory / "app" / file
    text = source.read_text(encoding="utf-8")
    for before, after in replacements:
        assert text.count(before) == 1, before
        text = text.replace(before, after)
    source.write_text(text, encoding="utf-8")
    return directory / "app"


@pytest.fixture(scope="module")
def own_image(app: Path) -> str:
    engine.build("backstage-e2e:own", app, ROOT / "image" / "multi-stage.Dockerfile", {})
    return "backstage-e2e:own"


@pytest.fixture(scope="module")
def start(containers: Start, own_image: str) -> Start:
    return partial(containers, image=own_image)


@pytest.fixture(scope="module")
def portal(start: Start, pods: Pods, migrated: list[str]) -> PortalContainer:
    job = start("own-migrations", pods.migrations)
    assert job.wait_ended(180) == 0, job.logs()
    container = start("own", pods.portal)
    container.wait_ready()
    return container


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("results")


def test_the_settings_accept_it_without_a_gap(app: Path) -> None:
    assert list(gaps(BackstageApp.load(str(app)))) == []

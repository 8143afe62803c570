"""Runs every Pulumi command of the README and of the operations page in its order."""

from __future__ import annotations

import re
import shlex

import pytest

from tests.engine.cli import UNATTENDED, Engine
from tests.engine.conftest import CANARY
from tests.engine.doubles import World
from tests.programs import ROOT

# Values for placeholders.
GIVEN = {
    "SHA": "2" * 40,
    "SNAPSHOT": "nightly-2026-11-01",
    "certificate/...": "certificate/8f7e6d5c-4b3a-4291-8807-f6e5d4c3b2a1",
    "s3://BUCKET?region=us-east-1": "{backend}",
    "file://~": "{backend}",
}
KMS = "--secrets-provider"  # omitted: it needs an AWS account; the test uses a passphrase
README, OPERATIONS = "README.md", "docs/operations.md"
OF_OTHERS = ("Rotate the secrets of GitHub and GitLab",)  # prod has no GitHub App
PARTS = ((README, "The real thing"), (OPERATIONS, "Day two"))


def section(page: str, title: str, level: int = 2) -> str:
    """The section of a page with this title and heading level."""
    text = (ROOT / page).read_text(encoding="utf-8")
    mark = "#" * level
    found = re.search(
        rf"^{mark} {re.escape(title)}$(.*?)(?=^#{{1,{level}}} |\Z)", text, re.M | re.S
    )
    assert found, title
    return found.group(1)


def commands(text: str) -> list[list[str]]:
    """The pulumi commands in the code blocks of a section, split into words."""
    blocks = re.findall(r"^( *)```bash\n(.*?)^\1```", text, re.M | re.S)
    lines = [line for _, block in blocks for line in block.replace("\\\n", " ").splitlines()]
    split = [shlex.split(line) for line in lines]
    return [words for words in split if words and words[0] == "pulumi"]


def run(engine: Engine, words: list[str]) -> None:
    """Runs a command with its placeholders filled in and its prompts answered."""
    backend = engine.environment["PULUMI_BACKEND_URL"]
    filled = []
    for word in words[1:]:
        for placeholder, value in GIVEN.items():
            word = word.replace(placeholder, value.format(backend=backend))
        filled.append(word)
    secret = "--secret" in filled and filled[-1].startswith("secretEnv.")
    engine.command(*filled, *UNATTENDED.get(filled[0], ()), typed=CANARY if secret else "")


def subsections(page: str, title: str) -> list[tuple[str, str]]:
    """Page and title of each subsection of a section."""
    return [(page, each) for each in re.findall(r"^### (.+)$", section(page, title), re.M)]


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part[1])
def test_subsections_cover_every_command(part: tuple[str, str]) -> None:
    covered = [words for each in subsections(*part) for words in commands(section(*each, 3))]
    assert covered == commands(section(*part)) != []


@pytest.mark.engine
def test_commands_for_eks(engine: Engine, world: World) -> None:
    ran = set()
    for page, title in [each for part in PARTS for each in subsections(*part)]:
        if title in OF_OTHERS:
            continue
        for words in commands(section(page, title, 3)):
            ran.add(words[1])
            if KMS in words:
                assert words[1:3] == ["stack", "init"]
                words = words[: words.index(KMS)]
            run(engine, words)
        if title == "Deploy":
            assert engine.operate("preview", "prod", "--expect-no-changes").code == 0
            portal = [each for each in world.operations if each.name == "backstage-secrets"]
            assert portal[-1].inputs["stringData"]["AUTH_GITHUB_CLIENT_SECRET"] == CANARY
        if title == "Restore from a snapshot":
            created = [each for each in world.operations if each.name == "backstage-2-cluster"]
            assert created[0].inputs["snapshotIdentifier"] == GIVEN["SNAPSHOT"]
            assert created[-1].inputs["deletionProtection"]
            assert "backstage-1-cluster" in world.names("delete")
        if title == "Upgrade PostgreSQL":
            versions = [each.inputs["engineVersion"] for each in world.operations
                        if (each.kind, each.name) == ("update", "backstage-1-cluster")]  # fmt: skip
            assert versions[-2:] == ["17.7", "18"]
    assert ran == {"login", "stack", "config", "preview", "up", "destroy"}
    assert sorted(world.names("delete")) == sorted(world.names("create"))
    assert CANARY not in engine.shown + engine.state()


@pytest.mark.engine
def test_commands_for_any_cluster(engine: Engine, world: World) -> None:
    for words in commands(section(README, "On any cluster")):
        run(engine, words)
    assert "backstage-deployment" in world.names("create")
    # The last commands add an Ingress, which takes effect with the next update.
    assert "backstage-ingress" not in world.names("create")
    engine.up("local")
    assert "backstage-ingress" in world.names("create")

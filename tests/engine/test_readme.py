"""Every command of the README's part on the real thing, run in its order."""

from __future__ import annotations

import re
import shlex

import pytest

from tests.engine.conftest import CANARY, UNATTENDED, Engine
from tests.engine.doubles import World
from tests.programs import ROOT

# Of what the README leaves to its reader.
GIVEN = {
    "SHA": "2" * 40,
    "SNAPSHOT": "nightly-2026-11-01",
    "certificate/...": "certificate/8f7e6d5c-4b3a-4291-8807-f6e5d4c3b2a1",
    "s3://BUCKET?region=us-east-1": "{backend}",  # a bucket's place
    "file://~": "{backend}",
}
KMS = "--secrets-provider"  # an AWS account's; the test's stack has a passphrase
SECTIONS = ("State", "Configuration", "Deploy", "Update, go back", "Rotate the database password",
            "Restore from a snapshot", "Tear down")  # fmt: skip


def part(title: str, level: int) -> str:
    """The text of the README's part of a title."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    mark = "#" * level
    found = re.search(
        rf"^{mark} {re.escape(title)}$(.*?)(?=^#{{1,{level}}} |\Z)", text, re.M | re.S
    )
    assert found, title
    return found.group(1)


def commands(text: str) -> list[list[str]]:
    """The pulumi commands of a part's code blocks, as their words."""
    blocks = re.findall(r"^( *)```bash\n(.*?)^\1```", text, re.M | re.S)
    lines = [line for _, block in blocks for line in block.replace("\\\n", " ").splitlines()]
    split = [shlex.split(line) for line in lines]
    return [words for words in split if words and words[0] == "pulumi"]


def run(engine: Engine, words: list[str]) -> None:
    """Runs a command as its reader would; what it asks for is given to it."""
    backend = engine.environment["PULUMI_BACKEND_URL"]
    filled = []
    for word in words[1:]:
        for placeholder, value in GIVEN.items():
            word = word.replace(placeholder, value.format(backend=backend))
        filled.append(word)
    secret = "--secret" in filled and filled[-1].startswith("secretEnv.")
    engine.command(*filled, *UNATTENDED.get(filled[0], ()), typed=CANARY if secret else "")


def test_no_command_is_outside_the_parts_that_are_run() -> None:
    run_here = [words for title in SECTIONS for words in commands(part(title, 3))]
    assert commands(part("The real thing", 2)) == run_here
    assert len(run_here) > 25


@pytest.mark.engine
def test_real_thing(engine: Engine, world: World) -> None:
    ran = []
    for title in SECTIONS:
        for words in commands(part(title, 3)):
            ran.append(words[1])
            if KMS in words:
                assert words[1:3] == ["stack", "init"]
                words = words[: words.index(KMS)]
            run(engine, words)
        if title == "Deploy":
            assert engine.operate("preview", "prod", "--expect-no-changes").code == 0
            portal = [each for each in world.operations if each.name == "backstage-secrets"]
            assert portal[-1].inputs["stringData"]["AUTH_GITHUB_CLIENT_SECRET"] == CANARY
        if title == "Restore from a snapshot":
            made = [each for each in world.operations if each.name == "backstage-2-cluster"]
            assert made[0].inputs["snapshotIdentifier"] == GIVEN["SNAPSHOT"]
            assert made[-1].inputs["deletionProtection"]
            assert "backstage-1-cluster" in world.names("delete")
    assert {"login", "stack", "config", "preview", "up", "destroy"} == set(ran)
    assert sorted(world.names("delete")) == sorted(world.names("create"))
    assert CANARY not in engine.shown + engine.state()


@pytest.mark.engine
def test_any_cluster(engine: Engine, world: World) -> None:
    found = commands(part("On any cluster", 2))
    assert len(found) >= 5
    for words in found:
        run(engine, words)
    assert "backstage-deployment" in world.names("create")
    # The last two change the way in.
    assert "backstage-ingress" not in world.names("create")
    engine.up("local")
    assert "backstage-ingress" in world.names("create")

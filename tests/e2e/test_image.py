"""What the image contains, and what it leaves out."""

from __future__ import annotations

import re
import tarfile
from pathlib import Path

import pytest

from tests.e2e.conftest import CANARY
from tests.programs import previewed
from tools.container import engine

pytestmark = pytest.mark.e2e


def in_image(image: str, command: str) -> list[str]:
    """Runs a shell command in the image as root, who can read every file. Returns its lines."""
    sh = ["run", "--rm", "--user", "0", "--entrypoint", "sh", image, "-c", command]
    return engine.docker(*sh).splitlines()


def test_labels_user_and_command(image: str) -> None:
    config = engine.inspect("image", image)["Config"]
    revision = previewed("dev").inputs("docker:index/image:Image")["build"]["args"]["REVISION"]
    assert config["User"] == "10001:10001"
    assert not config["Entrypoint"]
    assert config["Cmd"][:2] == ["node", "packages/backend"]
    assert config["Labels"]["org.opencontainers.image.revision"] == revision
    assert re.match(r"\d{4}-\d\d-\d\dT", config["Labels"]["org.opencontainers.image.created"])
    assert "org.opencontainers.image.source" in config["Labels"]


@pytest.mark.parametrize(
    "what",
    [
        "find /app -name '*.map'",
        "find /app -name '*.ts' ! -name config.d.ts ! -path '*/typescript/lib/*'",
        "find /app -path '*/node_modules/*/package.json' -execdir find test tests __tests__ "
        "examples -prune ';' 2>/dev/null",
        "find /app /root /var/cache /usr/local/share -path '*yarn*' -name '*.zip'",
        "ls -d /app/.yarn* /app/yarn.lock /app/packages/backend/src /app/packages/app/src "
        "2>/dev/null; true",
        "for each in gcc g++ cc make python3; do command -v $each; done; true",
        "find /app -xdev ! -user root",
        "find /app -xdev -perm -002 ! -type l",
    ],
)
def test_nothing_that_only_a_build_needs(image: str, what: str) -> None:
    assert in_image(image, what) == []


def test_no_secret_of_the_context_in_any_layer(image: str, tmp_path: Path) -> None:
    archive = tmp_path / "image.tar"
    engine.docker("save", "--output", str(archive), image)
    needle = CANARY.encode()
    layers = 0
    with tarfile.open(archive) as saved:
        for member in saved:
            content = saved.extractfile(member)
            if content is None:
                continue
            layers += member.size > 1_000_000
            tail = b""
            while chunk := content.read(1 << 24):
                assert needle not in tail + chunk, member.name
                tail = chunk[-len(needle) :]
    assert layers >= 3  # the archive held the image's own layers


def test_nothing_secret_or_of_one_environment_in_history_and_environment(image: str) -> None:
    config = engine.inspect("image", image)["Config"]
    names = {each.partition("=")[0] for each in config["Env"]}
    assert not [each for each in names if re.search(r"SECRET|TOKEN|PASSWORD|POSTGRES|HOST", each)]
    history = engine.docker("history", "--no-trunc", "--format", "{{.CreatedBy}}", image)
    assert CANARY not in history
    assert "example.com" not in history

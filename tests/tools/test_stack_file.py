"""Stack files, read as the engine passes them to the program."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path

import pytest

from settings.values.variables import ENCRYPTED
from tests.programs import STACK_FILES
from tests.tools.project import project
from tools.preview.__main__ import main
from tools.preview.stack_file import StackFileError, read_stack


def test_values_are_what_the_engine_passes(tmp_path: Path) -> None:
    stack = """
    config:
      shop:count: 2
      shop:share: 0.5
      shop:on: true
      shop:text: "2"
      shop:list: [1, a]
      aws:region: us-east-1
      shop:hidden: {secure: v1:abc}
      shop:mixed: {plain: a, token: {secure: v1:abc}}
    """
    project(tmp_path, "", textwrap.dedent(stack))
    config = read_stack(tmp_path, "dev")
    assert config.values == {
        "pulumi:disable-default-providers": '["aws", "kubernetes"]',
        "shop:count": "2",
        "shop:share": "0.5",
        "shop:on": "true",
        "shop:text": "2",
        "shop:list": '[1, "a"]',
        "aws:region": "us-east-1",
        "shop:hidden": ENCRYPTED,
        "shop:mixed": json.dumps({"plain": "a", "token": ENCRYPTED}),
    }
    assert config.secret_keys == ["shop:hidden", "shop:mixed"]
    assert config.explicit_packages == {"aws", "kubernetes"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("config: [", "line 2: did not find expected node content"),
        ("- a", "not a YAML mapping"),
        ("config: [a]", "config isn't a mapping"),
        ("config: {a: !!binary aGk=}", "line 1: could not determine a constructor"),
        ("config: &a {a: *a}", "aliases expand"),
        ("config: {a: 1, a: 2}", "line 1: a is there twice"),
        ("config: {a: 1, 'shop:a': 2}", "shop:a is there twice, once without its namespace"),
        ("shop:a: 1", "shop:a has to be under config:"),
        (None, "No such file"),
    ],
    ids=[
        "not YAML",
        "not a mapping",
        "config is a list",
        "binary",
        "alias to itself",
        "twice",
        "twice, once bare",
        "outside config",
        "missing",
    ],
)
def test_unreadable_file_is_named(
    text: str | None, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = project(tmp_path, "", text or "")
    if text is None:
        (tmp_path / "Pulumi.dev.yaml").unlink()
    with pytest.raises(StackFileError, match=message):
        read_stack(tmp_path, "dev")
    assert main(arguments) == 1
    assert "Pulumi.dev.yaml" in capsys.readouterr().err


def test_dates_and_yes_are_text_as_the_engine_reads_them(tmp_path: Path) -> None:
    project(tmp_path, "", "config: {a: 2026-01-02, b: yes, c: true, 4: 5}\n")
    values = read_stack(tmp_path, "dev").values
    assert {key: value for key, value in values.items() if key.startswith("shop:")} == {
        "shop:a": "2026-01-02",
        "shop:b": "yes",
        "shop:c": "true",
        "shop:4": "5",
    }


def test_ciphertext_is_not_previewed(tmp_path: Path) -> None:
    file = tmp_path / "Pulumi.prod.yaml"
    committed = STACK_FILES["prod"].read_text(encoding="utf-8")
    secret = "  backstage:secretEnv:\n    GITHUB_TOKEN:\n      secure: v1:ciphertext\n"
    file.write_text(committed + secret, encoding="utf-8")
    out = tmp_path / "out"
    assert main(["prod", "--config-file", str(file), "--out", str(out)]) == 0
    written = "".join(each.read_text("utf-8") for each in out.rglob("*.*") if each.is_file())
    assert "GITHUB_TOKEN: __SECRET:backstage-secrets/GITHUB_TOKEN__" in written
    assert f'"{ENCRYPTED}"' not in written
    assert "ciphertext" not in written

"""Stack files, read as the engine passes them to the program."""

from __future__ import annotations

import json
import re
import textwrap
from pathlib import Path

import pytest

from settings.values.variables import ENCRYPTED
from tests.programs import ROOT, STACK_FILES
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
        ("config:\n  a: 1\n\tb: 2\n", "line 3: found a tab character"),
        ("config:\n  a: 1\n  b:2\n", "line 3: no ': ' between a key and its value"),
        ("config:\n  a: 1\n<<<<<<< HEAD\n  b: 1\n=======\n", "line 3: a merge conflict"),
        ("config: {a: 1}\n---\nb: 1\n", "line 2: '---' begins another document"),
        ("config: [a]", "config isn't a mapping"),
        ("config: {a: !!binary aGk=}", "line 1: could not determine a constructor"),
        ("config: &a {a: *a}", "aliases expand"),
        ("config:\n  a: 1\n  b: 1\n  a: 2", "line 4: a is there twice, first in line 2"),
        ("config:\n  a: 1\n  shop:a: 2", "line 3: shop:a is there twice, once without its names"),
        ("shop:a: 1", "shop:a has to be indented under config:"),
        ("# config:", r"An empty file$"),
        (None, r"Pulumi.dev.yaml: No such file$"),
    ],
    ids=[
        "not YAML",
        "not a mapping",
        "tab",
        "no space",
        "merge conflict",
        "two documents",
        "config is a list",
        "binary",
        "alias to itself",
        "twice",
        "twice, once bare",
        "outside config",
        "empty",
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
    assert capsys.readouterr().err.startswith("error: Pulumi.dev.yaml: ")


def test_yes_is_text_as_the_engine_reads_it(tmp_path: Path) -> None:
    project(tmp_path, "", "config: {b: yes, c: true, 4: 5}\n")
    values = read_stack(tmp_path, "dev").values
    assert {key: value for key, value in values.items() if key.startswith("shop:")} == {
        "shop:b": "yes",
        "shop:c": "true",
        "shop:4": "5",
    }


REWRITTEN = """
config:
  aws:allowedAccountIds:
    - 012345678901
  backstage:imageTag: 0123456
  databaseEngineVersion: 17.10
  backstage:replicas: 010
  backstage:env: {DAY: 2026-01-02, TIME: 12:30, FLAG: True}
  backstage:secretsFrom:
    - parameter: /a
      as: A
      version: 3
  backstage:databaseMinCapacity: 0.50
"""


def test_a_text_that_yaml_reads_as_something_else_has_to_be_quoted(tmp_path: Path) -> None:
    file = tmp_path / "Pulumi.prod.yaml"
    file.write_text(REWRITTEN, encoding="utf-8")
    with pytest.raises(StackFileError) as raised:
        read_stack(ROOT, "prod", file)
    head, *blocks = re.split(r"\n  (?! )", str(raised.value))
    assert head == f"{file}: YAML reads 5 values as something else than what is written:"
    quoted = "\n    allowed: text in quotes\n    fix:     "
    assert blocks == [
        "aws:allowedAccountIds[0] (line 4)\n    given:   012345678901, which YAML reads as "
        f'12345678901{quoted}- "012345678901"',
        "imageTag (line 5)\n    given:   0123456, which YAML reads as 42798"
        f'{quoted}backstage:imageTag: "0123456"',
        "databaseEngineVersion (line 6)\n    given:   17.10, which YAML reads as 17.1"
        f'{quoted}databaseEngineVersion: "17.10"',
        "replicas (line 7)\n    given:   010, which YAML reads as 8\n"
        "    allowed: a number without leading zeros\n    fix:     backstage:replicas: 10",
        "env.DAY (line 8)\n    given:   2026-01-02, which YAML reads as 2026-01-02 00:00:00 +0000 "
        f'UTC{quoted}DAY: "2026-01-02"',
    ]


def test_a_text_that_may_be_a_secret_is_not_shown(tmp_path: Path) -> None:
    file = tmp_path / "Pulumi.prod.yaml"
    file.write_text("config:\n  secretEnv:\n    PIN: 0123456789\n", encoding="utf-8")
    with pytest.raises(StackFileError) as raised:
        read_stack(ROOT, "prod", file)
    assert "23456789" not in str(raised.value)
    assert str(raised.value).endswith(
        "  secretEnv.PIN (line 3)\n    given:   [secret], which YAML reads as another text\n"
        '    allowed: text in quotes\n    fix:     PIN: "VALUE"'
    )


@pytest.mark.parametrize(
    ("stack", "instead"),
    [
        ("Pulumi.prod.yaml", ". Did you mean prod?"),
        ("prod.yaml", ". Did you mean prod?"),
        ("prdo", ". Did you mean prod?"),
        (
            "staging",
            ". To begin with the values of one:\n  fix: cp Pulumi.prod.yaml Pulumi.staging.yaml",
        ),
    ],
)
def test_a_stack_without_file_is_told_where_to_start(
    stack: str, instead: str, tmp_path: Path
) -> None:
    project(tmp_path, "", "config: {a: 1}")
    (tmp_path / "Pulumi.dev.yaml").rename(tmp_path / "Pulumi.prod.yaml")
    with pytest.raises(StackFileError) as raised:
        read_stack(tmp_path, stack)
    there = "; there are the stacks prod"
    assert str(raised.value) == f"Pulumi.{stack}.yaml: No such file{there}{instead}"


def test_no_stack_at_all_is_told_which_there_are(tmp_path: Path) -> None:
    project(tmp_path, "", "config: {a: 1}")
    with pytest.raises(StackFileError, match=r"^no stack is named; there are the stacks dev$"):
        read_stack(tmp_path, "")


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

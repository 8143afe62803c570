"""Every key: what it reads, what it refuses, which target knows it, where it is documented."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pulumi_aws as aws
import pytest
from pydantic import BaseModel, TypeAdapter

from settings.files import ROOT
from settings.keys import KEYS, Key
from settings.model import Settings
from settings.values.aws import Region
from tests.settings.key_table import KEYS as TABLE
from tests.settings.stack import BASES, base_of, knows, loaded, refused
from tools.schema.key_row import key_row

CASES = [(key, index) for key, row in TABLE.items() for index in range(len(row.bad))]
FOREIGN = [(base, name) for name in sorted(KEYS) for base in BASES if not knows(base, name)]


def value_of(settings: Settings, key: Key) -> Any:
    """What was read of a key, as plain values; a file's path for a file."""
    value = getattr(getattr(settings, key.group) if key.group else settings, key.attribute)
    if isinstance(value, tuple):
        return tuple(_plain(each) for each in value)
    return _plain(value)


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(by_alias=True, exclude_none=True)
    return getattr(value, "path", value)


def test_the_table_has_every_key() -> None:
    assert set(TABLE) == set(KEYS)


@pytest.mark.parametrize(
    "name",
    sorted(
        each for each in KEYS if not KEYS[each].holds_secrets and each != "databaseCaBundlePath"
    ),
)
def test_an_accepted_value_is_read(name: str) -> None:
    row = TABLE[name]
    needed: dict[str, dict[str, object]] = {
        "imageTarget": {"appPath": "portal"},
        "imageBase": {"appPath": "portal"},
        "imageSource": {"appPath": "portal"},
        "ingressScheme": {"ingressInboundCidrs": ["10.0.0.0/8"]},
        "imageDigest": {"imageTag": None},
        "databaseGeneration": {"databaseDeletionProtection": False},
        "databaseProtectedGeneration": {"databaseDeletionProtection": False},
        "installLoadBalancerController": {"loadBalancerController": "irsa"},
    }
    settings, _ = loaded({**base_of(name), **needed.get(name, {}), name: row.good})
    expected = row.good if row.read is None else row.read
    expected = tuple(expected) if isinstance(expected, list) else expected
    assert value_of(settings, KEYS[name]) == expected


@pytest.mark.parametrize(("name", "index"), CASES, ids=[f"{key}-{n}" for key, n in CASES])
def test_a_bad_value_is_one_problem(name: str, index: int) -> None:
    value, *fragments = TABLE[name].bad[index]
    message = refused({**base_of(name), name: value})
    assert message.startswith("Stack 'test' has 1 configuration problem:\n"), message
    block = message.split("\n    given:   ")[1]
    assert "\n    allowed: " in block
    assert "\n    fix:     " in block
    for fragment in fragments:
        assert fragment in message


@pytest.mark.parametrize(("base", "name"), FOREIGN)
def test_a_key_of_another_target_is_refused(base: tuple[str, str], name: str) -> None:
    known_to = KEYS[name].known_to
    assert known_to is not None
    target, database = base
    owner, current = f"database {' or '.join(known_to.databases)}", f"database {database}"
    if target not in known_to.targets:
        owner, current = f"target {' or '.join(sorted(known_to.targets))}", f"target {target}"
    forgotten = target in known_to.targets and "database" not in BASES[base]
    ways = [f"    or:      pulumi config set --stack test database {each}\n"
            for each in known_to.databases if forgotten]  # fmt: skip
    assert refused({**BASES[base], name: TABLE[name].good}) == (
        "Stack 'test' has 1 configuration problem:\n"
        f"  {name}\n"
        f"    given:   set, with {current}\n"
        f"    allowed: unset, or {owner}\n"
        f"    fix:     pulumi config rm --stack test {name}\n"
        f"{''.join(ways)}"
        "Nothing was changed."
    )


def test_every_region_of_the_sdk_is_accepted() -> None:
    region = TypeAdapter(Region)
    for each in aws.Region:
        assert region.validate_python(each.value) == each.value


def test_documented_commands_say_whether_a_value_is_secret() -> None:
    """The CLI refuses a long value of a key that sounds like a secret, if they don't."""
    for page in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")):
        text = page.read_text(encoding="utf-8").replace("\\\n", "")
        for key, value in re.findall(r"^pulumi config set --stack \w+ (\w+) (\S+)$", text, re.M):
            sounds_secret = re.search("password|secret|token", key, re.IGNORECASE)
            assert not sounds_secret or len(value) < 16, f"{page.name}: {key} needs --plaintext"


def documented() -> dict[str, tuple[str, str]]:
    """Default and meaning of every row in the tables of docs/configuration.md."""
    page = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    keys = page.partition("\n## Stack outputs\n")[0]
    rows = re.findall(r"^\| `([\w:]+)` \| (.*?) ?\| (.*) \|$", keys, flags=re.M)
    assert len(rows) == len({key for key, _, _ in rows})
    return {key: (default.strip(), meaning) for key, default, meaning in rows}


def declared() -> dict[str, tuple[str, str]]:
    return {name: key_row(key) for name, key in KEYS.items()}


def test_the_documentation_has_every_key(pytestconfig: pytest.Config) -> None:
    """`pytest --update-golden` rewrites the rows of keys that are there."""
    page = ROOT / "docs" / "configuration.md"
    if pytestconfig.getoption("--update-golden"):
        update(page)
    assert documented() == declared()


def update(page: Path) -> None:
    rows = {
        name: f"| `{name}` | {default} | {text} |" for name, (default, text) in declared().items()
    }

    def row(match: re.Match[str]) -> str:
        return rows.get(match[1], match[0])

    keys, outputs, rest = page.read_text(encoding="utf-8").partition("\n## Stack outputs\n")
    keys = re.sub(r"^\| `([\w:]+)` \|.*\|$", row, keys, flags=re.M)
    page.write_text(keys + outputs + rest, encoding="utf-8")

"""The table from a provider's schema."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.tokens import CLUSTER, REPOSITORY
from tools.diff.comparison.renew import renew, replacing, written
from tools.diff.comparison.replacements import TABLE, table

FORCED = {"willReplaceOnChanges": True}
NESTED = "aws:ecr/RepositoryEncryptionConfiguration:RepositoryEncryptionConfiguration"


def schema() -> dict[str, Any]:
    """As `pulumi package get-schema` prints it, with every type of the table."""
    inputs: dict[str, Any] = {
        type_: {"name": FORCED, "tags": {}} for type_ in table() if type_.startswith("aws:")
    }
    repository: dict[str, Any] = {
        "name": {"type": "string", **FORCED},
        "forceDelete": {"type": "boolean"},
        "encryptionConfigurations": {"type": "array", "items": {"$ref": f"#/types/{NESTED}"}},
        "loops": {"$ref": "#/types/aws:x/Loop:Loop"},
    }
    resources = {type_: {"inputProperties": each} for type_, each in inputs.items()}
    resources[REPOSITORY] = {"inputProperties": repository}
    types = {
        NESTED: {"properties": {"kmsKey": {"type": "string", **FORCED}}},
        "aws:x/Loop:Loop": {"properties": {"again": {"$ref": "#/types/aws:x/Loop:Loop"}}},
    }
    return {"resources": resources, "types": types}


def test_inputs_that_replace_and_those_that_hold_one() -> None:
    assert replacing(schema(), REPOSITORY) == ["encryptionConfigurations", "name"]


def test_the_table_is_written_as_it_is_read(tmp_path: Path) -> None:
    text = TABLE.read_text(encoding="utf-8")
    assert text.endswith(written(table(), ""))
    copy = tmp_path / "table.yaml"
    copy.write_text(text, encoding="utf-8")
    changed = renew({"aws": schema()}, copy)
    assert CLUSTER in changed
    assert REPOSITORY not in changed
    renewed = copy.read_text(encoding="utf-8")
    assert renewed.startswith(text.partition("\naws:acm")[0])
    assert f"{CLUSTER}:\n  name: clusterIdentifier\n  replaced_by: [name]\n" in renewed
    assert "kubernetes:batch/v1:Job:" in renewed

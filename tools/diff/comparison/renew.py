"""`make replacements`: renews replacements.yaml from the schemas that the providers publish.

A provider marks an input `willReplaceOnChanges`. Those of AWS and random do, Kubernetes' doesn't.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from settings.problem import with_fixes
from tools.diff.comparison.replacements import TABLE, Replacement, table
from tools.process import ends_with

PACKAGES = ("aws", "random")
_REFERENCE = re.compile(r"#/types/(.+)")
_WIDTH = 100
Schema = Mapping[str, Any]


def published(package: str) -> Schema:
    """The schema of the release that is installed here, asked of the plugin by the Pulumi CLI.

    Raises CalledProcessError, and FileNotFoundError without the CLI.
    """
    release = f"{package}@{version(f'pulumi-{package}')}"
    command = ["pulumi", "package", "get-schema", release]
    done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603
    found: Schema = json.loads(done.stdout)
    return found


def replacing(schema: Schema, type_: str) -> list[str]:
    """Inputs of a type that replace it. One that holds such an input counts as a whole."""
    inputs = schema["resources"][type_]["inputProperties"]
    return sorted(name for name, each in inputs.items() if _replaces(schema, each, frozenset()))


def _replaces(schema: Schema, property_: Schema, above: frozenset[str]) -> bool:
    if property_.get("willReplaceOnChanges"):
        return True
    for name in set(_references(property_)) - above:
        below = schema["types"].get(name, {}).get("properties", {})
        if any(_replaces(schema, each, above | {name}) for each in below.values()):
            return True
    return False


def _references(property_: Schema) -> Iterator[str]:
    """Names of the object types that a property is, or is a list of."""
    if match := _REFERENCE.fullmatch(property_.get("$ref", "")):
        yield match[1]
    for key in ("items", "additionalProperties"):
        if key in property_:
            yield from _references(property_[key])


def written(rows: Mapping[str, Replacement], head: str) -> str:
    """The file: its comments, and a row for each type."""
    return head + "".join(_row(type_, rows[type_]) for type_ in sorted(rows))


def _row(type_: str, row: Replacement) -> str:
    names = [f'"{each}"' if each == "*" else each for each in row.replaced_by]
    listed = f"  replaced_by: [{', '.join(names)}]\n"
    if len(listed) > _WIDTH:
        listed = "".join(["  replaced_by:\n", *(f"    - {name}\n" for name in names)])
    return f"{type_}:\n" + (f"  name: {row.name}\n" if row.name else "") + listed


def renew(schemas: Mapping[str, Schema], file: Path = TABLE) -> list[str]:
    """Replaces the rows of these packages. Returns the types whose rows change."""
    rows = dict(table())
    for type_, row in table().items():
        if schema := schemas.get(type_.partition(":")[0]):
            rows[type_] = Replacement(row.name, tuple(replacing(schema, type_)))
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    head = "".join(line for line in lines if line.startswith("#"))
    file.write_text(written(rows, head), encoding="utf-8")
    return sorted(type_ for type_, row in rows.items() if row != table()[type_])


def main() -> int:
    """Returns the exit code; prints which types changed."""
    try:
        changed = renew({package: published(package) for package in PACKAGES})
    except FileNotFoundError:
        print(with_fixes("error: no pulumi on PATH", "make engine"), file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as error:
        print(f"error: {' '.join(error.cmd)}:\n{error.stderr.strip()}", file=sys.stderr)
        return 1
    print(f"{TABLE.name}: {', '.join(changed) or 'nothing'} changed; write the date into its head")
    return 0


if __name__ == "__main__":
    ends_with(main)

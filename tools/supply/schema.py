"""Validates SBOMs against the JSON schema of CycloneDX: `python -m tools.supply.schema FILE...`.

Runs in `.local/supply`, which has the schema's package.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from tools.process import ends_with


def main(files: list[str]) -> int:
    """Returns the exit code, 1 if a file is invalid."""
    failed = False
    for file in files:
        text = Path(file).read_text(encoding="utf-8")
        version = SchemaVersion.from_version(str(json.loads(text).get("specVersion", "")))
        if problem := JsonStrictValidator(version).validate_str(text):
            where, what = problem.data.json_path, problem.data.message
            print(f"error: {file}: {where}: {what:.200}", file=sys.stderr)
            failed = True
    return int(failed)


if __name__ == "__main__":
    ends_with(lambda: main(sys.argv[1:]))

"""Writes calls/STACK.jsonl from what `AWS_CALLS=DIR make test-aws` recorded: run
`python -m tests.deployer.record DIR`.

Of each call it keeps what IAM decides by, once for each phase. Phases in which the plan itself
changes are in `RENEWED` of test_calls.py.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

CALLS = Path(__file__).parent / "calls"
# Names, ARNs, tags and changes of records. Documents and settings are left out.
_KEPT = (
    "Arn", "ARN", "Boundary", "Bucket", "ChangeBatch", "CopySource", "Id", "Identifier", "Key",
    "Keys", "Name", "Names", "name", "Resources", "Tags", "tags", "TagSpecifications",
    "encryptionConfiguration",
)  # fmt: skip
_UNUSED = ("ClientRequestToken", "IdempotencyToken")


def compact(lines: Iterator[str]) -> Iterator[str]:
    """The calls in their order, without repetitions."""
    seen = set()
    for line in lines:
        call: dict[str, Any] = json.loads(line)
        call["parameters"] = {
            name: value
            for name, value in call["parameters"].items()
            if name.endswith(_KEPT) and name not in _UNUSED
        }
        text = json.dumps(call, sort_keys=True, separators=(",", ":"))
        if text not in seen:
            seen.add(text)
            yield text + "\n"


def main(directory: str) -> None:
    for stack in ("dev", "existing-environment", "prod"):
        with (Path(directory) / f"{stack}.jsonl").open(encoding="utf-8") as recorded:
            text = "".join(compact(recorded))
        (CALLS / f"{stack}.jsonl").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])

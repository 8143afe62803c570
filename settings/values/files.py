"""Files, read when the configuration is."""

from __future__ import annotations

from typing import Any

from pydantic import PlainValidator, WithJsonSchema


def from_file(load: Any, allowed: str, example: str) -> tuple[Any, Any]:
    """Takes a path, and has in its place what `load` reads from the file."""

    def read(path: Any) -> Any:
        if not isinstance(path, str):
            raise ValueError("a path is text")
        return load(path)

    schema = {"type": "string", "errorMessage": allowed, "examples": [example]}
    return PlainValidator(read), WithJsonSchema(schema)

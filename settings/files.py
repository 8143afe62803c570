"""Files of the project that keys name."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent  # of the project; paths in keys are relative to it


class FileError(ValueError):
    """A file that a key names is missing or unusable; the text says why."""


def read_text(path: str) -> str:
    """Text of a file in the project. Raises FileError."""
    try:
        return (ROOT / path).read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise FileError("not UTF-8 text") from error
    except (OSError, ValueError) as error:
        raise FileError(getattr(error, "strerror", None) or "not a path") from error

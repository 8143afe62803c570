"""Tables of the documentation that tests compute."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest


def check(config: pytest.Config, page: Path, header: str, rows: str) -> None:
    """Fails unless the page has these rows below the header; --update-golden writes them."""
    before, found, after = page.read_text(encoding="utf-8").partition(header)
    documented = "".join(itertools.takewhile(lambda row: row[0] == "|", after.splitlines(True)))
    if config.getoption("--update-golden"):
        page.write_text(before + header + rows + after.removeprefix(documented), encoding="utf-8")
    else:
        assert found + documented == header + rows

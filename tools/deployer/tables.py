"""The tables of rights, one entry for each type of a plan."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from settings.files import parse_yaml, read_text
from tools.deployer.plan import DeployerError


def read_tables(file: Path) -> dict[str, Any]:
    """The content of a YAML file of tables."""
    return parse_yaml(read_text(str(file)))


def entry_of(tables: Mapping[str, Any], file: Path, table: str, name: str, content: str) -> Any:
    """An entry of a table in `file`. content: what an entry has, for whoever has to add one.

    Raises DeployerError for a name that the table lacks.
    """
    known = tables[table]
    if name not in known:
        raise DeployerError(
            f"{name} is not in the table `{table}` of {file.relative_to(file.parents[2])}\n"
            f"Fix: add {content}; see docs/extending.md, Add a resource."
        )
    return known[name]

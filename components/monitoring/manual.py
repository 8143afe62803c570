"""Links to the sections of the manual that say what to do."""

from __future__ import annotations

MANUAL = "docs/operations.md"


def section(title: str) -> str:
    """Of the manual, as a link within the repository."""
    anchor = "".join(each for each in title.lower() if each.isalnum() or each in " -")
    return f"{MANUAL}#{anchor.replace(' ', '-')}"

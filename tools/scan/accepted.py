"""The findings that decision 0008 accepts, read from the tables of its page."""

from __future__ import annotations

import datetime
import re
from collections.abc import Collection, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import NamedTuple

from tools.scan.scanners import Finding

HEADER = ("check", "on", "stacks", "finding", "why it stays", "owner", "review")


class Row(NamedTuple):
    """A row: each of `checks` may fail on the resources that match `on`, in `stacks`."""

    checks: tuple[str, ...]
    on: tuple[str, ...]
    """Patterns with `*`, of `Finding.resource`"""
    stacks: tuple[str, ...]
    """Names of stacks, or of groups of stacks"""
    finding: str
    reason: str
    owner: str
    review: datetime.date
    """When the owner has to decide anew"""


def rows(page: str) -> list[Row]:
    """The rows of every table with `HEADER`. Raises ValueError for a malformed one."""
    found = []
    inside = False
    for line in page.splitlines():
        cells = tuple(cell.strip() for cell in line.strip("| ").split(" | "))
        if not line.startswith("|"):
            inside = False
        elif cells == HEADER:
            inside = True
        elif inside and not re.fullmatch(r"[|-]+", line):
            if len(cells) != len(HEADER) or not all(cells):
                raise ValueError(f"0008: a cell is missing in: {line}")
            checks, on, stacks = (tuple(cell.split(", ")) for cell in cells[:3])
            review = datetime.date.fromisoformat(cells[6])
            found.append(Row(checks, on, stacks, cells[3], cells[4], cells[5], review))
    return found


def differences(
    accepted: Collection[Row],
    findings: Collection[Finding],
    groups: Mapping[str, Collection[str]],
) -> Iterator[str]:
    """Findings that no row accepts; checks, patterns and stacks of a row that no finding needs."""

    def covers(row: Row, finding: Finding) -> bool:
        return (
            finding.check in row.checks
            and any(fnmatchcase(finding.resource, pattern) for pattern in row.on)
            and any(finding.stack in groups.get(stack, (stack,)) for stack in row.stacks)
        )

    for finding in sorted(findings):
        if not any(covers(row, finding) for row in accepted):
            yield f"not in 0008: {finding.check} on {finding.resource} in {finding.stack}"
    for row in accepted:
        needed = [finding for finding in findings if covers(row, finding)]
        for check in row.checks:
            if not any(finding.check == check for finding in needed):
                yield f"no longer occurs: {check} on {', '.join(row.on)}"
        for pattern in row.on:
            if not any(fnmatchcase(finding.resource, pattern) for finding in needed):
                yield f"no longer occurs: {', '.join(row.checks)} on {pattern}"
        for stack in row.stacks:
            if not any(finding.stack in groups.get(stack, (stack,)) for finding in needed):
                yield f"no longer occurs: {', '.join(row.checks)} in {stack}"

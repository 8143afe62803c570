"""What the offline preview prints."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from textwrap import wrap
from typing import Any

from tools.preview.recording import COMPUTED, SECRET, STACK_TYPE, Recording, Resource


def report(recording: Recording, stack: str) -> str:
    """The tree of resources, the stack outputs and the count, like `pulumi preview`'s."""
    lines = [f"Previewing update ({stack}): offline, recorded look-ups, an empty account", ""]
    rows = [("Type", "Name", "Plan", "Info"), *_rows(recording)]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    for number, row in enumerate(rows):
        mark = "   " if number == 0 else " + "
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        lines.append((mark + "  ".join([*cells, row[3]])).rstrip())
    if recording.warnings:
        lines += ["", "Diagnostics:", *[f"    warning: {text}" for text in recording.warnings]]
    outputs = dict(recording.outputs)
    lines += _permissions(outputs.pop("permissions", {}))
    lines += ["", "Outputs:"]
    width = max((len(name) for name in outputs), default=0)
    for name, value in sorted(outputs.items()):
        text = value if isinstance(value, str) else json.dumps(value)
        lines.append(f"    {name.ljust(width)}: {text}")
    lines += ["", "Resources:", f"    + {len(recording.resources)} to create"]
    return "\n".join(lines)


def _permissions(roles: Mapping[str, Mapping[str, list[str]]]) -> Iterator[str]:
    """Each role's members, and below them what it may do."""
    if roles:
        yield from ("", "Permissions:")
    for role, access in roles.items():
        yield f"    {role}: {', '.join(access['members']) or 'nobody'}"
        indent = " " * 8
        text = ", ".join(access["may"])
        yield from wrap(text, 100, initial_indent=indent, subsequent_indent=indent)


def _rows(recording: Recording) -> Iterator[tuple[str, str, str, str]]:
    children = by_parent(recording)

    def walk(parent: str, indent: str) -> Iterator[tuple[str, str, str, str]]:
        below = sorted(children.get(parent, []), key=lambda each: (each.type, each.name))
        for resource in below:
            if resource.type == STACK_TYPE:
                branch, deeper = "", ""
            else:
                last = resource is below[-1]
                branch, deeper = ("└─ ", "   ") if last else ("├─ ", "│  ")
            kind = indent + branch + short_type(resource.type)
            yield kind, resource.name, "create", _info(resource)
            yield from walk(resource.urn, indent + deeper)

    yield from walk("", "")


def by_parent(recording: Recording) -> dict[str, list[Resource]]:
    """Resources by the URN of their parent, which is empty for the stack."""
    children: dict[str, list[Resource]] = {}
    for resource in recording.resources.values():
        children.setdefault(resource.parent, []).append(resource)
    return children


def short_type(type_: str) -> str:
    """`aws:rds/cluster:Cluster` as `aws:rds:Cluster`, as the CLI shows it."""
    package, module, name = type_.split(":", 2)
    head, slash, tail = module.rpartition("/")
    module = (
        head if slash and tail[:1].lower() + tail[1:] == name[:1].lower() + name[1:] else module
    )
    return f"{package}:{module}:{name}"


def _info(resource: Resource) -> str:
    notes = []
    if resource.protect:
        notes.append("protect")
    for mark, meaning in ((COMPUTED, "known after creation"), (SECRET, "secret")):
        if names := holding(resource.inputs, mark):
            notes.append(f"{meaning}: {', '.join(names)}")
    return "; ".join(notes)


def holding(inputs: Mapping[str, Any], mark: str) -> list[str]:
    """Names of the inputs with a mark, `COMPUTED` or `SECRET`, anywhere in their value."""
    return sorted(name for name, value in inputs.items() if _holds(value, mark))


def _holds(value: Any, mark: str) -> bool:
    if isinstance(value, dict):
        return any(_holds(entry, mark) for entry in value.values())
    if isinstance(value, list):
        return any(_holds(entry, mark) for entry in value)
    return bool(value == mark)

"""What a change does to a resource's options, as far as that changes what the engine does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from tools.diff.comparison.change import OPTION
from tools.diff.comparison.replacements import covered
from tools.diff.comparison.values import Difference, differences
from tools.preview.recording import Resource

# A value that runs may be another than the one in either plan.
IGNORED = "(ignored so far)"


def option_differences(before: Resource, after: Resource) -> Iterator[Difference]:
    """Differences that no input shows."""
    for name, old, new in (
        ("protect", before.protect, after.protect),
        ("retainOnDelete", before.retain_on_delete, after.retain_on_delete),
    ):
        if old != new:
            yield Difference((f"{OPTION}{name}",), old, new)
    for name, value in after.inputs.items():
        if covered((name,), before.ignore_changes) and not covered((name,), after.ignore_changes):
            yield Difference((name,), IGNORED, value)
    trigger = (before.replacement_trigger, after.replacement_trigger)
    if None not in trigger:
        for each in differences(*trigger, (f"{OPTION}replacementTrigger",)):
            yield replace(each, replaces=True)

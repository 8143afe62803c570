"""Which resources a secret input comes from: the values of two generated passwords look alike."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from tools.diff.comparison.values import Difference
from tools.preview.recording import SECRET, Resource, is_secret


def source_differences(
    before: Resource, after: Resource, formers: Mapping[str, str]
) -> Iterator[Difference]:
    """Secret inputs that come from other resources than before.

    formers: URN in `before`'s plan by URN in `after`'s. A resource that is new isn't named: its
    creation makes the input unknown, which is said anyway. A source that is only added, or only
    removed, may be there for the order alone, unless it is a generated value.
    """
    for name, value in after.raw_inputs.items():
        if is_secret(value) and is_secret(before.raw_inputs.get(name)):
            old = set(before.property_dependencies.get(name, []))
            now = after.property_dependencies.get(name, [])
            new = {formers[urn]: urn for urn in now if urn in formers}
            added, gone = {new[urn] for urn in new.keys() - old}, old - new.keys()
            if (added and gone) or any(_generated(urn) for urn in added | gone):
                yield Difference((name,), SECRET, SECRET, sources=_said(added, gone))


def _generated(urn: str) -> bool:
    return urn.split("::")[2].rpartition("$")[2].startswith("random:")


def _said(added: Iterable[str], gone: Iterable[str]) -> str:
    new, old = (
        ", ".join(sorted(urn.rpartition("::")[2] for urn in urns)) for urns in (added, gone)
    )
    if new and old:
        return f"from {new} instead of {old}"
    return f"also from {new}" if new else f"no longer from {old}"

"""What a reviewer has to know about a change of a stack."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial

from tools.cost.assumptions import Assumptions
from tools.cost.estimate import NOTHING, Range, estimate
from tools.cost.plan import region_of
from tools.cost.prices import CostError, Prices
from tools.diff.comparison.change import Change, of_new_stack
from tools.diff.comparison.changes import compare
from tools.diff.comparison.replacements import lacking
from tools.diff.comparison.values import Difference, Path
from tools.diff.consequences.exposure import narrowed
from tools.diff.consequences.grants import grants, is_grant
from tools.diff.consequences.interruptions import interruptions
from tools.diff.consequences.kept import kept
from tools.diff.consequences.load_balancer import kept_settings
from tools.diff.consequences.pods import pods
from tools.diff.consequences.risk import Note, Risk
from tools.diff.consequences.risks import holds_data, risks
from tools.diff.policy import PolicyChange
from tools.preview.recording import Recording

NO_STAND_INS = (
    "The other commit's preview has no stand-ins, so values that are unknown before the update, "
    "IAM policies among them, aren't compared."
)
OPERATIONS = ("create", "update", "replace", "delete", "move")


@dataclass(frozen=True)
class Price:
    """USD a month; None: a plan with nothing of AWS, or a price that isn't known."""

    before: Range | None
    after: Range | None
    lines: list[tuple[str, Decimal, Decimal]] = field(default_factory=list)
    """Resources whose price changes: name, before, after, as expected."""
    unknown: str = ""
    """Why there is no price."""


@dataclass(frozen=True)
class Review:
    """Everything that the report prints, in any format."""

    stack: str
    base: str
    """Name of the commit that the plan is compared with."""
    changes: list[Change]
    risks: list[Risk]
    notes: list[Note]
    """What users notice, and what a change doesn't do."""
    price: Price
    configuration: list[Difference]
    policy: PolicyChange
    warnings: list[str]
    """Of the preview, that the base doesn't give, and of the comparison."""

    @property
    def counts(self) -> Counter[str]:
        """Resources by operation, components left out."""
        return Counter(each.operation for each in self.changes if each.resource.custom)

    @property
    def groups(self) -> int:
        """Components and the stack itself, which hold other resources and aren't counted."""
        return sum(not each.resource.custom for each in self.changes if each.after)

    @property
    def planned(self) -> int:
        """Resources as `make preview` counts them."""
        return sum(each.after is not None for each in self.changes)

    @property
    def new(self) -> bool:
        """Whether the base doesn't have the stack."""
        return of_new_stack(self.changes)

    @property
    def shown(self) -> list[Change]:
        """Changed resources, without components: what ends first, and of that what holds data, then
        what grants rights."""
        found = [e for e in self.changes if e.operation != "same" and e.resource.custom]
        return sorted(found, key=_order)


def _order(change: Change) -> tuple[bool, bool, bool, str, str]:
    resource = change.resource
    first = (not change.ends, not holds_data(resource.type), not is_grant(resource.type))
    return *first, resource.type, resource.name


def review(
    stack: str,
    base: str,
    before: Recording,
    after: Recording,
    configuration: Sequence[Difference] = (),
    encrypted: Mapping[str, list[Path]] | None = None,
    policy: PolicyChange | None = None,
    created: tuple[Recording | None, Recording] | None = None,
) -> Review:
    """Compares two plans of a stack.

    encrypted, created: as in `compare`; None for a base whose preview has no stand-ins.
    """
    with_stand_ins = (created[0], created[1]) if created and created[0] is not None else None
    changes = compare(before, after, encrypted, with_stand_ins)
    warnings = [NO_STAND_INS] if created and created[0] is None else []
    differing = [each for each in changes if each.operation != "same" and each.resource.custom]
    warnings += lacking(each.resource.type for each in differing)
    return Review(
        stack=stack,
        base=base,
        changes=changes,
        risks=risks(changes),
        notes=_notes(changes, after.outputs),
        price=_price(before, after),
        configuration=list(configuration),
        policy=policy or PolicyChange(),
        warnings=[*warnings, *(e for e in after.warnings if e not in before.warnings)],
    )


def _notes(changes: Sequence[Change], outputs: Collection[str]) -> list[Note]:
    found = [Note("Pods", sentence) for sentence in pods(changes)]
    for each in (grants, interruptions, partial(narrowed, outputs=outputs), kept_settings, kept):
        found += each(changes)
    return list(dict.fromkeys(found))


def _price(before: Recording, after: Recording) -> Price:
    try:
        old, new = (_lines(each) for each in (before, after))
    except CostError as error:
        return Price(None, None, unknown=str(error))
    pairs = [
        (name, old.get(name, NOTHING).expected, new.get(name, NOTHING).expected)
        for name in sorted(old.keys() | new.keys())
    ]
    changed = [each for each in pairs if each[1] != each[2]]
    same = _total(old) == _total(new)  # as with a database of another name
    return Price(_total(old), _total(new), [] if same else changed)


def _lines(recording: Recording) -> dict[str, Range]:
    plan = list(recording.resources.values())
    region = region_of(plan)
    if region is None:
        return {}
    found: dict[str, Range] = {}
    for line in estimate(plan, Prices.load(region), Assumptions()):
        found[line.resource] = found.get(line.resource, NOTHING) + line.usd
    return found


def _total(lines: dict[str, Range]) -> Range | None:
    return sum(lines.values(), NOTHING) if lines else None

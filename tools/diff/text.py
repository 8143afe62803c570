"""The review for a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import wrap

from tools.cost.estimate import NOTHING
from tools.diff.comparison.change import Change
from tools.diff.comparison.rendering import input_lines
from tools.diff.comparison.replacements import known
from tools.diff.consequences.grants import granting
from tools.diff.policy import PolicyChange
from tools.diff.review import OPERATIONS, Price, Review
from tools.preview.report import short_type

SYMBOLS = {"create": "+", "update": "~", "replace": "+-", "delete": "-", "move": "=>"}
_WIDTH = 100


def text(review: Review) -> str:
    """What is at risk first, then what else a reviewer asks, then each resource."""
    return "\n".join(_lines(review))


def _lines(review: Review) -> Iterator[str]:
    for risk in review.risks:
        yield f"{risk.headline}."
        for detail in risk.details:
            yield from _wrapped(f"- {detail}", 4)
        yield ""
    yield f"{review.stack}: the working tree compared with {review.base}"
    yield f"Resources: {summary(review)}"
    yield f"    {counted(review)}"
    if nothing := data(review):
        yield f"Data: {nothing}"
    for note in review.notes:
        yield from _wrapped(f"{note.label}: {note.text}", 0)
    yield f"Price a month: {price(review.price)}"
    yield from (f"    {name}: {old:.2f} -> {new:.2f}" for name, old, new in review.price.lines)
    first, *others = policy(review.policy)
    yield f"Policy: {first}"
    for line in others:
        yield from _wrapped(line, 4)
    for warning in review.warnings:
        yield from _wrapped(f"Warning: {warning}", 0)
    if review.configuration:
        yield from ("", f"Pulumi.{review.stack}.yaml:")
        for difference in review.configuration:
            yield from (f"    {line}" for line in difference.lines())
    if review.shown:
        yield ""
    for change in review.shown:
        yield f"{SYMBOLS[change.operation].rjust(2)} {title(change)}"
        yield from (f"       {line}" for line in details(change))
        if not review.new:
            yield from (f"       {line}" for line in input_lines(granting(change)))
    if review.new:  # with their inputs, hundreds of lines
        yield f"What they allow: {command(review)}"


def command(review: Review) -> str:
    """What prints the review in full."""
    whole = " FORMAT=markdown LIMIT=999999" if review.new else ""
    return f"make diff BASE={review.base.partition(' ')[0]} STACK={review.stack}{whole}"


def summary(review: Review) -> str:
    """`1 created, 2 updated, 53 unchanged`"""
    counts = review.counts
    found = [f"{counts[each]} {each}d" for each in OPERATIONS if counts[each]]
    return ", ".join([*found, f"{counts['same']} unchanged"])


def counted(review: Review) -> str:
    """Why `make preview` counts more."""
    return (
        f"without the {review.groups} components that hold them; with those, make preview counts "
        f"{review.planned}"
    )


def data(review: Review) -> str:
    """That no data is lost; empty if some may be, which the risks say."""
    if any(risk.of_data for risk in review.risks):
        return ""
    if all(known(each.resource.type) for each in review.shown if each.ends):
        return "nothing that holds data is deleted"
    return "nothing that is known to hold data is deleted"


def title(change: Change) -> str:
    """The resource, and how it gets there."""
    resource = change.resource
    words = f"{resource.name} ({short_type(resource.type)})"
    if change.moved and change.before:
        words += f", moved by its alias from {change.before.urn.rpartition('$')[2]}"
    if change.operation == "replace":
        first = "deleted before" if change.deleted_first else "deleted after"
        words += f", {first} the new one is created"
    if change.operation == "update" and not known(resource.type):
        words += ", perhaps replaced"
    return words


def details(change: Change) -> list[str]:
    """What of its provider replaces it, then inputs before and after."""
    provider = [f"{change.provider}, its provider (replaces)"] if change.provider else []
    return [*provider, *(line for each in change.differences for line in each.lines())]


def price(found: Price) -> str:
    """Expected, with the difference, and the bounds."""
    if found.unknown:
        return f"unknown, {found.unknown}"
    if found.before is None and found.after is None:
        return "nothing of AWS"
    old, new = found.before or NOTHING, found.after or NOTHING
    if old == new:
        return f"{new.expected:.2f} USD, unchanged"
    first, second = (round(each.expected, 2) for each in (old, new))  # what is printed adds up
    expected = f"{first:.2f} -> {second:.2f} USD, {second - first:+.2f}"
    if old.expected == new.expected:
        expected = f"{new.expected:.2f} USD, unchanged"
    if (old.low, old.high) == (new.low, new.high):
        return expected
    bounds = (f"{each.low:.2f} to {each.high:.2f}" for each in (old, new))
    return f"{expected}; range {' -> '.join(bounds)}"


def policy(found: PolicyChange) -> list[str]:
    """The counts, then what is new and what the change accepts."""
    counts = {
        "new": len(found.new),
        "fixed": len(found.fixed),
        "standing": len(found.standing),
        "newly suppressed": len(found.suppressed),
    }
    said = [f"{count} {what}" for what, count in counts.items() if count]
    lines = [f"violations: {', '.join(said)}" if said else "nothing changes"]
    for each in found.new:
        rule = each.rule
        broken = f"{rule.name} ({rule.severity}, {each.level}): {each.message}"
        lines.append(f"new: {each.resource.name}: {broken}")
    for each, entry in found.suppressed:
        accepted = f"{each.rule.name} until {entry.expires}, {entry.owner}: {entry.reason}"
        lines.append(f"suppressed: {each.resource.name}: {accepted}")
    return [*lines, *found.problems]


def _wrapped(sentence: str, indent: int) -> Iterator[str]:
    margin = " " * indent
    yield from wrap(
        sentence, _WIDTH, initial_indent=margin, subsequent_indent=f"{margin}  ",
        break_on_hyphens=False, break_long_words=False,
    )  # fmt: skip

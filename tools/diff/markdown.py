"""The review as a comment of a pull request. Values in it are the pull request's own."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tools.diff.comparison.rendering import input_lines
from tools.diff.consequences.grants import described, granting
from tools.diff.review import Review
from tools.diff.text import SYMBOLS, command, counted, data, details, policy, price, summary, title

LIMIT = 65_536  # characters of a comment on GitHub
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>()#+!|~$-])")
_TICKS = re.compile(r"`+")


def markdown(review: Review, limit: int = LIMIT) -> str:
    """Risks first, then a table, then each resource, folded. At most `limit` characters.

    Behind them the inputs of other new resources, if there is room for all.
    """
    head = "\n".join(_head(review))
    lines = list(_resources(review))
    if not lines:
        return _cut(head, limit)
    every = head + _folded(summary(review), lines, "diff")
    if len(every) <= limit:
        others = "\n\n".join(_others(review))
        more = _folded("Inputs of the other new resources", [others], "yaml") if others else ""
        return every + more if len(every + more) <= limit else every
    rest = f"... the rest: {command(review)}"
    room = limit - len(head) - len(_folded(summary(review), ["", rest], "diff", _fence(lines)))
    if room < 0:
        return _cut(head, limit)
    body = "\n".join(lines)[:room].rpartition("\n")[0]
    return head + _folded(summary(review), [body, rest], "diff", _fence(lines))


def _folded(label: str, lines: list[str], language: str, fence: str = "") -> str:
    """Lines of code behind a label. fence: if it has to be longer than the lines need."""
    fence = fence or _fence(lines)
    code = "\n".join([f"{fence}{language}", *lines, fence])
    return f"\n\n<details><summary>{label}</summary>\n\n{code}\n\n</details>"


def failed(stack: str, problem: str, limit: int = LIMIT) -> str:
    """Instead of a review that can't be made."""
    fence = _fence([problem])
    head = f"### {_plain(stack)}: not compared\n\n{fence}\n"
    return head + _cut(problem, limit - len(head) - len(fence) - 1) + f"\n{fence}"


def _fence(lines: list[str]) -> str:
    """Longer than any that is in the lines."""
    ticks = [len(found) for line in lines for found in _TICKS.findall(line)]
    return "`" * max([3, *(count + 1 for count in ticks)])


def _head(review: Review) -> Iterator[str]:
    for risk in review.risks:
        yield f"> [!{'CAUTION' if risk.severe else 'WARNING'}]"
        yield f"> **{_plain(risk.headline)}.**"
        yield from (f"> - {_plain(detail)}" for detail in risk.details)
        yield ""
    yield f"### {_plain(review.stack)}: {_plain(summary(review))}"
    yield ""
    yield f"| compared with | {_plain(review.base)} |"
    yield "|---|---|"
    yield f"| resources | {_plain(counted(review))} |"
    if nothing := data(review):
        yield f"| data | {nothing} |"
    for note in review.notes:
        yield f"| {_plain(note.label.lower())} | {_plain(note.text)} |"
    yield f"| price a month | {_plain(price(review.price))} |"
    for name, old, new in review.price.lines:
        yield f"| price of {_plain(name)} | {_plain(f'{old:.2f} -> {new:.2f}')} |"
    yield f"| policy | {'<br>'.join(_plain(line) for line in policy(review.policy))} |"
    yield from (f"| warning | {_plain(warning)} |" for warning in review.warnings)
    for difference in review.configuration:
        yield f"| configuration | {_plain(' '.join(difference.lines()))} |"


def _resources(review: Review) -> Iterator[str]:
    """As a diff: GitHub colours lines by their first character."""
    for change in review.shown:
        symbol = SYMBOLS[change.operation]
        mark = {"update": "!", "replace": "-", "move": "!"}.get(change.operation, symbol)
        yield f"{mark} {symbol} {title(change)}"
        yield from (f"    {line}" for line in details(change))
        yield from (f"{mark}   {line}" for line in input_lines(granting(change)))


def _others(review: Review) -> Iterator[str]:
    """Inputs of new resources that grant nothing."""
    for change in review.shown:
        inputs = described(change.inputs)
        if change.operation == "create" and inputs and not granting(change):
            yield "\n".join([f"# {title(change)}", *input_lines(inputs)])


def _plain(text: str) -> str:
    """On one line, without Markdown, HTML and mentions."""
    text = _SPECIAL.sub(r"\\\1", " ".join(text.split()))
    return text.replace("@", "@\N{ZERO WIDTH SPACE}")


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: limit - 4]}\n..."

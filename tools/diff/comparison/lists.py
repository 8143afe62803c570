"""Which elements of two lists correspond, so that only what changes is shown."""

from __future__ import annotations

from typing import Any

from pulumi.runtime import rpc


def name_of(item: Any) -> str | None:
    """`[NAME]` of an element with a known name, as Kubernetes merges them."""
    name = item.get("name") if isinstance(item, dict) else None
    return f"[{name}]" if isinstance(name, str) and name != rpc.UNKNOWN else None


def paired(before: list[Any], after: list[Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Both as mappings with the same key for the same element.

    The key is the name, if all have one; else the place in the first list, `[2]`, or `[+2]` in the
    second for an element that is new. Equal elements are left out, wherever they are.
    """
    names = [[name_of(item) for item in each] for each in (before, after)]
    if all(None not in each and len({*each}) == len(each) for each in names):
        first, second = (
            {f"[{item['name']}]": _unnamed(item) for item in each} for each in (before, after)
        )
        return first, second
    old, new = _left(before, after), _left(after, before)
    pairs = _pairs(old, new)
    found = {f"[{index}]": item for index, item in old}
    return found, {
        f"[{pairs[index]}]" if index in pairs else f"[+{index}]": item for index, item in new
    }


def _left(items: list[Any], others: list[Any]) -> list[tuple[int, Any]]:
    """Elements with their place, without those that the other list has, each as often."""
    rest = list(others)
    found = []
    for index, item in enumerate(items):
        if item in rest:
            rest.remove(item)
        else:
            found.append((index, item))
    return found


def _pairs(old: list[tuple[int, Any]], new: list[tuple[int, Any]]) -> dict[int, int]:
    """Place in the first list by place in the second, of mappings that are the same element: those
    with most in common, or what is left over where both lists have one."""
    free = [(index, item) for index, item in old if isinstance(item, dict)]
    found: dict[int, int] = {}
    rest = []
    for index, item in new:
        if isinstance(item, dict):
            best = max(free, key=lambda each: _common(each[1], item), default=None)
            if best and _common(best[1], item):
                free.remove(best)
                found[index] = best[0]
            else:
                rest.append(index)
    if len(rest) == len(free) == 1:
        found[rest[0]] = free[0][0]
    return found


def _common(one: dict[str, Any], other: dict[str, Any]) -> int:
    return sum(one[key] == other[key] for key in one.keys() & other.keys())


def _unnamed(item: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in item.items() if key != "name"}


def split(text: str) -> list[str] | dict[str, str]:
    """A text that lists its elements with commas: a mapping, if each is `name=value`."""
    items = text.split(",")
    if all("=" in each for each in items):
        return dict(each.split("=", 1) for each in items)
    return items

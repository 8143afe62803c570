"""Inputs of which a part is unknown."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest

from policy.node import UNKNOWN, MalformedError, Node, UnknownError

INPUTS = {
    "a": {"b": [1, UNKNOWN]},
    "text": '{"x": 2}',
    "broken": "{",
    "port": "5432",
    "one": "s3:*",
}


def node() -> Node:
    return Node(copy.deepcopy(INPUTS))


@pytest.mark.parametrize(
    ("read", "path"),
    [
        (lambda n: n.value, "a.b[1]"),
        (lambda n: n.at("a").value, "a.b[1]"),
        (lambda n: n.at("a", "b").text, "a.b[1]"),
        (lambda n: n.at("a", "b").texts, "a.b[1]"),
        (lambda n: n.at("a", "b").items[1].at("c"), "a.b[1]"),
        (lambda n: n.at("a", "b").items[1].number, "a.b[1]"),
    ],
)
def test_reads_of_unknowns_say_where(read: Callable[[Node], object], path: str) -> None:
    with pytest.raises(UnknownError) as error:
        read(node())
    assert error.value.path == path


def test_reads_beside_unknowns() -> None:
    assert node().at("a", "b").items[0].value == 1
    assert len(node().at("a", "b").items) == 2
    assert node().at("text").json.at("x").number == 2
    assert node().at("port").number == 5432
    assert node().at("one").texts == {"s3:*"}  # IAM's single action


def test_what_is_missing_is_empty() -> None:
    missing = node().at("text", "nowhere", "at all")
    assert (missing.raw, missing.text, missing.items, missing.entries) == (None, "", [], {})
    assert missing.number is None
    assert missing.path == "text.nowhere.at all"


def test_malformed_text() -> None:
    with pytest.raises(MalformedError, match="broken is not JSON"):
        _ = node().at("broken").json
    with pytest.raises(MalformedError, match="broken is not YAML"):
        _ = node().at("broken").yaml

"""Where two inputs differ, down to the element of a list, the line of a text, the key of JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tools.diff.comparison.values import differences
from tools.preview.recording import secret

CANARY = "canary-4f1e"
TAGS = "alb.ingress.kubernetes.io/tags"


def lines(before: Any, after: Any, *path: str) -> list[str]:
    return [line for each in differences(before, after, path or ("env",)) for line in each.lines()]


def test_only_the_changed_lines_of_a_text() -> None:
    before = "".join(f"line {number}\n" for number in range(100))
    (found,) = differences(before, before.replace("line 50", "line fifty"), ("data", "file"))
    assert found.lines() == [
        "data.file:", "...", " line 49", "-line 50", "+line fifty", " line 51",
    ]  # fmt: skip
    (found,) = differences(None, before, ("data", "file"))
    assert found.lines()[-1] == "... 71 more lines"


def test_json_in_a_text_is_compared_as_json() -> None:
    found = list(differences('{"a":[1],"b":2}', '{"b": 3, "a": [1]}', ("policy",)))
    assert [each.lines() for each in found] == [["policy.b: 2 -> 3"]]
    (spaces,) = differences('{"a":1}', '{"a": 1}', ("policy",))
    assert spaces.lines() == ['policy: {"a":1} -> {"a": 1}']


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        (
            [{"name": "A", "value": "1"}, {"name": "C"}],
            [{"name": "C"}, {"name": "B", "value": "1"}],
            ["env[A].value: 1 -> (absent)", "env[B].value: (absent) -> 1"],
        ),
        ([{"name": "A", "value": "1"}], [{"name": "A", "value": "2"}], ["env[A].value: 1 -> 2"]),
        ([{"name": "A"}], [], ["env[A]: -"]),
        (["a", "b"], ["b"], ["env: - a"]),
        (["a"], ["x", "a"], ["env: + x"]),
        (["a", "a"], ["a"], ["env: - a"]),
        (["a", "b", "c"], ["d", "b"], ["env: + d", "env: - a", "env: - c"]),
        (None, ["a"], ["env: + a"]),
        ([{"at": "a", "to": 1}, {"at": "b", "to": 2}], [{"at": "a", "to": 3}], [
            "env[0].to: 1 -> 3", 'env: - {"at": "b", "to": 2}',
        ]),
        ([{"at": {"x": 1}}], [{"at": {"x": 2}}], ["env[0].at.x: 1 -> 2"]),
        ([{"name": "A"}, {"name": "B"}], [{"name": "B"}, {"name": "A"}], [
            "env: the same elements in another order"
        ]),
        (["a", "b"], ["b", "a"], ["env: the same elements in another order"]),
        ('[{"HTTPS":443}]', '[{"HTTPS": 8443}]', ["env[0].HTTPS: 443 -> 8443"]),
        (None, {"LOG_LEVEL": "info"}, ["env.LOG_LEVEL: (absent) -> info"]),
        (None, {"A": {"B": 1}}, ['env: (absent) -> {"A": {"B": 1}}']),
        ("[not JSON", "[", ["env: [not JSON -> ["]),
    ],
)  # fmt: skip
def test_only_what_changes_of_a_list(before: Any, after: Any, shown: list[str]) -> None:
    assert lines(before, after) == shown


def test_a_long_element_is_shown_in_full() -> None:
    element = {"ports": [443], "to": [{"cidr": f"10.{number}.0.0/16"} for number in range(20)]}
    shown = lines([], [element])
    assert shown[:3] == ["env:", "+ports: [443]", "+to:"]
    assert shown[-1] == "+- {cidr: 10.19.0.0/16}"
    assert len(shown) == 23


@pytest.mark.parametrize(("sign", "pair"), [("+", (0, 1)), ("-", (1, 0))])
def test_a_policy_that_comes_or_goes_is_shown_in_full(sign: str, pair: tuple[int, int]) -> None:
    statements = [{"Effect": "Allow", "Action": f"s3:{number}"} for number in range(40)]
    sides = (None, json.dumps({"Version": "2012-10-17", "Statement": statements}, indent=1))
    shown = lines(sides[pair[0]], sides[pair[1]], "policy")
    head = ["policy:", f"{sign}Version: '2012-10-17'", f"{sign}Statement:"]
    assert shown[:3] == head
    assert shown[3:] == [f"{sign}- {{Effect: Allow, Action: 's3:{n}'}}" for n in range(40)]


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        ("a=1,b=2", "b=3,c=4,a=1", [f"{TAGS}.b: 2 -> 3", f"{TAGS}.c: (absent) -> 4"]),
        ("10.0.0.0/8,10.1.0.0/16", "10.0.0.0/8", [f"{TAGS}: - 10.1.0.0/16"]),
        ("10.0.0.0/8", "192.168.0.0/16", [f"{TAGS}: 10.0.0.0/8 -> 192.168.0.0/16"]),
    ],
)
def test_an_annotation_of_the_controller_is_a_list(
    before: str, after: str, shown: list[str]
) -> None:
    assert lines(before, after, TAGS) == shown
    assert lines(before, after, "other") == [f"other: {before} -> {after}"]


@pytest.mark.parametrize(
    ("before", "after", "line"),
    [
        (secret(CANARY), secret("other"), "password: [secret], changed"),
        (secret(CANARY), "other", "password: [secret], changed"),
        (CANARY, secret("other"), "password: [secret], changed"),
        (None, secret(CANARY), "password: [secret], changed"),
        (secret({"A": CANARY}), secret({"A": "other"}), "password.A: [secret], changed"),
        ({"A": secret(CANARY)}, {}, "password.A: [secret], changed"),
        ([secret(CANARY)], [], "password[0]: [secret], changed"),
        ({"A": {"B": secret(CANARY)}}, {"A": 1}, 'password.A: {"B": "[secret]"} -> 1'),
    ],
)
def test_a_secret_is_compared_and_not_shown(before: object, after: object, line: str) -> None:
    assert lines(before, after, "password") == [line]

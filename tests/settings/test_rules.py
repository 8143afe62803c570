"""Rules between keys, and how problems are reported."""

from __future__ import annotations

import copy
import itertools
import json
import re
import shlex
from typing import Any

import pytest

from settings.key_schema import key_schema
from settings.keys import KEYS
from settings.rules.rule import rule
from tests.settings.key_table import KEYS as TABLE
from tests.settings.rule_table import RULES
from tests.settings.stack import CANARY, LOCAL, PEM, base_of, loaded, refused
from tools.preview.run import PreviewError


@pytest.mark.parametrize("case", RULES)
def test_a_broken_rule_is_one_problem(case: str) -> None:
    changes, key, fragments = RULES[case]
    message = refused(changes)
    assert message.startswith("Stack 'test' has 1 configuration problem:\n"), message
    assert message.endswith("Nothing was changed.")
    block = message.split(f"\n  {key}\n    given:   ")[1]
    assert "\n    allowed: " in block
    assert "\n    fix:     " in block
    for fragment in fragments:
        assert fragment in message


PLACEHOLDER = re.compile(
    r"^[A-Z][A-Z/_]+$|^\$\(aws |^REGISTRY/|NAME|\.\.\.|\"[A-Z_]{2,}\"|:DIGEST$"
)


def fixed(changes: dict[str, object], command: str) -> dict[str, object] | None:
    """`changes` after a `pulumi config` command; None when it has a placeholder."""
    words = [word for word in shlex.split(command)[2:] if word not in ("--plaintext", "--secret")]
    action, _, _, *rest = words
    path = rest[0] == "--path"
    key, *value = rest[path:]
    if action == "set" and not value:  # the CLI asks for a secret
        value = ["typed"]
    elif value[:1] == ["<"]:
        value = [PEM]
    if any(PLACEHOLDER.search(word) for word in (key, *value)):
        return None
    after = copy.deepcopy(changes)
    if not path:
        after[key] = None if action == "rm" else value[0]
        return after
    *above, last = [json.loads(each) if each[0] in '"0123456789' else each
                    for each in re.findall(r'"(?:[^"\\]|\\.)*"|[\w:-]+', key)]  # fmt: skip
    node: Any = after
    for each, below in itertools.pairwise([*above, last]):
        if isinstance(node, dict) and not isinstance(node.get(each), (dict, list)):
            node[each] = [] if isinstance(below, int) else {}
        node = node[each]
    if isinstance(node, list):
        node[last : last + 1] = value
    elif action == "rm":
        node.pop(last, None)
    else:
        node[last] = int(value[0]) if value[0].isdecimal() else value[0]  # as the CLI does
    return after


BROKEN = {case: changes for case, (changes, _, _) in RULES.items()} | {
    f"{name}-{index}": {**base_of(name), name: value}
    for name, row in TABLE.items()
    for index, (value, *_) in enumerate(row.bad)
}


@pytest.mark.parametrize("case", BROKEN)
def test_each_fix_of_a_message_works_and_keeps_the_rest(case: str) -> None:
    said = refused(BROKEN[case])
    for line in re.findall("^    (?:fix|or): +(pulumi .*)", said, flags=re.M):
        after: dict[str, object] | None = BROKEN[case]
        for command in line.split(" && "):
            assert command.startswith("pulumi config "), line
            after = fixed(after, command) if after else None
        if after:
            try:
                loaded(after)
            except PreviewError as error:
                if not chooses(line):
                    raise AssertionError(f"{line} leads to {error}") from error


def chooses(command: str) -> bool:
    """Whether a command sets one of few values, or a bound, which may need other keys as well."""
    *_, before, last = command.split()
    schema = key_schema(KEYS[before]) if before in KEYS else {}
    values = schema.get("enum", ("true", "false") if schema.get("type") == "boolean" else ())
    bounds = {str(schema.get("minimum")), str(schema.get("maximum"))}
    return last in {*values, *bounds} or (last in KEYS and "enum" in key_schema(KEYS[last]))


def test_a_fix_keeps_the_entries_that_are_valid() -> None:
    assert refused({"databaseSubnetIds": ["subnet-01234567", "x"]}).endswith(
        "fix:     pulumi config set --stack test --path 'databaseSubnetIds[1]' SUBNET\n"
        "Nothing was changed."
    )
    assert refused({"env": {"LOG_LEVEL": "info", "1A": "x", "B": None}}).endswith(
        "fix:     pulumi config rm --stack test --path 'env[\"1A\"]' && "
        "pulumi config rm --stack test --path 'env.B'\nNothing was changed."
    )


def test_every_problem_is_in_one_message() -> None:
    said = refused({"host": "X", "port": 1, "replicas": 0, "nope": 1, "imageTag": None})
    assert said.startswith("Stack 'test' has 5 configuration problems:")
    for key in ("host", "port", "replicas", "nope", "imageTag"):
        assert said.count(f"\n  {key}\n") == 1


def test_an_invalid_value_breaks_no_rule_as_well() -> None:
    said = refused(
        {"databaseBackupWindow": "x", "databaseMaintenanceWindow": "mon:07:00-mon:08:00"}
    )
    assert said.count("given:") == 1


def test_an_invalid_target_requires_nothing() -> None:
    said = refused({**LOCAL, "target": "gke"})
    assert said.startswith("Stack 'test' has 1 configuration problem:\n  target\n")


@pytest.mark.parametrize(
    ("key", "allowed"),
    [
        ("backtage:namespace", "did you mean the namespace backstage?"),
        ("kubernetes:context", "no kubernetes: key"),
    ],
)
def test_a_namespace_that_nothing_reads(key: str, allowed: str) -> None:
    said = refused({key: "x"})
    assert said.startswith("Stack 'test' has 1 configuration problem:\n")
    assert f"  {key}\n" in said
    assert allowed in said
    loaded({"other:key": "x"})


def test_values_of_an_object_are_not_shown() -> None:
    said = refused({"env": {"1A": CANARY, "B": None}})
    assert "given:   1A, B\n" in said
    assert CANARY not in said


def test_a_rule_on_an_undeclared_key_is_an_error() -> None:
    with pytest.raises(LookupError, match=r"undeclared keys: replica$"):
        rule("replica", "port")


@pytest.mark.parametrize(
    ("given", "default"),
    [
        ({"databaseSkipFinalSnapshot": "x"}, "databaseSkipFinalSnapshot false"),
        ({"allowHttp": "x"}, "allowHttp false"),
        ({"port": 1}, "port 7007"),
        ({"databaseMaxCapacity": 999}, "databaseMaxCapacity 4"),
        ({"ingressClassName": "a_b"}, "ingressClassName alb"),
    ],
)
def test_a_fix_returns_to_the_default(given: dict[str, object], default: str) -> None:
    assert f"pulumi config set --stack test {default}\n" in refused(given)


def test_a_fix_is_quoted_for_a_shell() -> None:
    assert 'databaseSubnetIds \'["SUBNET", "SUBNET"]\'' in refused({"databaseSubnetIds": "x"})

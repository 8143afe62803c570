"""The table of what replaces a resource."""

from __future__ import annotations

import importlib
import inspect
import re

import pytest

from tests.programs import ROOT
from tests.tokens import CLUSTER, DEPLOYMENT, JOB, PASSWORD, REPOSITORY
from tests.tools.diff.plans import plan, reviewed, with_inputs, with_new
from tools.diff.comparison.replacements import known, replacement, table
from tools.diff.text import text

AWS = [type_ for type_ in table() if type_.startswith("aws:")]


def test_every_type_of_the_stacks_is_known() -> None:
    urns = "".join(file.read_text("utf-8") for file in (ROOT / "tests" / "golden").glob("*.txt"))
    types = set(re.findall(r"[:$]((?:aws|docker|kubernetes|pulumi:providers|random):\S+?)::", urns))
    assert {CLUSTER, DEPLOYMENT, PASSWORD, "pulumi:providers:aws"} <= types
    for type_ in types:
        assert known(type_)


@pytest.mark.parametrize("type_", AWS)
def test_inputs_are_those_of_the_type(type_: str) -> None:
    _, module, name = type_.split(":")
    package = importlib.import_module(f"pulumi_aws.{module.partition('/')[0]}")
    known = inspect.signature(getattr(package, name)._internal_init).parameters
    row = table()[type_]
    names = {*row.replaced_by, *([row.name] if row.name else ())} - {"*"}
    assert {re.sub("([A-Z])", r"_\1", each).lower() for each in names} <= known.keys()


@pytest.mark.parametrize(
    ("type_", "path", "replaced"),
    [
        (CLUSTER, "databaseName", True),
        (CLUSTER, "engineVersion", False),
        (REPOSITORY, "encryptionConfigurations [0] kmsKey", True),
        (JOB, "spec template spec containers [portal] image", True),
        (JOB, "spec", True),
        (JOB, "spec backoffLimit", False),
        (DEPLOYMENT, "metadata name", True),
        (DEPLOYMENT, "metadata labels team", False),
        (DEPLOYMENT, "spec selectors", False),
        (PASSWORD, "keepers version", True),
    ],
)
def test_a_path_replaces_with_what_is_above_and_below_it(
    type_: str, path: str, replaced: bool
) -> None:
    assert replacement(type_).by(tuple(path.split())) == replaced


def test_a_type_that_is_not_known_is_said() -> None:
    with_queue = with_new("aws:sqs/queue:Queue", {"delay": 1})
    slower = with_inputs(with_queue, "new", lambda inputs: inputs.update(delay=2))
    said = "Warning: tools/diff/comparison/replacements.yaml lacks aws:sqs/queue:Queue: whether a"
    for before, after, line in (
        (plan("prod"), with_queue, " + new (aws:sqs:Queue)"),
        (with_queue, slower, " ~ new (aws:sqs:Queue), perhaps replaced"),
        (with_queue, plan("prod"), "Data: nothing that is known to hold data is deleted"),
    ):
        lines = text(reviewed(before, after)).splitlines()
        assert line in lines
        assert any(each.startswith(said) for each in lines)
    assert "Warning" not in text(reviewed(with_queue, with_queue))

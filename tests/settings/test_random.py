"""Random configurations: settings or a list of problems, never another exception."""

from __future__ import annotations

import random

import pytest

from settings.keys import KEYS
from tests.settings.key_table import KEYS as TABLE
from tests.settings.stack import IN_CLUSTER, LOCAL, loaded
from tools.preview.run import PreviewError

STRANGE: list[object] = [
    *("", " ", "null", "true", "-1", "0", "1e9", "NaN", "{}", "[]", "[[]]", '{"a": {"b": null}}'),
    *("\x00", "\n", "\ud800", "é", "../..", "a" * 5000, "${X}", "$(id)", "'", '"', "[" * 2000),
    *(None, True, 0, -1, 1.5, 10**30, [], {}, [None], [{}], [[1]], {"": ""}, {"a": [1]}),
    *({"APP_CONFIG_a": "{}", "APP_CONFIG_a_b": "1"}, {"APP_CONFIG_auth": "null"}),
]


def configuration(seed: int) -> dict[str, object]:
    """Changes to a valid stack: a few good values, a few bad ones, and strange ones."""
    pick = random.Random(seed)
    changes: dict[str, object] = dict(pick.choice([{}, LOCAL, IN_CLUSTER]))
    for name in pick.sample(sorted(KEYS), pick.randint(1, 12)):
        row = TABLE[name]
        values = [row.good, row.good, pick.choice(STRANGE), *(value for value, *_ in row.bad)]
        changes[name] = pick.choice(values)
    if pick.random() < 0.1:
        changes[pick.choice(["replica", "aws:x", "image", "database.x", "__class__"])] = "x"
    return changes


@pytest.mark.parametrize("block", range(10))
def test_a_random_configuration_is_read_or_refused(block: int) -> None:
    for seed in range(block * 12, block * 12 + 12):
        try:
            loaded(configuration(seed))
        except PreviewError as error:
            said = str(error)
            assert said.startswith("Stack 'test' has "), f"{seed}: {said}"
            assert said.count("    given:   ") == said.count("    fix:     "), seed

"""The table of what replaces a resource beside the schema that the provider publishes."""

from __future__ import annotations

import os
import subprocess

import pytest

from tools.diff.comparison.renew import published, replacing
from tools.diff.comparison.replacements import table

pytestmark = pytest.mark.aws


def test_nothing_that_the_schema_marks_is_missing() -> None:
    if "aws:" in os.environ.get("PULUMI_DEBUG_PROVIDERS", ""):
        pytest.skip("the provider is attached; its published schema is that of the plugin")
    try:
        schema = published("aws")
    except subprocess.CalledProcessError as error:
        pytest.skip(f"no schema: {error.stderr.strip()}")
    missing = {
        type_: gone
        for type_, row in table().items()
        if type_.startswith("aws:")
        and (gone := [e for e in replacing(schema, type_) if e not in row.replaced_by])
    }
    assert missing == {}

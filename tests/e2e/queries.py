"""Queries of the documentation, run on a portal's log."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest


def jq_queries(page: str) -> list[str]:
    """Those for jq, in the page's order."""
    return re.findall(r"```bash\n(jq .*?)```", page, re.S)


def insights_queries(page: str) -> list[str]:
    """Those for CloudWatch Logs Insights."""
    return re.findall(r"```text\n(.*?)```", page, re.S)


def names(query: str) -> set[str]:
    """Words of an Insights query outside of its texts: fields, functions and keywords."""
    return set(re.findall(r"[@\w][\w.-]*", re.sub(r'"[^"]*"', "", query)))


def run(page: str, convert: str, query: str, folder: Path) -> str:
    """Output of the line of the page that converts the log, then of a query.

    convert: how that line begins. folder: has the log. Skips the test without jq.
    """
    if not shutil.which("jq"):
        pytest.skip("needs jq")
    (converting,) = re.findall(rf"^{re.escape(convert)} .*", page, re.M)
    script = f"{converting}\n{query}"
    done = subprocess.run(["bash", "-ec", script], cwd=folder, capture_output=True, text=True,
                          check=True)  # fmt: skip
    return done.stdout

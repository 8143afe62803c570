"""Writes a small Pulumi project for the offline preview."""

from __future__ import annotations

import textwrap
from pathlib import Path

PROJECT = """
name: shop
runtime: python
config:
  pulumi:disable-default-providers:
    value: [aws, kubernetes]
"""
IMPORTS = "import pulumi, pulumi_aws as aws, pulumi_kubernetes as k8s, pulumi_random as random\n"


def project(root: Path, program: str, stack: str = "config: {}") -> list[str]:
    """Writes a project to `root`; returns the arguments that preview it."""
    (root / "Pulumi.yaml").write_text(PROJECT, encoding="utf-8")
    (root / "Pulumi.dev.yaml").write_text(stack, encoding="utf-8")
    (root / "__main__.py").write_text(IMPORTS + textwrap.dedent(program), encoding="utf-8")
    return ["dev", "--root", str(root)]

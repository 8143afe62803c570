"""A stack's settings, for tools that need no plan."""

from __future__ import annotations

from settings.load import load
from settings.model import Settings
from tools.preview.run import run_program
from tools.preview.stack_file import StackConfig


def settings_of(config: StackConfig) -> Settings:
    """The settings of a stack; what is encrypted has stand-ins. Raises PreviewError."""
    found: list[Settings] = []
    run_program(lambda: found.append(load()), config)
    return found[0]

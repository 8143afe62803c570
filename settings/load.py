"""The program's only way to its configuration."""

from __future__ import annotations

from settings.model import Settings
from settings.reader import Reader
from settings.rules import RULES


def load() -> Settings:
    """Reads and checks the configuration of the current stack.

    Raises ConfigurationError with every problem: the key, what was given, what is allowed, and how
    to fix it.
    """
    reader = Reader()
    settings = reader.read()
    reader.check(RULES, settings)
    reader.raise_problems()
    return settings

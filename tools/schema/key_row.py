"""A key as docs/configuration.md documents it."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path
from typing import Literal, get_args, get_origin

from pydantic_core import PydanticUndefined

import settings.keys
from settings.keys import Key, Shown


def key_row(key: Key, policy: str = "[policy](policy.md#rules)") -> tuple[str, str]:
    """Default and meaning, with the choices; an empty default where the key is unset.

    policy: as in `meaning`.
    """
    default, text = _default(key), meaning(key, policy)
    choices = get_args(key.field.annotation) if get_origin(key.field.annotation) is Literal else ()
    return default, f"{' or '.join(f'`{each}`' for each in choices)}: {text}" if choices else text


def _default(key: Key) -> str:
    shown = next((each for each in key.field.metadata if isinstance(each, Shown)), None)
    default = key.field.default
    if shown or default in (None, "", (), PydanticUndefined):
        return shown.default if shown else ""
    if isinstance(default, bool):
        return str(default).lower()
    return f"{default:g}" if isinstance(default, float) else str(default)


def meaning(key: Key, policy: str = "policy") -> str:
    """The docstring below the key's attribute, and what the policy refuses. policy: its name."""
    model = f"{key.group.capitalize()}Settings" if key.group else "Keys"
    text, refused = _docstrings()[model, key.attribute], key.policy_refuses
    return f"{text}; the {policy} refuses {refused.what}" if refused else text


@cache
def _docstrings() -> dict[tuple[str, str], str]:
    """By class and attribute. Pydantic would read them at every start of the program."""
    source = Path(str(settings.keys.__file__)).read_text(encoding="utf-8")
    found = {}
    for model in (node for node in ast.parse(source).body if isinstance(node, ast.ClassDef)):
        for field, below in zip(model.body, model.body[1:], strict=False):
            match field, below:
                case (
                    ast.AnnAssign(target=ast.Name(id=name)),
                    ast.Expr(value=ast.Constant(value=str(text))),
                ):
                    found[model.name, name] = " ".join(text.split())
    return found

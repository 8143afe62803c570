"""What an invalid value was probably meant to be."""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Annotated, Any

from pydantic import TypeAdapter

from settings.key_schema import examples, key_schema
from settings.keys import Key
from settings.nearest import nearest
from settings.problem import SECRET_NAME

_TRUE = ("yes", "y", "on", "1", "enable", "enabled", "always", "true")
_FALSE = ("no", "n", "off", "0", "disable", "disabled", "never", "none", "false")
# As long as tokens are, and words aren't: 24 characters, or 16 with a digit.
_RANDOM = re.compile("[A-Za-z0-9]{24}|(?=[A-Za-z]*[0-9])[A-Za-z0-9]{16}")
# Sizes, instance classes and digests, with what people leave out.
_COMPLETED = (
    (r"([0-9]+) ?[gG]i?[bB]?", r"\1Gi"),
    (r"([0-9]+) ?[mM]i?[bB]?", r"\1Mi"),
    (r"([0-9]{1,2})", r"\1Gi"),
    (r"([0-9]{3,})", r"\1Mi"),
    (r"(serverless|[rtx][0-9][a-z]*\.[0-9a-z]+)", r"db.\1"),
    (r"([0-9a-f]{64})", r"sha256:\1"),
)


def meant(key: Key, text: str) -> str | None:
    """A value that the key takes and a refused one resembles; None if it resembles none."""
    schema, text = key_schema(key), text.strip()
    kind = schema.get("type")
    if kind == "boolean":
        word = text.lower()
        return "true" if word in _TRUE else "false" if word in _FALSE else None
    if "enum" in schema:
        return nearest(text, schema["enum"])
    if kind == "array":
        return _listed(key, text)
    if kind not in ("string", "integer", "number") or key.reads_file:
        return None
    example = str(next(examples(schema), schema.get("default")))
    found = (each for each in _rewritten(text, example) if takes(key, each))
    # The host alone is no repository, though the key takes it.
    return next((each for each in found if "/" in each or "/" not in example), None)


def means_nothing(text: str) -> bool:
    """Whether a text says that there is none: false, off, an empty list."""
    return text.strip().lower() in (*_FALSE, "", "[]", "{}")


def meant_entry(key: Key, entry: Any, valid: list[Any]) -> str | None:
    """The same of an entry of a list. valid: the others."""
    if not isinstance(entry, str):
        return None
    choices = key_schema(key)["items"].get("enum")
    found = [nearest(entry, choices)] if choices else _rewritten(entry, "")
    return next((each for each in found if takes(key, json.dumps([each, *valid]))), None)


def _listed(key: Key, text: str) -> str | None:
    """One value, or several between commas, as a list."""
    if not text or text[0] in "[{":
        return None
    words = [word for word in re.split(r"[,\s]+", text) if word]
    lists: list[list[Any]] = [[int(each) if each.isdecimal() else each for each in words], words]
    entries = [meant_entry(key, each, []) for each in words]
    if None not in entries:
        lists.append(entries)
    return next((shown for each in lists if takes(key, shown := json.dumps(each))), None)


def _rewritten(text: str, example: str) -> Iterator[str]:
    """A text without what people add to a value: capitals, a scheme, a tag, a path, a unit; or with
    what they leave out.
    """
    yield text
    yield text.lower()
    address = re.sub(r"^[a-z0-9]+://|^@", "", text.lower())
    yield address
    yield re.sub(r"(?<=/)([^/:@]+)[:@][^/]*$", r"\1", address)
    host = re.split(r"[/:?#]", address)[0].rstrip(".")
    yield from [host] if "." in host else []
    yield re.sub(r"(?<![0-9])([0-9]:[0-9]{2})", r"0\1", text.lower())  # a time
    yield from (re.sub(pattern, whole, text) for pattern, whole in _COMPLETED
                if re.fullmatch(pattern, text))  # fmt: skip
    if re.fullmatch(r"0?\.[0-9]+", text):
        yield f"{1000 * float(text):.0f}m"  # of a CPU
    number = re.search(r"(?<![-.0-9])[0-9]+(?:\.[0-9]+)?", text)
    if number and re.fullmatch("[0-9.]+", example):
        yield number[0].removesuffix(".0")
    try:
        network = ipaddress.IPv4Network(text, strict=False)
    except ValueError:
        return
    if network.prefixlen:  # 10.0.0.0/0 isn't meant to be everyone
        yield str(network)


def reveals_nothing(key: Key, text: str, name: str) -> bool:
    """Whether a text that `key` takes may be shown though it is the value of an unknown `name`,
    where somebody may have put a secret.
    """
    if takes(key, "any text") or (SECRET_NAME.search(name) and not text.startswith("arn:")):
        return False
    return not _RANDOM.search(re.sub("sha256:[0-9a-f]{64}", "", text)) and takes(key, text)


def takes(key: Key, text: str) -> bool:
    """Whether a key accepts a text by its type alone, whatever the rules between keys say."""
    try:
        _validator(key).validate_python(text if key.is_text else json.loads(text))
    except (ValueError, RecursionError):
        return False
    return True


@cache
def _validator(key: Key) -> TypeAdapter[Any]:
    # Annotated takes no type alone; pydantic passes over a text.
    kind: Any = Annotated[key.field.annotation, key.name, *key.field.metadata]
    return TypeAdapter(kind)

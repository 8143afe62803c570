"""Patterns, bounds and the other parts that types are made of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, Strict
from pydantic.alias_generators import to_camel


class Model(BaseModel):
    """Frozen; refuses unknown names."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        frozen=True,
        extra="forbid",
        coerce_numbers_to_str=True,  # YAML reads an account id as a number
        validate_by_name=True,
        defer_build=True,  # groups are built once, as parts of Settings
    )


def prefixed(prefix: str) -> Callable[[str], str]:
    """Names keys after attributes: `min_capacity` becomes `databaseMinCapacity`."""
    if prefix.endswith(":"):
        return lambda attribute: prefix + to_camel(attribute)
    return lambda attribute: to_camel(f"{prefix}_{attribute}")


def matching(pattern: str, allowed: str, example: str, limit: int = 2048) -> Any:
    """Text of a pattern and at most `limit` characters. allowed: the same in words."""
    return Field(
        pattern=rf"^(?:{pattern})$",
        max_length=limit,
        examples=[example],
        json_schema_extra={"errorMessage": allowed},
    )


def allowing(allowed: str, example: object) -> Any:
    """What else a type takes, in words."""
    return Field(examples=[example], json_schema_extra={"errorMessage": allowed})


def whole(low: int, high: int, unit: str = "") -> Any:
    """Bounds of a whole number, both inclusive."""
    allowed = f"a whole number from {low} to {high}{unit}"
    extra: Any = {"errorMessage": allowed}
    return Field(strict=True, ge=low, le=high, examples=[low], json_schema_extra=extra)


def _unique(entries: tuple[Any, ...]) -> tuple[Any, ...]:
    twice = next((each for each in entries if entries.count(each) > 1), None)
    if twice is not None:
        raise ValueError(f"{twice} is there twice")
    return entries


UNIQUE = AfterValidator(_unique)


def _name(text: str) -> str:
    if text.lower() in ("true", "false"):
        raise ValueError("a switch, not a name")
    return text


NAME = AfterValidator(_name)  # techdocsBucket: true is no bucket named true


def _limits(entries: tuple[Any, ...]) -> tuple[Any, ...]:
    if not entries:
        raise ValueError("an empty list limits nothing; unset the key for that")
    return entries


LIMITS = AfterValidator(_limits)
Flag = Annotated[bool, Strict()]
LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"  # RFC 1123
DNS = rf"(?:{LABEL}\.)+[a-z](?:[a-z0-9-]{{0,61}}[a-z0-9])?"
DNS_ALLOWED = "a lower-case DNS name without scheme, port or path"
HostName = Annotated[str, matching(DNS, DNS_ALLOWED, "backstage.example.com", 253)]


def scalar(value: object) -> str:
    """A plain value as YAML writes it. Raises ValueError for others."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (str, int, float)):
        return str(value)
    raise ValueError("has no plain value")


# A port, 1 to 65535.
PORT = r"[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]"
HTTPS = rf"https://{DNS}(?::(?:{PORT}))?(?:/[^\s?#]*)?"
Title = Annotated[
    str, matching(r"[^\x00-\x1f\x7f$]+", "text of at most 100 characters, without '$'", "Acme", 100)
]
HttpsUrl = Annotated[
    str, matching(r"https://[^\s@]+", "an https URL", "https://login.example.com/logout", 2000)
]

"""Types of environment variables and secrets."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Annotated, Any

import pulumi
from pydantic import BeforeValidator
from pydantic_core import core_schema

from settings.values.common import matching, scalar

OBJECT_BYTES = 1_000_000  # the API server takes objects of up to 1 MiB
VariableName = Annotated[
    str,
    matching(
        r"[A-Za-z_][A-Za-z0-9_]*|APP_CONFIG_[A-Za-z0-9_:-]+",
        "letters, digits and '_', not starting with a digit",
        "LOG_LEVEL",
        253,
    ),
]
VariableValue = Annotated[
    str,
    BeforeValidator(scalar),
    matching(r"(?s)[^\x00]*", "text of at most 64 KiB, without NUL", "value", 65536),
]
Variables = dict[VariableName, VariableValue]


class SecretMap(dict[str, "pulumi.Output[str]"]):
    """Variables whose values become secret Outputs before anything else sees them."""

    size = 0
    """Bytes of all names and values."""
    blank: frozenset[str] = frozenset()
    """Names whose value is empty."""
    private_keys: frozenset[str] = frozenset()
    """Names whose value is a private key in PEM, or not known offline."""
    encrypted: frozenset[str] = frozenset()
    """Names whose value is encrypted in the stack file; only the offline preview knows."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> core_schema.CoreSchema:
        return core_schema.no_info_after_validator_function(cls._of, handler(Variables))

    @classmethod
    def _of(cls, plain: Mapping[str, str]) -> SecretMap:
        secrets = cls({name: pulumi.Output.secret(value) for name, value in plain.items()})
        secrets.size = byte_size(plain)
        secrets.blank = frozenset(name for name, value in plain.items() if not value.strip())
        secrets.encrypted = frozenset(name for name in plain if plain[name] == ENCRYPTED)
        secrets.private_keys = frozenset(filter(lambda name: _is_private_key(plain[name]), plain))
        return secrets


ENCRYPTED = "encrypted"  # what the offline preview has in place of an encrypted value
_PRIVATE_KEY = re.compile(
    r"-----BEGIN (?:RSA )?PRIVATE KEY-----\r?\n([^-]+)-----END (?:RSA )?PRIVATE KEY-----\s*"
)


def _is_private_key(text: str) -> bool:
    match = _PRIVATE_KEY.fullmatch(text.replace("\\n", "\n"))  # as Backstage reads it
    try:
        der = base64.b64decode("".join(match[1].split()), validate=True) if match else b""
    except ValueError:
        return False
    # ASN.1: a sequence with two bytes of length, which a key that was cut short contradicts.
    complete = der[:2] == b"\x30\x82" and len(der) == 4 + int.from_bytes(der[2:4], "big")
    return complete or text == ENCRYPTED


def byte_size(variables: Mapping[str, str]) -> int:
    """Bytes of all names and values."""
    return sum(len(name.encode()) + len(value.encode()) for name, value in variables.items())

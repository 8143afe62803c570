"""Values that a copied command can set, and placeholders for those that it can't."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from settings.files import mapped
from settings.key_schema import examples, key_schema
from settings.keys import Key


def example_of(key: Key) -> str:
    """A value that a copied command can set: the default, or else an example."""
    schema = key_schema(key)
    if key.policy_refuses and key.policy_refuses.instead:
        return key.policy_refuses.instead
    default = schema.get("default")
    if default not in (None, "", [], {}):
        return f"{default:g}" if isinstance(default, float) else as_text(default)
    if "enum" in schema.get("items", {}):
        return as_text([example_of_an_entry(schema)])
    return as_text(placeholder(next(examples(schema))))


def example_of_an_entry(schema: Mapping[str, Any]) -> Any:
    """What an entry may be; VALUE, where any choice of several would be a guess."""
    return (
        "VALUE" if "enum" in schema["items"] else placeholder(next(examples(schema["items"]), None))
    )


# Identifiers and networks in examples: pasted as they are, the next preview would accept them.
_IDENTIFIERS = (
    (r"arn:.*", "ARN"),
    (r"subnet-[0-9a-f]+", "SUBNET"),
    (r"sg-[0-9a-f]+", "SECURITY_GROUP"),
    (r"sha256:[0-9a-f]+", "sha256:DIGEST"),
    (r"[0-9a-f]{40}", "SHA"),
    (r"[0-9]{12}", "ACCOUNT"),
    (r"[0-9]{12}\.dkr\..*", "REGISTRY/REPOSITORY"),
    (r"cluster-[A-Z0-9]+", "ID"),
    (r"[0-9.]+/[0-9]+", "CIDR"),
    (r"https://.*example\.com.*", "URL"),
    (r"example\.(?:com|onmicrosoft\.com)", "DOMAIN"),
    (r"backstage\.example\.com", "HOST"),
    (r"registry\.example\.com/.*", "REGISTRY/IMAGE"),
    (r"us-east-1", "REGION"),
    (r"platform-alb-logs", "BUCKET"),
    (r"platform-prod", "CLUSTER"),
    (r"kind-backstage", "CONTEXT"),
    (r"backstage-final-1", "SNAPSHOT"),
    (r"acme", "NAME"),
    (r"123456", "APP_ID"),
    (r"500", "NUMBER"),
    (r"Iv23li\w+|1example\w+", "CLIENT_ID"),
)


def placeholder(example: Any) -> Any:
    """An example with a word in capitals for each identifier of an account."""
    return mapped(example, _word)


def _word(example: Any) -> Any:
    found = (word for pattern, word in _IDENTIFIERS if re.fullmatch(pattern, str(example)))
    return next(found, example)


def as_text(value: Any) -> str:
    """A value as `pulumi config set` takes it."""
    return value if isinstance(value, str) else json.dumps(value)

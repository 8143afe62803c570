"""Policies in JSON, of IAM and of resources: whom their statements admit, and to what."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase

from policy.networks import internet
from policy.node import Node
from policy.rule import each, some

# Condition keys that name who calls, or what AWS calls for.
_CALLERS = {
    *("aws:principalaccount", "aws:principalarn", "aws:principalorgid", "aws:principalorgpaths"),
    *("aws:sourceaccount", "aws:sourcearn", "aws:sourceip", "aws:sourceorgid"),
    *("aws:sourceorgpaths", "aws:sourceowner", "aws:sourcevpc", "aws:sourcevpce", "aws:userid"),
    *("aws:principalservicename", "elasticfilesystem:accessedviamounttarget"),
    *("kms:calleraccount", "s3:dataaccesspointaccount", "s3:dataaccesspointarn"),
}
# Without IfExists and ForAllValues, which also hold where the key is missing.
_OPERATOR = re.compile(
    r"(?:foranyvalue:)?"
    r"(stringequals|stringequalsignorecase|stringlike|arnequals|arnlike|ipaddress|bool)"
)
_POOL = "cognito-identity.amazonaws.com:aud"
_SUBJECT = re.compile(r"(?:system:serviceaccount|(?!system:)[^:/*?]+)[:/][^:/*?]+[:/]")
"""What has to stand before a subject's wildcard: `repo:ORG/`, `system:serviceaccount:NAMESPACE:`"""


def statements(document: Node) -> list[Node]:
    """A policy's statements."""
    return document.json.at("Statement").items


def allowing(document: Node, check: Callable[[Node], str | None]) -> Iterator[str]:
    """What a check says of each statement of a policy that allows something."""

    def allowed(statement: Node) -> str | None:
        return check(statement) if statement.at("Effect").text == "Allow" else None

    yield from each(statements(document), allowed)


def for_anyone(statement: Node) -> bool:
    """Whether everyone is a statement's principal, its condition aside."""
    if statement.at("NotPrincipal").raw is not None:
        return statement.at("Effect").text == "Allow"
    principal = statement.at("Principal")
    named = [principal, *principal.entries.values()]
    return any("*" in node.texts for node in named if not isinstance(node.raw, dict))


def acts(statement: Node, action: str) -> bool:
    """Whether an action, in lower case, is among a statement's, wildcards expanded."""
    excluded = statement.at("NotAction").raw is not None
    given = statement.at("NotAction" if excluded else "Action").texts
    return excluded != any(fnmatchcase(action, pattern.lower()) for pattern in given)


def limited(statement: Node) -> bool:
    """Whether a condition names the callers."""
    return _holds(statement, lambda key: key in _CALLERS, _names_callers)


def identified(statement: Node) -> bool:
    """Whether a condition names identities of the provider that a trust policy names."""

    def named(key: str) -> bool:
        return key.endswith(":sub") or key.startswith("saml:") or key == _POOL

    return _holds(statement, named, _names_subjects)


def _holds(statement: Node, key: Callable[[str], bool], value: Callable[[str, str], bool]) -> bool:
    conditions = [
        (found.group(1), node)
        for operator, keys in statement.at("Condition").entries.items()
        if (found := _OPERATOR.fullmatch(operator.lower()))
        for name, node in keys.entries.items()
        if key(name.lower())
    ]

    def restricts(condition: tuple[str, Node]) -> bool:
        operator, node = condition
        values = node.texts
        return bool(values) and all(value(operator, text) for text in values)

    return some(conditions, restricts)


def _names_callers(operator: str, value: str) -> bool:
    if operator == "ipaddress":
        return not internet(value)
    if operator == "bool":
        return value.lower() == "true"
    literal = re.split(r"[*?]", value)[0]
    if literal == value:
        return True
    if value.startswith("arn:"):
        # Five colons before the resource; an ARN of S3 has no account, but a bucket's name.
        found = re.fullmatch(r"arn:[^:]*:[^:]*:[^:]*:([^:*?]*):(.+)", value)
        return found is not None and bool(found[1] or found[2][0] not in "*?")
    return literal.endswith(("/", ":"))  # of an organization's path, or of a role's sessions


def _names_subjects(operator: str, value: str) -> bool:
    wild = operator == "stringlike" and re.search(r"[*?]", value) is not None
    return not wild or _SUBJECT.match(value) is not None

"""Secrets that stand in plain variables, arguments and files."""

from __future__ import annotations

import re
from collections.abc import Iterator

from policy import texts
from policy.kubernetes import CONFIG_MAP, WORKLOADS
from policy.plan import Plan, Resource
from policy.rule import each, rule
from policy.texts import FUNCTION, Text

PARAMETER = "aws:ssm/parameter:Parameter"
# For lower case, and each branch with a letter first: many times as fast to search for.
_NAME = (
    r"(?:passw(?:or)?d|passphrase|token|secret(?<!pullsecret)(?<!existingsecret)"
    r"|[_.-](?:pwd|pass|pat)"
    r"|(?:api|access|encryption|master|private|secret|signing)[_.-]?key)"
)
_SENSITIVE = re.compile(rf"{_NAME}$")
_ASSIGNED = re.compile(rf"""{_NAME}["']?(?:[ \t]*=|:)[ \t]*["']?(?P<value>[^\s"',;&|)}}]+)""")
# References, placeholders, switches, and paths.
_REFERENCE = re.compile(
    r"""\$|`|\{|<[^>]*>$|\*+$|%\w|!\w|--|arn:|(?:process|os)\.|(?:/[\w.-]+){2,}$
    |(?:[01]|true|false|yes|no|null|none|undefined)$""",
    re.I | re.X,
)
_CREDENTIALS = re.compile(r"://[^\s:/@]*:(?![$<{*])[^\s/@]+@")
_ISSUED = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----|gh[pousr]_\w{36}|github_pat_\w{22}|glpat-\w{20}"
    r"|xox[abprs]-\w{10}|sk_live_\w{16}|AKIA[0-9A-Z]{16}\b"
    r"|eyJ[\w-]{8,}\.eyJ[\w-]{8,}"
)
_COMMENT = re.compile(r"^\s*(?:#|//|;).*$", re.M)
# Where `token = name` is no secret.
_CODE = re.compile(r"\.(?:[cm]?[jt]sx?|py|rb|go|java|lua|php|groovy|sql|md|html)$", re.I)


def _reveals(text: Text) -> bool:
    """Whether a text is a secret, or has one in it."""
    value = text.value.text
    if _SENSITIVE.search(text.name.lower()):
        return bool(value) and _REFERENCE.match(value) is None
    if _CREDENTIALS.search(value) or _ISSUED.search(value):
        return True
    if _CODE.search(text.name):
        return False
    found = _ASSIGNED.finditer(_COMMENT.sub("", value).lower())
    return any(_REFERENCE.match(match["value"]) is None for match in found)


@rule(
    "plain-secret",
    *WORKLOADS,
    severity="high",
    what="no password, token or key is written into a pod",
    fix="valueFrom.secretKeyRef or envFrom.secretRef; in this project secretEnv instead of env",
)
def plain_secret(resource: Resource, _: Plan) -> Iterator[str]:
    def check(text: Text) -> str | None:
        return f"{text} holds a secret: whoever reads pods sees it" if _reveals(text) else None

    yield from texts.of(resource, check)


@rule(
    "plain-secret-in-config",
    CONFIG_MAP,
    FUNCTION,
    PARAMETER,
    severity="high",
    what="no ConfigMap, Lambda function or SSM String holds a password, token or key",
    fix="a Secret, Secrets Manager, or a SecureString",
)
def plain_config(resource: Resource, _: Plan) -> Iterator[str]:
    def check(text: Text) -> str | None:
        says = f"{text} holds a secret: whoever reads configuration sees it"
        return says if _reveals(text) else None

    if resource.type == PARAMETER:
        if resource.inputs.at("type").text != "SecureString":
            name = resource.inputs.at("name").text
            values = [resource.inputs.at(key) for key in ("value", "insecureValue")]
            yield from each(values, lambda value: check(Text(name, value)))
    else:
        yield from texts.of(resource, check)

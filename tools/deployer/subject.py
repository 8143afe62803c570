"""The subject of a GitHub Actions token: claims of a job, `NAME:VALUE`, with colons between them.

Source: GitHub Docs, "OpenID Connect reference"; a `:` within a value is `%3A`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_CLAIM = re.compile(r"([a-z_]+):([^:*?\s]+)")
_SUBJECT = re.compile(rf"{_CLAIM.pattern}(?::{_CLAIM.pattern})*")
# Claims that name one repository, by name, with or without ids, or by id.
_REPOSITORY = re.compile(r"repo(?:sitory)?:[\w.-]+(?:@\w+)?/[\w.-]+(?:@\w+)?|repository_id:\d+")
_DEFAULT = re.compile(r"repo:[^:]+")


def fault(subject: str, environment: str) -> str | None:
    """Why a subject can't be trusted for an environment, and what can; None if it can.

    subject: the repository's claim alone, or the whole subject of a job with that environment.
    """
    claims, said = _CLAIM.findall(subject), ""
    if not _SUBJECT.fullmatch(subject):
        said = "isn't made of NAME:VALUE without wildcards"
    elif not any(_REPOSITORY.fullmatch(":".join(each)) for each in claims):
        said = "names no repository, so others could deploy"
    elif len(claims) > 1 and ("environment", environment) not in claims:
        said = f"isn't limited to the environment {environment}"
    allowed = "repo:OWNER/REPO or repo:OWNER@OWNER_ID/REPO@REPO_ID"
    whole = f"the whole subject, such as repository_id:ID:environment:{environment}"
    return f"{said}; give {allowed}, or with a template {whole}" if said else None


def subjects(repository: str, given: str, stack: str, environment: str) -> Iterator[str]:
    """What a trust policy accepts of jobs with an environment.

    given: what `fault` accepts for the stack, which is the environment that it may name. GitHub's
    default, the claim `repo` alone, is accepted with and without ids, of which new repositories
    have some.
    """
    if _DEFAULT.fullmatch(given):
        yield f"repo:{repository}:environment:{environment}"
    of_stack, of_job = ("environment", stack), ("environment", environment)
    claims = _CLAIM.findall(given)
    if len(claims) == 1:
        claims.append(of_stack)
    yield ":".join(":".join(of_job if each == of_stack else each) for each in claims)

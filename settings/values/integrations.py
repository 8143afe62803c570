"""Types of GitHub and GitLab."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from pydantic.alias_generators import to_camel

from settings.values.common import UNIQUE, HostName, Model, allowing, matching, whole

Owner = Annotated[
    str,
    matching(r"[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*", "the name of a GitHub organization", "acme", 39),
]


class GithubApp(Model, alias_generator=to_camel):
    """A GitHub App, as its settings page shows it."""

    app_id: Annotated[
        int,
        Field(strict=True, ge=1, le=2**31 - 1),
        allowing("the App ID, a whole number", 123456),
    ]
    client_id: Annotated[
        str, matching(r"[A-Za-z0-9._-]+", "the App's client ID", "Iv23liAbCdEf01234567", 100)
    ]
    owners: Annotated[
        tuple[Owner, ...],
        Field(min_length=1),
        UNIQUE,
        allowing("a list of GitHub organizations that installed the App, each once", ["acme"]),
    ]
    host: HostName = "github.com"
    repositories: Annotated[int, whole(1, 100_000)] = 500


class Gitlab(Model, alias_generator=to_camel):
    """A GitLab group with its subgroups."""

    group: Annotated[
        str,
        matching(
            r"[A-Za-z0-9_][A-Za-z0-9_.-]*(?:/[A-Za-z0-9_][A-Za-z0-9_.-]*)*",
            "the path of a GitLab group, such as acme or acme/platform",
            "acme",
            255,
        ),
    ]
    host: HostName = "gitlab.com"

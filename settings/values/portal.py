"""Types of the portal: sign-in, permissions, configuration."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from settings.app_config import AppConfig
from settings.permissions import Conditions, Permissions
from settings.providers import PROVIDERS
from settings.values.common import matching
from settings.values.files import from_file

SignInProvider = Annotated[
    str,
    Field(
        pattern=f"^(?:{'|'.join(PROVIDERS)})$",
        examples=["github"],
        json_schema_extra={"errorMessage": ", ".join(PROVIDERS), "enum": [*PROVIDERS]},
    ),
]
ResolverName = Annotated[
    str,
    matching(
        "[A-Za-z]+",
        "the name of a resolver, as docs/sign-in.md lists them",
        "emailMatchingUserEntityProfileEmail",
    ),
]
AppConfigFile = Annotated[
    AppConfig,
    *from_file(
        AppConfig.load, "a file with a Backstage configuration", "assets/app-config.production.yaml"
    ),
]
PermissionsFile = Annotated[
    Permissions,
    *from_file(
        Permissions.load,
        "a CSV file of roles, as described in docs/permissions.md",
        "assets/permissions.csv",
    ),
]
PermissionConditionsFile = Annotated[
    Conditions,
    *from_file(
        Conditions.load,
        "a YAML file of conditional policies, as described in docs/permissions.md",
        "assets/permission-conditions.yaml",
    ),
]
PermissionName = Annotated[
    str,
    matching(
        r"[A-Za-z0-9][A-Za-z0-9_.:/-]*",
        "the name of a permission or a resource type",
        "jenkins.execute",
        200,
    ),
]

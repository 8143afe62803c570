"""Types of secrets that are kept elsewhere."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field
from pydantic.alias_generators import to_camel

from settings.values.aws import ARN
from settings.values.common import Model, allowing, matching
from settings.values.kubernetes import ObjectName

SECRET_KEYS = ("githubAppSecrets", "gitlabSecrets")  # whose files may come from there
_TARGET = (
    rf"[A-Za-z_][A-Za-z0-9_]*|APP_CONFIG_[A-Za-z0-9_-]+|(?:{'|'.join(SECRET_KEYS)})\.[A-Za-z]+"
)
SecretTarget = Annotated[
    str,
    matching(
        _TARGET,
        "a variable such as JIRA_TOKEN, or a file such as githubAppSecrets.privateKey",
        "JIRA_TOKEN",
        253,
    ),
]
# The names that JMESPath and gjson, the drivers' languages, read alike.
Property = Annotated[
    str,
    matching(
        r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*",
        "the name of a property, with dots for one inside another",
        "token",
        253,
    ),
]
ManagedSecret = Annotated[
    str,
    matching(
        r"[A-Za-z0-9/_+=.@-]{1,512}"
        rf"|{ARN}:secretsmanager:[a-z0-9-]+:[0-9]{{12}}:secret:[A-Za-z0-9/_+=.@-]+-[A-Za-z0-9]{{6}}",
        "the name of a Secrets Manager secret, or its whole ARN with the six last characters",
        "backstage/jira",
    ),
]
_PARAMETER = r"(?:/[A-Za-z0-9_.-]+)+"
Parameter = Annotated[
    str,
    matching(
        rf"[A-Za-z0-9_.-]+|{_PARAMETER}"
        rf"|{ARN}:ssm:[a-z0-9-]+:[0-9]{{12}}:parameter(?:/[A-Za-z0-9_.-]+)+",
        "the name of an SSM parameter, with a leading slash if it has any, or its ARN",
        "/backstage/session-secret",
    ),
]
SecretVersion = Annotated[
    str,
    Field(
        pattern=r"^(?:[A-Za-z0-9-]{32,64}|[1-9][0-9]{0,9})$",
        json_schema_extra={
            "errorMessage": "the version id of a Secrets Manager secret, or the number of a "
            "parameter's version",
            "type": ["string", "integer"],
        },
    ),
]
SecretKey = Annotated[
    str,
    matching(r"[A-Za-z0-9._-]+", "a key of that Secret", "token", 253),
]


class SecretSource(Model, alias_generator=to_camel):
    """Where a secret is kept, and what of it the pods get."""

    secrets_manager: ManagedSecret | None = None
    parameter: Parameter | None = None
    keys: dict[SecretTarget, Property] = Field(default_factory=dict)
    target: SecretTarget | None = Field(None, alias="as")
    version: SecretVersion | None = None

    @property
    def name(self) -> str:
        """Name or ARN of the secret or parameter."""
        return self.secrets_manager or self.parameter or ""


SecretSources = Annotated[
    tuple[SecretSource, ...],
    allowing(
        "a list of objects with secretsManager or parameter, and keys, or as for the whole value; "
        "optional version",
        [
            {
                "secretsManager": "backstage/jira",
                "keys": {"JIRA_TOKEN": "token"},
            }
        ],
    ),
]


class SecretStore(Model, alias_generator=to_camel):
    """A store of the External Secrets Operator."""

    name: ObjectName
    kind: Literal["ClusterSecretStore", "SecretStore"] = "ClusterSecretStore"


class ExistingSecret(Model, alias_generator=to_camel):
    """A Secret that somebody else fills."""

    name: ObjectName
    keys: Annotated[
        dict[SecretTarget, SecretKey],
        Field(min_length=1),
        allowing("an object of at least one entry, variable: key", {"JIRA_TOKEN": "token"}),
    ]

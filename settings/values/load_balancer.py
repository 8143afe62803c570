"""Types of sign-in at the load balancer.

Source: Elastic Load Balancing API, AuthenticateOidcActionConfig and
AuthenticateCognitoActionConfig.
"""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator
from pydantic.alias_generators import to_camel

from settings.providers import ENTRA, MANY_TENANTS
from settings.values.aws import ARN
from settings.values.common import DNS, HTTPS, LABEL, Model, matching


def _of_one_tenant(issuer: str) -> str:
    if re.match(rf"{ENTRA}(?:{MANY_TENANTS})(?:/|$)", issuer):
        raise ValueError("Entra's issuer of every tenant")
    return issuer


Issuer = Annotated[
    str,
    matching(
        HTTPS,
        "the issuer exactly as tokens name it: an https URL; at Entra that of one tenant",
        "https://idp.example.com",
    ),
    AfterValidator(_of_one_tenant),
]


def _endpoint(path: str) -> Any:
    allowed, example = "an https URL of the identity provider", f"https://idp.example.com/{path}"
    return matching(rf"{HTTPS}(?:\?[^\s#]*)?", allowed, example)


class IngressOidc(Model, alias_generator=to_camel):
    """An OpenID Connect provider, as its discovery document describes it."""

    issuer: Issuer
    authorization_endpoint: Annotated[str, _endpoint("authorize")]
    token_endpoint: Annotated[str, _endpoint("token")]
    user_info_endpoint: Annotated[str, _endpoint("userinfo")]


class IngressCognito(Model, alias_generator=to_camel):
    """A Cognito user pool and its app client."""

    user_pool_arn: Annotated[
        str,
        matching(
            rf"{ARN}:cognito-idp:[a-z0-9-]+:[0-9]{{12}}:userpool/[a-z0-9-]+_[A-Za-z0-9]+",
            "the ARN of a Cognito user pool",
            "arn:aws:cognito-idp:us-east-1:123456789012:userpool/us-east-1_AbCdEf123",
        ),
    ]
    client_id: Annotated[
        str,
        matching(r"[\w+]{1,128}", "the id of an app client with a secret", "1example23456789"),
    ]
    domain: Annotated[
        str,
        matching(
            rf"{LABEL}|{DNS}",
            "the prefix of the user pool's domain, or its custom domain",
            "example-staff",
        ),
    ]

    @property
    def host(self) -> str:
        """Of its endpoints. Source: Amazon Cognito Developer Guide, "OAuth 2.0 endpoints"."""
        prefix = f"{self.domain}.auth.{self.region}.amazoncognito.com"
        return self.domain if "." in self.domain else prefix

    @property
    def region(self) -> str:
        """The user pool's."""
        return self.user_pool_arn.split(":")[3]

    @property
    def issuer(self) -> str:
        """Of its tokens."""
        pool = self.user_pool_arn.rpartition("/")[2]
        return f"https://cognito-idp.{self.region}.amazonaws.com/{pool}"


# Routes that sign users in, show the portal, or have a key of their own.
CLOSED_PLUGINS = ("app", "auth", "events", "mcp-actions", "proxy")


def _plugin_path(path: str) -> str:
    plugin = path.split("/")[2]
    if plugin in CLOSED_PLUGINS:
        raise ValueError(f"/api/{plugin} is never open")
    return path


TokenPath = Annotated[
    str,
    matching(
        r"/api/[a-z0-9-]+(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*",
        f"a plugin's path, /api/PLUGIN or below; not of {', '.join(CLOSED_PLUGINS)}",
        "/api/catalog",
        128,  # characters of a listener rule's condition
    ),
    AfterValidator(_plugin_path),
]

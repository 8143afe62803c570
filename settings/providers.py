"""The sign-in providers: their variables, resolvers and fixed configuration."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

BY_EMAIL = "emailMatchingUserEntityProfileEmail"
# Of any address with that local part, unless its option allowedDomains narrows it.
BY_LOCAL_PART = "emailLocalPartMatchingUserEntityName"
BY_USERNAME = "usernameMatchingUserEntityName"
BY_USER_ID = "userIdMatchingUserEntityAnnotation"
BY_EMAIL_ANNOTATION = "emailMatchingUserEntityAnnotation"

_HOST = r"https://[a-z0-9][a-z0-9.-]*(?::[0-9]{1,5})?"
ENTRA = "https://login.microsoftonline.com/"
# Any tenant's administrator chooses the addresses of its accounts.
MANY_TENANTS = r"common|organizations|consumers|9188040d-6c67-4c5b-b112-36a304b66dad"
# Issuers without the claim email_verified, or with text in it, which Backstage doesn't accept.
_UNVERIFIED = re.compile(rf"{ENTRA}|https://sts\.windows\.net/|https://cognito-idp\.")


@dataclass(frozen=True)
class Variable:
    """A value of a provider's configuration, from a variable of the pods.

    key: in `auth.providers.<id>.production`. pattern, allowed: of a plain value. instead: what
    stands for one in a command, a word in capitals unless any stack may have it.
    """

    name: str
    key: str
    allowed: str
    instead: str = "VALUE"
    pattern: str = r"\S+"
    secret: bool = False
    required: bool = True

    def meant(self, value: str) -> str:
        """A refused value without what follows an allowed one, or with a scheme; or `instead`."""
        address = re.sub("^http://", "", value)
        found = (re.match(self.pattern, each) for each in (value, f"https://{address}"))
        whole = (match[0] for match in found if match and "." in match[0])
        return next((each for each in whole if re.fullmatch(self.pattern, each)), self.instead)


@dataclass(frozen=True)
class Provider:
    """A sign-in provider with an OAuth client, unless it has no variables.

    id: in `auth.providers`. resolvers: those that its module registers, the default first.
    vouches: whether its email addresses are verified. extra: fixed configuration.
    """

    id: str
    resolvers: tuple[str, ...] = ()
    variables: tuple[Variable, ...] = ()
    vouches: bool = False
    extra: Mapping[str, Any] = field(default_factory=dict)


def _client(id_: str, *others: Variable) -> tuple[Variable, ...]:
    prefix = f"AUTH_{id_.upper()}_CLIENT"
    return (
        Variable(
            f"{prefix}_ID", "clientId", "the id of the OAuth client that docs/sign-in.md registers"
        ),
        Variable(f"{prefix}_SECRET", "clientSecret", "the secret of that client", secret=True),
        *others,
    )


def _base_url(name: str, key: str, path: str = "", required: bool = False) -> Variable:
    allowed = f"an https URL without {'trailing slash' if path else 'path or trailing slash'}"
    return Variable(name, key, allowed, "URL", _HOST + path, required=required)


# Sources: the providers' modules, @backstage/plugin-auth-backend-module-*-provider. Google's and
# Okta's addresses are verified by them, Microsoft's set by the tenant; anyone chooses what GitHub
# shows, and a GitLab may not ask for confirmation.
PROVIDERS: Mapping[str, Provider] = {
    "github": Provider(
        "github",
        (BY_USERNAME, BY_USER_ID, BY_EMAIL, BY_LOCAL_PART),
        _client(
            "github",
            _base_url("AUTH_GITHUB_URL", "enterpriseInstanceUrl"),
        ),
    ),
    "gitlab": Provider(
        "gitlab",
        (BY_USERNAME, BY_USER_ID, BY_EMAIL, BY_LOCAL_PART),
        _client(
            "gitlab",
            _base_url("AUTH_GITLAB_AUDIENCE", "audience", r"(?:/[^\s/?#]+)*"),
        ),
    ),
    "google": Provider(
        "google",
        (BY_EMAIL, BY_EMAIL_ANNOTATION, BY_LOCAL_PART),
        _client("google"),
        vouches=True,
    ),
    "microsoft": Provider(
        "microsoft",
        (BY_EMAIL, BY_EMAIL_ANNOTATION, BY_USER_ID, BY_LOCAL_PART),
        _client(
            "microsoft",
            Variable(
                "AUTH_MICROSOFT_TENANT_ID",
                "tenantId",
                "the tenant's id or domain; not common, organizations or consumers, which are "
                "every tenant's accounts",
                "TENANT",
                rf"(?!(?:{MANY_TENANTS})$)(?:[0-9a-fA-F]{{8}}(?:-[0-9a-fA-F]{{4}}){{3}}-[0-9a-fA-F]{{12}}"
                r"|(?:[A-Za-z0-9-]+\.)+[A-Za-z]+)",
            ),
        ),
        vouches=True,
    ),
    "okta": Provider(
        "okta",
        (BY_EMAIL, BY_EMAIL_ANNOTATION, BY_LOCAL_PART),
        _client(
            "okta",
            _base_url("AUTH_OKTA_AUDIENCE", "audience", required=True),
            Variable(
                "AUTH_OKTA_AUTH_SERVER_ID",
                "authServerId",
                "the id of an authorization server, such as default",
                "default",
                r"[A-Za-z0-9]+",
                required=False,
            ),
        ),
        vouches=True,
    ),
    "oidc": Provider(
        "oidc",
        (BY_EMAIL, BY_LOCAL_PART),
        _client(
            "oidc",
            Variable(
                "AUTH_OIDC_METADATA_URL",
                "metadataUrl",
                "the https URL of the issuer's discovery document, which ends in "
                "/.well-known/openid-configuration; at Entra that of one tenant",
                "URL",
                rf"(?!{ENTRA}(?:{MANY_TENANTS})/){_HOST}(?:/[^\s?#]*)?"
                r"/\.well-known/openid-configuration",
            ),
        ),
        vouches=True,
        # Backstage's default, none, fails for a user without a session at the issuer.
        extra={"prompt": "auto"},
    ),
    "alb": Provider("awsalb", (BY_EMAIL, BY_LOCAL_PART)),
    "guest": Provider("guest"),
}


def omits_verification(metadata_url: str) -> bool:
    """Whether an issuer is known to send no `email_verified: true`."""
    return bool(_UNVERIFIED.match(metadata_url))

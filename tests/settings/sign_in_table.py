"""Rows of the keys and rules of sign-in, also at the load balancer."""

from __future__ import annotations

from tests.settings.row import Key, Row
from tests.settings.stack import CLIENT, COGNITO, LOCAL, OIDC, WITH_OIDC, with_provider

BY_ANNOTATION = "emailMatchingUserEntityAnnotation"
BY_EMAIL = "emailMatchingUserEntityProfileEmail"
BY_LOCAL_PART = "emailLocalPartMatchingUserEntityName"
BY_USERNAME = "usernameMatchingUserEntityName"
GITHUB, GOOGLE, GITLAB = map(with_provider, ("github", "google", "gitlab"))
METADATA = "https://id.example.com/.well-known/openid-configuration"
ENTRA = "https://login.microsoftonline.com/{}/v2.0/.well-known/openid-configuration"
COGNITO_ISSUER = (
    "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Ab/.well-known/openid-configuration"
)
DOMAINS: dict[str, object] = {"signInAllowedDomains": ["example.com"]}
UNKNOWN: dict[str, object] = {"signInWithoutCatalogUser": True, **DOMAINS}


def oidc(metadata_url: str = METADATA) -> dict[str, object]:
    return with_provider("oidc", AUTH_OIDC_METADATA_URL=metadata_url)


def microsoft(tenant: str) -> dict[str, object]:
    return with_provider("microsoft", AUTH_MICROSOFT_TENANT_ID=tenant)


def okta(audience: str, **others: str) -> dict[str, object]:
    return with_provider("okta", AUTH_OKTA_AUDIENCE=audience, **others)


KEYS: dict[str, Key] = {
    "signIn": Key(
        ["github"],
        bad=(
            (["githb"], "'githb' isn't one", "'signIn[0]' github"),
            (["awsalb"], "'awsalb' isn't "),
            ("github", "a list, each entry once"),
            (["github", "github"], "github is there twice"),
            (["github", "guest"], "guest, on target eks", "'signIn[1]'"),
        ),
    ),
    "signInResolvers": Key(
        {"github": "userIdMatchingUserEntityAnnotation"},
        bad=(
            ({"github": "preferredUsernameMatchingUserEntityName"}, BY_EMAIL, " github: "),
            ({"github": BY_ANNOTATION}, f"given:   github: {BY_ANNOTATION}\n", BY_USERNAME),
            ({"google": BY_EMAIL}, "providers of signIn: github"),
            ({"GitHub": BY_EMAIL}, "the name 'GitHub' isn't github"),
            ({"github": "by-email"}, "the value of github isn't the name of a resolver"),
            (BY_EMAIL, "an object"),
        ),
    ),
    "signInWithoutCatalogUser": Key(False, bad=(("everyone", "true or false"),)),
    "signInAllowedDomains": Key(
        ["example.com"],
        bad=(
            (["*"], "a lower-case DNS name"),
            (["@example.com"], "a lower-case DNS name"),
            (["Example.com"], "a lower-case DNS name"),
        ),
    ),
    "signInOidcEmailVerified": Key("assumed", bad=((True, "required or assumed"),)),
    "signOutUrl": Key(
        "https://idp.example.com/logout?client_id=portal",
        bad=(("http://idp.example.com", "an https URL"), ("/logout", "an https URL")),
    ),
    "ingressAuthentication": Key("oidc", bad=(("saml", "oidc or cognito"),)),
    "ingressOidc": Key(
        OIDC,
        bad=(
            ({**OIDC, "issuer": "idp.example.com"}, "the value of issuer", "exactly as tokens"),
            ({**OIDC, "issuer": "https://idp.example.com?a=b"}, "the value of issuer"),
            ({**OIDC, "tokenEndpoint": "http://idp.example.com/token"}, "tokenEndpoint", "https"),
            ({**OIDC, "userinfoEndpoint": "x"}, "did you mean userInfoEndpoint?"),
            ({"issuer": "https://idp.example.com"}, "tokenEndpoint is missing"),
            ("https://idp.example.com", "an object with issuer, authorizationEndpoint"),
        ),
    ),
    "ingressCognito": Key(
        COGNITO,
        bad=(
            ({**COGNITO, "userPoolArn": "us-east-1_AbC"}, "the ARN of a Cognito user pool"),
            ({**COGNITO, "domain": "https://staff"}, "the value of domain", "the prefix"),
            ({**COGNITO, "clientId": "a b"}, "the value of clientId"),
            ({"domain": "staff"}, "userPoolArn is missing", "clientId is missing"),
        ),
    ),
    "ingressClient": Key(
        CLIENT,
        bad=(
            (
                "hunter2",
                "[secret]",
                "fix:     pulumi config rm --stack test ingressClient && pulumi config set --stack "
                "test --path --secret ingressClient.clientID && pulumi config set --stack test "
                "--path --secret ingressClient.clientSecret\n",
            ),
            ({**CLIENT, "x": {}}, "[secret]", "x has no plain value"),
        ),
    ),
    "ingressSessionTimeout": Key(
        3600, bad=((60, "from 300 to 604800 seconds"), ("12h", "a whole number"))
    ),
    "ingressTokenPaths": Key(
        ["/api/catalog", "/api/scaffolder/v2"],
        bad=(
            (["/api/auth"], "/api/auth is never open"),
            (["/api/proxy/x"], "/api/proxy is never open"),
            (["/"], "'/' isn't one"),
            (["/api"], "'/api' isn't"),
            (["/api/"], "'/api/' isn't"),
            (["/api/catalog/*"], "isn't one"),
            (["/api/catalog/../auth"], "isn't one"),
            (["/API/catalog"], "isn't one"),
            (["/api/catalog", "/api/catalog"], "/api/catalog is there twice"),
            ("/api/catalog", "a list"),
        ),
    ),
}


def without(changes: dict[str, object], *names: str) -> dict[str, object]:
    """`changes` without some variables."""
    kept = dict(changes)
    for key in ("env", "secretEnv"):
        values: dict[str, str] = dict(kept[key])  # type: ignore[call-overload]
        kept[key] = {name: value for name, value in values.items() if name not in names}
    return kept


def _forms() -> dict[str, Row]:
    """A variable that is there, with a value of the wrong form."""
    wrong: dict[str, tuple[dict[str, object], str]] = {
        "AUTH_GITHUB_CLIENT_ID a b": (
            {**GITHUB, "env": {"AUTH_GITHUB_CLIENT_ID": "a b"}},
            "the id of the OAuth client",
        ),
        "AUTH_MICROSOFT_TENANT_ID common": (microsoft("common"), "not common, organizations"),
        "AUTH_MICROSOFT_TENANT_ID organizations": (microsoft("organizations"), "every tenant's"),
        "AUTH_MICROSOFT_TENANT_ID of consumers": (
            microsoft("9188040d-6c67-4c5b-b112-36a304b66dad"),
            "every tenant's",
        ),
        "AUTH_MICROSOFT_TENANT_ID 1234": (microsoft("1234"), "the tenant's id or domain"),
        "AUTH_OKTA_AUDIENCE api://default": (okta("api://default"), "an https URL without path"),
        "AUTH_OKTA_AUDIENCE http": (okta("http://example.okta.com"), "an https URL"),
        "AUTH_OKTA_AUDIENCE path": (okta("https://example.okta.com/oauth2"), "without path"),
        "AUTH_OKTA_AUDIENCE slash": (okta("https://example.okta.com/"), "or trailing slash"),
        "AUTH_OKTA_AUTH_SERVER_ID url": (
            okta("https://a.okta.com", AUTH_OKTA_AUTH_SERVER_ID="https://a.okta.com/oauth2/x"),
            "such as default",
        ),
        "AUTH_GITLAB_AUDIENCE slash": (
            with_provider("gitlab", AUTH_GITLAB_AUDIENCE="https://gitlab.example.com/"),
            "without trailing slash",
        ),
        "AUTH_GITHUB_URL path": (
            with_provider("github", AUTH_GITHUB_URL="https://github.example.com/api/v3"),
            "without path or trailing slash",
        ),
        "AUTH_OIDC_METADATA_URL issuer": (oidc("https://id.example.com"), "/.well-known/openid-co"),
        "AUTH_OIDC_METADATA_URL http": (oidc(METADATA.replace("https", "http")), "the https URL"),
        "AUTH_OIDC_METADATA_URL common": (oidc(ENTRA.format("common")), "at Entra that of one"),
    }
    meant = {
        "AUTH_MICROSOFT_TENANT_ID 1234": "TENANT",
        "AUTH_OKTA_AUDIENCE api://default": "URL",
        "AUTH_OKTA_AUDIENCE http": "https://example.okta.com",
        "AUTH_OKTA_AUDIENCE path": "https://example.okta.com",
        "AUTH_GITLAB_AUDIENCE slash": "https://gitlab.example.com",
        "AUTH_GITHUB_URL path": "https://github.example.com",
    }
    return {
        case: (
            changes,
            "env",
            (f"given:   {case.split()[0]}: ", allowed, f"{case.split()[0]} {meant.get(case, '')}"),
        )
        for case, (changes, allowed) in wrong.items()
    }


RULES: dict[str, Row] = {
    **_forms(),
    "a provider without its id": (
        without(GITHUB, "AUTH_GITHUB_CLIENT_ID"),
        "signIn",
        ("github, without AUTH_GITHUB_CLIENT_ID", "--path env.AUTH_GITHUB_CLIENT_ID VALUE\n"),
    ),
    "a provider without its secret": (
        without(GITLAB, "AUTH_GITLAB_CLIENT_SECRET"),
        "signIn",
        ("without AUTH_GITLAB_CLIENT_SECRET", "--secret secretEnv.AUTH_GITLAB_CLIENT_SECRET\n"),
    ),
    "microsoft without a tenant": (
        without(microsoft("x.com"), "AUTH_MICROSOFT_TENANT_ID"),
        "signIn",
        ("without AUTH_MICROSOFT_TENANT_ID", "TENANT_ID TENANT\n"),
    ),
    "okta without its address": (
        without(okta("https://a.okta.com"), "AUTH_OKTA_AUDIENCE"),
        "signIn",
        ("without AUTH_OKTA_AUDIENCE", "AUTH_OKTA_AUDIENCE URL\n"),
    ),
    "oidc without an issuer": (
        without(oidc(), "AUTH_OIDC_METADATA_URL"),
        "signIn",
        ("without AUTH_OIDC_METADATA_URL",),
    ),
    "variables that no provider reads": (
        {**GITHUB, "signIn": None},
        "signIn",
        ("nothing, but AUTH_GITHUB_CLIENT_ID, AUTH_GITHUB_CLIENT_SECRET are set\n", "signIn[0]"),
    ),
    "alb on local": (
        {**LOCAL, "signIn": ["alb"]},
        "signIn",
        ("alb, without ingressAuthentication",),
    ),
    "alb without a load balancer that signs in": (
        {"signIn": ["alb"]},
        "signIn",
        ("alb, without ingressAuthentication", "load-balancer-sign-in.md"),
    ),
    "alb and another": (
        {**WITH_OIDC, **GITHUB, "signIn": ["github", "alb"]},
        "signIn",
        ("github, alb", """signIn '["alb"]'\n    or:      pulumi config rm""", "'signIn[1]'\n"),
    ),
    "alb and another without a load balancer that signs in": (
        {**GITHUB, "signIn": ["github", "alb"]},
        "signIn",
        ("allowed: alb alone", "'signIn[1]'\n    or:      follow docs/load-balancer-sign-in.md\n"),
    ),
    "sign-out at the load balancer without alb": (
        {"signOutUrl": "https://idp.example.com"},
        "signOutUrl",
        ("unset, without alb",),
    ),
    "a resolver for guests": (
        {**LOCAL, "signIn": ["guest"], "signInResolvers": {"guest": BY_EMAIL}},
        "signInResolvers",
        ("given:   guest\n",),
    ),
    "local part of any domain": (
        {**GOOGLE, "signInResolvers": {"google": BY_LOCAL_PART}},
        "signInAllowedDomains",
        (f"nothing, with {BY_LOCAL_PART} of google", "ann@any.domain would be user ann"),
    ),
    "domains that nothing reads": (
        {**GOOGLE, **DOMAINS},
        "signInAllowedDomains",
        ("unset: only signInWithoutCatalogUser and ",),
    ),
    "everyone": (
        {**GOOGLE, "signInWithoutCatalogUser": True},
        "signInAllowedDomains",
        ("nothing, with signInWithoutCatalogUser",),
    ),
    "unknown users of github": (
        {**GITHUB, **UNKNOWN},
        "signInWithoutCatalogUser",
        ("true, with github", "every email is verified: google, microsoft, okta, oidc"),
    ),
    "unknown users of gitlab": ({**GITLAB, **UNKNOWN}, "signInWithoutCatalogUser", ("gitlab",)),
    "unknown users of alb": (
        {**WITH_OIDC, **UNKNOWN, "signIn": ["alb"]},
        "signInWithoutCatalogUser",
        ("true, with alb",),
    ),
    "unknown users of an issuer that verifies nothing": (
        {**oidc(), **UNKNOWN, "signInOidcEmailVerified": "assumed"},
        "signInWithoutCatalogUser",
        ("true, with oidc and signInOidcEmailVerified assumed",),
    ),
    "Entra by oidc": (
        oidc(ENTRA.format("00000000-0000-0000-0000-000000000000")),
        "signInOidcEmailVerified",
        ("required, with https://login.microsoftonline.com/", "such as microsoft"),
    ),
    "Cognito by oidc": (
        oidc(COGNITO_ISSUER),
        "signInOidcEmailVerified",
        ("sends no `email_verified",),
    ),
    "an issuer on another port": (
        oidc(METADATA.replace(".com/", ".com:8443/")),
        "egressPorts",
        ("no 8443, with AUTH_OIDC_METADATA_URL", "egressPorts '[8443]'"),
    ),
}

"""What `signIn` adds to Backstage's configuration, and what to register at the providers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from settings.keys import Keys
from settings.providers import BY_LOCAL_PART, PROVIDERS
from settings.secrets import secret_variables


def config(s: Keys) -> Mapping[str, Any]:
    """The providers of `signIn`, and their order on the sign-in page; {} without any."""
    chosen = [PROVIDERS[name] for name in s.access.providers]
    if not chosen:
        return {}
    blocks = {PROVIDERS[name].id: _block(s, name) for name in s.access.providers}
    order = {"signIn": {"providers": [each.id for each in chosen]}}
    return {"app": order, "auth": {"providers": blocks}}


def _block(s: Keys, name: str) -> Mapping[str, Any]:
    provider = PROVIDERS[name]
    if name == "guest":
        return {"dangerouslyAllowOutsideDevelopment": True}
    sign_in = {"signIn": {"resolvers": list(_resolvers(s, name))}}
    if name == "alb":
        url = {"signOutUrl": s.access.sign_out_url} if s.access.sign_out_url else {}
        return {"issuer": s.ingress.issuer, "region": s.aws.region, **url, **sign_in}
    given = {*s.portal.env, *secret_variables(s)}
    values = {
        each.key: f"${{{each.name}}}"
        for each in provider.variables
        if each.required or each.name in given
    }
    assumed = name == "oidc" and s.access.oidc_email_verified == "assumed"
    verified = {"emailVerified": "assumed"} if assumed else {}
    return {"production": {**values, **provider.extra, **verified, **sign_in}}


def resolver_of(s: Keys, name: str) -> str:
    """Who of the catalog an account is: the resolver as set, or the provider's default."""
    return s.access.resolvers.get(name, next(iter(PROVIDERS[name].resolvers), ""))


def _resolvers(s: Keys, name: str) -> Iterator[Mapping[str, Any]]:
    """In the order in which Backstage tries them, as long as no User is found."""
    chosen, domains = resolver_of(s, name), list(s.access.allowed_domains)
    if chosen != BY_LOCAL_PART:
        yield {"resolver": chosen}
    if chosen == BY_LOCAL_PART or s.access.without_catalog_user:
        unknown = {"dangerouslyAllowSignInWithoutUserInCatalog": True}
        yield {
            "resolver": BY_LOCAL_PART,
            "allowedDomains": domains,
            **(unknown if s.access.without_catalog_user else {}),
        }


def callback_urls(names: Iterable[str], url: str) -> Mapping[str, str]:
    """By provider, the redirect URI to register. url: the portal's."""
    paths = {
        name: "/oauth2/idpresponse" if name == "alb" else f"/api/auth/{name}/handler/frame"
        for name in names
        if name != "guest"
    }
    return {name: url + path for name, path in paths.items()}

"""Rules of sign-in: which providers, their variables, and who is a user."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from settings.model import Settings
from settings.nearest import nearest
from settings.overrides import path_of
from settings.problem import (
    Problem,
    Warn,
    config_rm,
    config_set,
    config_set_secret,
    unset_beside,
)
from settings.providers import (
    BY_EMAIL,
    BY_LOCAL_PART,
    BY_USERNAME,
    PROVIDERS,
    Variable,
    omits_verification,
)
from settings.rules.rule import rule
from settings.secrets import PROVIDING, secret_variables
from settings.sign_in import resolver_of

ALB_STEPS = "follow docs/load-balancer-sign-in.md"


def _chosen(s: Settings) -> Iterator[tuple[str, Variable]]:
    """Every variable of the chosen providers."""
    for name in s.access.providers:
        yield from ((name, variable) for variable in PROVIDERS[name].variables)


def _configured(s: Settings) -> set[str]:
    """Providers in Backstage's configuration."""
    found = s.backstage.values(("auth", "providers", "*"))
    return {path[-1] for path, value in found if value is not None}


@rule("signIn", "ingressAuthentication", "signOutUrl")
def load_balancer(s: Settings) -> Iterator[Problem]:
    """Before `variables`, which asks for those of providers that have to go."""
    names = s.access.providers
    if "alb" in names and len(names) > 1:
        allowed = "alb alone: the load balancer has signed in whoever reaches the page"
        ways = (config_set("signIn", '["alb"]'), config_rm("signIn", names.index("alb")))
        if not s.ingress.authentication:
            ways = (ways[1], ALB_STEPS)
        yield Problem("signIn", ", ".join(names), allowed, ways)
    elif "alb" in names and not s.ingress.authentication:
        allowed = "ingressAuthentication, by which the load balancer signs users in"
        yield Problem("signIn", "alb, without ingressAuthentication", allowed, ALB_STEPS)
    if s.access.sign_out_url and "alb" not in names:
        given, allowed = s.access.sign_out_url, "unset, without alb in signIn"
        yield Problem("signOutUrl", given, allowed, config_rm("signOutUrl"))


@rule("signIn", *PROVIDING)
def variables(s: Settings) -> Iterator[Problem]:
    given = {*s.portal.env, *secret_variables(s)}
    for provider, each in _chosen(s):
        value = s.portal.env.get(each.name)
        plain = config_set(f"env.{each.name}", each.meant(value or ""), "--path")
        blank = each.name in s.portal.secret_env.blank
        if each.required and (each.name not in given or blank):
            fix = config_set_secret(each.name) if each.secret else plain
            yield Problem("signIn", f"{provider}, without {each.name}", each.allowed, fix)
        elif value is not None and not re.fullmatch(each.pattern, value):
            yield Problem("env", f"{each.name}: {value}", each.allowed, plain)


@rule("signIn", *PROVIDING, "appConfigPaths")
def unread_variables(s: Settings) -> Iterator[Problem | Warn]:
    """Before `signIn`, the shipped configuration read GitHub's variables in every stack."""
    configured = _configured(s)
    for name, provider in PROVIDERS.items():
        given = [each.name for each in provider.variables
                 if each.name in {*s.portal.env, *secret_variables(s)}]  # fmt: skip
        names = ", ".join(given)
        if not given or provider.id in configured:
            continue
        if s.access.providers:
            yield Warn(f"{names}: nothing reads them, as signIn has no {name}.")
        else:
            fix = config_set("signIn[0]", name, "--path")
            allowed = f"{name}, which reads {'them' if len(given) > 1 else 'it'}"
            yield Problem("signIn", unset_beside(given), allowed, fix)


@rule("signIn", "target")
def guests(s: Settings) -> Iterator[Problem]:
    if "guest" in s.access.providers and s.target != "local":
        allowed = "providers that know who signs in; guest on target local"
        fix = config_rm("signIn", s.access.providers.index("guest"))
        yield Problem("signIn", f"guest, on target {s.target}", allowed, fix)


@rule("signIn", "signInResolvers")
def resolvers(s: Settings) -> Iterator[Problem | Warn]:
    for name, resolver in s.access.resolvers.items():
        registered = PROVIDERS[name].resolvers
        if name not in s.access.providers or not registered:
            allowed = f"providers of signIn: {', '.join(s.access.providers) or 'none'}"
            fix = config_rm("signInResolvers", name)
            yield Problem("signInResolvers", name, allowed, fix)
        elif resolver not in registered:
            meant = nearest(resolver, registered) or registered[0]
            fix = config_set(f"signInResolvers.{name}", meant, "--path")
            given, allowed = f"{name}: {resolver}", " or ".join(registered)
            yield Problem("signInResolvers", given, allowed, fix)
    if "github" in s.access.providers and resolver_of(s, "github") in (BY_EMAIL, BY_LOCAL_PART):
        yield Warn(
            f"signInResolvers.github: GitHub tells the portal the address of the public profile "
            f"only. Whoever shows none can't sign in. "
            f"{config_set('signInResolvers.github', BY_USERNAME, '--path')}"
        )


@rule("signIn", "signInResolvers", "signInWithoutCatalogUser", "signInAllowedDomains")
def domains(s: Settings) -> Iterator[Problem | Warn]:
    access = s.access
    needing = [f"{BY_LOCAL_PART} of {name}" for name in access.providers
               if resolver_of(s, name) == BY_LOCAL_PART]  # fmt: skip
    if access.without_catalog_user:
        needing = ["signInWithoutCatalogUser"]
    if needing and not access.allowed_domains:
        allowed = "the domains whose accounts may sign in: ann@any.domain would be user ann"
        fix = config_set("signInAllowedDomains[0]", "DOMAIN", "--path")
        yield Problem("signInAllowedDomains", f"nothing, with {needing[0]}", allowed, fix)
    elif access.allowed_domains and not needing:
        given = ", ".join(access.allowed_domains)
        allowed = f"unset: only signInWithoutCatalogUser and {BY_LOCAL_PART} read it"
        yield Problem("signInAllowedDomains", given, allowed, config_rm("signInAllowedDomains"))
    elif len(access.allowed_domains) > 1:
        one, other, *_ = (f"ann@{domain}" for domain in access.allowed_domains)
        yield Warn(f"signInAllowedDomains: {one} and {other} are the same user, ann.")


@rule("signIn", "signInResolvers", "signInWithoutCatalogUser", "signInOidcEmailVerified")
def unknown_users(s: Settings) -> Iterator[Problem]:
    for name in s.access.providers if s.access.without_catalog_user else ():
        assumed = name == "oidc" and s.access.oidc_email_verified == "assumed"
        if (assumed or not PROVIDERS[name].vouches) and name != "guest":
            given = f"true, with {name}" + " and signInOidcEmailVerified assumed" * assumed
            vouching = (each for each, provider in PROVIDERS.items() if provider.vouches)
            allowed = f"true where every email is verified: {', '.join(vouching)}"
            fix = config_rm("signInWithoutCatalogUser")
            if BY_LOCAL_PART not in [resolver_of(s, each) for each in s.access.providers]:
                fix += f" && {config_rm('signInAllowedDomains')}"
            yield Problem("signInWithoutCatalogUser", given, allowed, fix)
            return


@rule("signIn", "signInOidcEmailVerified", "env")
def unverified_issuer(s: Settings) -> Iterator[Problem]:
    url = s.portal.env.get("AUTH_OIDC_METADATA_URL", "")
    required = s.access.oidc_email_verified == "required"
    if "oidc" in s.access.providers and required and omits_verification(url):
        allowed = "assumed: this issuer sends no `email_verified: true`, without which Backstage "
        allowed += "drops the email; or another provider in signIn, such as microsoft"
        fix = config_set("signInOidcEmailVerified", "assumed")
        yield Problem("signInOidcEmailVerified", f"required, with {url}", allowed, fix)


@rule("signIn", "env", "egressPorts", "networkPolicy")
def ports(s: Settings) -> Iterator[Problem]:
    if not s.portal.network_policy:
        return
    for _, each in _chosen(s):
        url = s.portal.env.get(each.name, "")
        port = urlsplit(url).port if re.fullmatch(each.pattern, url) and "://" in url else None
        if port not in (None, 443, *s.portal.egress_ports):
            fix = config_set("egressPorts", json.dumps([*s.portal.egress_ports, port]))
            yield Problem("egressPorts", f"no {port}, with {each.name}", f"the port of {url}", fix)


@rule("signIn", "appConfigPaths", *PROVIDING, "ingressAuthentication")
def nobody(s: Settings) -> Iterator[Warn]:
    configured = _configured(s)
    secret = any(path_of(name)[:2] == ("auth", "providers") for name in secret_variables(s))
    if not configured and not secret:
        example = "alb" if s.ingress.authentication else "github"
        yield Warn(
            "Nobody will be able to sign in. Choose a provider of docs/sign-in.md: "
            f"{config_set('signIn[0]', example, '--path')}"
        )

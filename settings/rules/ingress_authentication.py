"""Rules of sign-in at the load balancer."""

from __future__ import annotations

import json
from collections.abc import Iterator

from settings.examples import placeholder
from settings.keys import KEYS, IngressSettings
from settings.model import Settings
from settings.problem import (
    Problem,
    Warn,
    config_rm,
    config_set,
    config_set_secret,
    unset_beside,
)
from settings.rules.rule import rule
from settings.values.load_balancer import IngressCognito, IngressOidc

CLIENT = KEYS["ingressClient"].entries  # keys that the controller looks for in the Secret
NEEDED = {"oidc": ("ingressOidc", "ingressClient"), "cognito": ("ingressCognito",)}


def _given(ingress: IngressSettings) -> list[str]:
    keys = {"oidc": "ingressOidc", "cognito": "ingressCognito", "client": "ingressClient"}
    return [key for attribute, key in keys.items() if getattr(ingress, attribute)]


@rule(
    *("ingressAuthentication", "ingressOidc", "ingressCognito", "ingressClient"),
    *("ingressSessionTimeout", "ingressTokenPaths", "aws:region"),
    target="eks",
)
def identity_provider(s: Settings) -> Iterator[Problem]:
    ingress, kind, given = s.ingress, s.ingress.authentication, _given(s.ingress)
    if kind is None:
        settings = {"session_timeout": "ingressSessionTimeout", "token_paths": "ingressTokenPaths"}
        given += [key for name, key in settings.items() if name in ingress.model_fields_set]
        meant = next((each for each, keys in NEEDED.items() if set(keys) <= set(given)), None)
        removal = " && ".join(config_rm(key) for key in given)
        fix = (config_set("ingressAuthentication", meant), removal) if meant else removal
        if given:
            allowed = "oidc or cognito, with which the load balancer reads those keys"
            said = unset_beside(given)
            yield Problem("ingressAuthentication", said, allowed, fix)
        return
    for key in given:
        if key not in NEEDED[kind]:
            said = f"set, with ingressAuthentication {kind}"
            yield Problem(key, said, f"unset: {kind} needs {NEEDED[kind][0]}", config_rm(key))
    key = NEEDED[kind][0]
    if key not in given:
        said, allowed = f"nothing, with ingressAuthentication {kind}", "the identity provider"
        fields = (IngressOidc if kind == "oidc" else IngressCognito).model_json_schema()
        examples = {name: each["examples"][0] for name, each in fields["properties"].items()}
        example = json.dumps(placeholder(examples))
        yield Problem(key, said, allowed, config_set(key, example))
    elif kind == "oidc":
        yield from _client(ingress)


def _client(ingress: IngressSettings) -> Iterator[Problem]:
    unknown = [name for name in ingress.client if name not in CLIENT]
    held = {*ingress.client} - ingress.client.blank
    missing = [name for name in CLIENT if name not in held]
    if unknown or missing:
        given = ", ".join([*unknown, *(f"no {name}" for name in missing)])
        commands = [config_rm("ingressClient", name) for name in unknown]
        commands += [config_set_secret(name, "ingressClient") for name in missing]
        allowed = "clientID and clientSecret of the app that the identity provider registered"
        yield Problem("ingressClient", given, allowed, " && ".join(commands))


@rule(
    "ingressAuthentication", "allowHttp", "certificateArn", "hostedZoneName", "host", target="eks"
)
def https_only(s: Settings) -> Iterator[Problem]:
    ingress, parent = s.ingress, s.host.partition(".")[2]
    has_certificate = ingress.certificate_arn or ingress.hosted_zone_name
    if ingress.authentication and ingress.allow_http and not has_certificate:
        given = f"true, with ingressAuthentication {ingress.authentication}"
        allowed = "false: a load balancer signs users in over HTTPS only, and HTTP would be open"
        zone = config_set("hostedZoneName", parent if "." in parent else s.host)
        yield Problem("allowHttp", given, allowed, f"{config_rm('allowHttp')} && {zone}")


@rule("ingressAuthentication", "ingressCognito", "loadBalancerController", target="eks")
def cognito_and_auto_mode(s: Settings) -> Iterator[Problem]:
    ingress = s.ingress
    if ingress.authentication != "cognito" or ingress.controller != "auto-mode":
        return
    commands = [config_set("ingressAuthentication", "oidc")]
    if ingress.cognito:
        commands += [
            config_rm("ingressCognito"),
            config_set("ingressOidc", json.dumps(_as_oidc(ingress.cognito))),
            *(config_set_secret(name, "ingressClient") for name in CLIENT),
        ]
    yield Problem(
        "ingressAuthentication",
        "cognito, with loadBalancerController auto-mode",
        "oidc, which a user pool speaks too: EKS documents no other sign-in for Auto Mode",
        " && ".join(commands),
    )


def _as_oidc(pool: IngressCognito) -> dict[str, str]:
    return {
        "issuer": pool.issuer,
        "authorizationEndpoint": f"https://{pool.host}/oauth2/authorize",
        "tokenEndpoint": f"https://{pool.host}/oauth2/token",
        "userInfoEndpoint": f"https://{pool.host}/oauth2/userInfo",
    }


@rule("ingressAuthentication", "ingressCognito", "aws:region", target="eks")
def region_of_the_user_pool(s: Settings) -> Iterator[Problem]:
    pool = s.ingress.cognito
    if pool and s.aws.region and pool.region != s.aws.region:
        allowed = f"a user pool in the load balancer's region, {s.aws.region}"
        fix = config_set("ingressCognito.userPoolArn", "ARN", "--path")
        yield Problem("ingressCognito", pool.user_pool_arn, allowed, fix)


@rule("ingressAuthentication", "ingressGroup", target="eks")
def shared_load_balancer(s: Settings) -> Iterator[Warn]:
    if s.ingress.authentication and s.ingress.group:
        yield Warn(
            f"Whoever may create an Ingress in group {s.ingress.group} can open {s.host} without "
            "sign-in, by a rule before this one. Let only the portal's namespace join: "
            "docs/load-balancer-sign-in.md."
        )


@rule("ingressAuthentication", "egressCidrs", "appConfigPaths", "env", target="eks")
def keys_of_the_region(s: Settings) -> Iterator[Warn]:
    if s.trusts_load_balancer and s.portal.egress_cidrs:
        yield Warn(
            f"Nobody signs in unless egressCidrs holds public-keys.auth.elb.{s.aws.region}."
            "amazonaws.com, from which pods fetch the load balancer's keys. AWS publishes its "
            "addresses by region only, in ip-ranges.json."
        )

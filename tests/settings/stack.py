"""Loads the settings of a stack that a test describes by its difference from a valid one."""

from __future__ import annotations

import base64
import functools
import json
from collections.abc import Mapping

import pulumi
import pytest

from settings.keys import KEYS
from settings.load import load
from settings.model import Settings
from tools.preview.recording import Recording
from tools.preview.run import PreviewError, run_program
from tools.preview.stack_file import StackConfig

VALID: dict[str, object] = {
    "aws:region": "us-east-1",
    "host": "portal.example.com",
    "clusterName": "platform",
    "imageRepository": "images.example.com/portal",
    "imageTag": "abc1234",
    "certificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/0a1b",
}
# Changes that make VALID the minimum of other targets and databases.
LOCAL: dict[str, object] = {
    **dict.fromkeys(("aws:region", "host", "clusterName", "certificateArn")),
    "target": "local",
    "imageRepository": "portal",
}
IN_CLUSTER: dict[str, object] = {"database": "in-cluster"}
EXISTING: dict[str, object] = {
    "database": "existing",
    "databaseHost": "portal.cluster-abc.us-east-1.rds.amazonaws.com",
    "databaseAdministratorSecretArn": (
        "arn:aws:secretsmanager:us-east-1:123456789012:secret:database-administrator-AbCdEf"
    ),
    "databaseMaxConnections": 500,
}
CANARY = "canary-4711"
OIDC: dict[str, object] = {
    "issuer": "https://idp.example.com/",
    "authorizationEndpoint": "https://idp.example.com/authorize?policy=staff",
    "tokenEndpoint": "https://idp.example.com:8443/token",
    "userInfoEndpoint": "https://api.example.com/userinfo",
}
COGNITO: dict[str, object] = {
    "userPoolArn": "arn:aws:cognito-idp:us-east-1:123456789012:userpool/us-east-1_AbCdEf123",
    "clientId": "1example23456789",
    "domain": "example-staff",
}
CLIENT = {"clientID": "portal", "clientSecret": CANARY}
# Changes that let VALID's load balancer sign users in.
WITH_OIDC: dict[str, object] = {
    "ingressAuthentication": "oidc",
    "ingressOidc": OIDC,
    "ingressClient": CLIENT,
}
APP: dict[str, object] = {
    "appId": 123456,
    "clientId": "Iv23liAbCdEf01234567",
    "owners": ["acme"],
    "host": "github.com",
    "repositories": 500,
}
# A key's frame only: what the settings look at.
PEM = "-----BEGIN RSA PRIVATE KEY-----\n{}\n-----END RSA PRIVATE KEY-----\n".format(
    base64.b64encode((b"\x30\x82\x01\x00" + CANARY.encode() * 24)[:260]).decode()
)
APP_SECRETS = {"privateKey": PEM, "clientSecret": CANARY}
# Stores of the External Secrets Operator.
STORES: dict[str, object] = {
    "secretStore": {"name": "aws-secrets"},
    "parameterStore": {"name": "aws-parameters", "kind": "SecretStore"},
}
_NEEDED: dict[str, dict[str, object]] = {
    "secretsFrom": STORES,
    "secretsDriver": {
        "secretsFrom": [{"secretsManager": "backstage/token", "as": "TOKEN"}],
        **STORES,
    },
    "githubApp": {"githubAppSecrets": APP_SECRETS},
    "githubAppSecrets": {"githubApp": APP},
    "gitlab": {"gitlabSecrets": {"token": CANARY}},
    "gitlabSecrets": {"gitlab": {"group": "acme"}},
}
WITH_COGNITO: dict[str, object] = {"ingressAuthentication": "cognito", "ingressCognito": COGNITO}


def with_provider(name: str, **values: str) -> dict[str, object]:
    """Changes that let VALID sign users in with a provider. values: of its other variables."""
    client = f"AUTH_{name.upper()}_CLIENT"
    return {
        "signIn": [name],
        "env": {f"{client}_ID": "portal", **values},
        "secretEnv": {f"{client}_SECRET": CANARY},
    }


_ALB_KEYS = ("ingressSessionTimeout", "ingressTokenPaths", *WITH_OIDC)


# By target and database.
BASES: dict[tuple[str, str], dict[str, object]] = {
    ("eks", "aurora"): {},
    ("eks", "existing"): EXISTING,
    ("eks", "in-cluster"): IN_CLUSTER,
    ("local", "in-cluster"): LOCAL,
}


def knows(base: tuple[str, str], key: str) -> bool:
    """Whether `key` may be set with a target and a database."""
    (target, database), known_to = base, KEYS[key].known_to
    return known_to is None or known_to.knows(target, database)


def base_of(key: str) -> dict[str, object]:
    """Changes that make VALID a stack that knows `key`."""
    if key == "signOutUrl":
        return {**WITH_OIDC, "signIn": ["alb"]}
    if key == "databaseResourceId":
        return {**EXISTING, "databaseAuthentication": "iam"}
    if key.startswith("signIn"):
        unknown = {"signInWithoutCatalogUser": True} if key == "signInAllowedDomains" else {}
        return {**with_provider("google" if unknown else "github"), **unknown}
    if key in _ALB_KEYS or key == "ingressCognito":
        return WITH_COGNITO if key == "ingressCognito" else WITH_OIDC
    if key in _NEEDED:
        return _NEEDED[key]
    return next(changes for base, changes in BASES.items() if knows(base, key))


def loaded(
    changes: Mapping[str, object], secret_keys: tuple[str, ...] = ()
) -> tuple[Settings, Recording]:
    """Settings of VALID with changes (None removes a key), and what was logged.

    Raises PreviewError when they are invalid.
    """
    merged = {key: value for key, value in {**VALID, **changes}.items() if value is not None}
    values = {
        key if ":" in key else f"backstage:{key}": (
            value if isinstance(value, str) else json.dumps(value)
        )
        for key, value in merged.items()
    }
    secrets = [f"backstage:{key}" for key in secret_keys]
    found: list[Settings] = []

    def program() -> None:
        found.append(load())
        for name, value in found[0].portal.secret_env.items():
            pulumi.export(name, value)

    config = StackConfig("backstage", "test", values, secrets, frozenset())
    recording = run_program(program, config)
    return found[0], recording


def refused(changes: Mapping[str, object], secret_keys: tuple[str, ...] = ()) -> str:
    """The message that VALID with changes is refused with; loaded once for all tests."""
    return _refused(json.dumps(changes), secret_keys)


@functools.cache
def _refused(changes: str, secret_keys: tuple[str, ...]) -> str:
    with pytest.raises(PreviewError) as raised:
        loaded(json.loads(changes), secret_keys)
    return str(raised.value)


def warnings(changes: Mapping[str, object]) -> list[str]:
    """What the preview of VALID with changes warns of."""
    return loaded(changes)[1].warnings

"""Keys and rules of secrets that are kept elsewhere."""

from __future__ import annotations

from collections.abc import Mapping

from tests.settings.row import Key, Row
from tests.settings.stack import APP, APP_SECRETS, CANARY, LOCAL, STORES

JIRA: dict[str, object] = {
    "secretsManager": "backstage/jira",
    "keys": {"JIRA_TOKEN": "access-token"},
}
SESSION: dict[str, object] = {"parameter": "/backstage/session", "as": "AUTH_SESSION_SECRET"}
APP_FILES: dict[str, object] = {
    "secretsManager": "backstage/app",
    "keys": {
        "githubAppSecrets.privateKey": "privateKey",
        "githubAppSecrets.clientSecret": "client.secret",
    },
}
ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:backstage/jira-AbCdEf"
VERSION = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
EXISTING: dict[str, object] = {"name": "oauth", "keys": {"AUTH_SESSION_SECRET": "session.txt"}}
CSI: dict[str, object] = {"secretsDriver": "csi"}
TOKEN: dict[str, object] = {"secretsManager": "backstage/token", "as": "TOKEN"}


def kept(*sources: Mapping[str, object], **others: object) -> dict[str, object]:
    """Changes that let VALID take secrets from there, with a store for each service."""
    return {"secretsFrom": [*sources], **STORES, **others}


KEYS: dict[str, Key] = {
    "secretsFrom": Key(
        [{**JIRA, "version": VERSION}, {**SESSION, "version": 3}],
        read=(
            {**JIRA, "version": VERSION},
            {**SESSION, "keys": {}, "version": "3"},
        ),
        bad=(
            ("backstage/jira", "a list of objects with secretsManager or parameter"),
            (
                ["backstage/jira"],
                "a list of objects with secretsManager",
                "entry 0 isn't an object",
            ),
            (
                [TOKEN, {**JIRA, "secretsManager": "backstage jira"}],
                "given:   secretsManager, as; secretsManager, keys\n",
                "'backstage jira' isn't the name of a Secrets Manager secret",
                "'secretsFrom[1].secretsManager' backstage/jira\n",
            ),
            ([{**JIRA, "secretsManager": ARN[:-7]}], "with the six last characters"),
            ([{**JIRA, "secretsManager": ARN.replace("secretsmanager", "kms")}], "whole ARN"),
            ([{**SESSION, "parameter": "backstage/session"}], "a leading slash if it has any"),
            ([{**SESSION, "parameter": "/backstage//session"}], "the name of an SSM parameter"),
            (
                [{**JIRA, "secretManager": "x"}],
                "'secretManager' is unknown; did you mean secretsManager?",
                "--path 'secretsFrom[0].secretManager' && ",
            ),
            (
                [{"secretsManager": "x", "keys": {"1A": "a", "B": "b"}}],
                "the name '1A' isn't a variable such as JIRA_TOKEN, or a file",
                "'secretsFrom[0].keys[\"1A\"]'\n",
            ),
            (
                [{"secretsManager": "x", "keys": {"signIn.x": "a", "B": "b"}}],
                "the name 'signIn.x' isn't a variable",
            ),
            ([{"secretsManager": "x", "keys": {"APP_CONFIG_a:b": "a", "B": "b"}}], "a variable"),
            (
                [{"secretsManager": "x", "keys": {"A": f"{CANARY} x"}}],
                "the value of A isn't the name of a property, with dots",
                "'secretsFrom[0].keys.A' token\n",
            ),
            ([{**SESSION, "as": "A B"}], "'A B' isn't a variable"),
            ([{**SESSION, "version": "latest"}], "'latest' isn't the version id"),
            ([{**JIRA, "version": 3}], "version 3 of secretsManager", "config rm", ".version'"),
            ([{**SESSION, "version": VERSION}], f"version {VERSION} of parameter"),
            (
                [{"keys": {"A": "a"}}],
                "secretsFrom[0]: neither secretsManager nor parameter",
                "'secretsFrom[0].secretsManager' NAME\n",
            ),
            ([{**JIRA, "parameter": "/a"}], "secretsFrom[0]: secretsManager and parameter"),
            ([{"parameter": "/a"}], "neither keys nor as", "'secretsFrom[0].as' VARIABLE\n"),
            ([{**JIRA, "as": "A"}], "keys and as", "config rm", "'secretsFrom[0].as'"),
            ([JIRA, JIRA], "JIRA_TOKEN, which secretsFrom sets too"),
            ([{**SESSION, "as": "POSTGRES_PASSWORD"}], "the program doesn't set itself"),
            ([{**SESSION, "as": "LD_PRELOAD"}], "only the image's own libraries"),
            (
                [{**SESSION, "as": "APP_CONFIG_auth_providers"}],
                "APP_CONFIG_auth_providers: covers auth.providers",
                "'secretsFrom[0]'",
            ),
            ([{**SESSION, "as": "APP_CONFIG_events_http"}], "may set events.http.topics"),
        ),
    ),
    "secretsDriver": Key("csi", bad=(("vault", "external-secrets or csi"),)),
    "secretStore": Key(
        {"name": "aws", "kind": "SecretStore"},
        bad=(
            ("aws", "an object with name, kind"),
            ({"kind": "SecretStore"}, "name is missing", "secretStore.name aws-secrets\n"),
            ({"name": "AWS"}, "the value of name isn't the name of a Kubernetes object"),
            ({"name": "aws", "kind": "Store"}, "ClusterSecretStore or SecretStore"),
        ),
    ),
    "parameterStore": Key(
        {"name": "aws.parameters"},
        read={"name": "aws.parameters", "kind": "ClusterSecretStore"},
        bad=(({"name": "aws", "king": "x"}, "'king' is unknown; did you mean kind?"),),
    ),
    "existingSecret": Key(
        EXISTING,
        bad=(
            ("oauth", "an object with name, keys"),
            ({"name": "oauth"}, "keys is missing"),
            (
                {"name": "oauth", "keys": {}},
                "the value of keys isn't an object of at least one entry",
            ),
            ({**EXISTING, "name": "o_a"}, "the value of name isn't the name of a Kubernetes"),
            (
                {"name": "oauth", "keys": {"A": "a b", "B": "b"}},
                "the value of A isn't a key of that Secret",
                "existingSecret.keys.A token\n",
            ),
            (
                {"name": "oauth", "keys": {"A-B": "a", "B": "b"}},
                "the name 'A-B' isn't a variable",
                "--path 'existingSecret.keys.A-B'\n",
            ),
            (
                {"name": "oauth", "keys": {"APP_PORT": "a", "B": "b"}},
                "given:   APP_PORT\n",
                "--path 'existingSecret.keys.APP_PORT'\n",
            ),
            (
                {"name": "oauth", "keys": {"gitlabSecrets.token": "a"}},
                "gitlabSecrets.token, without gitlab",
                "config rm --stack test existingSecret\n",
            ),
        ),
    ),
    "sessionSecretVersion": Key(2, bad=((0, "from 1 to 9999"), ("two", "a whole number"))),
}

RULES: dict[str, Row] = {
    "secrets without a store": (
        {"secretsFrom": [JIRA]},
        "secretStore",
        ("nothing, with secretsFrom", "secretStore.name NAME\n"),
    ),
    "parameters without a store": (
        {"secretsFrom": [SESSION], "secretStore": {"name": "aws"}},
        "parameterStore",
        ("or secretsDriver csi", "parameterStore.name NAME\n"),
    ),
    "a driver without secrets": (
        CSI,
        "secretsDriver",
        ("unset, without secretsFrom", "config rm --stack test secretsDriver\n"),
    ),
    "a parameter that CSI would read twice": (
        {"secretsFrom": [SESSION, {**SESSION, "as": "JIRA_TOKEN"}], **CSI},
        "secretsFrom",
        ("secretsFrom[1]: /backstage/session, which secretsFrom[0] reads", "in one entry"),
    ),
    "a secret of another region, by CSI": (
        {"secretsFrom": [{**JIRA, "secretsManager": ARN.replace("us-", "eu-")}], **CSI},
        "secretsFrom",
        ("secretsFrom[0] in eu-east-1", "the stack's region, us-east-1"),
    ),
    "a driver of AWS on local": (
        {**LOCAL, **kept(TOKEN), **CSI},
        "secretsDriver",
        ("unset, or target eks",),
    ),
    "kept elsewhere and in secretEnv": (
        kept(TOKEN, secretEnv={"TOKEN": CANARY}),
        "secretsFrom",
        (
            "TOKEN, which secretEnv sets too",
            "config rm --stack test --path 'secretEnv.TOKEN'\n"
            "    or:      pulumi config rm --stack test --path 'secretsFrom[0]'\n",
        ),
    ),
    "kept in two places": (
        kept(SESSION, existingSecret=EXISTING),
        "existingSecret",
        ("AUTH_SESSION_SECRET, which secretsFrom sets too", "config rm --stack test existing"),
    ),
    "kept elsewhere and plain": (
        kept(TOKEN, env={"TOKEN": CANARY}),
        "env",
        ("TOKEN, which secretsFrom sets too", "config rm --stack test --path 'env.TOKEN'\n"),
    ),
    "an override inside another that is kept elsewhere": (
        kept({**TOKEN, "as": "APP_CONFIG_a_b"}, env={"APP_CONFIG_a": "{}"}),
        "env",
        ("APP_CONFIG_a: overlaps APP_CONFIG_a_b",),
    ),
    "files of an App in two places": (
        kept(
            {"secretsManager": "a", "as": "githubAppSecrets.webhookSecret"},
            githubApp=APP,
            githubAppSecrets=APP_SECRETS,
        ),
        "secretsFrom",
        ("githubAppSecrets.webhookSecret, and githubAppSecrets has others", "one volume"),
    ),
    "files of an App in two Secrets": (
        kept(
            APP_FILES,
            githubApp=APP,
            existingSecret={"name": "a", "keys": {"githubAppSecrets.webhookSecret": "a"}},
        ),
        "existingSecret",
        ("githubAppSecrets.webhookSecret, and secretsFrom has others",),
    ),
    "files without an App": (
        kept(APP_FILES | {"keys": {"githubAppSecrets.privateKey": "a"}}),
        "secretsFrom",
        (
            "githubAppSecrets.privateKey, without githubApp",
            "unset, or with githubApp",
            """or:      pulumi config set --stack test githubApp '{"appId": "APP_ID", """,
        ),
    ),
    "an unknown file": (
        kept(APP_FILES, {"parameter": "/a", "as": "githubAppSecrets.token"}, githubApp=APP),
        "secretsFrom",
        ("given:   githubAppSecrets.token\n", "githubAppSecrets. and clientSecret, privateKey"),
    ),
    "a file twice": (
        kept(APP_FILES, {"parameter": "/a", "as": "githubAppSecrets.privateKey"}, githubApp=APP),
        "secretsFrom",
        ("githubAppSecrets.privateKey twice",),
    ),
    "an App without a key that is kept with the others": (
        kept({"parameter": "/a", "as": "githubAppSecrets.clientSecret"}, githubApp=APP),
        "githubAppSecrets",
        ("given:   no privateKey\n", 'secretsFrom[0].keys["githubAppSecrets.privateKey"]'),
    ),
    "a version of a session secret that is kept elsewhere": (
        kept(SESSION, sessionSecretVersion=2),
        "sessionSecretVersion",
        ("given:   2\n", "kept elsewhere", "config rm --stack test sessionSecretVersion\n"),
    ),
}

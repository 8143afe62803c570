"""Keys and rules of the GitHub App, the GitLab group and webhooks."""

from __future__ import annotations

from tests.settings.row import Key, Row
from tests.settings.stack import APP, APP_SECRETS, CANARY, PEM

CUT = PEM.replace(PEM[100:104], "", 1)

KEYS: dict[str, Key] = {
    "githubApp": Key(
        {"appId": 7, "clientId": "Iv1.a", "owners": ["acme", "Acme-2"]},
        read={**APP, "appId": 7, "clientId": "Iv1.a", "owners": ("acme", "Acme-2")},
        bad=(
            ({**APP, "appId": "x"}, "githubApp", "the value of appId isn't the App ID"),
            ({**APP, "appId": 0}, "a whole number", "githubApp.appId APP_ID"),
            ({**APP, "owners": []}, "the value of owners isn't a list of GitHub organizations"),
            ({**APP, "owners": ["acme", "acme"]}, "each once"),
            ({**APP, "owners": ["-acme"]}, "the value of owners", "'githubApp.owners[0]' NAME\n"),
            ({**APP, "owners": "acme"}, "a list of GitHub organizations"),
            ({**APP, "clientId": ""}, "the App's client ID"),
            ({**APP, "appid": 7}, "'appid' is unknown; did you mean appId?"),
            ({**APP, "host": "https://github.com"}, "without scheme"),
            ({**APP, "repositories": 0}, "from 1 to 100000"),
            ({"appId": 7, "clientId": "Iv1.a"}, "owners is missing"),
            ("acme", "an object with appId, clientId, owners"),
        ),
    ),
    "githubAppSecrets": Key(APP_SECRETS, bad=((["x"], "an object"),)),
    "gitlab": Key(
        {"group": "acme/platform_1"},
        read={"group": "acme/platform_1", "host": "gitlab.com"},
        bad=(
            ({"group": "/acme"}, "the path of a GitLab group"),
            ({"group": "acme/"}, "the path of a GitLab group"),
            ({"host": "gitlab.example.com"}, "group is missing"),
            ({"group": "acme", "token": "x"}, "'token' is unknown"),
        ),
    ),
    "gitlabSecrets": Key({"token": "x"}, bad=(("x", "an object"),)),
}

RULES: dict[str, Row] = {
    "App without secrets": (
        {"githubApp": APP},
        "githubAppSecrets",
        (
            "no clientSecret; no privateKey",
            "--path --secret githubAppSecrets.clientSecret && ",
            "--path --secret githubAppSecrets.privateKey < key.pem\n",
        ),
    ),
    "App with a key that is none": (
        {"githubApp": APP, "githubAppSecrets": {**APP_SECRETS, "privateKey": CANARY}},
        "githubAppSecrets",
        ("given:   privateKey is no private key in PEM\n", "privateKey < key.pem"),
    ),
    "App with a key that was cut short": (
        {"githubApp": APP, "githubAppSecrets": {**APP_SECRETS, "privateKey": CUT}},
        "githubAppSecrets",
        ("given:   privateKey is no private key in PEM\n",),
    ),
    "App with a key in one line": (
        {
            "githubApp": APP,
            "githubAppSecrets": {**APP_SECRETS, "privateKey": " ".join(PEM.split("\n"))},
        },
        "githubAppSecrets",
        ("privateKey is no private key in PEM",),
    ),
    "App with an empty webhook secret": (
        {"githubApp": APP, "githubAppSecrets": {**APP_SECRETS, "webhookSecret": " "}},
        "githubAppSecrets",
        ("given:   webhookSecret is empty\n", "--secret githubAppSecrets.webhookSecret\n"),
    ),
    "App with a misspelt secret": (
        {"githubApp": APP, "githubAppSecrets": {"privatekey": PEM, "clientSecret": CANARY}},
        "githubAppSecrets",
        (
            "given:   privatekey is unknown\n",
            "config rm --stack test --path 'githubAppSecrets.privatekey' && ",
            "githubAppSecrets.privateKey < key.pem",
        ),
    ),
    "secrets without an App": (
        {"githubAppSecrets": APP_SECRETS},
        "githubAppSecrets",
        ("given:   privateKey, clientSecret, without githubApp\n", "unset, or with githubApp"),
    ),
    "GitLab without a token": (
        {"gitlab": {"group": "acme"}, "gitlabSecrets": {"webhookSecret": CANARY}},
        "gitlabSecrets",
        ("given:   no token\n", "--path --secret gitlabSecrets.token\n"),
    ),
    "App's list replaced": (
        {
            "githubApp": APP,
            "githubAppSecrets": APP_SECRETS,
            "env": {"APP_CONFIG_integrations_github": '[{"host": "github.com"}]'},
        },
        "env",
        ("integrations.github replaces the list with what githubApp configures",),
    ),
    "topic that anyone may post to": (
        {"env": {"APP_CONFIG_events_http_topics": '["github", "bitbucketCloud"]'}},
        "env",
        ("events.http.topics: anyone may post to github, bitbucketCloud\n", "opens its path"),
    ),
    "topic beside another's secret": (
        {
            "gitlab": {"group": "acme"},
            "gitlabSecrets": {"token": CANARY, "webhookSecret": CANARY},
            "env": {"APP_CONFIG_events_http_topics": '["gitlab", "github"]'},
        },
        "env",
        ("anyone may post to github\n",),
    ),
    "topics in a secret variable": (
        {"secretEnv": {"APP_CONFIG_events_http": CANARY}},
        "secretEnv",
        ("APP_CONFIG_events_http may set events.http.topics",),
    ),
}

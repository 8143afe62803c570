"""Secret values: never shown, never a plain string after they are read."""

from __future__ import annotations

import json

import pytest

from tests.settings.stack import APP, APP_SECRETS, CANARY, loaded, refused, warnings


def test_secret_values_become_secret_outputs() -> None:
    settings, recording = loaded({"secretEnv": {"TOKEN": CANARY, "N": 1}}, ("secretEnv",))
    assert recording.outputs == {"TOKEN": "[secret]", "N": "[secret]"}
    assert not [each for each in recording.warnings if "plain text" in each]
    assert CANARY not in repr(settings)


def test_secrets_in_clear_are_warned_of() -> None:
    [_, warning] = warnings({"secretEnv": {"TOKEN": CANARY}})
    assert warning.startswith(
        "secretEnv is plain text in the stack file. Encrypt it: pulumi config"
    )
    assert CANARY not in warning


def test_every_secret_key_in_clear_is_warned_of() -> None:
    changes = {"githubApp": APP, "githubAppSecrets": APP_SECRETS}
    found = [each for each in warnings(changes) if "plain text" in each]
    assert [each.split()[0] for each in found] == ["githubAppSecrets"]
    _, recording = loaded(changes, ("githubAppSecrets",))
    assert not [each for each in recording.warnings if "plain text" in each]


@pytest.mark.parametrize("name", ["GITHUB_TOKEN", "TOKEN", "OIDC_CLIENT_SECRET", "SMTP_PASSWORD"])
def test_a_plain_variable_that_looks_secret_is_warned_of(name: str) -> None:
    [_, warning] = warnings({"env": {name: CANARY, "LOG_LEVEL": "info", "TOKEN_URL": "x"}})
    assert warning.startswith(f"env.{name} looks like a secret. Encrypt it: ")
    assert warning.endswith(f"--path --secret secretEnv.{name}")
    assert CANARY not in warning


@pytest.mark.parametrize(
    "secrets",
    [
        {"1BAD": CANARY},
        {"A": {"B": CANARY}},
        [CANARY],
        CANARY,
        {"POSTGRES_HOST": CANARY},
        {"A": CANARY * 10000},
        {"APP_CONFIG_auth_providers_guest": CANARY},
    ],
)
@pytest.mark.parametrize("encrypted", [True, False])
def test_a_refused_secret_is_not_shown(secrets: object, encrypted: bool) -> None:
    message = refused({"secretEnv": secrets}, ("secretEnv",) if encrypted else ())
    assert "\n  secretEnv\n" in message
    assert CANARY not in message


@pytest.mark.parametrize("key", ["env", "host", "databaseMinCapacity"])
def test_an_encrypted_value_of_another_key_is_refused(key: str) -> None:
    message = refused({key: json.dumps({"A": CANARY})}, (key,))
    assert " hold secrets" in message
    assert "--plaintext" in message
    assert CANARY not in message

"""Secret values: never shown, never a plain string after they are read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from settings.values.variables import ENCRYPTED
from tests.settings.stack import APP, APP_SECRETS, CANARY, loaded, refused, warnings
from tests.settings.test_rules import fixed


def test_secret_values_become_secret_outputs() -> None:
    settings, recording = loaded({"secretEnv": {"TOKEN": CANARY, "N": 1}}, ("secretEnv",))
    assert recording.outputs == {"TOKEN": "[secret]", "N": "[secret]"}
    assert not [each for each in recording.warnings if "plain text" in each]
    assert CANARY not in repr(settings)


def test_secrets_in_clear_are_warned_of() -> None:
    [_, warning] = warnings({"secretEnv": {"TOKEN": CANARY}})
    assert warning == (
        "secretEnv has plain text in the stack file: TOKEN. Encrypt each value: "
        "pulumi config set --stack test --path --secret secretEnv.TOKEN"
    )
    assert CANARY not in warning


def test_every_secret_key_in_clear_is_warned_of() -> None:
    changes = {"githubApp": APP, "githubAppSecrets": APP_SECRETS}
    found = [each for each in warnings(changes) if "plain text" in each]
    encrypt = "pulumi config set --stack test --path --secret githubAppSecrets"
    assert found == [
        "githubAppSecrets has plain text in the stack file: clientSecret, privateKey. Encrypt each "
        f"value: {encrypt}.clientSecret && {encrypt}.privateKey < key.pem"
    ]
    _, recording = loaded(changes, ("githubAppSecrets",))
    assert not [each for each in recording.warnings if "plain text" in each]


def test_a_plain_value_beside_an_encrypted_one_is_warned_of() -> None:
    values = {"TOKEN": ENCRYPTED, "OTHER": CANARY, "A": CANARY}
    _, recording = loaded({"secretEnv": values}, ("secretEnv",))
    [warning] = [each for each in recording.warnings if "plain text" in each]
    assert warning.startswith("secretEnv has plain text in the stack file: A, OTHER. Encrypt each")
    assert "TOKEN" not in warning


def test_a_secret_in_a_mounted_file_is_warned_of(tmp_path: Path) -> None:
    file = tmp_path / "acme.yaml"
    file.write_text(
        f"integrations: {{github: [{{token: {CANARY}}}, {{token: '${{GITHUB_TOKEN}}'}}]}}\n"
        f"a: {{clientSecret: {CANARY}, tokenUrl: x, secret: {{$file: /x}}}}\n",
        encoding="utf-8",
    )
    changes = {"appConfigPaths": [str(file)], "secretEnv": {"GITHUB_TOKEN": "x"}}
    found = [each for each in warnings(changes) if "ConfigMap" in each]
    assert {each.split()[1] for each in found} == {
        "integrations.github.0.token",
        "a.clientSecret",
    }
    assert CANARY not in "".join(found)


def test_an_encrypted_value_in_the_wrong_place_keeps_the_others() -> None:
    changes = {"env": {"LOG_LEVEL": "info", "TOKEN_URL": CANARY}}
    message = refused(changes, ("env",))
    assert "set --stack test --path --plaintext env.NAME VALUE" in message
    assert CANARY not in message


@pytest.mark.parametrize("name", ["GITHUB_TOKEN", "TOKEN", "OIDC_CLIENT_SECRET", "SMTP_PASSWORD"])
def test_a_plain_variable_that_looks_secret_is_warned_of(name: str) -> None:
    [_, warning] = warnings({"env": {name: CANARY, "LOG_LEVEL": "info", "TOKEN_URL": "x"}})
    assert warning.startswith(f"env.{name} looks like a secret. Encrypt it: ")
    commands = warning.partition("Encrypt it: ")[2].split(" && ")
    after: dict[str, object] | None = {"env": {name: CANARY}}
    for command in commands:
        assert after is not None
        after = fixed(after, command)
    assert after == {"env": {}, "secretEnv": {name: "typed"}}
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

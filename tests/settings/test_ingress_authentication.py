"""Sign-in at the load balancer: what is read, and what the preview warns of."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from settings.open_paths import open_paths
from tests.settings.stack import (
    APP,
    APP_SECRETS,
    CANARY,
    COGNITO,
    OIDC,
    WITH_COGNITO,
    WITH_OIDC,
    loaded,
    refused,
)

# The portal's provider, which takes users from the load balancer.
TRUSTING: dict[str, dict[str, object]] = {
    "env": {
        "APP_CONFIG_auth_providers_awsalb_issuer": OIDC["issuer"],
        "APP_CONFIG_auth_providers_awsalb_region": "us-east-1",
    }
}


def warned(changes: Mapping[str, object]) -> list[str]:
    """Warnings that `changes` add to a stack with sign-in."""
    encrypted = ("ingressClient",)
    before = loaded(WITH_OIDC, encrypted)[1].warnings
    after = loaded({**WITH_OIDC, **changes}, encrypted)[1].warnings
    return [each for each in after if each not in before]


def test_the_issuer_is_that_of_the_tokens() -> None:
    assert loaded(WITH_OIDC)[0].ingress.issuer == OIDC["issuer"]
    issuer = loaded(WITH_COGNITO)[0].ingress.issuer
    assert issuer == "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_AbCdEf123"
    assert loaded({})[0].ingress.issuer is None


def test_nothing_is_open_without_sign_in() -> None:
    paths: dict[str, object] = {"ingressTokenPaths": ["/api/catalog"]}
    assert open_paths(loaded({**WITH_OIDC, **paths})[0]) == ["/api/catalog"]
    assert open_paths(loaded({**WITH_OIDC})[0]) == []
    assert open_paths(loaded({})[0]) == []


@pytest.mark.parametrize("signed", [True, False])
def test_webhooks_are_open_if_their_secret_is_set(signed: bool) -> None:
    secrets = {**APP_SECRETS, **({"webhookSecret": CANARY} if signed else {})}
    app: dict[str, object] = {"githubApp": APP, "githubAppSecrets": secrets}
    expected = ["/api/events/http/github"] if signed else []
    assert open_paths(loaded({**WITH_OIDC, **app})[0]) == expected
    assert open_paths(loaded(app)[0]) == []


def test_mcp_clients_need_no_sign_in() -> None:
    assert open_paths(loaded({**WITH_OIDC, "mcp": True})[0]) == ["/api/mcp-actions"]
    assert open_paths(loaded({"mcp": True})[0]) == []


@pytest.mark.parametrize("encrypted", [True, False])
def test_the_client_is_a_secret(encrypted: bool) -> None:
    settings, recording = loaded(WITH_OIDC, ("ingressClient",) if encrypted else ())
    plain = [each for each in recording.warnings if each.startswith("ingressClient has plain text")]
    assert len(plain) == (not encrypted)
    assert CANARY not in repr(settings) + str(recording.warnings)


@pytest.mark.parametrize("client", [CANARY, [CANARY], {"clientSecret": CANARY}, {"x": CANARY}])
def test_a_refused_client_is_not_shown(client: object) -> None:
    said = refused({**WITH_OIDC, "ingressClient": client}, ("ingressClient",))
    assert "\n  ingressClient\n" in said
    assert CANARY not in said


def test_a_group_that_others_may_join_is_warned_of() -> None:
    [warning] = warned({"ingressGroup": "web"})
    assert "in group web can open portal.example.com without sign-in" in warning


def test_narrowed_egress_needs_the_keys_of_the_region() -> None:
    assert warned({"egressCidrs": ["10.0.0.0/8"]}) == []
    assert warned(TRUSTING) == []
    [warning] = warned({"egressCidrs": ["10.0.0.0/8"], **TRUSTING})
    assert "public-keys.auth.elb.us-east-1.amazonaws.com" in warning


def test_the_signer_is_the_programs_own() -> None:
    name = "APP_CONFIG_auth_providers_awsalb_signer"
    said = refused({**WITH_OIDC, "env": {**TRUSTING["env"], name: "arn:x"}})
    assert f"given:   {name}\n" in said
    assert "names that the program doesn't set itself" in said


def test_auto_mode_with_cognito_becomes_openid_connect() -> None:
    custom = {**COGNITO, "domain": "login.example.com"}
    cognito = {**WITH_COGNITO, "ingressCognito": custom}
    said = refused({**cognito, "loadBalancerController": "auto-mode"})
    assert "https://login.example.com/oauth2/userInfo" in said

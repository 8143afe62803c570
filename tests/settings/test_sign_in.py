"""What the sign-in keys make of Backstage's configuration, and what the preview warns of."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from settings.files import ROOT
from settings.providers import PROVIDERS
from settings.sign_in import callback_urls
from tests.settings.sign_in_table import (
    BY_EMAIL,
    BY_LOCAL_PART,
    GITHUB,
    GOOGLE,
    METADATA,
    UNKNOWN,
    microsoft,
    oidc,
    okta,
)
from tests.settings.stack import CANARY, LOCAL, WITH_COGNITO, WITH_OIDC, loaded, refused, warnings
from tests.settings.stack import with_provider as provider
from tests.settings.test_loader import backstage
from tests.stacks.test_rendered_config import problems

MODULES = ROOT / "portal" / "node_modules" / "@backstage" / "plugin-auth-node"


def generated(changes: dict[str, object]) -> Any:
    """The generated configuration; None when there is none."""
    settings, _ = loaded(changes)
    file = settings.app_configs.get("app-config.stack.yaml")
    return file and file.document


def providers(changes: dict[str, object]) -> Any:
    return generated(changes)["auth"]["providers"]


def test_no_provider_adds_nothing() -> None:
    assert generated({}) is None


@pytest.mark.parametrize(
    ("changes", "id_", "values"),
    [
        (GITHUB, "github", {}),
        (
            provider("github", AUTH_GITHUB_URL="https://github.example.com"),
            "github",
            {"enterpriseInstanceUrl": "${AUTH_GITHUB_URL}"},
        ),
        (provider("gitlab"), "gitlab", {}),
        (
            provider("gitlab", AUTH_GITLAB_AUDIENCE="https://example.com/gitlab"),
            "gitlab",
            {"audience": "${AUTH_GITLAB_AUDIENCE}"},
        ),
        (GOOGLE, "google", {}),
        (microsoft("example.com"), "microsoft", {"tenantId": "${AUTH_MICROSOFT_TENANT_ID}"}),
        (okta("https://a.okta.com"), "okta", {"audience": "${AUTH_OKTA_AUDIENCE}"}),
        (
            okta("https://a.okta.com", AUTH_OKTA_AUTH_SERVER_ID="default"),
            "okta",
            {"audience": "${AUTH_OKTA_AUDIENCE}", "authServerId": "${AUTH_OKTA_AUTH_SERVER_ID}"},
        ),
        (oidc(), "oidc", {"metadataUrl": "${AUTH_OIDC_METADATA_URL}", "prompt": "auto"}),
        (
            {**oidc(), "signInOidcEmailVerified": "assumed"},
            "oidc",
            {
                "metadataUrl": "${AUTH_OIDC_METADATA_URL}",
                "prompt": "auto",
                "emailVerified": "assumed",
            },
        ),
    ],
)
def test_a_provider_reads_its_variables(
    changes: dict[str, object], id_: str, values: dict[str, object]
) -> None:
    client = f"AUTH_{id_.upper()}_CLIENT"
    found = problems(generated(changes))  # other parts are missing
    assert [each for each in found if each.startswith(("$.auth.providers", "$.app.signIn"))] == []
    assert providers(changes) == {
        id_: {
            "production": {
                "clientId": f"${{{client}_ID}}",
                "clientSecret": f"${{{client}_SECRET}}",
                **values,
                "signIn": {"resolvers": [{"resolver": PROVIDERS[id_].resolvers[0]}]},
            }
        }
    }


def test_variables_may_all_be_secret() -> None:
    secret = {"AUTH_GOOGLE_CLIENT_ID": CANARY, "AUTH_GOOGLE_CLIENT_SECRET": CANARY}
    assert providers({"signIn": ["google"], "secretEnv": secret})


@pytest.mark.parametrize(
    ("load_balancer", "issuer"),
    [
        (WITH_OIDC, "https://idp.example.com/"),
        (WITH_COGNITO, "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_AbCdEf123"),
    ],
)
def test_alb_trusts_its_issuer(load_balancer: dict[str, object], issuer: str) -> None:
    url = "https://idp.example.com/logout"
    assert providers({**load_balancer, "signIn": ["alb"], "signOutUrl": url}) == {
        "awsalb": {
            "issuer": issuer,
            "region": "us-east-1",
            "signOutUrl": url,
            "signIn": {"resolvers": [{"resolver": BY_EMAIL}]},
        }
    }


def test_alb_beside_another_is_said_before_what_the_other_lacks() -> None:
    said = refused({"signIn": ["github", "alb"]})
    assert said.startswith("Stack 'test' has 1 configuration problem:\n"), said
    assert "allowed: alb alone" in said


def test_guests_sign_in_on_local() -> None:
    settings, recording = loaded({**LOCAL, "signIn": ["guest"]})
    guest = {"dangerouslyAllowOutsideDevelopment": True}
    assert settings.backstage.value("auth", "providers", "guest") == guest
    assert recording.warnings == []


def test_the_page_follows_the_order_of_the_key() -> None:
    both: dict[str, object] = {
        "signIn": ["oidc", "github"],
        "env": {**oidc()["env"], **GITHUB["env"]},  # type: ignore[dict-item]
        "secretEnv": {**oidc()["secretEnv"], **GITHUB["secretEnv"]},  # type: ignore[dict-item]
    }
    assert generated(both)["app"] == {"signIn": {"providers": ["oidc", "github"]}}


def resolvers(changes: dict[str, object]) -> Any:
    return providers({**GOOGLE, **changes})["google"]["production"]["signIn"]["resolvers"]


def test_resolvers() -> None:
    domains = {"resolver": BY_LOCAL_PART, "allowedDomains": ["example.com"]}
    unknown = {**domains, "dangerouslyAllowSignInWithoutUserInCatalog": True}
    by_local_part = {"signInResolvers": {"google": BY_LOCAL_PART}}
    assert resolvers({}) == [{"resolver": BY_EMAIL}]
    assert resolvers({**by_local_part, "signInAllowedDomains": ["example.com"]}) == [domains]
    assert resolvers(UNKNOWN) == [{"resolver": BY_EMAIL}, unknown]
    assert resolvers({**by_local_part, **UNKNOWN}) == [unknown]


def test_callback_urls() -> None:
    url = "https://portal.example.com"
    assert callback_urls(["github", "alb", "guest"], url) == {
        "github": f"{url}/api/auth/github/handler/frame",
        "alb": f"{url}/oauth2/idpresponse",
    }


def nobody(changes: dict[str, object]) -> bool:
    return any(each.startswith("Nobody will be able to sign in.") for each in warnings(changes))


def test_the_preview_says_when_nobody_can_sign_in(tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_text("auth: {providers: {saml: {production: {}}}}\n", encoding="utf-8")
    saml = "APP_CONFIG_auth_providers_saml"
    assert nobody({})
    assert not nobody(GITHUB)
    assert not nobody({"appConfigPaths": [str(own)]})
    assert not nobody({"env": {saml: "{}"}})
    assert not nobody({"secretEnv": {f"{saml}_production_secret": CANARY}})
    assert not nobody({**LOCAL, "env": {"APP_CONFIG_auth_providers_guest": "{}"}})
    [warning] = [each for each in warnings(WITH_OIDC) if each.startswith("Nobody")]
    assert warning.endswith("pulumi config set --stack test --path 'signIn[0]' alb")


def test_variables_that_an_own_file_reads_need_no_key(tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_text(
        "auth: {providers: {github: {production: {clientId: '${AUTH_GITHUB_CLIENT_ID}'}}}}\n",
        encoding="utf-8",
    )
    loaded({**GITHUB, "signIn": None, "appConfigPaths": [str(own)]})


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({**GITHUB, "signInResolvers": {"github": BY_EMAIL}}, "public profile only"),
        (
            {**GOOGLE, **UNKNOWN, "signInAllowedDomains": ["a.com", "b.com"]},
            "ann@a.com and ann@b.com are the same user, ann",
        ),
        (
            {**GITHUB, "secretEnv": {**GITHUB["secretEnv"], "AUTH_OKTA_CLIENT_SECRET": "x"}},  # type: ignore[dict-item]
            "AUTH_OKTA_CLIENT_SECRET: nothing reads them, as signIn has no okta",
        ),
    ],
)
def test_what_is_probably_not_intended(changes: dict[str, object], said: str) -> None:
    assert [each for each in warnings(changes) if said in each]


@pytest.mark.parametrize(
    "changes",
    [
        {**oidc(METADATA.replace(".com/", ".com:8443/")), "egressPorts": [8443]},
        {**oidc(METADATA.replace(".com/", ".com:8443/")), "networkPolicy": False},
        oidc(METADATA.replace(".com/", ".com:443/")),
        oidc("https://id.example.com/realms/main/.well-known/openid-configuration"),
        microsoft("0a1b2c3d-0000-4000-8000-000000000000"),
        {**GOOGLE, "signInResolvers": {}},
    ],
)
def test_what_is_accepted(changes: dict[str, object]) -> None:
    loaded(changes)


def test_every_provider_is_documented() -> None:
    page = (ROOT / "docs" / "sign-in.md").read_text(encoding="utf-8")
    for name, each in PROVIDERS.items():
        assert f"`{name}`" in page
        for variable in each.variables:
            assert variable.name in page, variable.name
        for resolver in each.resolvers:
            assert f"`{resolver}`" in page, resolver


@pytest.mark.portal
@pytest.mark.parametrize("name", ["guest", "google"])
def test_backstage_reads_the_generated_layer_above_the_shipped_one(
    name: str, tmp_path: Path
) -> None:
    """A scaffolded app's own file allows guests, which the shipped file removes."""
    settings, _ = loaded({**LOCAL, "signIn": ["guest"]} if name == "guest" else GOOGLE)
    layers = ["auth: {providers: {guest: {}}}\n", "auth: {providers: {guest: null}}\n"]
    text = settings.app_configs["app-config.stack.yaml"].text
    env = {"AUTH_GOOGLE_CLIENT_ID": "an id", "AUTH_GOOGLE_CLIENT_SECRET": "a: secret #"}
    [found] = backstage(tmp_path, [*layers, text], env)
    client = {"clientId": "an id", "clientSecret": "a: secret #"}
    resolvers = {"signIn": {"resolvers": [{"resolver": BY_EMAIL}]}}
    expected = {
        "guest": {"guest": {"dangerouslyAllowOutsideDevelopment": True}},
        "google": {"google": {"production": {**client, **resolvers}}},
    }
    assert found["config"] == {
        "auth": {"providers": expected[name]},
        "app": {"signIn": {"providers": [name]}},
    }


@pytest.mark.portal
def test_resolvers_are_those_that_the_modules_register() -> None:
    """github registers its own pair under the names that it exports."""
    if not MODULES.is_dir() or shutil.which("node") is None:
        pytest.skip("portal/ isn't installed: run `make portal-check`")
    script = """
    const { createRequire } = require('node:module');
    const load = createRequire(require('node:path').resolve('portal/package.json'));
    const common = Object.keys(load('@backstage/plugin-auth-node').commonSignInResolvers);
    const found = {};
    for (const id of JSON.parse(process.argv[1])) {
      const name = id === 'awsalb' ? 'aws-alb' : id;
      const exported = load(`@backstage/plugin-auth-backend-module-${name}-provider`);
      const own = Object.entries(exported).find(([key]) => key.endsWith('SignInResolvers'));
      found[id] = [...new Set([...Object.keys(own[1]), ...(id === 'oidc' ? [] : common)])];
    }
    console.log(JSON.stringify(found));
    """
    table = {each.id: sorted(each.resolvers) for each in PROVIDERS.values() if each.resolvers}
    done = subprocess.run(
        ["node", "-e", script, json.dumps(list(table))],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert {id_: sorted(names) for id_, names in json.loads(done.stdout).items()} == table

"""What the preview warns of in a Backstage app of one's own: each gap once, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.settings.stack import EXISTING, warnings

INDEX = "packages/backend/src/index.ts"
IMPORT = "import { start } from '@internal/backend-start';\n"
DEFAULTS = "import { createBackend } from '@backstage/backend-defaults';\n"
START = "start(backend);"
PAGE = "@internal/plugin-sign-in-page"
CONFIG = re.compile("packages: all.*")
PROVIDERS = "backend.add(import('@internal/sign-in-providers'));"
GITHUB = "backend.add(import('@backstage/plugin-auth-backend-module-github-provider'));"
GUEST = GITHUB.replace("github", "guest")
POLICY = "backend.add(import('@internal/permission-policy'));"
ALLOW_ALL = """backend.add(
  import('@backstage/plugin-permission-backend-module-allow-all-policy'),
);"""
AUDIT = "backend.add(import('@internal/audit'));"
FRONTEND_API = 'resolution: "@backstage/frontend-plugin-api@npm:1.0'
# An older copy of what runs plugins.
SECOND_RUNTIME = """
"@backstage/{side}-defaults@npm:^0.1.0":
  version: 0.1.0
  resolution: "@backstage/{side}-defaults@npm:0.1.0"
  dependencies:
    "@backstage/config": "npm:^1.3.8"
    "@backstage/{side}-plugin-api": "npm:^0.1.2"
"""


def gaps(app: Path) -> list[str]:
    """What is warned of, without the folder and the steps' page."""
    head, tail = f"{app}/", ". Steps: docs/portal.md, Your own app."
    found = [each for each in warnings({"appPath": str(app)}) if each.endswith(tail)]
    assert all(each.startswith(head) for each in found)
    return [each.removeprefix(head).removesuffix(tail) for each in found]


def change(app: Path, file: str, old: str | re.Pattern[str], new: str) -> None:
    text = (app / file).read_text(encoding="utf-8")
    pattern = re.compile(re.escape(old)) if isinstance(old, str) else old
    after, count = pattern.subn(lambda _: new, text, count=1)
    assert count, old
    (app / file).write_text(after, encoding="utf-8")


def test_the_portal_has_no_gap() -> None:
    assert not [each for each in warnings({"appPath": "portal"}) if "Your own app" in each]


@pytest.mark.parametrize(
    ("file", "old", "new", "gap"),
    [
        ("packages/app/package.json", PAGE, "@internal/x", f"packages/app has no {PAGE}: "),
        ("app-config.yaml", CONFIG, "", f"app-config.yaml doesn't discover {PAGE}: the page"),
        ("app-config.yaml", CONFIG, "# packages: all", f"app-config.yaml doesn't discover {PAGE}"),
        ("app-config.yaml", CONFIG, f"packages: {{exclude: ['{PAGE}']}}", "doesn't discover"),
        ("app-config.yaml", CONFIG, "packages: {include: ['@x/plugin-y']}", "doesn't discover"),
        ("app-config.yaml", CONFIG, "packages: {include: []}", "doesn't discover"),
        (INDEX, PROVIDERS, GUEST, "adds no sign-in provider: nobody signs in. Add @internal/sign-"),
        (INDEX, PROVIDERS, f"// {PROVIDERS}", "adds no sign-in provider"),
        (INDEX, PROVIDERS, f"/*\n{PROVIDERS}\n*/", "adds no sign-in provider"),
        ("packages/backend/package.json", "@internal/backend-start", "@x/y", "may serve no metr"),
        (INDEX, IMPORT, "", "packages/backend doesn't use @internal/backend-start: it may"),
        (INDEX, IMPORT, f"// {IMPORT}", "packages/backend doesn't use @internal/backend-start"),
        (INDEX, IMPORT + DEFAULTS, DEFAULTS + IMPORT, "doesn't import @internal/backend-start fir"),
        (INDEX, START, "backend.start().catch(fail);", "doesn't call start(backend) of @internal"),
        (INDEX, START, f"// {START}", "it answers 404 until it has started"),
        (INDEX, POLICY, "", "doesn't add @internal/permission-policy: nothing enforces perm"),
        (INDEX, POLICY, ALLOW_ALL, "module-allow-all-policy: every user may do everything"),
        (INDEX, POLICY, f"{POLICY}{ALLOW_ALL}", "every user may do everything"),
        (INDEX, AUDIT, f"// {AUDIT}", "doesn't add @internal/audit: sign-ins and refused"),
        ("packages/backend/package.json", "@internal/audit", "@x/y", "doesn't add @internal/audit"),
        ("yarn.lock", FRONTEND_API, FRONTEND_API.replace("1.0", "0.18"), "pages may fail in the"),
        (
            "yarn.lock",
            FRONTEND_API,
            FRONTEND_API.replace("1.0", "1.1"),
            "1.1 beside @backstage/fro",
        ),
        (
            "yarn.lock",
            FRONTEND_API,
            f'{FRONTEND_API}.9"\n  {FRONTEND_API}',
            "frontend-plugin-api 1.0 and 1.0 beside @backstage/frontend-defaults",
        ),
        ("yarn.lock", "\n\n", SECOND_RUNTIME.format(side="frontend"), "0.1.0, made for 0.1.2"),
        ("yarn.lock", "\n\n", SECOND_RUNTIME.format(side="backend"), "0.1.0, made for 0.1.2"),
    ],
)
def test_a_gap_is_warned_of(
    app: Path, file: str, old: str | re.Pattern[str], new: str, gap: str
) -> None:
    change(app, file, old, new)
    [found] = gaps(app)
    assert gap in found


def test_a_plugin_api_that_is_newer_than_the_backend(app: Path) -> None:
    lock = (app / "yarn.lock").read_text(encoding="utf-8")
    version = re.search(r'"@backstage/backend-plugin-api@npm:1\.(\d+)\.', lock)
    assert version
    newer = f"1.{int(version[1]) + 1}"
    change(app, "yarn.lock", version[0], f'"@backstage/backend-plugin-api@npm:{newer}.')
    [mixed] = gaps(app)
    assert f"backend-plugin-api {newer} beside @backstage/backend-defaults " in mixed
    assert f", made for 1.{version[1]}.0. Run yarn up '@backstage/*'" in mixed


def test_a_start_that_nobody_catches_hangs(app: Path) -> None:
    change(app, INDEX, START, "backend.start();")
    change(app, INDEX, IMPORT, "")
    used, hangs = gaps(app)
    assert "doesn't use @internal/backend-start" in used
    assert hangs == f"{INDEX} calls start() without a catch: a pod whose start fails hangs"
    change(app, INDEX, "backend.start();", "backend.start(); // .catch(fail)")
    assert gaps(app) == [used, hangs]
    change(app, INDEX, "backend.start();", "try { await backend.start(); } catch { fail(); }")
    assert gaps(app) == [used]


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("app-config.yaml", CONFIG, f"packages: {{include: ['{PAGE}']}}"),
        ("app-config.yaml", CONFIG, "packages: {exclude: ['@x/plugin-y']}"),
        ("app-config.yaml", CONFIG, "packages: {include: null, exclude: 1}"),
        (INDEX, IMPORT, f"// import first\nimport type {{ X }} from './x';\n{IMPORT}"),
        (INDEX, IMPORT, f"/* import './x'; */\n{IMPORT}"),
        (INDEX, POLICY, "backend.add(import('@backstage-community/plugin-rbac-backend'));"),
        (INDEX, START, f"const url = 'https://x'; {START} // backend.start();"),
        (INDEX, PROVIDERS, GITHUB),
        (INDEX, DEFAULTS, DEFAULTS.replace("import {", "import {\n ").replace("' }", "'\n}")),
    ],
)
def test_what_is_no_gap(app: Path, file: str, old: str | re.Pattern[str], new: str) -> None:
    change(app, file, old, new)
    assert gaps(app) == []


def test_a_sign_in_page_that_the_app_imports_needs_no_discovery(app: Path) -> None:
    change(app, "app-config.yaml", CONFIG, "")
    source = app / "packages/app/src/App.tsx"
    source.parent.mkdir()
    source.write_text(f"import signInPage from '{PAGE}';\n", encoding="utf-8")
    assert gaps(app) == []


def database_warnings(app: Path, **changes: object) -> list[str]:
    return [each for each in warnings({"appPath": str(app), **changes}) if "database" in each]


def test_tokens_need_a_backend_that_knows_when_they_expire(app: Path) -> None:
    lock = (app / "yarn.lock").read_text(encoding="utf-8")
    [version] = re.findall(r'resolution: "@backstage/backend-defaults@npm:(.+)"', lock)
    assert database_warnings(app, databaseAuthentication="iam") == []
    older = 'resolution: "@backstage/backend-defaults@npm:0.18.0"'
    change(app, "yarn.lock", older.replace("0.18.0", version), older)
    [found] = database_warnings(app, databaseAuthentication="iam")
    assert "backend-defaults 0.18.0: logins with tokens fail" in found
    assert "needs 0.18.1" in found
    assert database_warnings(app) == []


@pytest.mark.parametrize("changes", [{"databaseMasterPassword": "managed"}, EXISTING])
def test_a_stored_login_needs_a_client_of_secrets_manager(
    app: Path, changes: dict[str, object]
) -> None:
    client = "@aws-sdk/client-secrets-manager"
    assert not [each for each in warnings({"appPath": str(app), **changes}) if client in each]
    change(app, "packages/backend/package.json", client, "@aws-sdk/client-s3")
    [found] = [each for each in warnings({"appPath": str(app), **changes}) if client in each]
    assert f"Run yarn workspace backend add {client}" in found
    assert not [each for each in warnings({"appPath": str(app)}) if client in each]

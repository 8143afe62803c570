"""What a Backstage app of one's own lacks beside portal/. docs/portal.md has the steps."""

from __future__ import annotations

import re
from collections.abc import Iterator

from settings.backstage_app import BACKEND, BackstageApp

# The packages under portal/plugins/, which such an app copies.
SIGN_IN_PAGE = "@internal/plugin-sign-in-page"
START = "@internal/backend-start"
POLICY = "@internal/permission-policy"
INTEGRATIONS = "@internal/integrations"
AUDIT = "@internal/audit"
SECRETS_MANAGER = "@aws-sdk/client-secrets-manager"
# From this version of @backstage/backend-defaults on, a token isn't used after the credentials that
# signed it have expired. Source: its changelog, 0.18.1.
TOKENS_SINCE = (0, 18, 1)
INDEX = f"{BACKEND}/src/index.ts"

# A string, which stays, or a comment.
_COMMENT = re.compile(
    r"""('(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`)|//[^\n]*|/\*.*?\*/""", re.DOTALL
)
_IMPORT = re.compile(r"""^\s*import\s+(?!type\b)[^'"]*['"]([^'"]+)['"]""", re.MULTILINE)
_STARTS = re.compile(r"(?<![.\w])start\(")
_STARTS_UNCAUGHT = re.compile(r"\.start\(\)(?!.*\bcatch\b)", re.DOTALL)
PROVIDERS = "@internal/sign-in-providers"
_AUDITS = re.compile(rf"""import\(\s*['"]{AUDIT}['"]""")
# Imported: a scaffolded backend depends on a provider that it doesn't add.
_PROVIDER = re.compile(
    rf"""import\(\s*['"]({PROVIDERS}|@[^/'"]+/(backstage-)?plugin-auth-backend-module-(?!guest-)"""
    r"""[^'"]+-provider)['"]"""
)

# Or the plugin whose files it reads.
_POLICY = re.compile(rf"""import\(\s*['"]({POLICY}|@backstage-community/plugin-rbac-backend)['"]""")
_ALLOW_ALL = "@backstage/plugin-permission-backend-module-allow-all-policy"


def gaps(app: BackstageApp) -> Iterator[str]:
    """What the running portal will lack, each with its effect."""
    yield from _sign_in(app)
    yield from _start(app)
    if _ALLOW_ALL in _code(app, INDEX):
        yield f"{BACKEND} adds {_ALLOW_ALL}: every user may do everything"
    elif not _POLICY.search(_code(app, INDEX)):
        yield f"{BACKEND} doesn't add {POLICY}: nothing enforces permissionsPath"
    if AUDIT not in app.dependencies("backend") or not _AUDITS.search(_code(app, INDEX)):
        yield f"{BACKEND} doesn't add {AUDIT}: sign-ins and refused permissions aren't audited"
    lock = app.text("yarn.lock")
    yield from _mixed_releases(lock, "backend", "plugins may fail at the start")
    yield from _mixed_releases(lock, "frontend", "pages may fail in the browser")


def database_gaps(app: BackstageApp, tokens: bool, stored_login: bool) -> Iterator[str]:
    """What its image lacks for the database.

    tokens: the portal logs in with them. stored_login: the role's Job reads the administrator's
    from Secrets Manager.
    """
    found = re.findall(
        r'resolution: "@backstage/backend-defaults@npm:([\d.]+)', app.text("yarn.lock")
    )
    for version in found if tokens else ():
        if tuple(map(int, version.split("."))) < TOKENS_SINCE:
            least = ".".join(map(str, TOKENS_SINCE))
            yield (
                f"yarn.lock has @backstage/backend-defaults {version}: logins with tokens fail "
                f"once credentials expire. databaseAuthentication iam needs {least}"
            )
    if stored_login and SECRETS_MANAGER not in app.dependencies("backend"):
        yield (
            f"{BACKEND} doesn't depend on {SECRETS_MANAGER}: the role's Job can't read the "
            f"administrator's login. Run yarn workspace backend add {SECRETS_MANAGER}"
        )


def loads(app: BackstageApp, *packages: str) -> bool:
    """Whether the backend loads one of several plugins or modules."""
    names = "|".join(map(re.escape, packages))
    return bool(re.search(rf"""import\(\s*['"](?:{names})['"]""", _code(app, INDEX)))


def _sign_in(app: BackstageApp) -> Iterator[str]:
    if SIGN_IN_PAGE not in app.dependencies("app"):
        yield f"packages/app has no {SIGN_IN_PAGE}: its page may offer no configured provider"
    elif SIGN_IN_PAGE not in _imports(app, "packages/app/src/App.tsx") and not _discovered(app):
        yield (
            f"app-config.yaml doesn't discover {SIGN_IN_PAGE}: the page offers guests only. "
            "Set app.packages to all"
        )
    if not _PROVIDER.search(_code(app, INDEX)):
        yield f"{BACKEND} adds no sign-in provider: nobody signs in. Add {PROVIDERS}"


def _discovered(app: BackstageApp) -> bool:
    """Whether `app.packages` has the sign-in page, as @backstage/frontend-defaults reads it."""
    config = app.app_config.value("app")
    packages = config.get("packages") if isinstance(config, dict) else None
    if not isinstance(packages, dict):
        return packages == "all"
    include, exclude = packages.get("include"), packages.get("exclude")
    if isinstance(exclude, list) and SIGN_IN_PAGE in exclude:
        return False
    return not isinstance(include, list) or SIGN_IN_PAGE in include


def _start(app: BackstageApp) -> Iterator[str]:
    code, imports = _code(app, INDEX), _imports(app, INDEX)
    if START not in app.dependencies("backend") or START not in imports:
        yield f"{BACKEND} doesn't use {START}: it may serve no metrics (then set metrics to false)"
    elif imports[0] != START:
        yield f"{INDEX} doesn't import {START} first: Backstage's own metrics stay empty"
    elif not _STARTS.search(code):
        yield f"{INDEX} doesn't call start(backend) of {START}: it answers 404 until it has started"
    if _STARTS_UNCAUGHT.search(code):
        yield f"{INDEX} calls start() without a catch: a pod whose start fails hangs"


def _mixed_releases(lock: str, side: str, effect: str) -> Iterator[str]:
    """A plugin API that what runs the plugins wasn't released with.

    The backend runs plugins of an older API of the same major version, the frontend doesn't.
    """
    api, runtime = f"@backstage/{side}-plugin-api", f"@backstage/{side}-defaults"
    found = sorted(map(_numbers, re.findall(rf'resolution: "{api}@npm:(.+)"', lock)))
    runs = re.findall(
        rf'resolution: "{runtime}@npm:(.+)"\n(?:    .*\n|  \w+:\n)*?    "{api}": "npm:\^?(.+)"',
        lock,
    )
    plugins = found if side == "frontend" else found[-1:]
    if runs and (len(runs) > 1 or plugins != [_numbers(implements) for _, implements in runs]):
        versions = " and ".join(".".join(map(str, each)) for each in plugins)
        beside = " and ".join(f"{version}, made for {made_for}" for version, made_for in runs)
        yield (
            f"yarn.lock mixes releases, and {effect}: {api} {versions} beside {runtime} {beside}. "
            "Run yarn up '@backstage/*'"
        )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", version)[:2]))


def _imports(app: BackstageApp, path: str) -> list[str]:
    """The modules that a file imports, in order; not those of types only."""
    return _IMPORT.findall(_code(app, path))


def _code(app: BackstageApp, path: str) -> str:
    """A source file without its comments."""
    return _COMMENT.sub(lambda match: match[1] or "", app.text(path))
